/* test_ladder.c - every rung of the matrix-product ladder against three plain loops, for every instruction set.
 *
 * Entries are small whole numbers, so every sum is exact. The matrices lie in buffers of exactly their size: a tile that
 * reads or writes one vector beside an edge is seen by AddressSanitizer. The output holds other numbers before.
 */
#include "check.h"
#include "needle_ladder.h"

typedef int rung(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out);
static const struct {
  const char *name;
  rung *multiply;
} rungs[] = {{"naive", nl_matmul_naive},     {"loop_order", nl_matmul_loop_order}, {"tiled", nl_matmul_tiled},
             {"registers", nl_matmul_registers}, {"packed", nl_matmul_packed},     {"simd", nl_matmul_simd},
             {"wide", nl_matmul_wide},       {"blocked", nl_matmul_blocked},       {"edges", nl_matmul_edges},
             {"direct", nl_matmul_direct},   {"threads", nl_matmul_threads}};
enum { RUNGS = sizeof rungs / sizeof rungs[0] };

static float *matrix(int64_t count) {
  float *x = malloc(count ? (size_t)count * sizeof(float) : 1);
  for (int64_t i = 0; i < count; i++) x[i] = (float)(below(17) - 8);
  return x;
}

static void check_shape(int64_t m, int64_t n, int64_t k) {
  float *a = matrix(m * k), *b = matrix(k * n), *right = matrix(m * n), *out = matrix(m * n);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      right[i * n + j] = 0;
      for (int64_t p = 0; p < k; p++) right[i * n + j] += a[i * k + p] * b[p * n + j];
    }
  for (int r = 0; r < RUNGS; r++) {
    for (int64_t i = 0; i < m * n; i++) out[i] = 99;
    CHECK(rungs[r].multiply(m, n, k, a, b, out) == ND_OK, "%s", rungs[r].name);
    int64_t wrong = 0;
    for (int64_t i = 0; i < m * n; i++) wrong += out[i] != right[i];
    CHECK(!wrong, "%s, %d x %d x %d: %d numbers wrong", rungs[r].name, (int)m, (int)n, (int)k, (int)wrong);
  }
  free(a), free(b), free(right), free(out);
}

static void test(void) {
  check_shape(3, 5, 0);
  check_shape(0, 5, 3);
  check_shape(6, 16, 300);
  check_shape(14, 32, 16);
  check_shape(121, 33, 257);
  check_shape(169, 35, 513);
  check_shape(16, 801, 40); /* more panels than rung 10 reads a in place for */
  check_shape(30, 4099, 3); /* more columns than a block of b has */
  for (int i = 0; i < 40; i++) check_shape(1 + below(40), 1 + below(70), 1 + below(20));
}

int main(void) {
  for_every_isa(test);
  return finish("ladder");
}
