/* gemm.c - the matrix product in the instruction set in use; isa/gemm.c computes it. */
#include "gemm.h"

int nd_matmul(const nd_plan *p, void *out, const void *a, const void *b) {
  return nd_current_isa()->gemm->matmul(p, out, a, b);
}
