/* cross_entropy.c - the driver of the softmax cross-entropy: reads the labels, shares rows out to threads, adds up.
 *
 * Kernels see contiguous rows. Logits of other layouts, such as images whose classes are the second of four dimensions,
 * are copied to scratch memory some rows at a time, and their gradients are copied back.
 */
#include <stddef.h>
#include "cross_entropy.h"
#include "errors.h"
#include "parallel.h"
#include "pool.h"
#include "row_blocks.h"

typedef struct {
  const nd_plan *p;
  int type, size, logits, reduction, failed;
  int64_t rows, classes;
  const int64_t *label; /* of each row; below 0: ignored */
  const char *a, *weight;
  char *g, *out;  /* backward */
  double *loss;   /* forward */
  double smoothing, divisor;
} job;

static void piece(void *ctx, int64_t lo, int64_t hi) {
  job *j = ctx;
  const nd_plan *p = j->p;
  const nd_cross_entropy_table *table = nd_current_isa()->cross_entropy;
  const int64_t n = j->classes;
  const int copy = !nd_rows_are_plain(p, j->logits) || (j->out && !nd_rows_are_plain(p, 0));
  const int64_t at_once = nd_rows_at_once(n, copy);
  char *block = NULL;
  if (copy && !(block = nd_scratch(ND_SCRATCH_SLICE, 2 * at_once * n * j->size))) {
    __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t rows; lo < hi; lo += rows) {
    rows = hi - lo < at_once ? hi - lo : at_once;
    const char *a = block ? block : j->a + nd_row_place(p, j->logits, lo) * j->size;
    const int64_t down = block || p->ndim < 2 ? n : p->stride[j->logits][0];
    if (block) nd_move_rows(p, j->type, j->logits, lo, rows, j->a, block, 0);
    if (!j->out) {
      table->forward[j->type](rows, n, a, down, j->label + lo, j->weight, j->smoothing, j->loss + lo);
      continue;
    }
    double scale[ND_BLOCK_ROWS];
    for (int64_t i = 0; i < rows; i++) scale[i] = nd_float_at(j->type, j->g, nd_row_place(p, 1, lo + i)) / j->divisor;
    char *out = block ? block + at_once * n * j->size : j->out + nd_row_place(p, 0, lo) * j->size;
    const int64_t to = block || p->ndim < 2 ? n : p->stride[0][0];
    table->backward[j->type](rows, n, a, down, j->label + lo, j->weight, j->smoothing, scale, out, to);
    if (block) nd_move_rows(p, j->type, 0, lo, rows, j->out, out, 1);
  }
}

/* Shared by both directions: `first` is the operand of the logits; labels and weights follow. */
static int prepare(const nd_plan *p, int first, const void *a, const void *labels, const void *weight, int64_t ignore,
                   job *j) {
  const int bad = nd_check_plan(p);
  if (bad) return bad;
  if (p->ndim < 1 || j->reduction < ND_EACH || j->reduction > ND_MEAN) return ND_EPLAN;
  j->type = p->dtype[first];
  if (j->type != ND_F32 && j->type != ND_F64) return ND_EDTYPE;
  if (p->dtype[0] != j->type || !nd_is_dtype(p->dtype[first + 1])) return ND_EDTYPE;
  if ((first == 2 && p->dtype[1] != j->type) || (weight && p->dtype[first + 2] != j->type)) return ND_EDTYPE;
  j->p = p;
  j->logits = first;
  j->size = nd_item_size(j->type);
  j->classes = p->shape[p->ndim - 1];
  j->rows = 1;
  for (int d = 0; d < p->ndim - 1; d++) j->rows *= p->shape[d];
  if (j->classes < 1 || (weight && j->classes > 1 && p->stride[first + 2][p->ndim - 1] != 1)) return ND_EPLAN;
  int64_t *label = nd_scratch(ND_SCRATCH_LOSS, (j->rows + 1) * 16);
  if (!label) return ND_ENOMEM;
  const int wrong = nd_read_labels(p, first + 1, labels, ignore, j->rows, j->classes, label);
  if (wrong) return wrong;
  j->label = label;
  j->loss = (double *)(label + j->rows);
  j->a = a;
  j->weight = weight ? (const char *)weight + p->offset[first + 2] * j->size : NULL;
  j->divisor = nd_loss_divisor(j->reduction, j->type, j->rows, label, j->weight);
  return ND_OK;
}

int nd_cross_entropy(const nd_plan *p, void *out, const void *a, const void *labels, const void *weight,
                     double smoothing, int64_t ignore, int reduction) {
  job j = {.smoothing = smoothing, .reduction = reduction};
  const int bad = prepare(p, 1, a, labels, weight, ignore, &j);
  if (bad) return bad;
  nd_parallel_for(j.rows, ND_GRAIN_COSTLY / (j.classes + 1) + 1, piece, &j);
  if (j.failed) return ND_ENOMEM;
  nd_write_losses(p, reduction, j.rows, j.loss, j.divisor, out);
  return ND_OK;
}

int nd_cross_entropy_backward(const nd_plan *p, void *out, const void *g, const void *a, const void *labels,
                              const void *weight, double smoothing, int64_t ignore, int reduction) {
  job j = {.smoothing = smoothing, .reduction = reduction, .g = (char *)g, .out = out};
  const int bad = prepare(p, 2, a, labels, weight, ignore, &j);
  if (bad) return bad;
  nd_parallel_for(j.rows, ND_GRAIN_COSTLY / (j.classes + 1) + 1, piece, &j);
  return j.failed ? ND_ENOMEM : ND_OK;
}
