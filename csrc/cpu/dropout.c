/* dropout.c - the driver of dropout: threads take pieces of 64 elements, for which isa/philox.h draws at a time. */
#include "dropout.h"
#include "parallel.h"

typedef struct {
  int type;
  int64_t n;
  void *out;
  const void *a;
  double p;
  uint64_t key;
} job;

static void piece(void *ctx, int64_t lo, int64_t hi) {
  const job *j = ctx;
  const int64_t end = hi * 64 < j->n ? hi * 64 : j->n;
  nd_current_isa()->dropout->dropout[j->type](lo * 64, end, j->out, j->a, j->p, j->key);
}

int nd_dropout_dense(int dtype, int64_t n, void *out, const void *a, double p, int64_t key) {
  if (dtype != ND_F32 && dtype != ND_F64) return ND_EDTYPE;
  job j = {dtype, n, out, a, p, (uint64_t)key};
  nd_parallel_for((n + 63) / 64, ND_GRAIN_COSTLY / 64, piece, &j);
  return ND_OK;
}
