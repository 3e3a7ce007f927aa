// shadow.h - what the checker knows about each four bytes of memory, a cell: 19 bytes, 4.75 for each byte.
//
// State, a byte: which of the four may be accessed (upper half), which have been written (lower half).
//
// Slots, 18 bytes: who wrote last, and the last two different threads that read. Each is a number of 32 bits,
//     moment (21) | atomic (1) | thread in its block (10)
// and 16 bits for the place in the program (12) and the bytes of the cell (4). The moment counts synchronisations of this
// process: it grows when a launch begins, a block begins, a barrier opens, the lanes of a warp meet, a thread fences. Blocks
// run one after the other, so comparing moments tells everything about the order that CUDA promises, whatever order the
// threads really ran in. Moments are counted in steps of A_MOMENT, the lowest bit of theirs in a slot, so that slots are
// compared with them as they are:
//     slot >= interval                 the same block, and no barrier since
//     block <= slot < interval         the same block, a barrier lies between
//     launch <= slot < block           another block of this launch: CUDA promises nothing
//     slot < launch                    an earlier launch
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <vector>
#include "../runtime/state.h"
#include "../runtime/worker.h"

namespace cudasim {
struct __attribute__((packed)) Slots {
  uint32_t writer, reader[2];
  uint16_t writer_at, reader_at[2];
};

enum : uint32_t {
  A_MOMENT = 1u << 11, LAST_MOMENT = ~0u << 11, ATOMIC = 1u << 10, THREAD = 1023, WARP_OF_THREAD = THREAD & ~31u, SITES = 4096
};
inline uint32_t moment_of(uint32_t slot) { return slot & LAST_MOMENT; }
enum : uint8_t { WRITTEN = 0x0F, ALLOWED = 0xF0 };

// A range of addresses and its cells; slots older than `floor` are forgotten.
struct Region {
  uintptr_t base;
  size_t bytes;
  uint8_t *state;
  Slots *slots;
  uint32_t floor;

  void allow(size_t offset, size_t bytes);   // these bytes exist, and nobody has written them
  void forbid(size_t offset, size_t bytes);
  void written(size_t offset, size_t bytes);
};

struct Release; // races.cpp

struct Checker {
  bool ready = false;           // there is a shadow
  Worker *worker = nullptr;     // that runs a kernel of the check flavour
  bool quick = false;           // one runs, and an access needs no turn of other threads before it
  Region global{}, shared{};
  uint32_t now = A_MOMENT, launch = now, block = now, interval = now; // moments
  uint32_t met[MAX_THREADS];    // when this thread met lanes of its warp last, and which ones
  unsigned met_lanes[MAX_THREADS];
  std::vector<uint32_t> blocks; // when each block of the launch began
  const void *sites[SITES];     // the places in the program, by a hash of the address
  size_t shared_used = 0;

  uint32_t next_moment();
  static unsigned likely_site_of(const void *pc) { return unsigned(uintptr_t(pc) * 0x9E3779B97F4A7C15u >> 52); }
  unsigned site_of(const void *pc) {
    unsigned i = likely_site_of(pc);
    while (sites[i] != pc) {
      if (!sites[i]) return new_site(i, pc);
      i = (i + 1) % SITES;
    }
    return i;
  }
  unsigned new_site(unsigned i, const void *pc);
  void forget(); // all slots and places
  unsigned known_sites = 0;
};
extern Checker checker;

enum : size_t { GAP = 64 }; // bytes behind a __device__ variable that are nobody's, see CUDASIM_GAP
enum Access { READ, WRITE, UPDATE }; // an atomic updates

// Slow paths of the accesses, each in the file that has its reasons.
void not_allowed(const Region &region, uintptr_t address, unsigned bytes, Access access, const void *pc); // drops the thread
void misaligned(uintptr_t address, unsigned bytes, Access access, const void *pc);                         // drops the thread
void elsewhere(uintptr_t address, unsigned bytes, Access access, const void *pc);
void host_access(uintptr_t address, unsigned bytes, Access access, const void *pc);
void not_written(Region &region, uintptr_t address, unsigned bytes, const void *pc);
void suspect(const Region &region, uintptr_t cell, uint32_t slot, uint16_t at, uint32_t mine, unsigned bytes_of_cell,
             Access before, Access access, const void *pc);
void remember_aside(uintptr_t cell, uint32_t mine, uint16_t at); // a read that the slots of its cell have no room for
void suspect_readers_aside(const Region &region, uintptr_t cell, uint32_t mine, unsigned bytes_of_cell, const void *pc);
void forget_readers_aside();
std::string describe_shared(size_t at); // bytes from the region's base
std::string describe_variable(const Region &region, uintptr_t address, unsigned bytes = 1);
std::string describe_gap(uintptr_t address, unsigned bytes); // where it lies, if that is less than GAP bytes from a variable
Region *variable_at(uintptr_t address); // the region of the __device__ variable there, or null
void each_variable(void (*visit)(Region &));
void atomics_meet(const void *address, unsigned bytes); // release and acquire
void forget_releases();
} // namespace cudasim
