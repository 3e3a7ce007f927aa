// access.cpp - every access of a kernel to memory comes through here, before it is made: the checker's inner loop.
#include "shadow.h"

namespace cudasim {
Checker checker;

namespace {
// Whether CUDA promises no order between the access in the slot and one by `thread` now. Wrong alarms are sorted out by
// suspect(), which is slow.
inline bool clashes(uint32_t slot, uint32_t floor, uint32_t thread) {
  const uint32_t block = checker.block;
  if (slot < floor || slot - block < checker.interval - block) return false; // earlier; or a barrier lies between
  return slot < block || (slot & THREAD) != thread;
}

// Of two readers one should be a thread of another block, or else both should be threads of this interval: of different warps
// if there are such, for then a writer to come, which can have met the lanes of its own warp only, clashes with at least one
// of them, and there is nothing to add. Nor is there if nobody has met anybody since both read: whoever writes now clashes
// with at least one of them. Unless they read guesses (races.cpp), which clash with less than other reads do; in lockstep
// all lanes have read before the first of them makes its atomic, so there who is left out here is remembered elsewhere.
inline bool enough_readers(const Slots &s) {
  const uint32_t last = s.reader[0], before = s.reader[1], older = last < before ? last : before;
  if (older >= checker.now) return !((last | before) & ATOMIC);
  return older >= checker.interval && (last ^ before) & WARP_OF_THREAD;
}
inline void remember(Slots &s, uint32_t mine, uint16_t at) {
  const uint32_t block = checker.block, interval = checker.interval, last = s.reader[0], before = s.reader[1];
  if (((last ^ mine) & THREAD) == 0 && last >= block) {
    s.reader[0] = mine;
    s.reader_at[0] = at;
    return;
  }
  if (((before ^ mine) & THREAD) == 0 && before >= block) {
    s.reader[1] = mine;
    s.reader_at[1] = at;
    return;
  }
  const bool replace = last >= block && last < interval; // ordered by a barrier: it can clash no more here
  if (!replace) {
    s.reader[1] = last;
    s.reader_at[1] = s.reader_at[0];
  }
  s.reader[0] = mine;
  s.reader_at[0] = at;
}

// An access, whatever is to be said about it.
template <unsigned BYTES, Access KIND> __attribute__((noinline)) void look_closer(uintptr_t a, const void *pc) {
  Worker *w = checker.worker;
  if (!w) {
    if (in_arena(reinterpret_cast<void *>(a))) host_access(a, BYTES, KIND, pc);
    return;
  }
  if (w->kind == CUDASIM_LOCKSTEP) w->yield();
  Region *region = &checker.shared;
  if (a - region->base >= region->bytes) {
    region = &checker.global;
    if (a - region->base >= region->bytes) {
      if (a - uintptr_t(w->now->low) < STACK) return;
      region = variable_at(a);
      if (!region) return elsewhere(a, BYTES, KIND, pc);
    }
  }
  if (a & (BYTES - 1)) return misaligned(a, BYTES, KIND, pc);
  const uint32_t thread = uint32_t(w->current);
  const unsigned bytes_of_cell = BYTES >= 4 ? 15 : ((1u << BYTES) - 1) << (a & 3);
  const uint16_t at = uint16_t(checker.site_of(pc) << 4 | bytes_of_cell); // may begin the moments anew: see forget()
  const uint32_t mine = checker.now | thread | (KIND == UPDATE ? uint32_t(ATOMIC) : 0);
  size_t cell = (a - region->base) / 4;
  for (unsigned i = 0; i < (BYTES + 3) / 4; i++, cell++) {
    uint8_t &state = region->state[cell];
    if ((state & bytes_of_cell << 4) != bytes_of_cell << 4) return not_allowed(*region, a, BYTES, KIND, pc);
    if (KIND != WRITE && (state & bytes_of_cell) != bytes_of_cell) not_written(*region, a, BYTES, pc);
    Slots &s = region->slots[cell];
    const uintptr_t where = region->base + cell * 4;
    if (clashes(s.writer, region->floor, thread))
      suspect(*region, where, s.writer, s.writer_at, mine, bytes_of_cell, WRITE, KIND, pc);
    if (KIND == READ) {
      if (s.reader[0] == mine && s.reader_at[0] == at) continue;
      if (!enough_readers(s)) remember(s, mine, at);
      else if (w->kind == CUDASIM_LOCKSTEP) remember_aside(where, mine, at);
      continue;
    }
    state |= uint8_t(bytes_of_cell);
    for (int r = 0; r < 2; r++)
      if (clashes(s.reader[r], region->floor, thread))
        suspect(*region, where, s.reader[r], s.reader_at[r], mine, bytes_of_cell, READ, KIND, pc);
    if (KIND == UPDATE) suspect_readers_aside(*region, where, mine, bytes_of_cell, pc);
    s.writer = mine;
    s.writer_at = at;
  }
}

// The same for nearly all accesses of nearly all kernels, about which nothing is to be said: a whole cell that exists and has
// been written, and no clash. Nothing here is a call that returns, so no register is saved. What is older than `floor`, or
// than the last barrier, needs no closer look, see clashes(): in shared memory these two are one, for all of it is this block's.
template <unsigned BYTES, Access KIND> __attribute__((always_inline)) inline void quick_look(const Region &region, uintptr_t a, const void *pc) {
  const size_t cell = (a - region.base) / 4;
  Slots &s = region.slots[cell];
  if (region.state[cell] != (ALLOWED | WRITTEN)) return look_closer<BYTES, KIND>(a, pc);
  const bool own = &region == &checker.shared;
  const uint32_t thread = uint32_t(checker.worker->current), mine = checker.now | thread;
  const auto clash = [&](uint32_t slot) __attribute__((always_inline)) {
    return own ? slot >= checker.interval && (slot & THREAD) != thread : clashes(slot, region.floor, thread);
  };
  if (clash(s.writer)) return look_closer<BYTES, KIND>(a, pc);
  if (KIND == READ && enough_readers(s)) return;
  const unsigned site = checker.likely_site_of(pc);
  if (checker.sites[site] != pc) return look_closer<BYTES, KIND>(a, pc);
  const uint16_t at = uint16_t(site << 4 | 15);
  if (KIND == READ) return remember(s, mine, at);
  if (clash(s.reader[0]) || clash(s.reader[1])) return look_closer<BYTES, KIND>(a, pc);
  s.writer = mine;
  s.writer_at = at;
}

template <unsigned BYTES, Access KIND> inline void access(uintptr_t a, const void *pc) {
  if (BYTES != 4 || !checker.quick || a % 4) return look_closer<BYTES, KIND>(a, pc);
  if (a - checker.shared.base < checker.shared.bytes) return quick_look<BYTES, KIND>(checker.shared, a, pc);
  if (a - checker.global.base < checker.global.bytes) return quick_look<BYTES, KIND>(checker.global, a, pc);
  look_closer<BYTES, KIND>(a, pc);
}
} // namespace

// A function for each size, so that none of this is decided at run time; an object of another size goes in bytes.
#define CUDASIM_ACCESSES(n)                                                                                       \
  CUDASIM_API void cudasim_read##n(uintptr_t a, const void *pc) { access<n, READ>(a, pc); }                      \
  CUDASIM_API void cudasim_write##n(uintptr_t a, const void *pc) { access<n, WRITE>(a, pc); }
CUDASIM_ACCESSES(1)
CUDASIM_ACCESSES(2)
CUDASIM_ACCESSES(4)
CUDASIM_ACCESSES(8)
CUDASIM_ACCESSES(16)
CUDASIM_API void cudasim_read_range(uintptr_t a, int64_t bytes, const void *pc) {
  for (; bytes >= 4 && a % 4 == 0; bytes -= 4, a += 4) access<4, READ>(a, pc);
  for (; bytes > 0; bytes--, a++) access<1, READ>(a, pc);
}
CUDASIM_API void cudasim_write_range(uintptr_t a, int64_t bytes, const void *pc) {
  for (; bytes >= 4 && a % 4 == 0; bytes -= 4, a += 4) access<4, WRITE>(a, pc);
  for (; bytes > 0; bytes--, a++) access<1, WRITE>(a, pc);
}

// An atomic of CUDA: the accesses are one, and what was fenced before the last one at this address is ordered now.
void check_atomic(void *address, int bytes, const void *pc) {
  const uintptr_t a = uintptr_t(address);
  if (bytes == 8) look_closer<8, UPDATE>(a, pc);
  else if (bytes == 2) look_closer<2, UPDATE>(a, pc);
  else look_closer<4, UPDATE>(a, pc);
  atomics_meet(address, unsigned(bytes));
}
} // namespace cudasim
