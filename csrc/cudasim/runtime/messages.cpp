// messages.cpp - who waits for whom, in a sentence.
#include "messages.h"
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
}
} // namespace cudasim
