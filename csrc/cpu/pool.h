/* pool.h - memory that is used again.
 *
 * Asking the system for 25 MB costs about 15 ms (one page fault per 4 KB), more than many a kernel that fills
 * it. So freed blocks are kept, sorted by size class, and handed out again: nd_alloc and nd_free of the public
 * header. Kernels that need working space use nd_scratch instead: it belongs to the calling thread and lasts.
 */
#ifndef ND_POOL_H
#define ND_POOL_H
#include <stdint.h>

/* Who uses the scratch; two users that are active at the same time on one thread need two slots. */
enum nd_scratch_slot {
  ND_SCRATCH_GEMM_A,
  ND_SCRATCH_GEMM_B,
  ND_SCRATCH_TILE,    /* elementwise: packed tiles of operands */
  ND_SCRATCH_REDUCE,  /* reductions: accumulators and partial results */
  ND_SCRATCH_SLICE,   /* logsumexp, arg*: one slice made contiguous; sort: pairs */
  ND_SCRATCH_LOSS,    /* cross-entropy: labels and the losses of rows */
  ND_SCRATCH_CONV,    /* convolution: windows laid out side by side, and what is in another order than the array */
  ND_SCRATCH_NORM,    /* normalisation: statistics and sums of parts */
  ND_SCRATCH_ROW,     /* normalisation: sums of rows */
  ND_SCRATCH_POOLING, /* pooling: rows dealt out to heaps, and the windows' results */
  ND_SCRATCH_ATTENTION, /* attention: turned keys and values, and blocks of scores */
  ND_SCRATCH_DECODE,  /* a block of a GPT: what lies between its kernels */
  ND_SCRATCH_SLOTS
};

/* At least nbytes of 64-byte aligned memory, the calling thread's own, valid until its next request for the
 * same slot; contents are arbitrary. NULL when memory is exhausted. */
void *nd_scratch(int slot, int64_t nbytes);
#endif
