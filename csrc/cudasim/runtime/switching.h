// switching.h - from one CUDA thread to another. All of it is part of its callers: a processor predicts returns from the
// calls it has seen, and each function that is left on another stack than it was called on is a return it predicts wrongly.
#pragma once
#include "worker.h"

namespace cudasim {
#define CUDASIM_PART_OF_CALLER inline __attribute__((always_inline))
// Leave this stack, noting where in `here`, for that of thread n.
CUDASIM_PART_OF_CALLER void Worker::resume(int n, Stopped &here) {
  if (!fiber[n]) begin_on_new_stack(n);
  Fiber *const from = now;
  current = n;
  cudasim_here.thread = &index[n];
  now = fiber[n];
  switch_fiber(from, here, stopped[n]);
}

// What next() finds, where lanes go by index and this warp has one that can run: most switches are of this kind. While that
// one is entered, the stack of the next is on its way into the cache.
CUDASIM_PART_OF_CALLER int Worker::next_lane() {
  const unsigned left = ready[warp];
  if (kind != CUDASIM_FORWARD || !left) return -1;
  const int n = warp * LANES + (lane = __builtin_ctz(left));
  const char *const coming = static_cast<char *>(stopped[n + 1].stack);
  __builtin_prefetch(coming);
  __builtin_prefetch(coming + 64);
  return n;
}

// The same as wait(), which is called only where another warp has to be looked for.
CUDASIM_PART_OF_CALLER void Worker::let_others_run() {
  const int n = next_lane();
  if (n < 0) return wait();
  fiber[current] = now;
  resume(n, stopped[current]);
}
} // namespace cudasim
