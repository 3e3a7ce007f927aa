/* row_blocks.h - rows for kernels that see contiguous ones: as they lie, or some at a time in a block. */
#ifndef ND_ROW_BLOCKS_H
#define ND_ROW_BLOCKS_H

#include "elementwise.h"
#include "labels.h"

enum { ND_BLOCK_ROWS = 64, ND_BLOCK_ELEMENTS = 32768 }; /* at a time */

/* Contiguous rows, equally far apart: a kernel can walk them as they lie. */
static inline int nd_rows_are_plain(const nd_plan *p, int k) {
  return p->ndim <= 2 && (p->stride[k][p->ndim - 1] == 1 || p->shape[p->ndim - 1] == 1);
}

/* How many rows of n elements are worked on at once. */
static inline int64_t nd_rows_at_once(int64_t n, int copied) {
  if (!copied || ND_BLOCK_ELEMENTS / n >= ND_BLOCK_ROWS) return ND_BLOCK_ROWS;
  return ND_BLOCK_ELEMENTS / n < 1 ? 1 : ND_BLOCK_ELEMENTS / n;
}

/* Rows of operand k into a block, or back into the operand. */
#define ND_MOVE_ROWS(T)                                                                                                \
  static inline void nd_move_rows_##T(const nd_plan *p, int k, int64_t lo, int64_t rows, T *data, T *block, int back) { \
    const int64_t n = p->shape[p->ndim - 1], step = p->stride[k][p->ndim - 1];                                         \
    int64_t at[ND_BLOCK_ROWS];                                                                                         \
    for (int64_t i = 0; i < rows; i++) at[i] = nd_row_place(p, k, lo + i);                                             \
    for (int64_t c = 0; c < n; c++)                                                                                    \
      for (int64_t i = 0; i < rows; i++) {                                                                             \
        T *const here = data + at[i] + c * step, *const there = block + i * n + c;                                     \
        if (back) *here = *there;                                                                                      \
        else *there = *here;                                                                                           \
      }                                                                                                                \
  }
ND_MOVE_ROWS(f32)
ND_MOVE_ROWS(f64)

static inline void nd_move_rows(const nd_plan *p, int type, int k, int64_t lo, int64_t rows, const void *data, void *block,
                                int back) {
  if (type == ND_F32) nd_move_rows_f32(p, k, lo, rows, (f32 *)data, (f32 *)block, back);
  else nd_move_rows_f64(p, k, lo, rows, (f64 *)data, (f64 *)block, back);
}

#endif
