/* build: -O3 */
/* matmul_03_tiled.c - rung 2 on blocks that fit the cache.
 *
 * One idea: finish with a block of b while it is in the cache. A block of 64 x 256 floats is 64 KB, a part of
 * the second-level cache; every row of a goes over it before the next block is fetched, so b comes from memory
 * once and not once per row.
 * Expect: little or nothing as long as b fits the last-level cache (1024 x 1024 floats are 4 MB), and that the speed
 * of small matrices is kept where it does not. Rung 5 shows why the step matters: its panels are such blocks.
 */
#include "needle_ladder.h"

enum { BLOCK_K = 64, BLOCK_N = 256 };

static inline int64_t smaller(int64_t x, int64_t y) { return x < y ? x : y; }

int nl_matmul_tiled(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *restrict out) {
  for (int64_t i = 0; i < m * n; i++) out[i] = 0;
  for (int64_t j0 = 0; j0 < n; j0 += BLOCK_N) {
    const int64_t j1 = smaller(j0 + BLOCK_N, n);
    for (int64_t p0 = 0; p0 < k; p0 += BLOCK_K) {
      const int64_t p1 = smaller(p0 + BLOCK_K, k);
      for (int64_t i = 0; i < m; i++)
        for (int64_t p = p0; p < p1; p++) {
          const float x = a[i * k + p];
          for (int64_t j = j0; j < j1; j++) out[i * n + j] += x * b[p * n + j];
        }
    }
  }
  return 0;
}
