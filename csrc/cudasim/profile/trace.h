// trace.h - the first requests of one warp, each with the address of every lane.
#pragma once
#include <stdint.h>
#include <string>
#include <vector>
#include "../runtime/worker.h"

namespace cudasim {
struct Entry;

struct Request {
  const void *place;
  int event;
  bool shared;
  unsigned bytes, lanes; // of one lane; those that made it, a bit each
  int memory;            // number of the allocation that the first of them touches
  int64_t at[LANES];     // bytes from where that, or the shared memory, begins
};

struct Trace {
  enum : int64_t { MOST = 400 };
  int64_t seen = 0; // also those that are not kept
  std::vector<Request> requests;

  void add(const Entry &entry, const uint64_t *addresses, unsigned lanes, bool is_shared, uintptr_t shared_begin);
  std::string as_json(void (*add_place)(std::string &, const void *)) const;
};
} // namespace cudasim
