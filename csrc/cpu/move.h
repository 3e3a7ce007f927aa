/* move.h - the family of kernels that move elements without computing: fill, copy and cast, where. */
#ifndef ND_MOVE_H
#define ND_MOVE_H
#include "kernel_types.h"

/* Rows x cols elements of one operand, copied to a compact block dst[rows][cols]; strides in elements. */
typedef void nd_pack(int64_t rows, int64_t cols, void *dst, const void *src, int64_t row_stride, int64_t col_stride);

typedef struct nd_move_table {
  nd_row *fill[ND_DTYPES];            /* out = scalar */
  nd_row *where[ND_DTYPES];           /* out = cond ? a : b */
  nd_row *copy[ND_DTYPES][ND_DTYPES]; /* [to][from] */
  nd_pack *pack[9];                   /* by item size: 1, 4, 8 */
} nd_move_table;
#endif
