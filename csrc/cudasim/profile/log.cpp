// log.cpp - the calls that the compiler puts into kernels of the profile flavour, and the replay of a warp.
#include "log.h"
#include <stdlib.h>
#include <string.h>

namespace cudasim {
Profiler profiler;

namespace { enum : uint32_t { MOST = 1 << 18 }; } // entries of a lane between two meetings: 4 MiB

bool Profiler::grow(Lane &lane) {
  const uint32_t room = lane.room ? 2 * lane.room : 256;
  Entry *more = room <= MOST ? static_cast<Entry *>(realloc(lane.entries, room * sizeof(Entry))) : nullptr;
  if (!more) {
    lost++;
    return false;
  }
  lane.entries = more;
  lane.room = room;
  return true;
}

CUDASIM_API void cudasim_log_access(uintptr_t a, int event, int size, const void *pc) {
  if (!profiler.worker) return;
  profiler.add(profiler.key(pc, Event(event), unsigned(size)), a);
}
CUDASIM_API void cudasim_log_block(const void *pc) {
  if (!profiler.worker) return;
  profiler.add(profiler.key(pc, BLOCK, 0), 0);
}
CUDASIM_API void cudasim_log_call(int by) {
  if (profiler.worker) profiler.depth[profiler.worker->current] = uint8_t(profiler.depth[profiler.worker->current] + by);
}

void profile_atomic(void *address, int bytes, const void *pc) {
  profiler.add(profiler.key(pc, ATOMIC_UPDATE, bytes == 8 ? 3 : bytes == 2 ? 1 : 2), uint64_t(address));
}

void profile_met(int warp, unsigned lanes) {
  for (unsigned left = lanes; left; left &= left - 1) {
    Lane &lane = profiler.lanes[warp * LANES + __builtin_ctz(left)];
    if (lane.count == lane.room && !profiler.grow(lane)) continue;
    lane.entries[lane.count++] = {~uint64_t(0) << 6 | MEETING << 3, 0}; // the largest key: everybody comes here first
  }
}

void profile_block(Worker &w) {
  memset(profiler.depth, 0, unsigned(w.launch->threads));
  for (int t = 0; t < w.launch->threads; t++) profiler.lanes[t].count = profiler.lanes[t].at = 0;
}

void profile_warp(Worker &w, int warp) {
  Lane *lanes = profiler.lanes + warp * LANES;
  profiler.traced = w.block == 0 && warp == 0;
  const int n = w.launch->threads - warp * LANES < LANES ? w.launch->threads - warp * LANES : LANES;
  const uintptr_t shared = uintptr_t(w.shared);
  uint64_t heads[LANES], addresses[LANES];
  for (int l = 0; l < n; l++) heads[l] = lanes[l].at < lanes[l].count ? lanes[l].entries[lanes[l].at].key : ~uint64_t(0);
  for (;;) {
    uint64_t key = heads[0];
    for (int l = 1; l < n; l++) key = heads[l] < key ? heads[l] : key;
    if (key == ~uint64_t(0)) break;
    unsigned together = 0;
    int first = -1;
    uint64_t follower = 0;
    bool split = false;
    for (int l = 0; l < n; l++) {
      if (heads[l] != key) continue;
      Lane &lane = lanes[l];
      addresses[l] = lane.entries[lane.at++].address;
      heads[l] = lane.at < lane.count ? lane.entries[lane.at].key : ~uint64_t(0);
      if (first < 0) first = l, follower = heads[l];
      split |= heads[l] != follower;
      together |= 1u << l;
    }
    const Entry entry{key, addresses[first]};
    if (entry.event() == BLOCK) count_block(entry, together, split);
    else if (entry.event() != MEETING) count_memory(entry, addresses, together, addresses[first] - shared < 2 * SHARED_LIMIT);
  }
  for (int l = 0; l < n; l++) lanes[l].count = lanes[l].at = 0;
}
} // namespace cudasim
