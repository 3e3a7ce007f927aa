// atomic_hooks.cpp - linked into libraries of the check and profile flavours: C++'s own atomics in the host's code.
//
// -fsanitize=thread makes calls of std::atomic's operations, such as the reference counts of a Python module. They are
// what they were; CUDA's atomics are functions of the shim, and the checker sees those.
#include <stdint.h>

#define HIDDEN extern "C" __attribute__((visibility("hidden")))
#define ATOMICS(bits)                                                                                             \
  using word##bits = uint##bits##_t;                                                                              \
  HIDDEN word##bits __tsan_atomic##bits##_load(const volatile word##bits *a, int) {                               \
    return __atomic_load_n(a, __ATOMIC_SEQ_CST);                                                                  \
  }                                                                                                               \
  HIDDEN void __tsan_atomic##bits##_store(volatile word##bits *a, word##bits v, int) {                            \
    __atomic_store_n(a, v, __ATOMIC_SEQ_CST);                                                                     \
  }                                                                                                               \
  HIDDEN word##bits __tsan_atomic##bits##_exchange(volatile word##bits *a, word##bits v, int) {                   \
    return __atomic_exchange_n(a, v, __ATOMIC_SEQ_CST);                                                           \
  }                                                                                                               \
  HIDDEN int __tsan_atomic##bits##_compare_exchange_strong(volatile word##bits *a, word##bits *expected,          \
                                                           word##bits v, int, int) {                              \
    return __atomic_compare_exchange_n(a, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                \
  }                                                                                                               \
  HIDDEN int __tsan_atomic##bits##_compare_exchange_weak(volatile word##bits *a, word##bits *expected,            \
                                                         word##bits v, int, int) {                                \
    return __atomic_compare_exchange_n(a, expected, v, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                 \
  }                                                                                                               \
  HIDDEN word##bits __tsan_atomic##bits##_compare_exchange_val(volatile word##bits *a, word##bits expected,       \
                                                               word##bits v, int, int) {                          \
    __atomic_compare_exchange_n(a, &expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                      \
    return expected;                                                                                              \
  }                                                                                                               \
  FETCH(bits, add) FETCH(bits, sub) FETCH(bits, and) FETCH(bits, or) FETCH(bits, xor) FETCH(bits, nand)
#define FETCH(bits, how)                                                                                          \
  HIDDEN word##bits __tsan_atomic##bits##_fetch_##how(volatile word##bits *a, word##bits v, int) {                \
    return __atomic_fetch_##how(a, v, __ATOMIC_SEQ_CST);                                                          \
  }
ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)
HIDDEN void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
HIDDEN void __tsan_atomic_signal_fence(int) { __atomic_signal_fence(__ATOMIC_SEQ_CST); }
