// messages.h - what is said about threads that do not meet. All of it is called where something went wrong.
#pragma once
#include "worker.h"

namespace cudasim {
void stuck(Worker &w); // nobody can run: sets the message
[[noreturn]] void exception_left(Worker &w); // a kernel threw: gives up the block
// Findings of the checker; nothing in a plain run.
void diverged(Worker &w, const void *from);                     // not all threads wait at the same barrier
void exited_before(Worker &w);                                  // some have returned
void bad_mask(Worker &w, unsigned mask, const void *from);      // a lane that is not in its own mask
void shuffle_from_nobody(Worker &w, int warp, int lane, int source, const void *from);
} // namespace cudasim
