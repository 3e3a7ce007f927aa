/* softmax.h - the family of softmax and its logarithm, f32 and f64. */
#ifndef ND_SOFTMAX_H
#define ND_SOFTMAX_H
#include "kernel_types.h"

/* Rows of n elements, one after the other. forward: the softmax of each row of a, or (log) its logarithm.
 * backward: the adjoint of a from g, the adjoint of y, and y, what forward gave. */
typedef struct nd_softmax_table {
  void (*forward[2])(int64_t rows, int64_t n, void *out, const void *a, int log);
  void (*backward[2])(int64_t rows, int64_t n, void *out, const void *g, const void *y, int log);
} nd_softmax_table;
#endif
