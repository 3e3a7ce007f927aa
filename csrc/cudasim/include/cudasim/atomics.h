// atomics.h - read, change and write in one step that no other thread can divide; each returns what was there before.
#ifndef CUDASIM_ATOMICS_H
#define CUDASIM_ATOMICS_H
#include "device.h"

namespace cudasim {
// *address <- change(*address), by comparing and swapping until nobody else came in between.
template <class T, class Change> CUDASIM_INLINE T atomically(T *address, Change change, const void *from) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 2, "atomics of CUDA work on 2, 4 or 8 bytes");
  cudasim_atomic(address, sizeof(T), from);
  T before, after;
  __atomic_load(address, &before, __ATOMIC_RELAXED);
  do after = change(before);
  while (!__atomic_compare_exchange(address, &before, &after, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  return before;
}
template <class T> struct same { using type = T; }; // so that only the pointer decides the type
} // namespace cudasim

#define CUDASIM_ATOMIC_NAMED(name, expression)                                                                      \
  template <class T> CUDASIM_CALL T name(T *address, typename cudasim::same<T>::type value) {                       \
    return cudasim::atomically(address, [=](T old) CUDASIM_PLAIN -> T { return expression; }, CUDASIM_FROM);        \
  }
#define CUDASIM_ATOMIC(name, expression)                                                                            \
  CUDASIM_ATOMIC_NAMED(name, expression)                                                                            \
  CUDASIM_ATOMIC_NAMED(name##_block, expression)                                                                    \
  CUDASIM_ATOMIC_NAMED(name##_system, expression)
CUDASIM_ATOMIC(atomicAdd, old + value)
CUDASIM_ATOMIC(atomicSub, old - value)
CUDASIM_ATOMIC(atomicExch, (void(old), value))
CUDASIM_ATOMIC(atomicMin, value < old ? value : old)
CUDASIM_ATOMIC(atomicMax, value > old ? value : old)
CUDASIM_ATOMIC(atomicInc, old >= value ? 0 : old + 1)
CUDASIM_ATOMIC(atomicDec, old == 0 || old > value ? value : old - 1)
CUDASIM_ATOMIC(atomicAnd, old & value)
CUDASIM_ATOMIC(atomicOr, old | value)
CUDASIM_ATOMIC(atomicXor, old ^ value)
#undef CUDASIM_ATOMIC
#undef CUDASIM_ATOMIC_NAMED

template <class T>
CUDASIM_CALL T atomicCAS(T *address, typename cudasim::same<T>::type compare, typename cudasim::same<T>::type value) {
#ifdef __SANITIZE_THREAD__
  cudasim_compares(address, sizeof(T));
#endif
  return cudasim::atomically(address, [=](T old) CUDASIM_PLAIN -> T { return old == compare ? value : old; }, CUDASIM_FROM);
}
#endif
