// transfer.cu - the way from and to the host.
//
// The card fetches from the host's memory by itself, but only from pages that are pinned, which the system does not move. An
// array is not: the driver copies it to pinned memory of its own, and waits. We do the same in two halves of a buffer: while
// the card works on one, the processor fills or empties the other. What goes to the card need not be waited for at its end.
#include <cstring>
#include <mutex>
#include "launch.cuh"
#include "needle_cuda.h"

namespace {
enum : int64_t { HALF = 1 << 20 };
std::mutex lock;
char *halves[2] = {nullptr, nullptr};
cudaEvent_t done[2]; // the card has finished with that half

cudaError_t prepare() {
  if (halves[1]) return cudaSuccess;
  for (int k = 0; k < 2; k++) {
    cudaError_t error = cudaMallocHost(&halves[k], HALF);
    if (!error) error = cudaEventCreateWithFlags(&done[k], cudaEventDisableTiming);
    if (!error) error = cudaEventRecord(done[k], 0);
    if (error) return halves[1] = nullptr, error;
  }
  return cudaSuccess;
}
int64_t piece(int64_t nbytes, int64_t at) { return nbytes - at < HALF ? nbytes - at : int64_t(HALF); }
} // namespace

ND_API int ndc_from_host(void *to, const void *from, int64_t nbytes) {
  const std::lock_guard<std::mutex> hold(lock);
  cudaError_t error = prepare();
  int k = 0;
  for (int64_t at = 0; at < nbytes && !error; at += HALF, k = 1 - k) {
    error = cudaEventSynchronize(done[k]);
    if (error) break;
    memcpy(halves[k], static_cast<const char *>(from) + at, size_t(piece(nbytes, at)));
    error = cudaMemcpyAsync(static_cast<char *>(to) + at, halves[k], size_t(piece(nbytes, at)), cudaMemcpyHostToDevice, 0);
    if (!error) error = cudaEventRecord(done[k], 0);
  }
  return -int(error);
}

// The first piece is under way before the loop; in it, the next one starts before this one is emptied.
ND_API int ndc_to_host(void *to, const void *from, int64_t nbytes) {
  const int met = ndc_synchronize();
  if (met) return met;
  const std::lock_guard<std::mutex> hold(lock);
  cudaError_t error = prepare();
  const auto fetch = [&](int64_t at, int k) {
    if (at >= nbytes || error) return;
    error = cudaMemcpyAsync(halves[k], static_cast<const char *>(from) + at, size_t(piece(nbytes, at)), cudaMemcpyDeviceToHost, 0);
    if (!error) error = cudaEventRecord(done[k], 0);
  };
  fetch(0, 0);
  int k = 0;
  for (int64_t at = 0; at < nbytes && !error; at += HALF, k = 1 - k) {
    fetch(at + HALF, 1 - k);
    if (!error) error = cudaEventSynchronize(done[k]);
    if (!error) memcpy(static_cast<char *>(to) + at, halves[k], size_t(piece(nbytes, at)));
  }
  return -int(error);
}
