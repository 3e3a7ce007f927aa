/* test_elementwise.c - every elementwise family on random layouts (permuted, with gaps, reversed, repeated), against
 * the definition computed point by point; casts between all types; in-place; types a kernel must refuse. */
#include "check.h"

static const int item_size[5] = {4, 8, 4, 8, 1};
static void *storage[4];

static double get(int dtype, const void *data, int64_t i) {
  switch (dtype) {
    case ND_F32: return ((const float *)data)[i];
    case ND_F64: return ((const double *)data)[i];
    case ND_I32: return ((const int32_t *)data)[i];
    case ND_I64: return (double)((const int64_t *)data)[i];
    default: return ((const uint8_t *)data)[i];
  }
}
static void put(int dtype, void *data, int64_t i, double x) {
  switch (dtype) {
    case ND_F32: ((float *)data)[i] = (float)x; break;
    case ND_F64: ((double *)data)[i] = x; break;
    case ND_I32: ((int32_t *)data)[i] = (int32_t)x; break;
    case ND_I64: ((int64_t *)data)[i] = (int64_t)x; break;
    default: ((uint8_t *)data)[i] = x != 0;
  }
}

static void random_shape(nd_plan *p) {
  static const int64_t extents[] = {1, 2, 3, 5, 8, 17, 40, 65, 130, 300};
  int64_t shape[4];
  const int ndim = (int)below(5);
  for (int d = 0; d < ndim; d++) shape[d] = extents[below(ndim < 3 ? 10 : ndim < 4 ? 7 : 5)];
  set_extents(p, ndim, shape);
}

/* Storage of exactly the elements the layout reaches, so that the address sanitizer sees any other access. */
static void allocate(nd_plan *p, int k, int dtype, double lo, double hi) {
  p->dtype[k] = dtype;
  const int64_t n = random_layout(p, k, k > 0);
  storage[k] = malloc((size_t)(n * item_size[dtype]));
  for (int64_t i = 0; i < n; i++) put(dtype, storage[k], i, dtype == ND_BOOL ? (double)below(2) : floor(uniform(lo, hi) * 8) / 8);
}
static void release(int operands) {
  for (int k = 0; k < operands; k++) free(storage[k]);
}

#define COMPARE(name, expected)                                                                             \
  for (int64_t i = 0; i < p.size; i++) {                                                                    \
    const double a = operands > 1 ? get(p.dtype[1], storage[1], element(&p, 1, i)) : 0;                     \
    const double b = operands > 2 ? get(p.dtype[2], storage[2], element(&p, 2, i)) : 0;                     \
    const double c = operands > 3 ? get(p.dtype[3], storage[3], element(&p, 3, i)) : 0;                     \
    (void)a, (void)b, (void)c;                                                                              \
    const double got = get(p.dtype[0], storage[0], element(&p, 0, i)), want = expected;                     \
    CHECK(fabs(got - want) <= 1e-5 * (1 + fabs(want)), "%s dtype %d ndim %d point %ld: got %g, want %g", name, \
          (int)p.dtype[operands > 1], (int)p.ndim, (long)i, got, want);                                     \
  }

static void arithmetic(void) {
  for (int round = 0; round < 60; round++)
    for (int dtype = ND_F32; dtype <= ND_I64; dtype++) {
      nd_plan p;
      const int operands = 3;
      random_shape(&p);
      allocate(&p, 0, dtype, 0, 1);
      allocate(&p, 1, dtype, -9, 9);
      allocate(&p, 2, dtype, -9, 9);
#define TWO(name, expected)                                                          \
  CHECK(nd_##name(&p, storage[0], storage[1], storage[2]) == ND_OK, #name " failed"); \
  COMPARE(#name, expected)
      TWO(add, a + b)
      TWO(subtract, a - b)
      TWO(multiply, a * b)
      TWO(maximum, a > b ? a : b)
      TWO(minimum, a < b ? a : b)
      if (dtype <= ND_F64) { TWO(relu_backward, b > 0 ? a : 0) TWO(tanh_backward, a * (1 - b * b)) }
      if (dtype <= ND_F64) { TWO(sigmoid_backward, a * b * (1 - b)) }
      CHECK(nd_divide(&p, storage[0], storage[1], storage[2]) == (dtype <= ND_F64 ? ND_OK : ND_EDTYPE), "divide");
      release(3);
    }
}

static void unary_and_scalar(void) {
  for (int round = 0; round < 60; round++)
    for (int dtype = ND_F32; dtype <= ND_I64; dtype++) {
      nd_plan p;
      const int operands = 2;
      random_shape(&p);
      allocate(&p, 0, dtype, 0, 1);
      allocate(&p, 1, dtype, -9, 9);
#define ONE(name, expected)                                              \
  CHECK(nd_##name(&p, storage[0], storage[1]) == ND_OK, #name " failed"); \
  COMPARE(#name, expected)
#define SCALAR(name, s, expected)                                           \
  CHECK(nd_##name(&p, storage[0], storage[1], s) == ND_OK, #name " failed"); \
  COMPARE(#name, expected)
      ONE(negative, -a)
      ONE(abs, fabs(a))
      ONE(sign, (a > 0) - (a < 0))
      ONE(square, a * a)
      ONE(relu, a > 0 ? a : 0)
      ONE(floor, floor(a))
      ONE(ceil, ceil(a))
      if (dtype <= ND_F64) { ONE(exp, exp(a)) ONE(tanh, tanh(a)) ONE(sigmoid, 1 / (1 + exp(-a))) ONE(sin, sin(a)) ONE(cos, cos(a)) }
      SCALAR(add_scalar, 3, a + 3)
      SCALAR(multiply_scalar, 3, a * 3)
      SCALAR(rsubtract_scalar, 3, 3 - a)
      SCALAR(maximum_scalar, 3, a > 3 ? a : 3)
      SCALAR(minimum_scalar, 3, a < 3 ? a : 3)
      SCALAR(power_scalar, 2, a * a)
      SCALAR(power_scalar, 3, a * a * a)
      SCALAR(power_scalar, 0, 1)
      p.dtype[0] = ND_F32 == dtype ? ND_F64 : ND_F32;
      CHECK(nd_negative(&p, storage[0], storage[1]) == ND_EDTYPE, "mixed types must be refused");
      release(2);
    }
}

static void to_bool_and_where(void) {
  for (int round = 0; round < 60; round++)
    for (int dtype = ND_F32; dtype <= ND_BOOL; dtype++) {
      nd_plan p;
      random_shape(&p);
      allocate(&p, 0, ND_BOOL, 0, 1);
      allocate(&p, 1, dtype, -2, 2);
      allocate(&p, 2, dtype, -2, 2);
      int operands = 3;
      TWO(equal, a == b)
      TWO(not_equal, a != b)
      TWO(less, a < b)
      TWO(less_equal, a <= b)
      TWO(greater, a > b)
      TWO(greater_equal, a >= b)
      if (dtype == ND_BOOL) { TWO(logical_and, a && b) TWO(logical_or, a || b) TWO(logical_xor, a != b) }
      else CHECK(nd_logical_and(&p, storage[0], storage[1], storage[2]) == ND_EDTYPE, "logical_and is for bool");
      operands = 2;
      ONE(logical_not, a == 0)
      SCALAR(less_scalar, 1, a < 1)
      SCALAR(equal_scalar, 1, a == 1)
      release(3);
      operands = 4;
      allocate(&p, 0, dtype, 0, 1);
      allocate(&p, 1, ND_BOOL, 0, 1);
      allocate(&p, 2, dtype, -9, 9);
      allocate(&p, 3, dtype, -9, 9);
      CHECK(nd_where(&p, storage[0], storage[1], storage[2], storage[3]) == ND_OK, "where failed");
      COMPARE("where", a != 0 ? b : c)
      release(4);
    }
}

static void copy_and_fill(void) {
  for (int round = 0; round < 30; round++)
    for (int from = ND_F32; from <= ND_BOOL; from++)
      for (int to = ND_F32; to <= ND_BOOL; to++) {
        nd_plan p;
        int operands = 2;
        random_shape(&p);
        allocate(&p, 0, to, 0, 1);
        allocate(&p, 1, from, -9, 9);
        ONE(copy, to == ND_BOOL ? a != 0 : to == ND_I32 || to == ND_I64 ? trunc(a) : a)
        operands = 1;
        CHECK(nd_fill(&p, storage[0], 2.0) == ND_OK, "fill failed");
        COMPARE("fill", to == ND_BOOL ? 1 : 2)
        release(2);
      }
}

/* Dense entry points over the thresholds of the threads, and with the output being an input. */
static void dense(void) {
  enum { N = 100003 };
  float *a = malloc(N * 4), *b = malloc(N * 4), *out = malloc(N * 4);
  for (int i = 0; i < N; i++) a[i] = (float)uniform(-4, 4), b[i] = (float)uniform(-4, 4);
  CHECK(nd_add_dense(ND_F32, N, out, a, b) == ND_OK, "add_dense");
  for (int i = 0; i < N; i++) CHECK(out[i] == a[i] + b[i], "add_dense at %d", i);
  memcpy(out, a, N * 4);
  CHECK(nd_multiply_dense(ND_F32, N, out, out, b) == ND_OK, "multiply_dense in place");
  for (int i = 0; i < N; i++) CHECK(out[i] == a[i] * b[i], "multiply_dense in place at %d", i);
  CHECK(nd_add_dense(ND_BOOL, 1, out, a, b) == ND_EDTYPE && nd_add_dense(77, 1, out, a, b) == ND_EDTYPE, "bad types");
  CHECK(nd_add_dense(ND_F32, 0, NULL, NULL, NULL) == ND_OK, "no elements, nothing touched");
  const float nan = NAN;
  float x[2] = {1, nan}, y[2] = {nan, 1}, z[2];
  nd_maximum_dense(ND_F32, 2, z, x, y);
  CHECK(isnan(z[0]) && isnan(z[1]), "maximum must propagate nan");
  nd_relu_dense(ND_F32, 2, z, x);
  CHECK(z[0] == 1 && isnan(z[1]), "relu must keep nan");
  int32_t low = INT32_MIN, result;
  nd_abs_dense(ND_I32, 1, &result, &low);
  CHECK(result == INT32_MIN, "abs of the smallest int32 wraps");
  free(a), free(b), free(out);
}

static void all(void) {
  arithmetic();
  unary_and_scalar();
  to_bool_and_where();
  copy_and_fill();
  dense();
}

int main(void) {
  nd_set_num_threads(3);
  for_every_isa(all);
  nd_plan bad = {.ndim = 9};
  CHECK(nd_fill(&bad, NULL, 0) == ND_EPLAN && nd_error_detail() == 9, "nine dimensions");
  bad.ndim = 1;
  bad.shape[0] = -1;
  CHECK(nd_fill(&bad, NULL, 0) == ND_EPLAN, "a negative extent");
  return finish("elementwise");
}
