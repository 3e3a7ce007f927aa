// log.h - what each lane of a warp did, in order, until the warp is put together again from its lanes.
//
// On a GPU the 32 lanes of a warp carry out one instruction together. Here they run one after the other, and write down
// each access and each basic block they enter. When no lane of the warp can run any more, the logs are replayed as a warp
// would have done it: among the heads of the logs, the deepest call goes first, then the smallest address in the program,
// and all lanes that stand there go together. So a warp that divides comes together again where its branches meet.
#pragma once
#include <stdint.h>
#include "../runtime/state.h"
#include "../runtime/worker.h"

namespace cudasim {
enum Event : unsigned { LOAD, STORE, ATOMIC_UPDATE, BLOCK, MEETING }; // MEETING: a shuffle, a vote, __syncwarp

// The key of an entry sorts as the replay wants it: depth (8 bits, deepest first), address in the program (48), event and
// the logarithm of the size (8).
struct Entry {
  uint64_t key, address;
  Event event() const { return Event(key >> 3 & 7); }
  unsigned bytes() const { return 1u << (key & 7); }
  const void *place() const { return reinterpret_cast<const void *>(key >> 8 & 0xffffffffffffu); }
};

struct Lane {
  Entry *entries = nullptr;
  uint32_t count = 0, room = 0, at = 0; // written; allocated; replayed so far
};

struct Profiler {
  Worker *worker = nullptr; // that runs a kernel of the profile flavour
  Lane lanes[MAX_THREADS];
  uint8_t depth[MAX_THREADS];
  int64_t lost = 0;         // entries beyond the limit of a lane
  bool traced = false;      // the warp that is replayed is the first of the first block

  void add(uint64_t key, uint64_t address) {
    Lane &lane = lanes[worker->current];
    if (lane.count == lane.room && !grow(lane)) return;
    lane.entries[lane.count++] = {key, address};
  }
  uint64_t key(const void *place, Event event, unsigned size) const {
    return uint64_t(255 - depth[worker->current]) << 56 | (uint64_t(uintptr_t(place)) & 0xffffffffffffu) << 8 | event << 3 | size;
  }
  bool grow(Lane &lane);
};
extern Profiler profiler;
inline bool profiling() { return profiler.worker != nullptr; }

void profile_launch(Worker &w);
void profile_launched();
void profile_block(Worker &w);
void profile_warp(Worker &w, int warp); // no lane of it can run: replay what they did
void profile_met(int warp, unsigned lanes);
void profile_atomic(void *address, int bytes, const void *pc);

// counters.cpp
void count_memory(const Entry &entry, const uint64_t *addresses, unsigned lanes, bool shared);
void count_block(const Entry &entry, unsigned lanes, bool split);
} // namespace cudasim
