/* test_reduce.c - reductions over random axes of random layouts against a plain sum in double; the error of long sums;
 * the same bits for any number of threads; nan, infinities, empty reductions; positions of extremes. */
#include "check.h"

/* Makes operand 0 compact over the dimensions not in `axes` and gives it stride 0 in the others. */
static int64_t reduce_layout(nd_plan *p, unsigned axes) {
  int64_t n = 1;
  for (int d = p->ndim - 1; d >= 0; d--) {
    p->stride[0][d] = axes >> d & 1 ? 0 : n;
    if (!(axes >> d & 1)) n *= p->shape[d];
  }
  return n;
}

static void random_axes(void) {
  static const int64_t extents[] = {1, 2, 3, 7, 16, 33, 64, 100, 150, 700};
  for (int round = 0; round < 300; round++) {
    nd_plan p;
    int64_t shape[4];
    const int ndim = (int)below(5);
    for (int d = 0; d < ndim; d++) shape[d] = extents[below(ndim < 3 ? 10 : ndim < 4 ? 7 : 5)];
    set_extents(&p, ndim, shape);
    const int64_t needed = random_layout(&p, 1, 1), outputs = reduce_layout(&p, (unsigned)below(1 << ndim));
    float *a = malloc((size_t)needed * 4), *out = malloc((size_t)outputs * 4);
    double *sum = calloc((size_t)outputs, 8), *size = calloc((size_t)outputs, 8), *top = malloc((size_t)outputs * 8);
    double *bottom = malloc((size_t)outputs * 8), *exps = calloc((size_t)outputs, 8), *squares = calloc((size_t)outputs, 8);
    int64_t *count = calloc((size_t)outputs, 8), *first = malloc((size_t)outputs * 8), *where = malloc((size_t)outputs * 8);
    for (int64_t i = 0; i < needed; i++) a[i] = (float)uniform(-4, 4);
    for (int64_t i = 0; i < outputs; i++) top[i] = -INFINITY, bottom[i] = INFINITY;
    for (int64_t i = 0; i < p.size; i++) {
      const int64_t o = element(&p, 0, i);
      const double x = a[element(&p, 1, i)];
      sum[o] += x, size[o] += fabs(x), exps[o] += exp(x), squares[o] += x * x;
      if (x > top[o]) top[o] = x, first[o] = count[o];
      if (x < bottom[o]) bottom[o] = x;
      count[o]++;
    }
    p.dtype[0] = p.dtype[1] = ND_F32;
#define EACH(name, got_type, got_data, tolerance, want)                                                     \
  CHECK(nd_##name(&p, got_data, a) == ND_OK, #name);                                                        \
  for (int64_t o = 0; o < outputs; o++)                                                                     \
    CHECK(fabs((double)((got_type *)(got_data))[o] - (want)) <= (tolerance), #name " of %ld: got %.9g, want %.9g", \
          (long)count[o], (double)((got_type *)(got_data))[o], (double)(want));
    EACH(sum, float, out, 1e-6 * size[o] + 1e-30, sum[o])
    EACH(sum_squares, float, out, 1e-6 * squares[o] + 1e-30, squares[o])
    EACH(max, float, out, 0, top[o])
    EACH(min, float, out, 0, bottom[o])
    EACH(logsumexp, float, out, 2e-6 * (1 + fabs(log(exps[o]))), log(exps[o]))
    p.dtype[0] = ND_I64;
    EACH(argmax, int64_t, where, 0, first[o])
    free(a), free(out), free(sum), free(size), free(top), free(bottom), free(exps), free(squares), free(count), free(first), free(where);
  }
}

/* A million equal floats, the worst case of a running sum; and the bits for 1, 2, 3 threads. */
static void long_sums(void) {
  enum { N = 1000 };
  float *a = malloc(N * N * 4), out[3][N];
  double exact = 0, wide = 0;
  for (int i = 0; i < N * N; i++) exact += a[i] = (float)uniform(0, 1), wide += fabs(a[i]);
  for (unsigned axes = 1; axes <= 3; axes++) {
    nd_plan p;
    set_extents(&p, 2, (int64_t[]){N, N});
    p.stride[1][0] = N, p.stride[1][1] = 1;
    const int64_t outputs = reduce_layout(&p, axes);
    if (axes == 3) p.stride[0][0] = p.stride[0][1] = 0;
    for (int threads = 1; threads <= 3; threads++) {
      nd_set_num_threads(threads);
      CHECK(nd_sum(&p, out[threads - 1], a) == ND_OK, "sum");
    }
    CHECK(!memcmp(out[0], out[1], (size_t)outputs * 4) && !memcmp(out[0], out[2], (size_t)outputs * 4),
          "sum over axes %u must not depend on the number of threads", axes);
    /* NumPy's pairwise sum of these has a relative error of some 1e-7 */
    if (axes == 3) CHECK(fabs(out[0][0] - exact) <= 2e-7 * wide, "full sum: %.9g, exact %.9g", out[0][0], exact);
  }
  nd_set_num_threads(3);
  free(a);
}

static void special_values(void) {
  for (int n = 1; n < 300; n += 7) {
    float a[300], out;
    int64_t at;
    nd_plan p;
    set_extents(&p, 1, (int64_t[]){n});
    p.stride[1][0] = 1;
    for (int i = 0; i < n; i++) a[i] = (float)i;
    const int place = (int)below(n);
    a[place] = NAN;
    nd_max(&p, &out, a);
    CHECK(isnan(out), "max of %d with a nan at %d: %g", n, place, out);
    nd_min(&p, &out, a);
    CHECK(isnan(out), "min of %d with a nan at %d: %g", n, place, out);
    p.dtype[0] = ND_I64;
    nd_argmin(&p, &at, a);
    CHECK(at == place, "argmin must name the nan: %ld, not %d", (long)at, place);
    p.dtype[0] = ND_F32;
    for (int i = 0; i < n; i++) a[i] = -INFINITY;
    nd_logsumexp(&p, &out, a);
    CHECK(out == -INFINITY, "logsumexp of -inf: %g", out);
    a[place] = 12345;
    nd_logsumexp(&p, &out, a);
    CHECK(out == 12345, "logsumexp must not overflow: %g", out);
    uint8_t flags[300];
    int64_t total;
    for (int i = 0; i < n; i++) flags[i] = 1;
    p.dtype[0] = ND_I64, p.dtype[1] = ND_BOOL;
    nd_sum(&p, &total, flags);
    CHECK(total == n, "sum of %d bools: %ld", n, (long)total);
    int32_t ints[300];
    for (int i = 0; i < n; i++) ints[i] = 2000000000;
    p.dtype[1] = ND_I32;
    nd_sum(&p, &total, ints);
    CHECK(total == 2000000000ll * n, "sum of %d large int32: %ld", n, (long)total);
  }
  nd_plan p;
  float one = 7, out[3] = {9, 9, 9};
  set_extents(&p, 2, (int64_t[]){3, 0});
  p.stride[0][0] = 1;
  CHECK(nd_sum(&p, out, &one) == ND_OK && out[0] == 0 && out[2] == 0, "the empty sum is 0");
  CHECK(nd_prod(&p, out, &one) == ND_OK && out[0] == 1 && out[2] == 1, "the empty product is 1");
  p.dtype[0] = ND_I32;
  CHECK(nd_sum(&p, out, &one) == ND_EDTYPE, "a sum of floats is a float");
}

static void all(void) {
  random_axes();
  long_sums();
  special_values();
}

int main(void) {
  nd_set_num_threads(3);
  for_every_isa(all);
  return finish("reduce");
}
