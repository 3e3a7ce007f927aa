/* build: -O2 -fno-schedule-insns */
/* gemm.c - nd_matmul, the matrix product: any strides, batches, element types; blocked, packed, in threads.
 *
 * Read in this order: gemm_tile.h (the arithmetic), gemm_pack.h and gemm_block.h (how it is fed from the caches),
 * then this file, which turns a plan into sequential products and shares them out among the threads, and gemm_help.h
 * (what a thread does that is done early). The ladder in csrc/cpu/ladder develops the same idea step by step.
 * gemm_shape.h holds the sizes per processor.
 */
#include <stddef.h>
#include <string.h>
#include "gemm.h"
#include "isa.h"
#include "parallel.h"
#include "pool.h"
#include "gemm_help.h"
#include "gemm_shape.h"
#include "transpose.h"
#include "unroll.h"

typedef nd_product product;

#define T float
#define TYPE f32
#define ELEMENT_BYTES 4
#include "gemm_type.h"
#define T double
#define TYPE f64
#define ELEMENT_BYTES 8
#include "gemm_type.h"
#define T uint32_t
#define TYPE i32
#define ELEMENT_BYTES 4
#include "gemm_type.h"
#define T uint64_t
#define TYPE i64
#define ELEMENT_BYTES 8
#include "gemm_type.h"

typedef int (*product_fn)(const product *x);
static const product_fn products[4] = {product_f32, product_f64, product_i32, product_i64};
static void (*const help[4])(last_block *) = {help_f32, help_f64, help_i32, help_i64};
static const int64_t element_bytes[4] = {4, 8, 4, 8};

/* What the threads share: products number 0 .. batches-1, each cut into `down` x `across` pieces. */
typedef struct job {
  product whole;
  int dtype, error, outer;
  int64_t down, across;
  const int64_t *shape, *a_stride, *b_stride, *c_stride;   /* of the batch dimensions */
  last_block *last;                                        /* of each piece, or NULL if nobody helps */
} job;

static inline const void *at(const void *base, int64_t elements, int64_t bytes) {
  return (const char *)base + elements * bytes;
}

/* (m x k)(k x n) is the transpose of (n x k)(k x m): the same product with a and b in each other's place. */
static product transposed(const product *x) {
  return (product){.m = x->n, .n = x->m, .k = x->k,
                   .a_row = x->b_col, .a_col = x->b_row, .b_row = x->a_col, .b_col = x->a_row,
                   .c_row = x->c_col, .c_col = x->c_row, .a = x->b, .b = x->a, .c = x->c};
}

/* The start of piece i of `pieces` nearly equal ones, at a multiple of `unit`. */
static inline int64_t cut(int64_t total, int64_t pieces, int64_t i, int64_t unit) {
  const int64_t at_unit = (total * i / pieces + unit - 1) / unit * unit;
  return i == pieces || at_unit > total ? total : at_unit;
}

/* Pieces low .. high-1 of the job, one sequential product each. */
static void pieces(void *context, int64_t low, int64_t high) {
  job *j = context;
  const int64_t bytes = element_bytes[j->dtype], lanes = VECTOR_BYTES / bytes;
  for (int64_t number = low; number < high; number++) {
    product x = j->whole;
    int64_t batch = number / (j->down * j->across);
    const int64_t piece = number % (j->down * j->across), row = piece / j->across, column = piece % j->across;
    for (int d = j->outer - 1; d >= 0; d--) {
      const int64_t index = batch % j->shape[d];
      batch /= j->shape[d];
      x.a = at(x.a, index * j->a_stride[d], bytes);
      x.b = at(x.b, index * j->b_stride[d], bytes);
      x.c = (void *)at(x.c, index * j->c_stride[d], bytes);
    }
    const int64_t top = cut(x.m, j->down, row, 1), left = cut(x.n, j->across, column, lanes);
    x.m = cut(x.m, j->down, row + 1, 1) - top;
    x.n = cut(x.n, j->across, column + 1, lanes) - left;
    x.a = at(x.a, top * x.a_row, bytes);
    x.b = at(x.b, left * x.b_col, bytes);
    x.c = (void *)at(x.c, top * x.c_row + left * x.c_col, bytes);
    if (j->last) x.last = &j->last[piece];
    const int error = x.m && x.n ? products[j->dtype](&x) : ND_OK;
    if (error) __atomic_store_n(&j->error, error, __ATOMIC_RELAXED);
  }
  for (int64_t i = 0; j->last && i < j->down * j->across; i++) help[j->dtype](&j->last[i]);
}

/* Cuts out into threads = down x across pieces so that together they read the least of a and b: the piece whose
 * sides m/down + n/across are shortest. For two threads: cut the longer side. Of equal sides the rows are cut if a will be
 * packed, which means transposing: then each thread packs a part of its own; else the columns, so that b is packed once.
 * (With six rows, AVX2, cutting the rows of 1024 x 1024 is 7 % slower.) */
static void cut_for(int64_t threads, job *j) {
  const int rows = TILE_ASKS && j->whole.n * element_bytes[j->dtype] > DIRECT_CROWDED_A * TILE_VECTORS * VECTOR_BYTES;
  double best = 0;
  for (int64_t down = 1; down <= threads; down++)
    if (threads % down == 0) {
      const double sides = (double)j->whole.m / down + (double)j->whole.n * down / threads;
      if (best == 0 || sides < best || (rows && sides == best)) best = sides, j->down = down, j->across = threads / down;
    }
}

static int matmul(const nd_plan *p, void *out, const void *a, const void *b) {
  int outer = p->ndim - 3;
  if (outer < 0 || p->ndim > ND_MAX_NDIM) return ND_EPLAN;
  const int dtype = p->dtype[0];
  if (dtype < ND_F32 || dtype > ND_I64 || dtype != p->dtype[1] || dtype != p->dtype[2]) return ND_EDTYPE;
  const int64_t *c_stride = p->stride[0] + outer, *a_stride = p->stride[1] + outer, *b_stride = p->stride[2] + outer;
  const int64_t bytes = element_bytes[dtype];
  product x = {.m = p->shape[outer], .n = p->shape[outer + 1], .k = p->shape[outer + 2],
               .a_row = a_stride[0], .a_col = a_stride[2], .b_row = b_stride[2], .b_col = b_stride[1],
               .c_row = c_stride[0], .c_col = c_stride[1],
               .a = at(a, p->offset[1], bytes), .b = at(b, p->offset[2], bytes),
               .c = (void *)at(out, p->offset[0], bytes)};
  /* (batch, m, k) @ (k, n): a batch whose rows continue the rows of the one before is one taller matrix. */
  while (outer > 0 && p->stride[2][outer - 1] == 0 && p->stride[1][outer - 1] == x.m * x.a_row &&
         p->stride[0][outer - 1] == x.m * x.c_row)
    x.m *= p->shape[--outer];
  int64_t batches = 1;
  for (int d = 0; d < outer; d++) batches *= p->shape[d];
  if (x.m < 1 || x.n < 1 || batches < 1) return ND_OK;
  job j = {.whole = x, .dtype = dtype, .outer = outer, .down = 1, .across = 1, .shape = p->shape,
           .a_stride = p->stride[1], .b_stride = p->stride[2], .c_stride = p->stride[0]};
  /* Compute the transposed product if that lets rows of out, or the vector of a matrix-vector product, lie contiguous. */
  const int rows_of_out = x.c_col != 1 && x.c_row == 1 && x.m > 1 && x.n > 1;
  const int transposed_vector = (x.m == 1 && x.b_col != 1 && x.b_row == 1 && x.a_col == 1) || (x.n == 1 && x.a_row == 1);
  if (rows_of_out || transposed_vector) {
    j.whole = transposed(&x);
    j.a_stride = p->stride[2], j.b_stride = p->stride[1];
  }
  const double work = (double)batches * x.m * x.n * x.k;
  int64_t threads = work < 2.0 * THREAD_PRODUCTS ? 1 : nd_get_num_threads();
  if (threads > work / THREAD_PRODUCTS) threads = (int64_t)(work / THREAD_PRODUCTS);
  if (batches < threads) cut_for(threads, &j);
  last_block last[MAX_HELPERS];
  if (threads > 1 && threads <= MAX_HELPERS && batches == 1 &&
      j.whole.m / j.down > blocks_that_fit(nd_cache_sizes, bytes).m) {
    j.last = last;
    for (int64_t i = 0; i < threads; i++) last[i].unbegun = 0;
  }
  if (threads <= 1)
    pieces(&j, 0, batches);
  else
    nd_parallel_for(batches * j.down * j.across, 1, pieces, &j);
  return j.error;
}

const nd_gemm_table ND_TABLE(gemm) = {.matmul = matmul, .product = ND_FUNCTIONS_NUMBERS(product)};
