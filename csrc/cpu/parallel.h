/* parallel.h - the library's one way to use several cores.
 *
 *     static void body(void *ctx, int64_t lo, int64_t hi) { ... work on the items lo .. hi-1 ... }
 *     nd_parallel_for(n, grain, body, &ctx);
 *
 * The items 0 .. n-1 are cut into at most nd_get_num_threads() consecutive pieces of nearly equal length, each
 * of at least `grain` items: starting a thread costs as much as some ten thousand additions, so small jobs run
 * on the caller alone. The cut depends only on n, grain and the thread count, never on timing: the same bits
 * come out each time. A body must not call nd_parallel_for expecting threads: nested calls run serially.
 */
#ifndef ND_PARALLEL_H
#define ND_PARALLEL_H
#include <stdint.h>

typedef void (*nd_body)(void *ctx, int64_t lo, int64_t hi);
void nd_parallel_for(int64_t n, int64_t grain, nd_body body, void *ctx);

/* From this many elements on a second thread pays (measured; see docs/kernels.md). */
enum {
  ND_GRAIN_CHEAP = 16384,  /* per thread: add, copy, compare; two threads from 32k elements */
  ND_GRAIN_COSTLY = 4096,  /* per thread: exp, tanh, power; two threads from 8k elements */
  ND_GRAIN_REDUCE = 16384  /* per thread: sum, max */
};
#endif
