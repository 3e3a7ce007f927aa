/* decode.c - the next token of each sequence through one block of a GPT, whose earlier keys and values are kept.
 *
 * One token is so little work that asking for it, a dozen kernels from Python, takes longer than doing it. So a block is
 * one call here. It adds no arithmetic of its own: norm, product, attention and activation are the rows of their families.
 */
#include <math.h>
#include <string.h>
#include "activations.h"
#include "attention.h"
#include "elementwise_kernels.h"
#include "errors.h"
#include "gemm.h"
#include "normalise.h"
#include "parallel.h"
#include "pool.h"

enum { SEQUENCES_AT_ONCE = 8 }; /* that read a weight together: what a thread takes at least */

typedef struct {
  const char *weight, *bias; /* (in, out), (out); of a norm (dim) both */
} map;

typedef struct {
  int type, failed;
  int64_t size, dim, hidden, heads, most, length; /* size: bytes of an element */
  char *x, *keys, *values;
  map norm_1, qkv, proj, norm_2, fc, out;
  double eps_1, eps_2;
} job;

static void norm(const job *j, int64_t n, char *to, const char *x, map m, double eps) {
  double unused[3];
  const nd_row_stats stats = {unused, unused + 1, unused + 2, 0};
  nd_current_isa()->normalise->of[j->type].row_norm(n, j->dim, to, x, j->dim, m.weight, m.bias, eps, stats);
}

/* to = x W + b, or to += x W + b, for n rows. */
static int linear(const job *j, int64_t n, char *to, int64_t outputs, const char *x, int64_t inputs, map m, int add) {
  const int64_t dense[] = {1, 1, 1};
  for (int64_t r = 0; r < n; r++) {
    char *const row = to + r * outputs * j->size;
    if (add) nd_current_isa()->binary->add[j->type](outputs, (void *[]){row, row, (void *)m.bias}, dense, 0);
    else memcpy(row, m.bias, (size_t)(outputs * j->size));
  }
  const nd_product product = {.m = n, .n = outputs, .k = inputs, .a_row = inputs, .a_col = 1, .b_row = outputs, .b_col = 1,
                              .c_row = outputs, .c_col = 1, .a = x, .b = m.weight, .c = to, .accumulate = 1};
  return nd_current_isa()->gemm->product[j->type](&product);
}

/* Sequence i: keeps its new key and value of each head, which are the last of `length` + 1; to = softmax(q kᵀ / √E) v. */
static int attend(const job *j, int64_t i, char *to, const char *qkv) {
  const int64_t e = j->dim / j->heads, head = e * j->size, row = j->dim * j->size;
  double lse;
  nd_head h = {.queries = 1, .keys = j->length + 1, .features = e, .values = e, .diagonal = j->length + 1, .scale = 1 / sqrt((double)e)};
  for (int k = 0; k < ATTENTION_OPERANDS; k++) h.row[k] = e, h.col[k] = 1;
  h.data[ATTENTION_LSE] = (char *)&lse;
  for (int64_t k = 0; k < j->heads; k++) {
    char *const keys = j->keys + (i * j->heads + k) * j->most * head, *const values = j->values + (i * j->heads + k) * j->most * head;
    memcpy(keys + j->length * head, qkv + row + k * head, (size_t)head);
    memcpy(values + j->length * head, qkv + 2 * row + k * head, (size_t)head);
    h.data[ATTENTION_Q] = (char *)qkv + k * head;
    h.data[ATTENTION_K] = keys;
    h.data[ATTENTION_V] = values;
    h.data[ATTENTION_OUT] = to + k * head;
    const int error = nd_current_isa()->attention->forward[j->type](&h, 0, 1);
    if (error) return error;
  }
  return ND_OK;
}

static int rows(const job *j, int64_t first, int64_t n) {
  const int64_t row = j->dim * j->size, wide = j->hidden * j->size;
  char *const y = nd_scratch(ND_SCRATCH_DECODE, n * (4 * row + wide));
  if (!y) return ND_ENOMEM;
  char *const x = j->x + first * row, *const qkv = y + n * row, *const h = qkv + 3 * n * row;
  norm(j, n, y, x, j->norm_1, j->eps_1);
  int error = linear(j, n, qkv, 3 * j->dim, y, j->dim, j->qkv, 0);
  for (int64_t i = 0; i < n; i++) error |= attend(j, first + i, y + i * row, qkv + 3 * i * row);
  error |= linear(j, n, x, j->dim, y, j->dim, j->proj, 1);
  norm(j, n, y, x, j->norm_2, j->eps_2);
  error |= linear(j, n, h, j->hidden, y, j->dim, j->fc, 0);
  double none[3] = {0};
  const int64_t dense[] = {1, 1, 0};
  nd_current_isa()->activations->forward[ND_GELU_TANH][j->type](n * j->hidden, (void *[]){h, h, none}, dense, 0);
  return error | linear(j, n, x, j->dim, h, j->hidden, j->out, 1);
}

static void body(void *ctx, int64_t lo, int64_t hi) {
  job *j = ctx;
  const int error = rows(j, lo, hi - lo);
  if (error) __atomic_store_n(&j->failed, error, __ATOMIC_RELAXED);
}

int nd_gpt_block_dense(int dtype, int64_t n, void *x, void *keys, void *values, const void *norm_1, const void *norm_1_bias,
                       const void *qkv, const void *qkv_bias, const void *proj, const void *proj_bias, const void *norm_2,
                       const void *norm_2_bias, const void *fc, const void *fc_bias, const void *out, const void *out_bias,
                       int64_t dim, int64_t hidden, int64_t heads, int64_t most, int64_t length, double eps_1, double eps_2) {
  if (dtype != ND_F32 && dtype != ND_F64) return ND_EDTYPE;
  if (n < 0 || dim < 1 || hidden < 1 || heads < 1 || dim % heads || length < 0 || length >= most) return ND_EPLAN;
  job j = {.type = dtype, .size = nd_item_size(dtype), .dim = dim, .hidden = hidden, .heads = heads, .most = most,
           .length = length, .x = x, .keys = keys, .values = values, .norm_1 = {norm_1, norm_1_bias}, .qkv = {qkv, qkv_bias},
           .proj = {proj, proj_bias}, .norm_2 = {norm_2, norm_2_bias}, .fc = {fc, fc_bias}, .out = {out, out_bias},
           .eps_1 = eps_1, .eps_2 = eps_2};
  if (n) nd_parallel_for(n, SEQUENCES_AT_ONCE, body, &j);
  return j.failed;
}
