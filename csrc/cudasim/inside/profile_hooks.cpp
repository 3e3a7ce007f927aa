// profile_hooks.cpp - linked into libraries of the profile flavour: a call before each access to memory (the names that
// -fsanitize=thread calls), at the beginning of each basic block (-fsanitize-coverage=trace-pc) and around each function.
#include <stdint.h>
#include "../include/cudasim.h"

#define HIDDEN extern "C" __attribute__((visibility("hidden")))
#define FROM __builtin_return_address(0)
CUDASIM_API void cudasim_log_access(uintptr_t a, int event, int size, const void *pc);
CUDASIM_API void cudasim_log_block(const void *pc);
CUDASIM_API void cudasim_log_call(int by);
#define HOOKS(n, size)                                                                              \
  HIDDEN void __tsan_read##n(uintptr_t a) { cudasim_log_access(a, 0, size, FROM); }                 \
  HIDDEN void __tsan_write##n(uintptr_t a) { cudasim_log_access(a, 1, size, FROM); }                \
  HIDDEN void __tsan_unaligned_read##n(uintptr_t a) { cudasim_log_access(a, 0, size, FROM); }       \
  HIDDEN void __tsan_unaligned_write##n(uintptr_t a) { cudasim_log_access(a, 1, size, FROM); }
HOOKS(1, 0)
HOOKS(2, 1)
HOOKS(4, 2)
HOOKS(8, 3)
HOOKS(16, 4)
// An object of another size is as many words.
HIDDEN void __tsan_read_range(uintptr_t a, uintptr_t bytes) {
  for (uintptr_t i = 0; i < bytes; i += 4) cudasim_log_access(a + i, 0, 2, FROM);
}
HIDDEN void __tsan_write_range(uintptr_t a, uintptr_t bytes) {
  for (uintptr_t i = 0; i < bytes; i += 4) cudasim_log_access(a + i, 1, 2, FROM);
}
HIDDEN void __sanitizer_cov_trace_pc(void) { cudasim_log_block(FROM); }
HIDDEN void __tsan_func_entry(void *) { cudasim_log_call(1); }
HIDDEN void __tsan_func_exit(void) { cudasim_log_call(-1); }
HIDDEN void __tsan_vptr_update(void **, void *) {}
HIDDEN void __tsan_vptr_read(void **) {}
HIDDEN void __tsan_init(void) {}
