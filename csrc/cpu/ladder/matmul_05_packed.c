/* build: -O3 */
/* matmul_05_packed.c - rung 4 on packed blocks of a and b.
 *
 * One idea: copy what the tile reads into the order in which it reads it (packing.h), a block at a time, so that the
 * copies stay in the caches (panels.h). Rung 4 jumps a whole row of b at each step of p: each time a new cache line, of
 * which the tile uses the half. Copying costs one pass over a block and is paid back by every tile that reads it.
 * Expect: the speed of small matrices on large ones too, half as fast again as rung 4 at 1024 x 1024; and a sixth less
 * than rung 4 at 64 x 64, where few tiles read what was copied. Plain instructions, which every processor has.
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
