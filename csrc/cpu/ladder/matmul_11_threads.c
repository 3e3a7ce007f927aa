/* build: -O2 */
/* matmul_11_threads.c - rung 10 on all cores.
 *
 * One idea: rows of out do not depend on each other, so each thread takes its share of them and runs rung 10.
 * No two threads write the same place and none waits for another; the price is that each packs b for itself.
 * Expect: twice rung 10 on two cores, for matrices that are worth the 1 to 10 microseconds it takes to wake a
 * thread (a group of rows is given away only if it brings some 80,000 multiply-adds).
 *
 * What nd_matmul, the library's product (csrc/cpu/isa/gemm.c), does beyond this rung: it takes any strides, so that
 * transposed and broadcast operands need no copy; has float64 and integers, batches, and loops of their own for
 * vectors; transposes in registers while packing; asks memory in advance; and cuts the longer side of out.
 */
#include "needle_kernels.h"
#include "needle_ladder.h"
#include "parallel.h"

enum { PAYING_WORK = 80000 };

typedef struct job {
  int64_t m, n, k, strips;
  const float *a, *b;
  float *out;
  int error;
} job;

/* Strips low .. high-1 of out, each an equal share of its rows. */
static void some_rows(void *context, int64_t low, int64_t high) {
  job *j = context;
  const int64_t first = j->m * low / j->strips, rows = j->m * high / j->strips - first;
  const int error = nl_matmul_direct(rows, j->n, j->k, j->a + first * j->k, j->b, j->out + first * j->n);
  if (error) __atomic_store_n(&j->error, error, __ATOMIC_RELAXED);
}

int nl_matmul_threads(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  const int64_t threads = nd_get_num_threads(), paying = m / (1 + PAYING_WORK / (n * k + 1));
  job j = {.m = m, .n = n, .k = k, .a = a, .b = b, .out = out, .error = ND_OK};
  j.strips = paying < 1 ? 1 : paying < threads ? paying : threads;
  nd_parallel_for(j.strips, 1, some_rows, &j);
  return j.error;
}
