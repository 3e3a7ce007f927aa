// races.cpp - two accesses to the same bytes, at least one a write, not both atomic, and no order promised between them.
//
// Order comes from barriers and the ends of launches (the moments of shadow.h tell), from the lanes of a warp meeting, and
// from fences with atomics: what a thread, or its block before a barrier, did before __threadfence() is ordered before
// what a thread does after its own later atomic at the address at which the first made its next atomic. This last rule is
// what makes a "last block" reduction or a lock correct; without the fence it is a race.
//
// One read is no race although nothing orders it: a guess, which atomicCAS then compares, and which costs another round if
// it was wrong. CUDA's guide makes atomics that there are not in this way. Whether a thread goes on to compare what it has
// read is known at the next barrier only; till then such a race waits.
#include <algorithm>
#include "check.h"
#include "findings.h"

namespace cudasim {
// What an atomic at `address` released: all of its block before the last barrier, of its thread before the fence.
struct Release {
  const void *address;
  uint32_t block, interval, fence; // moments
  uint32_t thread;
  bool covers(uint32_t slot) const {
    const uint32_t moment = moment_of(slot);
    if (moment < block || moment > fence) return false;
    return moment < interval || (slot & THREAD) == thread;
  }
};

namespace {
struct Guess { // a read, by `reader`, that races with an atomic; and what found() is to be told if it was none
  uint32_t reader;
  uintptr_t cell;
  const void *pc, *other_pc;
  int thread, other;
  int64_t other_block;
  std::string detail;
};
enum : size_t { MOST_GUESSES = 4096 };
std::vector<Guess> guesses;
// Reads that look_closer() had no room for, until the next barrier: more than so many are not remembered.
struct Aside { uintptr_t cell; uint32_t reader; uint16_t at; };
enum : size_t { MOST_ASIDE = 4096 };
std::vector<Aside> aside;
struct Acquire { uint32_t thread, moment; const void *address; size_t count; };
std::vector<Release> releases;  // of this launch, in the order they were made
std::vector<Acquire> acquires;  // of this block
uint32_t acquires_block = 0;
uint32_t fenced[MAX_THREADS];   // when each thread of this block fenced last; 0: not since its last release
uint32_t fenced_block = 0;

void this_block_only() {
  if (fenced_block == checker.block) return;
  fenced_block = acquires_block = checker.block;
  std::fill(fenced, fenced + MAX_THREADS, 0);
  acquires.clear();
}

// Whether this thread, or its block before the last barrier, acquired what covers the slot.
bool acquired(uint32_t slot, uint32_t thread) {
  if (acquires_block != checker.block) return false;
  for (const Acquire &one : acquires) {
    if (one.thread != thread && one.moment >= checker.interval) continue;
    for (size_t i = 0; i < one.count; i++)
      if (releases[i].address == one.address && releases[i].covers(slot)) return true;
  }
  return false;
}
} // namespace

void settle_guesses() {
  for (const Guess &one : guesses) found("race", one.pc, one.thread, one.detail, one.other_pc, one.other, one.other_block);
  guesses.clear();
}

void forget_readers_aside() { aside.clear(); }
void remember_aside(uintptr_t cell, uint32_t mine, uint16_t at) {
  if (aside.size() < MOST_ASIDE) aside.push_back({cell, mine, at});
}
void suspect_readers_aside(const Region &region, uintptr_t cell, uint32_t mine, unsigned bytes_of_cell, const void *pc) {
  for (const Aside &one : aside)
    if (one.cell == cell && (one.reader & THREAD) != (mine & THREAD))
      suspect(region, cell, one.reader, one.at, mine, bytes_of_cell, READ, UPDATE, pc);
}

// What this thread has read here was a guess: for atomics to come it is one of them.
void check_compares(const void *address, int bytes) {
  const uintptr_t from = uintptr_t(address);
  const uint32_t thread = uint32_t(checker.worker->current);
  Region *region = &checker.shared;
  if (from - region->base >= region->bytes) region = &checker.global;
  if (from - region->base >= region->bytes) region = variable_at(from);
  if (!region) return;
  for (uintptr_t cell = from / 4 * 4; cell < from + uintptr_t(bytes); cell += 4) {
    Slots &s = region->slots[(cell - region->base) / 4];
    for (int r = 0; r < 2; r++)
      if ((s.reader[r] & THREAD) == thread && s.reader[r] >= checker.block) s.reader[r] |= ATOMIC;
    for (Aside &one : aside)
      if (one.cell == cell && (one.reader & THREAD) == thread) one.reader |= ATOMIC;
    guesses.erase(std::remove_if(guesses.begin(), guesses.end(),
                                 [&](const Guess &one) { return one.reader == thread && one.cell == cell; }),
                  guesses.end());
  }
}

void forget_releases() {
  releases.clear();
  acquires.clear();
  fenced_block = acquires_block = 0;
}

void check_fence() {
  this_block_only();
  fenced[checker.worker->current] = checker.now;
  checker.next_moment(); // what this thread does from now on is not covered
}

void atomics_meet(const void *address, unsigned) {
  this_block_only();
  const uint32_t thread = uint32_t(checker.worker->current);
  for (const Release &one : releases)
    if (one.address == address) {
      const Acquire mine{thread, checker.now, address, releases.size()};
      const auto same = std::find_if(acquires.begin(), acquires.end(),
                                     [&](const Acquire &a) { return a.thread == thread && a.address == address; });
      if (same == acquires.end()) acquires.push_back(mine);
      else *same = mine;
      break;
    }
  if (fenced[thread]) releases.push_back({address, checker.block, checker.interval, fenced[thread], thread});
}

void suspect(const Region &region, uintptr_t cell, uint32_t slot, uint16_t at, uint32_t mine, unsigned bytes_of_cell,
             Access before, Access access, const void *pc) {
  if (!(at & 15 & bytes_of_cell)) return;        // other bytes of the same cell
  if (slot & mine & ATOMIC) return;              // two atomics
  const uint32_t moment = moment_of(slot), thread = mine & THREAD, other = slot & THREAD;
  const bool same_block = moment >= checker.block;
  if (same_block && other / LANES == thread / LANES && moment < checker.met[thread] &&
      checker.met_lanes[thread] >> other % LANES & 1)
    return; // the lanes have met since
  if (acquired(slot, thread)) return;
  int64_t block = -1;
  if (!same_block) {
    const auto after = std::upper_bound(checker.blocks.begin(), checker.blocks.end(), moment);
    block = after - checker.blocks.begin() - 1;
  }
  const char *verbs[] = {"reads", "writes", "updates"};
  const Access was = before == WRITE && slot & ATOMIC ? UPDATE : before;
  const std::string where = &region == &checker.shared   ? describe_shared(cell - region.base)
                            : &region == &checker.global ? describe_address(reinterpret_cast<void *>(cell), 4)
                                                         : describe_variable(region, cell);
  const std::string detail =
      format("one thread %s and another %s the same memory, %s; nothing orders them", verbs[access], verbs[was], where.c_str());
  const bool may_be_guess = access == READ ? was == UPDATE : access == UPDATE && was == READ && same_block;
  if (may_be_guess && guesses.size() < MOST_GUESSES)
    guesses.push_back({access == READ ? thread : other, cell, pc, checker.sites[at >> 4], int(thread), int(other), block, detail});
  else found("race", pc, int(thread), detail, checker.sites[at >> 4], int(other), block);
}
} // namespace cudasim
