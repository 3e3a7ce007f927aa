/* attention.c - the driver of attention: it finds the matrices of each head in the plan, and shares the work out to
 * threads: forward by blocks of queries, backward by heads, because all queries of a head add to its keys' adjoints.
 */
#include <stddef.h>
#include "attention.h"
#include "errors.h"
#include "parallel.h"

/* Which of a plan's operands is what, and along which dimensions, counted from the last of the batch, it lies. */
enum { L = 0, S = 1, E = 2, D = 3, NONE = -1 };
static const struct { int row, col; } lies[ATTENTION_OPERANDS] = {
    [ATTENTION_OUT] = {L, D},  [ATTENTION_LSE] = {L, NONE}, [ATTENTION_Q] = {L, E},    [ATTENTION_K] = {S, E},
    [ATTENTION_V] = {S, D},    [ATTENTION_MASK] = {L, S},   [ATTENTION_TO_Q] = {L, E}, [ATTENTION_TO_K] = {S, E},
    [ATTENTION_TO_V] = {S, D}, [ATTENTION_G] = {L, D}};
static const int forward_operands[] = {ATTENTION_OUT, ATTENTION_LSE, ATTENTION_Q, ATTENTION_K, ATTENTION_V, ATTENTION_MASK};
static const int backward_operands[] = {ATTENTION_TO_Q, ATTENTION_TO_K, ATTENTION_TO_V, ATTENTION_G, ATTENTION_OUT,
                                        ATTENTION_LSE, ATTENTION_Q, ATTENTION_K, ATTENTION_V, ATTENTION_MASK};

typedef struct {
  const nd_plan *p;
  const nd_attention_table *table;
  const int *operands;
  int count, type, batch, failed; /* operands; element type; dimensions of the batch */
  int64_t blocks;                 /* of queries in a head */
  nd_head head;                   /* of the first batch */
} job;

/* The matrices of head number i. */
static nd_head head(const job *j, int64_t i) {
  nd_head h = j->head;
  h.first = (uint64_t)(i * h.queries);
  for (int d = j->batch - 1; d >= 0; d--) {
    const int64_t index = i % j->p->shape[d];
    i /= j->p->shape[d];
    for (int k = 0; k < j->count; k++)
      if (h.data[j->operands[k]]) h.data[j->operands[k]] += index * j->p->stride[k][d] * nd_item_size(j->type);
  }
  return h;
}

static void forward(void *ctx, int64_t lo, int64_t hi) {
  job *j = ctx;
  const int64_t block = j->table->block[j->type], queries = j->head.queries;
  while (lo < hi) { /* neighbouring blocks of one head at once: they share what is made of its keys */
    const int64_t first = lo % j->blocks, left = j->blocks - first, count = left < hi - lo ? left : hi - lo;
    const nd_head h = head(j, lo / j->blocks);
    const int64_t end = (first + count) * block;
    const int error = j->table->forward[j->type](&h, first * block, end < queries ? end : queries);
    if (error) __atomic_store_n(&j->failed, error, __ATOMIC_RELAXED);
    lo += count;
  }
}

static void backward(void *ctx, int64_t lo, int64_t hi) {
  job *j = ctx;
  for (; lo < hi; lo++) {
    const nd_head h = head(j, lo);
    const int error = j->table->backward[j->type](&h);
    if (error) __atomic_store_n(&j->failed, error, __ATOMIC_RELAXED);
  }
}

static int run(const nd_plan *p, const int *operands, int count, void *const *data, double scale, int64_t diagonal,
               double drop, int64_t key) {
  const int bad = nd_check_plan(p);
  if (bad) return bad;
  if (p->ndim < 4) return ND_EPLAN;
  job j = {.p = p, .table = nd_current_isa()->attention, .operands = operands, .count = count, .type = p->dtype[0],
           .batch = p->ndim - 4};
  const int64_t *extent = p->shape + j.batch;
  j.head = (nd_head){.queries = extent[L], .keys = extent[S], .features = extent[E], .values = extent[D],
                     .diagonal = diagonal, .scale = scale, .drop = drop, .key = (uint64_t)key};
  for (int k = 0; k < count; k++) {
    const int name = operands[k], row = lies[name].row, col = lies[name].col;
    if (!data[k] && name == ATTENTION_MASK) continue;
    if (p->dtype[k] != j.type || (j.type != ND_F32 && j.type != ND_F64)) return ND_EDTYPE;
    j.head.data[name] = (char *)data[k] + p->offset[k] * nd_item_size(j.type);
    j.head.row[name] = p->stride[k][j.batch + row];
    j.head.col[name] = col == NONE ? 0 : p->stride[k][j.batch + col];
  }
  int64_t heads = 1;
  for (int d = 0; d < j.batch; d++) heads *= p->shape[d];
  const int64_t block = j.table->block[j.type];
  j.blocks = (extent[L] + block - 1) / block;
  const int64_t each = extent[S] * (extent[E] + extent[D]) + 1; /* products for a query */
  if (operands == backward_operands)
    nd_parallel_for(heads, ND_GRAIN_COSTLY * 8 / (each * (extent[L] + 1)) + 1, backward, &j);
  else
    nd_parallel_for(heads * j.blocks, ND_GRAIN_COSTLY * 8 / (each * block) + 1, forward, &j);
  return j.failed;
}

int nd_attention(const nd_plan *p, void *out, void *lse, const void *q, const void *k, const void *v, const void *mask,
                 double scale, int64_t diagonal, double drop, int64_t key) {
  void *const data[] = {out, lse, (void *)q, (void *)k, (void *)v, (void *)mask};
  return run(p, forward_operands, 6, data, scale, diagonal, drop, key);
}

int nd_attention_backward(const nd_plan *p, void *to_q, void *to_k, void *to_v, const void *g, const void *out,
                          const void *lse, const void *q, const void *k, const void *v, const void *mask, double scale,
                          int64_t diagonal, double drop, int64_t key) {
  void *const data[] = {to_q, to_k, to_v, (void *)g, (void *)out, (void *)lse, (void *)q, (void *)k, (void *)v, (void *)mask};
  return run(p, backward_operands, 10, data, scale, diagonal, drop, key);
}
