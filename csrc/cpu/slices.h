/* slices.h - the family of reductions that need their whole slice: logsumexp, argmax, argmin. */
#ifndef ND_SLICES_H
#define ND_SLICES_H
#include "kernel_types.h"

/* Whole contiguous rows, `down` elements apart; out[r * to] is the answer of row r. */
typedef void nd_slice(int64_t rows, int64_t n, const void *a, int64_t down, void *out, int64_t to);

typedef struct nd_slices_table {
  nd_slice *logsumexp[ND_DTYPES], *argmax[ND_DTYPES], *argmin[ND_DTYPES];
} nd_slices_table;
#endif
