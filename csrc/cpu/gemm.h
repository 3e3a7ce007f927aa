/* gemm.h - the family of the matrix product: one function that walks its plan by itself, and what it is made of, one
 * sequential product, for kernels that have their own threads (conv.c). */
#ifndef ND_GEMM_H
#define ND_GEMM_H
#include "kernel_types.h"

/* c[m][n] = a[m][k] b[k][n], each with its row and column stride in elements. */
typedef struct nd_product {
  int64_t m, n, k;
  int64_t a_row, a_col, b_row, b_col, c_row, c_col;
  const void *a, *b;
  void *c;
  struct last_block *last; /* where it may open its last block to other threads, or NULL */
  int accumulate;          /* c += instead */
} nd_product;

typedef struct nd_gemm_table {
  int (*product[ND_DTYPES])(const nd_product *x); /* on the calling thread; 0 where there is none */
  int (*matmul)(const nd_plan *p, void *out, const void *a, const void *b);
} nd_gemm_table;
#endif
