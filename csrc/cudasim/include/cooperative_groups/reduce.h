// reduce.h - one value from those of a group's members; each of them gets it.
#ifndef CUDASIM_COOPERATIVE_GROUPS_REDUCE_H
#define CUDASIM_COOPERATIVE_GROUPS_REDUCE_H
#include "../cooperative_groups.h"

namespace cooperative_groups {
#define CUDASIM_OPERATION(name, expression) \
  template <class T> struct name {          \
    CUDASIM_PLAIN T operator()(T a, T b) const { return expression; } \
  };
CUDASIM_OPERATION(plus, a + b)
CUDASIM_OPERATION(less, b < a ? b : a)
CUDASIM_OPERATION(greater, a < b ? b : a)
CUDASIM_OPERATION(bit_and, a & b)
CUDASIM_OPERATION(bit_or, a | b)
CUDASIM_OPERATION(bit_xor, a ^ b)
#undef CUDASIM_OPERATION

// In a tile the distance between partners halves: after log2(SIZE) steps each has seen all.
template <unsigned SIZE, class Parent, class T, class Operation>
CUDASIM_INLINE T reduce(const thread_block_tile<SIZE, Parent> &tile, T value, Operation operation) {
  for (unsigned distance = SIZE / 2; distance; distance /= 2) value = operation(value, tile.shfl_xor(value, distance));
  return value;
}
template <class T, class Operation> CUDASIM_INLINE T reduce(const coalesced_group &group, T value, Operation operation) {
  T all = group.shfl(value, 0);
  for (unsigned rank = 1; rank < group.size(); rank++) all = operation(all, group.shfl(value, rank));
  return all;
}
} // namespace cooperative_groups
#endif
