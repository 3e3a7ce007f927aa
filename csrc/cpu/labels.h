/* labels.h - what the losses of classifiers share: labels of rows, read and checked, and what a mean divides by. */
#ifndef ND_LABELS_H
#define ND_LABELS_H
#include "elementwise.h"
#include "errors.h"
#include "kernel_types.h"

static inline double nd_float_at(int type, const void *data, int64_t i) {
  return type == ND_F32 ? ((const f32 *)data)[i] : ((const f64 *)data)[i];
}

/* Where row r of operand k begins, in elements; the last dimension of the plan is the classes'. */
static inline int64_t nd_row_place(const nd_plan *p, int k, int64_t r) {
  int64_t at = p->offset[k];
  for (int d = p->ndim - 2; d >= 0; d--) {
    at += r % p->shape[d] * p->stride[k][d];
    r /= p->shape[d];
  }
  return at;
}

/* The label of each row as an int64, -1 where it is `ignore`; one that is no class is an error, and `detail` what it is. */
static inline int nd_read_labels(const nd_plan *p, int operand, const void *data, int64_t ignore, int64_t rows,
                                 int64_t classes, int64_t *label) {
  for (int64_t r = 0; r < rows; r++) {
    const int64_t at = nd_row_place(p, operand, r);
    double given = 0;
    int64_t y = 0;
    switch (p->dtype[operand]) {
      case ND_F32: given = ((const f32 *)data)[at]; break;
      case ND_F64: given = ((const f64 *)data)[at]; break;
      case ND_I32: y = ((const i32 *)data)[at]; break;
      case ND_I64: y = ((const i64 *)data)[at]; break;
      default: y = ((const b8 *)data)[at];
    }
    if (p->dtype[operand] <= ND_F64) {
      y = given > -1e18 && given < 1e18 ? (int64_t)given : INT64_MAX;
      if ((double)y != given) return nd_fail(ND_EINDEX, y);
    }
    if (y == ignore) y = -1;
    else if (y < 0 || y >= classes) return nd_fail(ND_EINDEX, y);
    label[r] = y;
  }
  return ND_OK;
}

/* What a reduction divides by: a mean by the sum of the labels' weights. weight: of each class, or NULL. */
static inline double nd_loss_divisor(int reduction, int type, int64_t rows, const int64_t *label, const void *weight) {
  if (reduction != ND_MEAN) return 1;
  double sum = 0;
  for (int64_t r = 0; r < rows; r++)
    if (label[r] >= 0) sum += weight ? nd_float_at(type, weight, label[r]) : 1;
  return sum;
}

/* The losses of rows to out, one by one or added up and divided. */
static inline void nd_write_losses(const nd_plan *p, int reduction, int64_t rows, const double *loss, double divisor,
                                   void *out) {
  const int single = p->dtype[0] == ND_F32;
  double sum = 0;
  for (int64_t r = 0; r < rows; r++) {
    const int64_t at = nd_row_place(p, 0, r);
    sum += loss[r];
    if (reduction != ND_EACH) continue;
    if (single) ((f32 *)out)[at] = (f32)loss[r];
    else ((f64 *)out)[at] = loss[r];
  }
  if (reduction == ND_EACH) return;
  if (single) ((f32 *)out)[p->offset[0]] = (f32)(sum / divisor);
  else ((f64 *)out)[p->offset[0]] = sum / divisor;
}
#endif
