/* reduce.h - the family of reductions that go element by element: sum, sum of squares, prod, max, min. */
#ifndef ND_REDUCE_H
#define ND_REDUCE_H
#include "kernel_types.h"

/* One reduction of one element type. Accumulators are f64 for sums and prod of floats, i64 of integers and bools,
 * and the element type itself for max and min. */
typedef struct nd_reducer {
  /* acc[r] = acc[r] o a[r][0] o a[r][1] o ...: each row shrinks to one number */
  void (*rows)(int64_t rows, int64_t cols, const void *a, int64_t row_stride, int64_t col_stride, void *acc);
  /* acc[c] = acc[c] o a[0][c] o a[1][c] o ...: all rows are laid on top of each other */
  void (*columns)(int64_t rows, int64_t cols, const void *a, int64_t row_stride, int64_t col_stride, void *acc);
  void (*start)(int64_t n, void *acc);                                  /* acc[i] = the neutral element */
  void (*merge)(int64_t n, void *acc, const void *other);               /* acc[i] = acc[i] o other[i] */
  void (*finish)(int64_t n, void *out, int64_t stride, const void *acc); /* out[i*stride] = acc[i] */
  int result;   /* element type of the output */
  int acc_size; /* bytes of an accumulator */
} nd_reducer;

typedef struct nd_reduce_table {
  nd_reducer sum[ND_DTYPES], sum_squares[ND_DTYPES], prod[ND_DTYPES], max[ND_DTYPES], min[ND_DTYPES];
} nd_reduce_table;
#endif
