// cooperative_groups.h - the block, its tiles, and the lanes that are active together, as objects.
//
// A tile is 1, 2, 4, ... or 32 neighbouring lanes of a warp; its members meet in a warp's shuffles and votes, by a mask of
// their own. Grids that wait for one another (this_grid) are not here: their blocks would all have to run at once.
#ifndef CUDASIM_COOPERATIVE_GROUPS_H
#define CUDASIM_COOPERATIVE_GROUPS_H
#include "cuda_runtime.h"

namespace cooperative_groups {
#ifdef __SANITIZE_THREAD__ // really called, so that a finding names the line of the call
#define CUDASIM_MEMBER __attribute__((noinline)) CUDASIM_PLAIN
#else
#define CUDASIM_MEMBER
#endif

// Any of the groups, known while the program runs: mask 0 is the block, another one lanes of this warp.
class thread_group {
  unsigned mask_;

public:
  CUDASIM_PLAIN explicit thread_group(unsigned mask) : mask_(mask) {}
  CUDASIM_PLAIN unsigned num_threads() const;
  CUDASIM_PLAIN unsigned thread_rank() const;
  CUDASIM_PLAIN unsigned size() const { return num_threads(); }
  CUDASIM_MEMBER void sync(int line = __builtin_LINE()) const {
    if (mask_) cudasim_warp(CUDASIM_SYNC, mask_, 0, 0, CUDASIM_FROM);
    else cudasim_barrier(CUDASIM_NO_VOTE, 0, -line, CUDASIM_FROM);
  }
};

class thread_block {
public:
  CUDASIM_PLAIN operator thread_group() const { return thread_group(0); }
  CUDASIM_PLAIN unsigned thread_rank() const {
    const uint3 t = threadIdx, d = blockDim;
    return t.x + d.x * (t.y + d.y * t.z);
  }
  CUDASIM_PLAIN unsigned num_threads() const {
    const uint3 d = blockDim;
    return d.x * d.y * d.z;
  }
  unsigned size() const { return num_threads(); }
  CUDASIM_PLAIN dim3 group_dim() const { return dim3(blockDim); }
  CUDASIM_PLAIN dim3 dim_threads() const { return dim3(blockDim); }
  CUDASIM_PLAIN dim3 group_index() const { return dim3(blockIdx); }
  CUDASIM_PLAIN dim3 thread_index() const { return dim3(threadIdx); }
  // Barriers of different lines are different ones.
  CUDASIM_MEMBER void sync(int line = __builtin_LINE()) const { cudasim_barrier(CUDASIM_NO_VOTE, 0, -line, CUDASIM_FROM); }
};
CUDASIM_INLINE thread_block this_thread_block() { return {}; }

template <unsigned SIZE, class Parent = thread_block> class thread_block_tile {
  static_assert(SIZE >= 1 && SIZE <= 32 && (SIZE & (SIZE - 1)) == 0, "a tile has 1, 2, 4, 8, 16 or 32 threads");
  CUDASIM_PLAIN static unsigned first() { return unsigned(cudasim::lane()) & ~(SIZE - 1); }
  CUDASIM_PLAIN static unsigned mask() { return (SIZE == 32 ? ~0u : (1u << (SIZE % 32)) - 1) << first(); }

public:
  CUDASIM_PLAIN operator thread_group() const { return thread_group(mask()); }
  CUDASIM_PLAIN unsigned thread_rank() const { return unsigned(cudasim::lane()) - first(); }
  CUDASIM_PLAIN unsigned meta_group_rank() const { return thread_block().thread_rank() / SIZE; }
  CUDASIM_PLAIN unsigned meta_group_size() const { return (thread_block().num_threads() + SIZE - 1) / SIZE; }
  static constexpr unsigned num_threads() { return SIZE; }
  static constexpr unsigned size() { return SIZE; }
  CUDASIM_MEMBER void sync() const { cudasim_warp(CUDASIM_SYNC, mask(), 0, 0, CUDASIM_FROM); }
  template <class T> CUDASIM_MEMBER T shfl(T v, unsigned rank) const {
    return cudasim::shuffle(mask(), v, int(first() + rank % SIZE), CUDASIM_FROM);
  }
  template <class T> CUDASIM_MEMBER T shfl_down(T v, unsigned by) const {
    return cudasim::shuffle(mask(), v, int(first() + (thread_rank() + by < SIZE ? thread_rank() + by : thread_rank())), CUDASIM_FROM);
  }
  template <class T> CUDASIM_MEMBER T shfl_up(T v, unsigned by) const {
    return cudasim::shuffle(mask(), v, int(first() + (thread_rank() >= by ? thread_rank() - by : thread_rank())), CUDASIM_FROM);
  }
  template <class T> CUDASIM_MEMBER T shfl_xor(T v, unsigned with) const {
    const unsigned other = thread_rank() ^ with;
    return cudasim::shuffle(mask(), v, int(first() + (other < SIZE ? other : thread_rank())), CUDASIM_FROM);
  }
  CUDASIM_MEMBER unsigned ballot(int p) const {
    return unsigned(cudasim_warp(CUDASIM_BALLOT, mask(), !!p, 0, CUDASIM_FROM)) >> first();
  }
  CUDASIM_MEMBER int any(int p) const { return cudasim_warp(CUDASIM_BALLOT, mask(), !!p, 0, CUDASIM_FROM) != 0; }
  CUDASIM_MEMBER int all(int p) const { return cudasim_warp(CUDASIM_BALLOT, mask(), !p, 0, CUDASIM_FROM) == 0; }
};

// The lanes of a warp that are active together; a member's rank counts those below it.
class coalesced_group {
  unsigned mask_;
  CUDASIM_PLAIN int lane_of(unsigned rank) const {
    unsigned left = mask_;
    for (; rank && left; rank--) left &= left - 1;
    return left ? __builtin_ctz(left) : cudasim::lane();
  }

public:
  CUDASIM_PLAIN explicit coalesced_group(unsigned mask) : mask_(mask) {}
  CUDASIM_PLAIN operator thread_group() const { return thread_group(mask_); }
  CUDASIM_PLAIN unsigned thread_rank() const { return thread_group(mask_).thread_rank(); }
  CUDASIM_PLAIN unsigned num_threads() const { return unsigned(__builtin_popcount(mask_)); }
  CUDASIM_PLAIN unsigned size() const { return num_threads(); }
  CUDASIM_MEMBER void sync() const { cudasim_warp(CUDASIM_SYNC, mask_, 0, 0, CUDASIM_FROM); }
  template <class T> CUDASIM_MEMBER T shfl(T v, unsigned rank) const { return cudasim::shuffle(mask_, v, lane_of(rank), CUDASIM_FROM); }
  template <class T> CUDASIM_MEMBER T shfl_down(T v, unsigned by) const {
    const unsigned rank = thread_rank() + by < num_threads() ? thread_rank() + by : thread_rank();
    return cudasim::shuffle(mask_, v, lane_of(rank), CUDASIM_FROM);
  }
  template <class T> CUDASIM_MEMBER T shfl_up(T v, unsigned by) const {
    return cudasim::shuffle(mask_, v, lane_of(thread_rank() >= by ? thread_rank() - by : thread_rank()), CUDASIM_FROM);
  }
  CUDASIM_MEMBER int any(int p) const { return cudasim_warp(CUDASIM_BALLOT, mask_, !!p, 0, CUDASIM_FROM) != 0; }
  CUDASIM_MEMBER int all(int p) const { return cudasim_warp(CUDASIM_BALLOT, mask_, !p, 0, CUDASIM_FROM) == 0; }
  CUDASIM_MEMBER unsigned ballot(int p) const { // bit r: the member of rank r
    const unsigned lanes = unsigned(cudasim_warp(CUDASIM_BALLOT, mask_, !!p, 0, CUDASIM_FROM));
    unsigned ranks = 0;
    for (unsigned rank = 0; rank < num_threads(); rank++) ranks |= (lanes >> lane_of(rank) & 1u) << rank;
    return ranks;
  }
};
CUDASIM_CALL coalesced_group coalesced_threads() {
  return coalesced_group(unsigned(cudasim_warp(CUDASIM_ACTIVE, ~0u, 0, 0, CUDASIM_FROM)));
}

CUDASIM_PLAIN inline unsigned thread_group::num_threads() const {
  return mask_ ? unsigned(__builtin_popcount(mask_)) : thread_block().num_threads();
}
CUDASIM_PLAIN inline unsigned thread_group::thread_rank() const {
  return mask_ ? unsigned(__builtin_popcount(mask_ & ((1u << cudasim::lane()) - 1))) : thread_block().thread_rank();
}
// Tiles whose size is known only while the program runs: 1, 2, 4, ... or 32 neighbouring lanes.
CUDASIM_PLAIN inline thread_group tiled_partition(const thread_group &, unsigned size) {
  if (size < 1 || size > 32 || (size & (size - 1))) cudasim_trap();
  const unsigned first = unsigned(cudasim::lane()) & ~(size - 1);
  return thread_group((size == 32 ? ~0u : (1u << size) - 1) << first);
}
template <unsigned SIZE, class Group> CUDASIM_INLINE thread_block_tile<SIZE, Group> tiled_partition(const Group &) { return {}; }
template <class Group> CUDASIM_INLINE void sync(const Group &group) { group.sync(); }
} // namespace cooperative_groups
#endif
