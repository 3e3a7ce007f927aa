/* gemm.h - the family of the matrix product: one function, which walks its plan by itself. */
#ifndef ND_GEMM_H
#define ND_GEMM_H
#include "kernel_types.h"

typedef struct nd_gemm_table {
  int (*matmul)(const nd_plan *p, void *out, const void *a, const void *b);
} nd_gemm_table;
#endif
