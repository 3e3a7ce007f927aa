/* soft_cross_entropy.c - the driver of the cross-entropy with probabilities as targets: shares rows out to threads, adds up.
 *
 * As in cross_entropy.c, kernels see contiguous rows; of other layouts some rows at a time are copied to scratch memory.
 */
#include <stddef.h>
#include "cross_entropy.h"
#include "elementwise.h"
#include "errors.h"
#include "labels.h"
#include "parallel.h"
#include "pool.h"

enum { ROWS = 64, COPIED_ELEMENTS = 32768 }; /* at a time */

typedef struct {
  const nd_plan *p;
  int type, size, logits, reduction, failed; /* logits: their operand; that of the targets follows */
  int64_t rows, classes;
  const char *a, *q, *weight;
  char *g, *out; /* backward */
  double *loss;  /* forward */
  double smoothing, divisor;
} job;

/* Contiguous rows, equally far apart: a kernel can walk them as they lie. */
static int is_plain(const nd_plan *p, int k) {
  return p->ndim <= 2 && (p->stride[k][p->ndim - 1] == 1 || p->shape[p->ndim - 1] == 1);
}

/* Rows of an operand into a block, or back into the operand. */
#define MOVE(T)                                                                                             \
  static void move_##T(const nd_plan *p, int k, int64_t lo, int64_t rows, T *data, T *block, int back) {    \
    const int64_t n = p->shape[p->ndim - 1], step = p->stride[k][p->ndim - 1];                              \
    int64_t at[ROWS];                                                                                       \
    for (int64_t i = 0; i < rows; i++) at[i] = nd_row_place(p, k, lo + i);                                  \
    for (int64_t c = 0; c < n; c++)                                                                         \
      for (int64_t i = 0; i < rows; i++) {                                                                  \
        T *const here = data + at[i] + c * step, *const there = block + i * n + c;                          \
        if (back) *here = *there;                                                                           \
        else *there = *here;                                                                                \
      }                                                                                                     \
  }
MOVE(f32)
MOVE(f64)

static void move(const job *j, int k, int64_t lo, int64_t rows, const char *data, char *block, int back) {
  if (j->type == ND_F32) move_f32(j->p, k, lo, rows, (f32 *)data, (f32 *)block, back);
  else move_f64(j->p, k, lo, rows, (f64 *)data, (f64 *)block, back);
}

static void piece(void *ctx, int64_t lo, int64_t hi) {
  job *j = ctx;
  const nd_plan *p = j->p;
  const nd_cross_entropy_table *table = nd_current_isa()->cross_entropy;
  const int64_t n = j->classes, a = j->logits;
  const int copy = !is_plain(p, j->logits) || !is_plain(p, j->logits + 1) || (j->out && !is_plain(p, 0));
  int64_t at_once = copy && COPIED_ELEMENTS / n < ROWS ? COPIED_ELEMENTS / n : ROWS;
  if (at_once < 1) at_once = 1;
  char *block = NULL;
  if (copy && !(block = nd_scratch(ND_SCRATCH_SLICE, 3 * at_once * n * j->size))) {
    __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  const int64_t bytes = at_once * n * j->size;
  for (int64_t rows; lo < hi; lo += rows) {
    rows = hi - lo < at_once ? hi - lo : at_once;
    if (block) move(j, (int)a, lo, rows, j->a, block, 0), move(j, (int)a + 1, lo, rows, j->q, block + bytes, 0);
    const char *logits = block ? block : j->a + nd_row_place(p, (int)a, lo) * j->size;
    const char *targets = block ? block + bytes : j->q + nd_row_place(p, (int)a + 1, lo) * j->size;
    const int64_t down = block || p->ndim < 2 ? n : p->stride[a][0], by = block || p->ndim < 2 ? n : p->stride[a + 1][0];
    if (!j->out) {
      table->soft_forward[j->type](rows, n, logits, down, targets, by, j->weight, j->smoothing, j->loss + lo);
      continue;
    }
    double scale[ROWS];
    for (int64_t i = 0; i < rows; i++) scale[i] = nd_float_at(j->type, j->g, nd_row_place(p, 1, lo + i)) / j->divisor;
    char *out = block ? block + 2 * bytes : j->out + nd_row_place(p, 0, lo) * j->size;
    const int64_t to = block || p->ndim < 2 ? n : p->stride[0][0];
    table->soft_backward[j->type](rows, n, logits, down, targets, by, j->weight, j->smoothing, scale, out, to);
    if (block) move(j, 0, lo, rows, j->out, out, 1);
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
