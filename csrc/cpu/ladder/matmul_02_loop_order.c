/* build: -O3 */
/* matmul_02_loop_order.c - the same three loops, the inner two exchanged.
 *
 * One idea: let the innermost loop run along rows. Now b and out are read line after line, whole lines are used,
 * the additions of one row are independent of each other, and the compiler can do several at once by itself.
 * Expect: six times rung 1 on small matrices, forty times on large ones. What limits it now: for each multiply-add, out
 * is loaded and stored again, and for large matrices the whole of b passes through the caches once for every row of a.
 */
#include "needle_ladder.h"

int nl_matmul_loop_order(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *restrict out) {
  for (int64_t i = 0; i < m; i++) {
    float *row = out + i * n;
    for (int64_t j = 0; j < n; j++) row[j] = 0;
    for (int64_t p = 0; p < k; p++) {
      const float x = a[i * k + p];
      for (int64_t j = 0; j < n; j++) row[j] += x * b[p * n + j];
    }
  }
  return 0;
}
