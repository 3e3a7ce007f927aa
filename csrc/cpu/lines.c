/* lines.c - the driver of kernels that work along one dimension: threads share the lines. */
#include "lines.h"
#include "errors.h"
#include "parallel.h"
#include "pool.h"

typedef struct {
  const nd_plan *p;
  nd_line *line;
  int64_t scratch;
  int flag, failed;
  char *out;
  const char *a;
} job;

/* The element number at which line `index` begins in operand k. */
static int64_t start(const nd_plan *p, int k, int64_t index) {
  int64_t at = p->offset[k];
  for (int d = p->ndim - 2; d >= 0; d--) {
    at += index % p->shape[d] * p->stride[k][d];
    index /= p->shape[d];
  }
  return at;
}

static void lines(void *ctx, int64_t lo, int64_t hi) {
  job *j = ctx;
  const nd_plan *p = j->p;
  const int last = p->ndim - 1, out_size = nd_item_size(p->dtype[0]), in_size = nd_item_size(p->dtype[1]);
  void *scratch = j->scratch ? nd_scratch(ND_SCRATCH_SLICE, j->scratch) : 0;
  if (j->scratch && !scratch) {
    __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t i = lo; i < hi; i++)
    j->line(p->shape[last], j->out + start(p, 0, i) * out_size, p->stride[0][last], j->a + start(p, 1, i) * in_size,
            p->stride[1][last], j->flag, scratch);
}

int nd_run_lines(const nd_plan *p, nd_line *line, int64_t grain, int64_t scratch, int flag, void *out, const void *a) {
  const int bad = nd_check_plan(p);
  if (bad) return bad;
  if (p->ndim < 1) return ND_EPLAN;
  if (p->size == 0) return ND_OK;
  const int64_t length = p->shape[p->ndim - 1];
  job j = {.p = p, .line = line, .scratch = scratch, .flag = flag, .out = out, .a = a};
  nd_parallel_for(p->size / length, grain / length + 1, lines, &j);
  return j.failed ? ND_ENOMEM : ND_OK;
}
