/* nll.c - the negative log-likelihood of labels: from each row of logarithms one is taken. Compiled once: it computes
 * next to nothing. The adjoint is zeros but for one element of each row.
 */
#include <stddef.h>
#include "labels.h"
#include "parallel.h"
#include "pool.h"

typedef struct {
  const nd_plan *p;
  int type;
  int64_t rows, classes;
  const int64_t *label; /* of each row; below 0: ignored */
  const void *weight;   /* of each class, or NULL */
  double divisor;
  const void *g;
  void *out;
} job;

static double weight_of(const job *j, int64_t label) { return j->weight ? nd_float_at(j->type, j->weight, label) : 1; }

static int prepare(const nd_plan *p, const void *labels, const void *weight, int64_t ignore, int reduction, job *j) {
  const int bad = nd_check_plan(p);
  if (bad) return bad;
  if (p->ndim < 1 || reduction < ND_EACH || reduction > ND_MEAN) return ND_EPLAN;
  const int type = p->dtype[0];
  if ((type != ND_F32 && type != ND_F64) || p->dtype[1] != type || !nd_is_dtype(p->dtype[2])) return ND_EDTYPE;
  if (weight && p->dtype[3] != type) return ND_EDTYPE;
  *j = (job){.p = p, .type = type, .rows = 1, .classes = p->shape[p->ndim - 1]};
  for (int d = 0; d < p->ndim - 1; d++) j->rows *= p->shape[d];
  if (j->classes < 1 || (weight && j->classes > 1 && p->stride[3][p->ndim - 1] != 1)) return ND_EPLAN;
  int64_t *label = nd_scratch(ND_SCRATCH_LOSS, (j->rows + 1) * 16);
  if (!label) return ND_ENOMEM;
  const int wrong = nd_read_labels(p, 2, labels, ignore, j->rows, j->classes, label);
  if (wrong) return wrong;
  j->label = label;
  j->weight = weight ? (const char *)weight + p->offset[3] * nd_item_size(type) : NULL;
  j->divisor = nd_loss_divisor(reduction, type, j->rows, label, j->weight);
  return ND_OK;
}

int nd_nll(const nd_plan *p, void *out, const void *a, const void *labels, const void *weight, int64_t ignore,
           int reduction) {
  job j;
  const int bad = prepare(p, labels, weight, ignore, reduction, &j);
  if (bad) return bad;
  double *loss = (double *)(j.label + j.rows);
  const int64_t step = p->stride[1][p->ndim - 1];
  for (int64_t r = 0; r < j.rows; r++) {
    const int64_t y = j.label[r];
    loss[r] = y < 0 ? 0 : -weight_of(&j, y) * nd_float_at(j.type, a, nd_row_place(p, 1, r) + y * step);
  }
  nd_write_losses(p, reduction, j.rows, loss, j.divisor, out);
  return ND_OK;
}

#define BACKWARD(T)                                                                                         \
  static void backward_##T(void *ctx, int64_t lo, int64_t hi) { /* rows */                                  \
    const job *j = ctx;                                                                                     \
    const int64_t step = j->p->stride[0][j->p->ndim - 1];                                                   \
    for (int64_t r = lo; r < hi; r++) {                                                                     \
      T *out = (T *)j->out + nd_row_place(j->p, 0, r);                                                      \
      const int64_t y = j->label[r];                                                                        \
      for (int64_t k = 0; k < j->classes; k++) out[k * step] = 0;                                           \
      if (y >= 0) out[y * step] = (T)(-weight_of(j, y) * ((const T *)j->g)[nd_row_place(j->p, 1, r)] / j->divisor); \
    }                                                                                                       \
  }
BACKWARD(f32)
BACKWARD(f64)

int nd_nll_backward(const nd_plan *p, void *out, const void *g, const void *labels, const void *weight, int64_t ignore,
                    int reduction) {
  job j;
  const int bad = prepare(p, labels, weight, ignore, reduction, &j);
  if (bad) return bad;
  j.g = g, j.out = out;
  nd_parallel_for(j.rows, ND_GRAIN_CHEAP / (j.classes + 1) + 1, j.type == ND_F32 ? backward_f32 : backward_f64, &j);
  return ND_OK;
}
