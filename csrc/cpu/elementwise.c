/* elementwise.c - the driver of all elementwise kernels: walks a plan row by row.
 *
 * Compact operands are one long row. Others are walked like an odometer, one row of the last dimension at a time,
 * with additions only: an index computed by division for each element costs 15 times the addition it serves.
 * Rows that are short, or that jump through memory, go through blocks (elementwise_blocks.c).
 */
#include <stddef.h>
#include "elementwise_blocks.h"
#include "errors.h"
#include "parallel.h"

typedef nd_elementwise_job job;

/* ---- compact operands: one long row ----------------------------------------------------------------------- */
static void dense_piece(void *ctx, int64_t lo, int64_t hi) {
  const job *j = ctx;
  void *data[ND_MAX_OPERANDS];
  int64_t unit[ND_MAX_OPERANDS];
  for (int k = 0; k < j->operands; k++) {
    data[k] = j->data[k] + lo * j->item_size[k];
    unit[k] = 1;
  }
  j->row(hi - lo, data, unit, j->scalar);
}

int nd_run_dense(int64_t n, int operands, const int *item_size, nd_row *row, int64_t grain, void *const *data,
                 double scalar) {
  if (n < 1) return ND_OK;
  job j;
  j.p = NULL, j.row = row, j.operands = operands, j.scalar = scalar;
  for (int k = 0; k < operands; k++) {
    j.item_size[k] = item_size[k];
    j.data[k] = data[k];
  }
  nd_parallel_for(n, grain, dense_piece, &j);
  return ND_OK;
}

/* ---- any strides: the points lo .. hi-1 in row-major order, one (part of a) row at a time ----------------- */
static inline __attribute__((always_inline)) void walk(const job *j, const int operands, int64_t lo, int64_t hi) {
  const nd_plan *p = j->p;
  const int last = p->ndim - 1;
  int64_t index[ND_MAX_NDIM], stride[ND_MAX_OPERANDS], step[ND_MAX_NDIM][ND_MAX_OPERANDS]; /* steps are in bytes */
  void *at[ND_MAX_OPERANDS];
  for (int64_t d = last, rest = lo; d >= 0; d--) {
    index[d] = rest % p->shape[d];
    rest /= p->shape[d];
  }
  for (int k = 0; k < operands; k++) {
    stride[k] = p->stride[k][last];
    at[k] = j->data[k];
    for (int d = 0; d <= last; d++) {
      step[d][k] = p->stride[k][d] * j->item_size[k];
      at[k] = (char *)at[k] + index[d] * step[d][k];
    }
  }
  while (lo < hi) {
    int64_t n = p->shape[last] - index[last];
    if (n > hi - lo) n = hi - lo;
    j->row(n, at, stride, j->scalar);
    lo += n;
    /* to the start of the next row: like an odometer */
    if (index[last]) { /* only the first row of a piece can begin in its middle */
      for (int k = 0; k < operands; k++) at[k] = (char *)at[k] - index[last] * step[last][k];
      index[last] = 0;
    }
    for (int d = last - 1; d >= 0; d--) {
      const int wraps = ++index[d] == p->shape[d];
      const int64_t steps = wraps ? 1 - p->shape[d] : 1;
      for (int k = 0; k < operands; k++) at[k] = (char *)at[k] + steps * step[d][k];
      if (!wraps) break;
      index[d] = 0;
    }
  }
}

/* Where the compiler knows the number of operands, the loops over them disappear. */
static void strided_piece(void *ctx, int64_t lo, int64_t hi) {
  const job *j = ctx;
  switch (j->operands) {
    case 1: walk(j, 1, lo, hi); return;
    case 2: walk(j, 2, lo, hi); return;
    case 3: walk(j, 3, lo, hi); return;
    default: walk(j, j->operands, lo, hi);
  }
}

int nd_run_elementwise(const nd_plan *p, int operands, nd_row *row, int64_t grain, void *const *data, double scalar) {
  const int bad = nd_check_plan(p);
  if (bad) return bad;
  if (p->size == 0) return ND_OK;
  job j; /* field by field: most of its room is for operands that are not there */
  j.p = p, j.row = row, j.operands = operands, j.scalar = scalar;
  for (int k = 0; k < operands; k++) {
    j.item_size[k] = nd_item_size(p->dtype[k]);
    j.data[k] = (char *)data[k] + p->offset[k] * j.item_size[k];
  }
  if (p->ndim == 0) {
    dense_piece(&j, 0, 1);
    return ND_OK;
  }
  nd_plan reordered;
  if (p->ndim > 1 && p->size >= ND_BLOCK_FROM && nd_wants_blocks(&j, &reordered))
    return nd_run_blocks(&j, &reordered, grain);
  nd_parallel_for(p->size, grain, strided_piece, &j);
  return ND_OK;
}
