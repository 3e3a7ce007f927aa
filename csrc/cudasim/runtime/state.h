// state.h - what there is once in a process: the arena, the last error, what kernels printed, the settings.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <mutex>
#include <string>
#include "../include/cudasim.h"

struct cudasim_launch_site;

namespace cudasim {
// The numbers of cudaError_t that the runtime itself gives.
enum : int {
  SUCCESS = 0, INVALID_VALUE = 1, NO_MEMORY = 2, INVALID_CONFIGURATION = 9, INVALID_DIRECTION = 21,
  ILLEGAL_ADDRESS = 700, TIMEOUT = 702, ASSERTION = 710, MISALIGNED = 716, LAUNCH_FAILURE = 719, UNKNOWN = 999
};

// Held by whoever launches or changes memory: several threads of the host may call, one kernel runs at a time.
extern std::recursive_mutex device_mutex;

void print_text(const char *text, size_t bytes); // for cudasim_take_output
void set_message(const std::string &text);
int fail(int error, const std::string &message); // the last error, which is sticky from 700 on; returns it
int sticky_error();
void forget_allowed_shared();
double seconds_now();
std::string format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

// ---- device memory --------------------------------------------------------------------------------------------
struct Allocation {
  char *start;
  size_t bytes;
  int number;    // the how-manieth of this process
  bool live;     // false: freed
  int64_t since; // how many plain launches there had been: see the checker
  bool managed;  // cudaMallocManaged: the host may access it, when no kernel runs
};
extern char *arena;
extern size_t arena_bytes;
inline bool in_arena(const void *p) { return size_t(static_cast<const char *>(p) - arena) < arena_bytes; }
// The allocation that `address` lies in, or the nearest one (live or lately freed) before or behind it; null if none.
const Allocation *nearest_allocation(const void *address);
const Allocation *managed_allocation(const void *address); // the live one of managed memory that it lies in, or null
extern const cudasim_launch_site *not_waited_for; // the latest launch, unless the host has waited since
std::string describe_address(const void *address, size_t bytes); // "0 bytes past the end of allocation #5 of 1000 bytes"
} // namespace cudasim
