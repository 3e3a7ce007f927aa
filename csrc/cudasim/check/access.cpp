// access.cpp - every access of a kernel to memory comes through here, before it is made: the checker's inner loop.
#include "shadow.h"

namespace cudasim {
Checker checker;

namespace {
// Whether CUDA promises no order between the access in the slot and one by `thread` now. Wrong alarms are sorted out by
// suspect(), which is slow.
inline bool clashes(uint32_t slot, uint32_t floor, uint32_t thread) {
  if (slot < floor << MOMENT) return false;
  if (slot >= checker.interval << MOMENT) return (slot & THREAD) != thread;
  return slot < checker.block << MOMENT;
}

// Remembers a reader: of two slots one should hold a thread of another block, or else another thread of this interval.
inline void remember(Slots &s, uint32_t mine, uint16_t at) {
  const uint32_t block = checker.block << MOMENT, interval = checker.interval << MOMENT;
  for (int i = 0; i < 2; i++)
    if (((s.reader[i] ^ mine) & THREAD) == 0 && s.reader[i] >= block) {
      s.reader[i] = mine;
      s.reader_at[i] = at;
      return;
    }
  const bool replace = s.reader[0] >= block && s.reader[0] < interval; // ordered by a barrier: it can clash no more here
  if (!replace) {
    s.reader[1] = s.reader[0];
    s.reader_at[1] = s.reader_at[0];
  }
  s.reader[0] = mine;
  s.reader_at[0] = at;
}

template <unsigned BYTES> inline void access(uintptr_t a, Access kind, const void *pc) {
  Worker *w = checker.worker;
  if (!w) {
    if (in_arena(reinterpret_cast<void *>(a))) host_access(a, BYTES, kind, pc);
    return;
  }
  if (w->kind == CUDASIM_LOCKSTEP) w->yield();
  Region *region = &checker.shared;
  if (a - region->base >= region->bytes) {
    region = &checker.global;
    if (a - region->base >= region->bytes) {
      if (a - uintptr_t(w->now->low) < STACK) return;
      region = variable_at(a);
      if (!region) return elsewhere(a, BYTES, kind, pc);
    }
  }
  if (a & (BYTES - 1)) return misaligned(a, BYTES, kind, pc);
  const uint32_t thread = uint32_t(w->current);
  const uint32_t mine = checker.now << MOMENT | thread | (kind == UPDATE ? uint32_t(ATOMIC) : 0);
  const unsigned bytes_of_cell = BYTES >= 4 ? 15 : ((1u << BYTES) - 1) << (a & 3);
  const uint16_t at = uint16_t(checker.site_of(pc) << 4 | bytes_of_cell);
  size_t cell = (a - region->base) / 4;
  for (unsigned i = 0; i < (BYTES + 3) / 4; i++, cell++) {
    uint8_t &state = region->state[cell];
    if ((state & bytes_of_cell << 4) != bytes_of_cell << 4) return not_allowed(*region, a, BYTES, kind, pc);
    if (kind != WRITE && (state & bytes_of_cell) != bytes_of_cell) not_written(*region, a, BYTES, pc);
    Slots &s = region->slots[cell];
    const uintptr_t where = region->base + cell * 4;
    if (clashes(s.writer, region->floor, thread))
      suspect(*region, where, s.writer, s.writer_at, mine, bytes_of_cell, WRITE, kind, pc);
    if (kind == READ) {
      if (s.reader[0] != mine || s.reader_at[0] != at) remember(s, mine, at);
      continue;
    }
    state |= uint8_t(bytes_of_cell);
    for (int r = 0; r < 2; r++)
      if (clashes(s.reader[r], region->floor, thread))
        suspect(*region, where, s.reader[r], s.reader_at[r], mine, bytes_of_cell, READ, kind, pc);
    s.writer = mine;
    s.writer_at = at;
  }
}
} // namespace

// A function for each size, so that none of this is decided at run time; an object of another size goes in bytes.
#define CUDASIM_ACCESSES(n)                                                                                       \
  CUDASIM_API void cudasim_read##n(uintptr_t a, const void *pc) { access<n>(a, READ, pc); }                       \
  CUDASIM_API void cudasim_write##n(uintptr_t a, const void *pc) { access<n>(a, WRITE, pc); }
CUDASIM_ACCESSES(1)
CUDASIM_ACCESSES(2)
CUDASIM_ACCESSES(4)
CUDASIM_ACCESSES(8)
CUDASIM_ACCESSES(16)
CUDASIM_API void cudasim_read_range(uintptr_t a, int64_t bytes, const void *pc) {
  for (; bytes >= 4 && a % 4 == 0; bytes -= 4, a += 4) access<4>(a, READ, pc);
  for (; bytes > 0; bytes--, a++) access<1>(a, READ, pc);
}
CUDASIM_API void cudasim_write_range(uintptr_t a, int64_t bytes, const void *pc) {
  for (; bytes >= 4 && a % 4 == 0; bytes -= 4, a += 4) access<4>(a, WRITE, pc);
  for (; bytes > 0; bytes--, a++) access<1>(a, WRITE, pc);
}

// An atomic of CUDA: the accesses are one, and what was fenced before the last one at this address is ordered now.
void check_atomic(void *address, int bytes, const void *pc) {
  const uintptr_t a = uintptr_t(address);
  if (bytes == 8) access<8>(a, UPDATE, pc);
  else if (bytes == 2) access<2>(a, UPDATE, pc);
  else access<4>(a, UPDATE, pc);
  atomics_meet(address, unsigned(bytes));
}
} // namespace cudasim
