/* test_softmax.c - softmax, its logarithm and their vjps against the definition in double, on lines of every length and
 * layout. */
#include "check.h"

static void one(int64_t lines, int64_t n, int log) {
  nd_plan p;
  set_extents(&p, 2, (int64_t[]){lines, n});
  float *store[3];
  int64_t size[3];
  for (int k = 0; k < 3; k++) {
    if (below(2)) size[k] = random_layout(&p, k, 0);
    else { /* compact rows, or compact columns */
      const int columns = (int)below(2);
      p.stride[k][0] = columns ? 1 : n, p.stride[k][1] = columns ? lines : 1, p.offset[k] = 0, size[k] = lines * n;
    }
    store[k] = malloc(sizeof(float) * (size_t)(size[k] + 1)); /* one more: malloc(0) */
    for (int64_t i = 0; i < size[k]; i++) store[k][i] = (float)uniform(-6, 2);
  }
  CHECK(nd_softmax(&p, store[0], store[1], log) == ND_OK, "softmax of %d x %d", (int)lines, (int)n);
  for (int64_t i = 0; i < lines; i++) {
    double total = 0;
    for (int64_t k = 0; k < n; k++) total += exp(store[1][element(&p, 1, i * n + k)]);
    for (int64_t k = 0; k < n; k++) {
      const double a = store[1][element(&p, 1, i * n + k)], want = log ? a - __builtin_log(total) : exp(a) / total;
      const double got = store[0][element(&p, 0, i * n + k)];
      CHECK(fabs(got - want) <= 2e-6 * ((log ? 0.1 : 1e-3) + fabs(want)), "softmax (log %d) of %d x %d: %g, not %g", log, (int)lines,
            (int)n, got, want);
    }
  }
  CHECK(nd_softmax_backward(&p, store[0], store[1], store[2], log) == ND_OK, "softmax_backward");
  for (int64_t i = 0; i < lines; i++) {
    double total = 0, size_of_total = 1;
    for (int64_t k = 0; k < n; k++) {
      const double g = store[1][element(&p, 1, i * n + k)], y = store[2][element(&p, 2, i * n + k)];
      total += log ? g : g * y;
      size_of_total += fabs(log ? g : g * y);
    }
    for (int64_t k = 0; k < n; k++) {
      const double g = store[1][element(&p, 1, i * n + k)], y = store[2][element(&p, 2, i * n + k)];
      const double want = log ? g - exp(y) * total : y * (g - total), got = store[0][element(&p, 0, i * n + k)];
      CHECK(fabs(got - want) <= 2e-6 * size_of_total * 8, "vjp (log %d) of %d x %d: %g, not %g", log, (int)lines, (int)n,
            got, want);
    }
  }
  for (int k = 0; k < 3; k++) free(store[k]);
}

static void all(void) {
  static const int64_t length[] = {1, 2, 7, 15, 16, 17, 31, 32, 45, 100, 1023, 1024, 1025, 2047, 2049, 4100};
  for (int l = 0; l < (int)(sizeof length / sizeof length[0]); l++)
    for (int trial = 0; trial < 6; trial++) one(1 + below(length[l] > 500 ? 5 : 70), length[l], trial % 2);
  nd_plan p;
  set_extents(&p, 1, (int64_t[]){3});
  p.stride[0][0] = p.stride[1][0] = 1;
  p.dtype[0] = p.dtype[1] = ND_I32;
  int32_t whole[3] = {0};
  CHECK(nd_softmax(&p, whole, whole, 0) == ND_EDTYPE, "softmax of integers");
}

int main(void) {
  nd_set_num_threads(2);
  for_every_isa(all);
  return finish("softmax");
}
