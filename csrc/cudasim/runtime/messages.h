// messages.h - what is said about threads that do not meet. All of it is called where something went wrong.
#pragma once
#include "worker.h"

namespace cudasim {
void stuck(Worker &w); // nobody can run: sets the message
inline void diverged(Worker &, const void *) {}
inline void exited_before(Worker &) {}
inline void barrier_opened(Worker &) {}
inline void warp_met(Worker &, int, unsigned) {}
inline void bad_mask(Worker &, unsigned, const void *) {}
inline void shuffle_from_nobody(Worker &, int, int, int, const void *) {}
} // namespace cudasim
