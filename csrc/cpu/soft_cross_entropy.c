/* soft_cross_entropy.c - the driver of the cross-entropy with probabilities as targets: shares rows out, adds up.
 *
 * As in cross_entropy.c, kernels see contiguous rows; of other layouts some rows at a time are copied to scratch memory.
 */
#include <stddef.h>
#include "cross_entropy.h"
#include "errors.h"
#include "parallel.h"
#include "pool.h"
#include "row_blocks.h"

typedef struct {
  const nd_plan *p;
  int type, size, logits, reduction, failed; /* logits: their operand; that of the targets follows */
  int64_t rows, classes;
  const char *a, *q, *weight;
  char *g, *out; /* backward */
  double *loss;  /* forward */
  double smoothing, divisor;
} job;

static void piece(void *ctx, int64_t lo, int64_t hi) {
  job *j = ctx;
  const nd_plan *p = j->p;
  const nd_cross_entropy_table *table = nd_current_isa()->cross_entropy;
  const int64_t n = j->classes;
  const int a = j->logits, q = a + 1;
  const int copy = !nd_rows_are_plain(p, a) || !nd_rows_are_plain(p, q) || (j->out && !nd_rows_are_plain(p, 0));
  const int64_t at_once = nd_rows_at_once(n, copy);
  char *block = NULL;
  if (copy && !(block = nd_scratch(ND_SCRATCH_SLICE, 3 * at_once * n * j->size))) {
    __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  const int64_t bytes = at_once * n * j->size;
  for (int64_t rows; lo < hi; lo += rows) {
    rows = hi - lo < at_once ? hi - lo : at_once;
    if (block) {
      nd_move_rows(p, j->type, a, lo, rows, j->a, block, 0);
      nd_move_rows(p, j->type, q, lo, rows, j->q, block + bytes, 0);
    }
    const char *logits = block ? block : j->a + nd_row_place(p, a, lo) * j->size;
    const char *targets = block ? block + bytes : j->q + nd_row_place(p, q, lo) * j->size;
    const int lie_in_rows = block || p->ndim < 2;
    const int64_t down = lie_in_rows ? n : p->stride[a][0], by = lie_in_rows ? n : p->stride[q][0];
    if (!j->out) {
      table->soft_forward[j->type](rows, n, logits, down, targets, by, j->weight, j->smoothing, j->loss + lo);
      continue;
    }
    double scale[ND_BLOCK_ROWS];
    for (int64_t i = 0; i < rows; i++) scale[i] = nd_float_at(j->type, j->g, nd_row_place(p, 1, lo + i)) / j->divisor;
    char *out = block ? block + 2 * bytes : j->out + nd_row_place(p, 0, lo) * j->size;
    const int64_t to = lie_in_rows ? n : p->stride[0][0];
    table->soft_backward[j->type](rows, n, logits, down, targets, by, j->weight, j->smoothing, scale, out, to);
    if (block) nd_move_rows(p, j->type, 0, lo, rows, j->out, out, 1);
  }
}

/* Shared by both directions: `first` is the operand of the logits; targets and weights follow. */
static int prepare(const nd_plan *p, int first, const void *weight, job *j) {
  const int bad = nd_check_plan(p);
  if (bad) return bad;
  if (p->ndim < 1 || j->reduction < ND_EACH || j->reduction > ND_MEAN) return ND_EPLAN;
  j->type = p->dtype[first];
  if (j->type != ND_F32 && j->type != ND_F64) return ND_EDTYPE;
  for (int k = 0; k <= first + 1 + (weight != NULL); k++)
    if (p->dtype[k] != j->type) return ND_EDTYPE;
  j->p = p;
  j->logits = first;
  j->size = nd_item_size(j->type);
  j->classes = p->shape[p->ndim - 1];
  j->rows = 1;
  for (int d = 0; d < p->ndim - 1; d++) j->rows *= p->shape[d];
  if (j->classes < 1 || (weight && j->classes > 1 && p->stride[first + 2][p->ndim - 1] != 1)) return ND_EPLAN;
  j->weight = weight ? (const char *)weight + p->offset[first + 2] * j->size : NULL;
  j->divisor = j->reduction == ND_MEAN ? (double)j->rows : 1;
  return ND_OK;
}

int nd_soft_cross_entropy(const nd_plan *p, void *out, const void *a, const void *q, const void *weight, double smoothing,
                          int reduction) {
  job j = {.smoothing = smoothing, .reduction = reduction, .a = a, .q = q};
  const int bad = prepare(p, 1, weight, &j);
  if (bad) return bad;
  if (!(j.loss = nd_scratch(ND_SCRATCH_LOSS, (j.rows + 1) * 8))) return ND_ENOMEM;
  nd_parallel_for(j.rows, ND_GRAIN_COSTLY / (j.classes + 1) + 1, piece, &j);
  if (j.failed) return ND_ENOMEM;
  nd_write_losses(p, reduction, j.rows, j.loss, j.divisor, out);
  return ND_OK;
}

int nd_soft_cross_entropy_backward(const nd_plan *p, void *out, const void *g, const void *a, const void *q,
                                   const void *weight, double smoothing, int reduction) {
  job j = {.smoothing = smoothing, .reduction = reduction, .a = a, .q = q, .g = (char *)g, .out = out};
  const int bad = prepare(p, 2, weight, &j);
  if (bad) return bad;
  nd_parallel_for(j.rows, ND_GRAIN_COSTLY / (j.classes + 1) + 1, piece, &j);
  return j.failed ? ND_ENOMEM : ND_OK;
}
