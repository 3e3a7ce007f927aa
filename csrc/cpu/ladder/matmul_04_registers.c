/* build: -O3 -fno-tree-vectorize -ftree-slp-vectorize */
/* matmul_04_registers.c - a tile of out stays in registers.
 *
 * One idea: rungs 2 and 3 load and store a number of out for every multiply-add. Here 4 x 8 numbers of out are kept
 * in registers while p runs over the whole depth: each step loads 4 numbers of a and 8 of b and does 32 multiply-adds
 * with them. 32 is what fits 16 registers of 4 floats; the loops over the tile have constant ends, so that the compiler
 * unrolls them and needs no array in memory. (Told to vectorise loops, GCC takes the one over p, for a's sake, and
 * spends its time shuffling; the build line above says not to.)
 * Expect: up to half as fast again as rung 3 at 64 x 64 and 256 x 256. At 1024 x 1024 less than rung 3: the rows of b
 * are 4 KB apart, so that all numbers of a column compete for the same few places of the cache (1000 x 1000 is well).
 */
#include "needle_ladder.h"

enum { ROWS = 4, COLUMNS = 8 };

/* One whole tile: a points to its first row (rows are k apart), b to its first column (rows are n apart). */
static void tile(int64_t k, int64_t n, const float *restrict a, const float *restrict b, float *restrict out) {
  float sum[ROWS][COLUMNS] = {{0}};
  for (int64_t p = 0; p < k; p++)
    for (int i = 0; i < ROWS; i++)
      for (int j = 0; j < COLUMNS; j++) sum[i][j] += a[i * k + p] * b[p * n + j];
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j < COLUMNS; j++) out[i * n + j] = sum[i][j];
}

/* What is left at the right and at the bottom, as in rung 1. */
static void edge(int64_t rows, int64_t columns, int64_t k, int64_t n, const float *a, const float *b, float *out) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) {
      float sum = 0;
      for (int64_t p = 0; p < k; p++) sum += a[i * k + p] * b[p * n + j];
      out[i * n + j] = sum;
    }
}

int nl_matmul_registers(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  const int64_t whole_m = m / ROWS * ROWS, whole_n = n / COLUMNS * COLUMNS;
  for (int64_t j = 0; j < whole_n; j += COLUMNS)
    for (int64_t i = 0; i < whole_m; i += ROWS) tile(k, n, a + i * k, b + j, out + i * n + j);
  edge(m, n - whole_n, k, n, a, b + whole_n, out + whole_n);
  edge(m - whole_m, whole_n, k, n, a + whole_m * k, b, out + whole_m * n);
  return 0;
}
