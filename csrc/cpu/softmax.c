/* softmax.c - the driver of softmax and its logarithm along the last axis: shares rows out to threads. */
#include "errors.h"
#include "parallel.h"
#include "softmax.h"

typedef struct {
  int type, size, log;
  int64_t width;
  char *out;
  const char *g, *a; /* backward: g, and a is the forward result */
} job;

static void piece(void *ctx, int64_t lo, int64_t hi) {
  const job *j = ctx;
  const nd_softmax_table *table = nd_current_isa()->softmax;
  const int64_t at = lo * j->width * j->size;
  if (j->g) table->backward[j->type](hi - lo, j->width, j->out + at, j->g + at, j->a + at, j->log);
  else table->forward[j->type](hi - lo, j->width, j->out + at, j->a + at, j->log);
}

static int run(job *j, int64_t n) {
  if (j->type != ND_F32 && j->type != ND_F64) return ND_EDTYPE;
  if (j->width < 1 || n < 0 || n % j->width) return ND_EPLAN;
  if (n == 0) return ND_OK;
  j->size = nd_item_size(j->type);
  nd_parallel_for(n / j->width, ND_GRAIN_COSTLY / (j->width + 1) + 1, piece, j);
  return ND_OK;
}

int nd_softmax_dense(int dtype, int64_t n, void *out, const void *a, int64_t width, int log) {
  job j = {.type = dtype, .log = log, .width = width, .out = out, .a = a};
  return run(&j, n);
}

int nd_softmax_backward_dense(int dtype, int64_t n, void *out, const void *g, const void *y, int64_t width, int log) {
  job j = {.type = dtype, .log = log, .width = width, .out = out, .g = g, .a = y};
  return run(&j, n);
}
