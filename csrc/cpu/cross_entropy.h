/* cross_entropy.h - the family of the softmax cross-entropy, f32 and f64. */
#ifndef ND_CROSS_ENTROPY_H
#define ND_CROSS_ENTROPY_H
#include "kernel_types.h"

/* Rows of n logits, contiguous, `down` elements apart. label: of each row; below 0: the row counts for nothing.
 * weight: of each class, or NULL. forward: loss[r] of row r. backward: the gradient of scale[r] times the loss of row r,
 * to rows of out that are `to` elements apart. */
typedef struct nd_cross_entropy_table {
  void (*forward[2])(int64_t rows, int64_t n, const void *a, int64_t down, const int64_t *label, const void *weight,
                     double smoothing, double *loss);
  void (*backward[2])(int64_t rows, int64_t n, const void *a, int64_t down, const int64_t *label, const void *weight,
                      double smoothing, const double *scale, void *out, int64_t to);
  /* The same where row r of q, at q + r * by, has a probability for each class in the place of a label. */
  void (*soft_forward[2])(int64_t rows, int64_t n, const void *a, int64_t down, const void *q, int64_t by, const void *weight,
                          double smoothing, double *loss);
  void (*soft_backward[2])(int64_t rows, int64_t n, const void *a, int64_t down, const void *q, int64_t by,
                           const void *weight, double smoothing, const double *scale, void *out, int64_t to);
} nd_cross_entropy_table;
#endif
