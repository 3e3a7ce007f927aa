/* build: -O2 */
/* matmul_01_naive.c - the definition, written down.
 *
 * Every element of out is a row of a times a column of b. Walking down a column of b jumps n numbers at a time:
 * of each cache line of 16 floats that memory delivers, one is used. And each addition has to wait for the one
 * before it (3 to 4 cycles), so the processor mostly stands still even when everything is in the cache.
 */
#include "needle_ladder.h"

int nl_matmul_naive(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      float sum = 0;
      for (int64_t p = 0; p < k; p++) sum += a[i * k + p] * b[p * n + j];
      out[i * n + j] = sum;
    }
  return 0;
}
