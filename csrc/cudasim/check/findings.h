// findings.h - what the checker found, each once, with a count: for Python, which knows lines and writes sentences.
#pragma once
#include <string>
#include "shadow.h"

namespace cudasim {
// `thread` is the one that ran when it was found; -1: none, the host.
void found(const char *kind, const void *pc, int thread, const std::string &detail, const void *other_pc = nullptr,
           int other_thread = -1, int64_t other_block = -1);
void found_launch(const cudasim_launch_site &site, const std::string &detail); // one that is impossible
void checked_launch(const cudasim_launch_site &site);                         // this kernel is under the checker now
bool found_race_at(const void *pc); // whether a race involves this place
void settle_guesses();              // races.cpp
void settle_unwritten();            // reports reads of what nobody had written, but for those that a race explains
} // namespace cudasim
