/* slices.c - the driver of reductions that need their whole slice: logsumexp, argmax, argmin.
 *
 * A slice is what one output element is computed from. Kernels only ever see contiguous slices: others are copied to
 * scratch memory first, several neighbours at once, so that the copy can go by tiles when slices are columns. The
 * reduced dimensions keep their order: argmax counts positions in it.
 */
#include <stddef.h>
#include "elementwise.h"
#include "errors.h"
#include "move.h"
#include "parallel.h"
#include "pool.h"
#include "slices.h"

enum { COPIED_ELEMENTS = 32768, COPIED_SLICES = 64 }; /* at a time, if slices are short enough */

typedef struct {
  nd_plan copy;   /* neighbouring slices into a compact block: operand 0 the block, operand 1 the input */
  nd_plan kept;   /* where slices start (operand 1) and their results lie (operand 0) */
  int64_t length; /* elements of a slice */
  int contiguous; /* no copy needed */
  int64_t at_once;
  int64_t down, to; /* strides of neighbouring slices: input, output */
  nd_slice *kernel;
  int out_size, in_size, lonely, failed;
  char *out;
  const char *a;
} job;

static int64_t place(const nd_plan *p, int k, int64_t index) {
  int64_t at = 0;
  for (int d = p->ndim - 1; d >= 0; d--) {
    at += index % p->shape[d] * p->stride[k][d];
    index /= p->shape[d];
  }
  return at;
}

static void slices(void *ctx, int64_t lo, int64_t hi) {
  job *j = ctx;
  nd_plan copy = j->copy;
  const int64_t neighbours = j->kept.ndim ? j->kept.shape[j->kept.ndim - 1] : 1;
  nd_row *row = nd_current_isa()->move->copy[copy.dtype[1]][copy.dtype[1]];
  void *block = NULL;
  if (!j->contiguous && !(block = nd_scratch(ND_SCRATCH_SLICE, j->at_once * j->length * j->in_size))) {
    __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  while (lo < hi) {
    int64_t rows = neighbours - lo % neighbours;
    if (rows > hi - lo) rows = hi - lo;
    if (block && rows > j->at_once) rows = j->at_once;
    const char *a = j->a + place(&j->kept, 1, lo) * j->in_size;
    char *out = j->out + place(&j->kept, 0, lo) * j->out_size;
    if (block) {
      if (!j->lonely) copy.shape[0] = rows;
      copy.size = rows * j->length;
      if (nd_run_elementwise(&copy, 2, row, ND_GRAIN_CHEAP, (void *[]){block, (void *)a}, 0))
        __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
      j->kernel(rows, j->length, block, j->length, out, j->to);
    } else {
      j->kernel(rows, j->length, a, j->down, out, j->to);
    }
    lo += rows;
  }
}

static void add_dimension(nd_plan *p, int64_t extent, int64_t stride0, int64_t stride1) {
  p->shape[p->ndim] = extent;
  p->stride[0][p->ndim] = stride0;
  p->stride[1][p->ndim++] = stride1;
  p->size *= extent;
}

/* Fills j->kept, and j->copy: the reduced dimensions behind one for the neighbours. Eight reduced dimensions leave
 * no room for it, but then there is only one slice. */
static void separate(const nd_plan *p, job *j) {
  nd_plan reduced = {.size = 1};
  for (int d = 0; d < p->ndim; d++) {
    if (p->shape[d] == 1) continue;
    if (p->stride[0][d] != 0) add_dimension(&j->kept, p->shape[d], p->stride[0][d], p->stride[1][d]);
    else add_dimension(&reduced, p->shape[d], 0, p->stride[1][d]);
  }
  j->length = reduced.size;
  j->down = j->kept.ndim ? j->kept.stride[1][j->kept.ndim - 1] : 0;
  j->to = j->kept.ndim ? j->kept.stride[0][j->kept.ndim - 1] : 0;
  j->contiguous = 1;
  for (int64_t d = reduced.ndim - 1, run = 1; d >= 0; d--) {
    reduced.stride[0][d] = run;
    j->contiguous &= reduced.stride[1][d] == run;
    run *= reduced.shape[d];
  }
  j->lonely = reduced.ndim == ND_MAX_NDIM;
  if (!j->lonely) add_dimension(&j->copy, 1, j->length, j->down);
  for (int d = 0; d < reduced.ndim; d++)
    add_dimension(&j->copy, reduced.shape[d], reduced.stride[0][d], reduced.stride[1][d]);
  j->at_once = COPIED_ELEMENTS / (j->length + 1);
  if (j->at_once > COPIED_SLICES) j->at_once = COPIED_SLICES;
  if (j->at_once < 1) j->at_once = 1;
}

static int run(const nd_plan *p, nd_slice *const *kernels, int result, int64_t grain, void *out, const void *a) {
  const int bad = nd_check_plan(p);
  if (bad) return bad;
  if (!nd_is_dtype(p->dtype[1]) || !kernels[p->dtype[1]] || p->dtype[0] != result) return ND_EDTYPE;
  job j = {.kernel = kernels[p->dtype[1]], .kept.size = 1, .copy.size = 1};
  j.copy.dtype[0] = j.copy.dtype[1] = p->dtype[1];
  separate(p, &j);
  if (j.kept.size == 0) return ND_OK;
  j.out_size = nd_item_size(p->dtype[0]);
  j.in_size = nd_item_size(p->dtype[1]);
  j.out = (char *)out + p->offset[0] * j.out_size;
  j.a = (const char *)a + p->offset[1] * j.in_size;
  nd_parallel_for(j.kept.size, grain / (j.length + 1) + 1, slices, &j);
  return j.failed ? ND_ENOMEM : ND_OK;
}

int nd_argmax(const nd_plan *p, void *out, const void *a) {
  return run(p, nd_current_isa()->slices->argmax, ND_I64, ND_GRAIN_REDUCE, out, a);
}

int nd_argmin(const nd_plan *p, void *out, const void *a) {
  return run(p, nd_current_isa()->slices->argmin, ND_I64, ND_GRAIN_REDUCE, out, a);
}

int nd_logsumexp(const nd_plan *p, void *out, const void *a) {
  return run(p, nd_current_isa()->slices->logsumexp, p->dtype[1], ND_GRAIN_COSTLY, out, a);
}
