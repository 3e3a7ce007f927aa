// messages.cpp - who waits for whom, in a sentence.
#include "messages.h"
#include "../check/check.h"
#include "../check/findings.h"
#include "state.h"

namespace cudasim {
void stuck(Worker &w) {
  int here = -1, there = -1;
  for (int t = 0; t < w.launch->threads; t++) {
    const unsigned bit = 1u << t % LANES;
    if (w.waiting[t / LANES] & bit) here = here < 0 ? t : here;
    else if (w.alive[t / LANES] & bit) there = there < 0 ? t : there;
  }
  std::string text = format("kernel %s, block (%u, %u, %u): deadlock. ", w.launch->site->kernel, cudasim_here.block.x,
                            cudasim_here.block.y, cudasim_here.block.z);
  if (here >= 0)
    text += format("Thread %d waits for the lanes 0x%08x of its warp, which do not all come", here, w.together[here].mask);
  if (there >= 0) text += format("; thread %d waits at __syncthreads()", there);
  set_message(text);
  if (checking() && !w.dropped && here >= 0) found("deadlock", w.together[here].from, here, text.substr(text.find("Thread")));
}

void exception_left(Worker &w) {
  set_message(format("kernel %s, block (%u, %u, %u), thread (%u, %u, %u): it threw a C++ exception, which kernels do not have",
                     w.launch->site->kernel, cudasim_here.block.x, cudasim_here.block.y, cudasim_here.block.z,
                     cudasim_here.thread->x, cudasim_here.thread->y, cudasim_here.thread->z));
  w.give_up(LAUNCH_FAILURE);
}

void diverged(Worker &w, const void *from) {
  if (checking())
    found("barrier-divergence", from, w.current, "threads of a block wait at different barriers; all must come to the same one",
          w.barrier, w.barrier_thread);
}

void exited_before(Worker &w) {
  if (!checking() || w.dropped) return;
  int gone = 0;
  while (gone < w.launch->threads && w.alive[gone / LANES] >> gone % LANES & 1) gone++;
  found("barrier-exited", w.barrier, w.barrier_thread,
        format("%d of %d threads, thread %d first, have returned without coming to this barrier",
               w.launch->threads - w.living, w.launch->threads, gone));
}

void bad_mask(Worker &w, unsigned mask, const void *from) {
  if (checking()) found("bad-mask", from, w.current, format("lane %d is not in the mask 0x%08x that it gives", w.current % LANES, mask));
}

void shuffle_from_nobody(Worker &w, int warp, int lane, int source, const void *from) {
  if (checking() && !w.dropped)
    found("bad-mask", from, warp * LANES + lane, format("lane %d reads from lane %d, which takes no part: the value is undefined", lane, source));
}
} // namespace cudasim
