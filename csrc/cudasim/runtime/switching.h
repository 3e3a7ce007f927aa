// switching.h - from one CUDA thread to another. All of it is part of its callers: a processor predicts returns from the
// calls it has seen, and each function that is left on another stack than it was called on is a return it predicts wrongly.
#pragma once
#include "worker.h"

namespace cudasim {
#define CUDASIM_PART_OF_CALLER inline __attribute__((always_inline))
CUDASIM_PART_OF_CALLER void Worker::resume(int n) {
  Fiber *to = fiber[n], *from = now;
  if (!to && !(to = pool.take())) give_up(2);
  current = n;
  cudasim_here.thread = &index[n];
  now = to;
  switch_fiber(from, to);
}

// What next() finds, where lanes go by index and this warp has one that can run: most switches are of this kind. While that
// one is entered, the stack of the next is on its way into the cache, and of the one after that where its stack is.
CUDASIM_PART_OF_CALLER int Worker::next_lane() {
  const unsigned left = ready[warp];
  if (kind != CUDASIM_FORWARD || !left) return -1;
  const int n = warp * LANES + (lane = __builtin_ctz(left));
  if (fiber[n + 1]) {
    __builtin_prefetch(fiber[n + 1]->stack_pointer);
    __builtin_prefetch(fiber[n + 2]);
  }
  return n;
}

// The same as wait(), which is called only where another warp has to be looked for.
CUDASIM_PART_OF_CALLER void Worker::let_others_run() {
  const int n = next_lane();
  if (n < 0) return wait();
  fiber[current] = now;
  resume(n);
}
} // namespace cudasim
