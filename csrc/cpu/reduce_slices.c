/* reduce_slices.c - the driver of reductions that need their whole slice: logsumexp, argmax, argmin.
 *
 * A slice is what one output element is computed from. One that is not contiguous is copied to scratch memory
 * first, in row-major order of the reduced dimensions, so that the kernels only ever see contiguous slices.
 */
#include <string.h>
#include "drivers.h"
#include "errors.h"
#include "parallel.h"
#include "pool.h"

typedef struct {
  nd_plan inner;  /* the reduced dimensions as a copy: operand 0 compact, operand 1 the slice */
  nd_plan outer;  /* the kept dimensions: operand 0 out, operand 1 the slice's first element */
  int contiguous; /* slices need no copy */
  int out_size, in_size;
  char *out;
  const char *a;
  int64_t (*find)(int64_t n, const void *a);
  void (*log_sum)(int64_t n, const void *a, void *out);
  int failed;
} job;

static int64_t place(const nd_plan *p, int k, int64_t index) {
  int64_t at = 0;
  for (int d = p->ndim - 1; d >= 0; d--) {
    at += index % p->shape[d] * p->stride[k][d];
    index /= p->shape[d];
  }
  return at;
}

static void outputs(void *ctx, int64_t lo, int64_t hi) {
  job *j = ctx;
  const int64_t n = j->inner.size;
  void *copy = NULL;
  if (!j->contiguous && !(copy = nd_scratch(ND_SCRATCH_SLICE, n * j->in_size))) {
    j->failed = 1;
    return;
  }
  for (int64_t i = lo; i < hi; i++) {
    const void *slice = j->a + place(&j->outer, 1, i) * j->in_size;
    void *out = j->out + place(&j->outer, 0, i) * j->out_size;
    if (copy) {
      nd_run_elementwise(&j->inner, 2, nd_current_isa()->move->copy[j->inner.dtype[1]][j->inner.dtype[1]],
                         ND_GRAIN_CHEAP, (void *[]){copy, (void *)slice}, 0);
      slice = copy;
    }
    if (j->find) *(int64_t *)out = j->find(n, slice);
    else j->log_sum(n, slice, out);
  }
}

static void add_dimension(nd_plan *p, int64_t extent, int64_t stride0, int64_t stride1) {
  p->shape[p->ndim] = extent;
  p->stride[0][p->ndim] = stride0;
  p->stride[1][p->ndim++] = stride1;
  p->size *= extent;
}

static int run(const nd_plan *p, job *j, void *out, const void *a) {
  const int bad = nd_check_plan(p);
  if (bad) return bad;
  j->inner.size = j->outer.size = 1;
  j->inner.dtype[0] = j->inner.dtype[1] = p->dtype[1];
  for (int d = 0; d < p->ndim; d++) {
    if (p->shape[d] == 1) continue;
    if (p->stride[0][d] == 0) add_dimension(&j->inner, p->shape[d], 0, p->stride[1][d]);
    else add_dimension(&j->outer, p->shape[d], p->stride[0][d], p->stride[1][d]);
  }
  if (j->outer.size == 0) return ND_OK;
  j->contiguous = 1;
  for (int64_t d = j->inner.ndim - 1, run_length = 1; d >= 0; d--) {
    j->inner.stride[0][d] = run_length;
    j->contiguous &= j->inner.stride[1][d] == run_length;
    run_length *= j->inner.shape[d];
  }
  j->out_size = nd_item_size(p->dtype[0]);
  j->in_size = nd_item_size(p->dtype[1]);
  j->out = (char *)out + p->offset[0] * j->out_size;
  j->a = (const char *)a + p->offset[1] * j->in_size;
  const int64_t per_output = j->inner.size < 1 ? 1 : j->inner.size;
  const int64_t per_thread = j->log_sum ? ND_GRAIN_COSTLY : ND_GRAIN_REDUCE;
  nd_parallel_for(j->outer.size, (per_thread + per_output - 1) / per_output, outputs, j);
  return j->failed ? ND_ENOMEM : ND_OK;
}

int nd_run_argreduce(const nd_plan *p, int64_t (*slice)(int64_t n, const void *a), void *out, const void *a) {
  if (p->dtype[0] != ND_I64) return ND_EDTYPE;
  job j = {.find = slice};
  return run(p, &j, out, a);
}

int nd_run_logsumexp(const nd_plan *p, void (*slice)(int64_t n, const void *a, void *out), void *out, const void *a) {
  if (p->dtype[0] != p->dtype[1]) return ND_EDTYPE;
  job j = {.log_sum = slice};
  return run(p, &j, out, a);
}
