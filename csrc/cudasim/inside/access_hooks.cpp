// access_hooks.cpp - linked into libraries of the check flavour: the compiler puts a call before each access to memory.
//
// These are the names that -fsanitize=thread calls, hidden, so that only this library's accesses come here; the
// sanitizer's own runtime is nowhere. A call's return address says which access it is.
#include <stdint.h>
#include "../include/cudasim.h"

#define HIDDEN extern "C" __attribute__((visibility("hidden")))
#define FROM __builtin_return_address(0)
#define HOOKS(n)                                                                                       \
  CUDASIM_API void cudasim_read##n(uintptr_t a, const void *pc);                                       \
  CUDASIM_API void cudasim_write##n(uintptr_t a, const void *pc);                                      \
  HIDDEN void __tsan_read##n(uintptr_t a) { cudasim_read##n(a, FROM); }                                \
  HIDDEN void __tsan_write##n(uintptr_t a) { cudasim_write##n(a, FROM); }                              \
  HIDDEN void __tsan_unaligned_read##n(uintptr_t a) { cudasim_read_range(a, n, FROM); }                \
  HIDDEN void __tsan_unaligned_write##n(uintptr_t a) { cudasim_write_range(a, n, FROM); }
CUDASIM_API void cudasim_read_range(uintptr_t a, int64_t bytes, const void *pc);
CUDASIM_API void cudasim_write_range(uintptr_t a, int64_t bytes, const void *pc);
CUDASIM_API int cudasim_enter_check(void);
HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)
HIDDEN void __tsan_read_range(uintptr_t a, uintptr_t bytes) { cudasim_read_range(a, int64_t(bytes), FROM); }
HIDDEN void __tsan_write_range(uintptr_t a, uintptr_t bytes) { cudasim_write_range(a, int64_t(bytes), FROM); }
HIDDEN void __tsan_vptr_update(void **, void *) {}
HIDDEN void __tsan_vptr_read(void **) {}
HIDDEN void __tsan_func_entry(void *) {}
HIDDEN void __tsan_func_exit(void) {}
HIDDEN void __tsan_init(void) { cudasim_enter_check(); } // when the library is loaded
