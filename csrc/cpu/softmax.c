/* softmax.c - the driver of softmax along the last dimension of a plan: threads share the lines.
 *
 * Kernels see lines that are contiguous, or that lie side by side, such as the channels of images. Lines of any other
 * layout are copied to scratch memory, some at a time, and their results are copied back.
 */
#include <stddef.h>
#include "softmax.h"
#include "errors.h"
#include "parallel.h"
#include "pool.h"

enum { COPIED_ELEMENTS = 16384, COPIED_LINES = 64 }; /* at a time */

typedef struct {
  const nd_plan *p;
  nd_softmax_lines *rows, *columns;
  int operands, size, failed;
  int64_t n, neighbours;   /* elements of a line; lines along the dimension before the last */
  char *data[3];           /* out, a, b */
} job;

/* Where line i of operand k begins, in elements. */
static int64_t place(const nd_plan *p, int k, int64_t i) {
  int64_t at = p->offset[k];
  for (int d = p->ndim - 2; d >= 0; d--) {
    at += i % p->shape[d] * p->stride[k][d];
    i /= p->shape[d];
  }
  return at;
}

/* The step from line to line, or (columns) from element to element of a line. */
static int64_t step(const nd_plan *p, int k, int dimension) { return dimension < 0 ? 0 : p->stride[k][dimension]; }

static int all_ones(const job *j, int dimension) {
  for (int k = 0; k < j->operands; k++)
    if (step(j->p, k, dimension) != 1) return 0;
  return 1;
}

/* `lines` lines of an operand into a block, or back. */
#define MOVE(T)                                                                                             \
  static void move_##T(const job *j, int k, int64_t lo, int64_t lines, T *block) {                          \
    const int64_t along = j->p->stride[k][j->p->ndim - 1];                                                  \
    for (int64_t i = 0; i < lines; i++) {                                                                   \
      T *const line = (T *)j->data[k] + place(j->p, k, lo + i), *const near = block + i * j->n;             \
      if (k) for (int64_t c = 0; c < j->n; c++) near[c] = line[c * along];                                  \
      else for (int64_t c = 0; c < j->n; c++) line[c * along] = near[c];                                    \
    }                                                                                                       \
  }
MOVE(f32)
MOVE(f64)

static void move(const job *j, int k, int64_t lo, int64_t lines, void *block) {
  if (j->size == 4) move_f32(j, k, lo, lines, block);
  else move_f64(j, k, lo, lines, block);
}

static void copied(job *j, int64_t lo, int64_t hi) {
  int64_t at_once = COPIED_ELEMENTS / j->n < COPIED_LINES ? COPIED_ELEMENTS / j->n : COPIED_LINES;
  if (at_once < 1) at_once = 1;
  char *const block = nd_scratch(ND_SCRATCH_SLICE, 3 * at_once * j->n * j->size);
  if (!block) {
    __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  char *const a = block + at_once * j->n * j->size, *const b = a + at_once * j->n * j->size;
  for (int64_t lines; lo < hi; lo += lines) {
    lines = hi - lo < at_once ? hi - lo : at_once;
    move(j, 1, lo, lines, a);
    if (j->operands > 2) move(j, 2, lo, lines, b);
    j->rows(lines, j->n, block, j->n, a, j->n, b, j->n);
    move(j, 0, lo, lines, block);
  }
}

static void piece(void *ctx, int64_t lo, int64_t hi) {
  job *j = ctx;
  const nd_plan *p = j->p;
  const int last = p->ndim - 1, contiguous = j->n == 1 || all_ones(j, last);
  if (!contiguous && !all_ones(j, last - 1)) {
    copied(j, lo, hi);
    return;
  }
  for (int64_t lines; lo < hi; lo += lines) {
    lines = j->neighbours - lo % j->neighbours;
    if (lines > hi - lo) lines = hi - lo;
    char *at[3] = {0};
    int64_t by[3] = {0};
    for (int k = 0; k < j->operands; k++) {
      at[k] = j->data[k] + place(p, k, lo) * j->size;
      by[k] = step(p, k, contiguous ? last - 1 : last);
    }
    (contiguous ? j->rows : j->columns)(lines, j->n, at[0], by[0], at[1], by[1], at[2], by[2]);
  }
}

static int run(const nd_plan *p, int operands, int kind, void *out, const void *a, const void *b) {
  const int bad = nd_check_plan(p), type = p->dtype[0];
  if (bad) return bad;
  if (p->ndim < 1) return ND_EPLAN;
  for (int k = 0; k < operands; k++)
    if (p->dtype[k] != type || (type != ND_F32 && type != ND_F64)) return ND_EDTYPE;
  if (p->size == 0) return ND_OK;
  const nd_softmax_table *table = nd_current_isa()->softmax;
  job j = {.p = p, .operands = operands, .size = nd_item_size(type), .n = p->shape[p->ndim - 1],
           .neighbours = p->ndim > 1 ? p->shape[p->ndim - 2] : 1, .data = {out, (char *)a, (char *)b}};
  j.rows = table->rows[kind][type];
  j.columns = table->columns[kind][type];
  nd_parallel_for(p->size / j.n, ND_GRAIN_COSTLY / j.n + 1, piece, &j);
  return j.failed ? ND_ENOMEM : ND_OK;
}

int nd_softmax(const nd_plan *p, void *out, const void *a, int log) {
  return run(p, 2, log ? LOG_SOFTMAX : SOFTMAX, out, a, NULL);
}

int nd_softmax_backward(const nd_plan *p, void *out, const void *g, const void *y, int log) {
  return run(p, 3, log ? LOG_SOFTMAX_BACKWARD : SOFTMAX_BACKWARD, out, g, y);
}
