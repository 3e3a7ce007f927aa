/* reduce.c - the driver of sum, prod, max, min over any axes. */
#include "drivers.h"
#include "errors.h"
#include "parallel.h"
#include "pool.h"

/* Element number of point `index` (row-major) in operand k, over the dimensions where `reduced` is as asked. */
static int64_t place(const nd_plan *p, int k, const int *chosen, int count, int64_t index) {
  int64_t at = 0;
  for (int i = count - 1; i >= 0; i--) {
    at += index % p->shape[chosen[i]] * p->stride[k][chosen[i]];
    index /= p->shape[chosen[i]];
  }
  return at;
}

typedef struct {
  const nd_plan *p;
  const nd_reducer *reducer;
  int kept[ND_MAX_NDIM], reduced[ND_MAX_NDIM], kept_count, reduced_count;
  int64_t reduced_size;
  char *out;
  const char *a;
} job;

static void outputs(void *ctx, int64_t lo, int64_t hi) {
  const job *j = ctx;
  for (int64_t i = lo; i < hi; i++) {
    int64_t acc;
    j->reducer->start(1, &acc);
    const char *a = j->a + place(j->p, 1, j->kept, j->kept_count, i) * nd_item_size(j->p->dtype[1]);
    for (int64_t r = 0; r < j->reduced_size; r++)
      j->reducer->rows(1, 1, a + place(j->p, 1, j->reduced, j->reduced_count, r) * nd_item_size(j->p->dtype[1]), 0, 0, &acc);
    j->reducer->finish(1, j->out + place(j->p, 0, j->kept, j->kept_count, i) * nd_item_size(j->p->dtype[0]), 1, &acc);
  }
}

int nd_run_reduce(const nd_plan *p, const nd_reducer *reducer, void *out, const void *a) {
  const int bad = nd_check_plan(p);
  if (bad) return bad;
  if (p->dtype[0] != reducer->result) return ND_EDTYPE;
  job j = {.p = p, .reducer = reducer, .reduced_size = 1};
  int64_t kept_size = 1;
  for (int d = 0; d < p->ndim; d++) {
    if (p->shape[d] == 1) continue;
    if (p->stride[0][d] == 0) {
      j.reduced[j.reduced_count++] = d;
      j.reduced_size *= p->shape[d];
    } else {
      j.kept[j.kept_count++] = d;
      kept_size *= p->shape[d];
    }
  }
  j.out = (char *)out + p->offset[0] * nd_item_size(p->dtype[0]);
  j.a = (const char *)a + p->offset[1] * nd_item_size(p->dtype[1]);
  nd_parallel_for(kept_size, 1, outputs, &j);
  return ND_OK;
}
