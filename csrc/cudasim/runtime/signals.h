// signals.h - the watchdog, and faults in kernels: what ends a thread on a GPU must not end the notebook here.
#pragma once
#include "worker.h"

namespace cudasim {
void start_watch(const Launch &launch, double seconds); // seconds 0: no limit
void watch_this_thread();                                // a worker joins: its own timer, its own stack for signals
void unwatch_this_thread();
void stop_watch();
} // namespace cudasim
