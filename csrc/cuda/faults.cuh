// faults.cuh - an index that is out of range, found by a thread: how the host hears of it.
//
// A thread cannot return an error. It writes down at which point it stood, in a Fault that lies in the device's memory; of
// all threads that do so the first point is kept, so that the message is the same at every run. A second kernel of one
// thread then looks up which index that was, since the array may be gone when the host asks.
#pragma once
#include "launch.cuh"

namespace nd {
struct Fault {
  unsigned long long point; // the first point with an index that is out of range; NOWHERE: there is none
  long long index, known;   // that index, and whether it has been looked up
};
enum : unsigned long long { NOWHERE = ~0ull };

// The device's Fault, ready for the kernel of this name; NULL if there is no memory for it.
Fault *fault_for(const char *kernel);
// To be returned by a function that called kernels with a Fault: what `launched` returns, or ND_EINDEX.
int launched_with_faults();

// Called by the thread that stands at `point`.
__device__ inline void fault(Fault *place, int64_t point) { atomicMin(&place->point, static_cast<unsigned long long>(point)); }

// index_at(point) is the index there.
template <class Find> __global__ void find_index(Fault *place, Find index_at) {
  if (place->point == NOWHERE || place->known) return;
  place->index = index_at(int64_t(place->point));
  place->known = 1;
}
} // namespace nd
