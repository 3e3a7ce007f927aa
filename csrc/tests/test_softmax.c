/* test_softmax.c - softmax, its logarithm and the adjoints of both against the definition, in buffers that end where the
 * rows do, so that the address sanitizer sees every step beyond. */
#include "check.h"
#include "kernel_types.h"

static double get(int type, const void *p, int64_t i) { return type == ND_F32 ? ((const f32 *)p)[i] : ((const f64 *)p)[i]; }

static void *numbers(int type, int64_t n, double low, double high) {
  void *p = malloc((size_t)(n * nd_item_size(type)));
  for (int64_t i = 0; i < n; i++)
    if (type == ND_F32) ((f32 *)p)[i] = (f32)uniform(low, high);
    else ((f64 *)p)[i] = uniform(low, high);
  return p;
}

static void near(const char *what, int type, int log, int64_t rows, int64_t n, double got, double wanted) {
  CHECK(fabs(got - wanted) <= (type == ND_F32 ? 1e-5 : 1e-12) * (1 + fabs(wanted)), "%s, type %d, log %d, %d x %d: %g, wanted %g",
        what, type, log, (int)rows, (int)n, got, wanted);
}

static void check_one(int type, int64_t rows, int64_t n, int log) {
  void *a = numbers(type, rows * n, -4, 4), *g = numbers(type, rows * n, -1, 1), *y = numbers(type, rows * n, 0, 1);
  void *out = numbers(type, rows * n, 0, 1);
  CHECK(nd_softmax_dense(type, rows * n, y, a, n, log) == ND_OK, "code");
  CHECK(nd_softmax_backward_dense(type, rows * n, out, g, y, n, log) == ND_OK, "code");
  for (int64_t r = 0; r < rows; r++) {
    double total = 0, dot = 0;
    for (int64_t k = 0; k < n; k++) total += exp(get(type, a, r * n + k));
    for (int64_t k = 0; k < n; k++) dot += get(type, g, r * n + k) * (log ? 1 : exp(get(type, a, r * n + k)) / total);
    for (int64_t k = 0; k < n; k++) {
      const int64_t i = r * n + k;
      const double p = exp(get(type, a, i)) / total, of_y = get(type, g, i);
      near("result", type, log, rows, n, get(type, y, i), log ? get(type, a, i) - (double)logl(total) : p);
      near("adjoint", type, log, rows, n, get(type, out, i), log ? of_y - p * dot : p * (of_y - dot));
    }
  }
  void *all[] = {a, g, y, out};
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
}

static void all_sizes(void) {
  static const int64_t widths[] = {1, 2, 3, 7, 8, 10, 15, 16, 17, 31, 33, 45, 64, 65, 100, 511, 512, 513, 1024, 1030, 3000};
  for (int type = ND_F32; type <= ND_F64; type++)
    for (size_t k = 0; k < sizeof widths / sizeof *widths; k++)
      for (int log = 0; log < 2; log++) {
        check_one(type, 1, widths[k], log);
        check_one(type, 1 + below(widths[k] > 200 ? 4 : 300), widths[k], log);
      }
}

int main(void) {
  f64 x[4] = {0};
  for (int threads = 1; threads <= 2; threads++) {
    nd_set_num_threads(threads);
    for_every_isa(all_sizes);
  }
  CHECK(nd_softmax_dense(ND_I32, 4, x, x, 2, 0) == ND_EDTYPE, "type");
  CHECK(nd_softmax_dense(ND_F64, 3, x, x, 2, 0) == ND_EPLAN, "3 elements in rows of 2");
  CHECK(nd_softmax_backward_dense(ND_F64, 4, x, x, x, 0, 1) == ND_EPLAN, "rows of nothing");
  CHECK(nd_softmax_dense(ND_F64, 0, x, x, 2, 0) == ND_OK, "no rows");
  return finish("softmax");
}
