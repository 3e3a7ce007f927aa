// cooperative_groups.h - the block and its tiles as objects: what kernels use of cooperative groups.
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

class thread_block {
public:
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
template <unsigned SIZE, class Group> CUDASIM_INLINE thread_block_tile<SIZE, Group> tiled_partition(const Group &) { return {}; }
template <class Group> CUDASIM_INLINE void sync(const Group &group) { group.sync(); }
} // namespace cooperative_groups
#endif
