/* lines.c - the driver of kernels that work along one dimension: threads share the lines. */
#include "lines.h"
#include "errors.h"
#include "parallel.h"
#include "pool.h"

typedef struct {
  const nd_plan *p;
  nd_line *line;
  int operands, failed;
  const int64_t *numbers;
  int64_t neighbours, together, bundles; /* lines along the last dimension but one; those at once; bundles of those */
  int64_t scratch;
  void *const *data;
} job;

/* The element number at which line `at` of row `row` begins in operand k. */
static int64_t start(const nd_plan *p, int k, int64_t row, int64_t at) {
  int64_t where = p->offset[k] + (p->ndim > 1 ? at * p->stride[k][p->ndim - 2] : 0);
  for (int d = p->ndim - 3; d >= 0; d--) {
    where += row % p->shape[d] * p->stride[k][d];
    row /= p->shape[d];
  }
  return where;
}

static void bundles(void *ctx, int64_t lo, int64_t hi) {
  job *j = ctx;
  const nd_plan *p = j->p;
  nd_lines lines = {.n = p->shape[p->ndim - 1], .numbers = j->numbers};
  lines.scratch = j->scratch ? nd_scratch(ND_SCRATCH_SLICE, j->scratch) : 0;
  if (j->scratch && !lines.scratch) {
    __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  for (int k = 0; k < j->operands; k++) {
    lines.along[k] = p->stride[k][p->ndim - 1];
    lines.across[k] = p->ndim > 1 ? p->stride[k][p->ndim - 2] : 0;
  }
  for (int64_t i = lo; i < hi; i++) {
    const int64_t row = i / j->bundles, at = i % j->bundles * j->together, left = j->neighbours - at;
    lines.count = left < j->together ? left : j->together;
    for (int k = 0; k < ND_LINE_OPERANDS; k++)
      lines.data[k] = k < j->operands ? (char *)j->data[k] + start(p, k, row, at) * nd_item_size(p->dtype[k])
                                      : lines.data[0]; /* never read */
    j->line(&lines);
  }
}

int nd_run_lines(const nd_plan *p, int operands, nd_line *line, int64_t together, int64_t grain, int64_t scratch,
                 const int64_t *numbers, void *const *data) {
  const int bad = nd_check_plan(p);
  if (bad) return bad;
  if (p->ndim < 1) return ND_EPLAN;
  if (p->size == 0) return ND_OK;
  const int64_t length = p->shape[p->ndim - 1], neighbours = p->ndim > 1 ? p->shape[p->ndim - 2] : 1;
  if (together > neighbours) together = neighbours;
  job j = {.p = p, .line = line, .operands = operands, .numbers = numbers, .scratch = scratch, .data = data};
  j.neighbours = neighbours, j.together = together, j.bundles = (neighbours + together - 1) / together;
  nd_parallel_for(p->size / (length * neighbours) * j.bundles, grain / (length * together) + 1, bundles, &j);
  return j.failed ? ND_ENOMEM : ND_OK;
}
