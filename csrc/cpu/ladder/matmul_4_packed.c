/* build: -O3 */
/* matmul_4_packed.c - a tile of out stays in registers; a and b are packed for it.
 *
 * One idea: rung 3 loads and stores a number of out for every multiply-add. Here a tile of 4 x 8 numbers of out
 * is kept in registers while p runs over the whole depth; each step loads 4 + 8 numbers and does 32
 * multiply-adds with them. Packing (panels.h) puts the numbers in the order in which the tile reads them.
 * Expect: about twice rung 3, with the plain instructions every x86-64 or arm64 processor has. The size of the
 * tile is what fits 16 registers; the loops over it have constant ends, so that the compiler unrolls them.
 */
#define ROWS 4
#define COLUMNS 8
#include "panels.h"

static void tile(int64_t depth, const float *restrict a, const float *restrict b, float acc[ROWS][COLUMNS]) {
  float sum[ROWS][COLUMNS] = {{0}};
  for (int64_t p = 0; p < depth; p++)
    for (int i = 0; i < ROWS; i++)
      for (int j = 0; j < COLUMNS; j++) sum[i][j] += a[p * ROWS + i] * b[p * COLUMNS + j];
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j < COLUMNS; j++) acc[i][j] = sum[i][j];
}

int nl_matmul_packed(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  return multiply_panels(m, n, k, a, b, out);
}
