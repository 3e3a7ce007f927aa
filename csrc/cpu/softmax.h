/* softmax.h - the family of softmax along a line, f32 and f64. */
#ifndef ND_SOFTMAX_H
#define ND_SOFTMAX_H
#include "kernel_types.h"

/* Rows of n elements, contiguous; those of out, a and b lie `to`, `down` and `by` elements apart. Forward: softmax of a,
 * or its logarithm (b is not read). Backward: the vjp for the adjoint a at the result b. */
typedef void nd_softmax_lines(int64_t lines, int64_t n, void *out, int64_t to, const void *a, int64_t down, const void *b,
                              int64_t by);
/* `columns`: the same of lines that lie side by side, element k of line i is a[i + k * down]. */
typedef struct nd_softmax_table {
  nd_softmax_lines *rows[4][2], *columns[4][2]; /* by enum nd_softmax_kind and element type */
} nd_softmax_table;

enum nd_softmax_kind { SOFTMAX = 0, LOG_SOFTMAX = 1, SOFTMAX_BACKWARD = 2, LOG_SOFTMAX_BACKWARD = 3 };
#endif
