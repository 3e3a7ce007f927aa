/* cudasim.h - the C interface of the CUDA simulator: the runtime API of CUDA, and what steers and asks the simulator.
 *
 * Python takes its cffi declarations from this very file, and the shim headers beside it give these functions their CUDA
 * names (cudasim/api.h). One declaration ends at one semicolon; `#` lines are skipped by the reader. Functions called
 * int return a cudaError_t: 0, or the number that CUDA has for the error.
 */
#ifndef CUDASIM_H
#define CUDASIM_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define CUDASIM_API extern "C" __attribute__((visibility("default")))
#else
#define CUDASIM_API
#endif

/* ---- 1. memory: an arena that only kernels and these functions touch ---------------------------------------- */
CUDASIM_API int cudasim_malloc(void **pointer, size_t bytes);
CUDASIM_API int cudasim_malloc_managed(void **pointer, size_t bytes); /* which the host may access, too */
CUDASIM_API int cudasim_free(void *pointer);
/* kind: 0 host to host, 1 host to device, 2 device to host, 3 device to device, 4 by the addresses */
CUDASIM_API int cudasim_memcpy(void *to, const void *from, size_t bytes, int kind);
CUDASIM_API int cudasim_memset(void *to, int value, size_t bytes);
CUDASIM_API int cudasim_mem_info(size_t *free_bytes, size_t *total_bytes);
CUDASIM_API int cudasim_memory_type(const void *pointer); /* 0 the host's, 2 the device's, 3 managed */
CUDASIM_API int64_t cudasim_live_allocations(void);

/* ---- 2. errors, as CUDA has them: the last one, and the sticky one that only a reset ends -------------------- */
CUDASIM_API int cudasim_get_last_error(void);
CUDASIM_API int cudasim_peek_last_error(void);
CUDASIM_API int cudasim_set_last_error(int error);
CUDASIM_API const char *cudasim_error_name(int error);
CUDASIM_API const char *cudasim_error_text(int error);
CUDASIM_API int cudasim_synchronize(void);
/* Lets blocks of the kernel at this address have so much dynamic shared memory, at most 227 KiB; how much they may have. */
CUDASIM_API int cudasim_allow_shared(const void *kernel, int bytes);
CUDASIM_API size_t cudasim_allowed_shared(const void *kernel);
CUDASIM_API int cudasim_device_reset(void);          /* ends a sticky error and frees all memory */
CUDASIM_API int cudasim_clear_error(void);           /* ends a sticky error, memory stays: a second life no GPU has */

/* ---- 3. the simulator's own settings -------------------------------------------------------------------------- */
/* In which order the threads of a block run: forward, by their index; reverse; seeded, a random one; lockstep, where
 * in the check flavour each access to memory is made by all lanes of a warp before the next one is. */
enum cudasim_order { CUDASIM_FORWARD = 0, CUDASIM_REVERSE = 1, CUDASIM_LOCKSTEP = 2, CUDASIM_SEEDED = 3 };
CUDASIM_API int cudasim_set_order(int order, uint64_t seed);
CUDASIM_API int cudasim_get_order(void);
CUDASIM_API void cudasim_set_timeout(double seconds); /* of one launch; 0: none */
CUDASIM_API double cudasim_get_timeout(void);
CUDASIM_API int cudasim_set_workers(int threads);    /* how many blocks of a plain launch run at the same time */
CUDASIM_API int cudasim_get_workers(void);
CUDASIM_API const char *cudasim_switch_name(void);   /* how fibers are switched: "x86-64", "arm64", "ucontext" */

/* ---- 4. what happened ------------------------------------------------------------------------------------------- */
/* Copies at most `room` bytes of what kernels printed since the last call; returns how many it copied. */
CUDASIM_API int64_t cudasim_take_output(char *to, int64_t room);
CUDASIM_API const char *cudasim_last_message(void);  /* the sentence about the last error, with kernel, block and thread */
CUDASIM_API int64_t cudasim_findings(char *to, int64_t room); /* the checker's, as JSON; returns how many bytes they are */
CUDASIM_API void cudasim_clear_findings(void);
CUDASIM_API int64_t cudasim_counters(char *to, int64_t room); /* the profiler's, as JSON */
CUDASIM_API void cudasim_clear_counters(void);
CUDASIM_API int64_t cudasim_launches(void);          /* how many kernels were launched in this process */
#endif
