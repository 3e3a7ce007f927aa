/* parallel.h - the library's one way to use several cores.
 *
 *     static void body(void *ctx, int64_t lo, int64_t hi) { ... work on the items lo .. hi-1 ... }
 *     nd_parallel_for(n, grain, body, &ctx);
 *
 * The items 0 .. n-1 are cut into consecutive pieces of nearly equal length, each of at least `grain` items: telling a
 * thread of work costs as much as some ten thousand additions, so small jobs run on the caller alone. There are a few
 * pieces for each thread, so that none waits long for a slower one. The cut depends only on n, grain and the thread
 * count, never on timing or on who takes a piece: the same bits come out each time. When nd_parallel_for returns, all
 * pieces are done and what they wrote is visible. A body may call nd_parallel_for; the inner one runs on its thread
 * alone, uncut.
 */
#ifndef ND_PARALLEL_H
#define ND_PARALLEL_H
#include "needle_kernels.h" /* nd_parallel_for */

/* From this many elements on a second thread pays (measured; see docs/kernels.md). */
enum {
  ND_GRAIN_CHEAP = 16384,  /* per piece: add, copy, compare; two threads from 32k elements */
  ND_GRAIN_COSTLY = 4096,  /* per piece: exp, tanh, power; two threads from 8k elements */
  ND_GRAIN_REDUCE = 16384  /* per piece: sum, max */
};
#endif
