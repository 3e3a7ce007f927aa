/* test_accuracy.c - how far f32 and f64 functions are from the truth, in units in the last place (ulp): sweeps over all
 * magnitudes and over the interesting intervals, and the special values. f32 is judged by the C library in double, f64 by
 * long double. */
#include "check.h"

#ifdef EMULATED
enum { N = 25000 }; /* arm64's long double has 128 bits, made of whole numbers: 10 us a value in qemu */
#else
enum { N = 400000 };
#endif
static union { uint32_t bits; float value; } pun32;
static union { uint64_t bits; double value; } pun64;

static double ulp_error_f32(float got, double want) {
  const float rounded = (float)want;
  if (isnan(want)) return isnan(got) ? 0 : INFINITY;
  if (isinf(rounded) || isinf(got)) return got == rounded ? 0 : INFINITY;
  const float spacing = nextafterf(fabsf(rounded), INFINITY) - fabsf(rounded);
  return isinf(spacing) ? 0 : fabs((double)got - want) / spacing;
}
static double ulp_error_f64(double got, long double want) {
  const double rounded = (double)want;
  if (isnan(want)) return isnan(got) ? 0 : INFINITY;
  if (isinf(rounded) || isinf(got)) return got == rounded ? 0 : INFINITY;
  const double spacing = nextafter(fabs(rounded), INFINITY) - fabs(rounded);
  return isinf(spacing) ? 0 : (double)(fabsl((long double)got - want) / spacing);
}

static const double special[] = {0.0,  -0.0,   INFINITY, -INFINITY, NAN,   1,    -1,    1e-40, -1e-40, 1.4e-45,
                                 88.7, 88.73,  -87.4,    -103.9,    -104,  -105, 709.7, 709.8, -745,   -746,
                                 3e38, -3e38,  0.625,    -0.625,    1e-310, 1e6, 1e7,   -1e9};
enum { SPECIALS = sizeof special / sizeof special[0] };

/* Element i: a special value; in the first half any bit pattern or uniform in [lo, hi], by turns; in the second half
 * nothing that needs the slow way of a function which is quick on ordinary numbers. */
static double sample(int i, int dtype, double lo, double hi) {
  if (i < SPECIALS) return special[i];
  if (i >= N / 2) return uniform(0.8 * lo, 0.8 * hi);
  if (i % 2) return uniform(lo, hi);
  if (dtype == ND_F32) {
    pun32.bits = (uint32_t)random_bits();
    return pun32.value;
  }
  pun64.bits = random_bits();
  return pun64.value;
}

static double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static long double sigmoidl(long double x) { return 1 / (1 + expl(-x)); }

static double gelu(double x) { return x < -40 ? -0.0 : x * 0.5 * erfc(-x * sqrt(0.5)); }
static long double gelul(long double x) { return x < -160 ? -0.0L : x * 0.5L * erfcl(-x * sqrtl(0.5L)); }
static double softplus(double x) { return isnan(x) ? x : fmax(x, 0) + log1p(exp(-fabs(x))); }
static long double softplusl(long double x) { return isnan(x) ? x : fmaxl(x, 0) + log1pl(expl(-fabsl(x))); }

static double silu(double x) { return x < -800 ? -0.0 : x * sigmoid(x); }
static long double silul(long double x) { return x < -12000 ? -0.0L : x / (1 + expl(-x)); }
static double gelu_slope(double x) {
  if (fabs(x) > 40) return x > 0;
  return 0.5 * erfc(-x * sqrt(0.5)) + x * exp(-0.5 * x * x) / sqrt(2 * acos(-1));
}
static double silu_slope(double x) {
  if (fabs(x) > 800) return x > 0;
  return sigmoid(x) * (1 + x * sigmoid(-x));
}

/* The slopes cross 0 between -2 and -0.5. Around it they are a difference, so the error is in units of 2^-23 there. */
static void slope(const char *name, int (*kernel)(int, int64_t, void *, const void *, const void *), double (*truth)(double),
                  double reach, double limit) {
  static float g[N], a[N], out[N];
  double worst = 0, worst_at = 0;
  for (int i = 0; i < N; i++) g[i] = 1, a[i] = (float)sample(i, ND_F32, -reach, reach);
  kernel(ND_F32, N, out, g, a);
  for (int i = 0; i < N; i++) {
    const double want = truth(a[i]), near_zero = a[i] > -2 && a[i] < -0.5;
    const double error = near_zero ? fabs(out[i] - want) * 0x1p23 : ulp_error_f32(out[i], want);
    if (error > worst) worst = error, worst_at = a[i];
  }
  CHECK(worst <= limit, "%s f32: %.2f ulp at %.9g", name, worst, worst_at);
  printf("  %-6s %-13s f32 %.2f ulp\n", nd_get_isa(), name, worst);
}

#define SWEEP(name, true64, true80, lo, hi, limit)                                                          \
  {                                                                                                         \
    double worst = 0, worst_at = 0;                                                                         \
    for (int i = 0; i < N; i++) a32[i] = (float)sample(i, ND_F32, lo, hi);                                  \
    nd_##name##_dense(ND_F32, N, out32, a32);                                                               \
    for (int i = 0; i < N; i++) {                                                                           \
      const double error = ulp_error_f32(out32[i], true64((double)a32[i]));                                 \
      if (error > worst) worst = error, worst_at = a32[i];                                                  \
      if (a32[i] == 0 && !isnan(out32[i]))                                                                  \
        CHECK(!signbit(out32[i]) == !signbit(true64((double)a32[i])), #name "(-0): sign");                  \
    }                                                                                                       \
    CHECK(worst <= 3, #name " f32: %.2f ulp at %.9g", worst, worst_at);                                     \
    printf("  %-6s %-8s f32 %.2f ulp", nd_get_isa(), #name, worst);                                         \
    worst = 0;                                                                                              \
    for (int i = 0; i < N / 4; i++) a64[i] = sample(i, ND_F64, lo, hi);                                     \
    nd_##name##_dense(ND_F64, N / 4, out64, a64);                                                           \
    for (int i = 0; i < N / 4; i++) {                                                                       \
      const double error = ulp_error_f64(out64[i], true80((long double)a64[i]));                            \
      if (error > worst) worst = error, worst_at = a64[i];                                                  \
    }                                                                                                       \
    CHECK(worst <= limit, #name " f64: %.2f ulp at %.17g", worst, worst_at);                                \
    printf("  f64 %.2f ulp\n", worst);                                                                      \
  }

static void sweeps(void) {
  static float a32[N], out32[N];
  static double a64[N / 4], out64[N / 4];
  SWEEP(exp, exp, expl, -105, 89, 2)
  SWEEP(log, log, logl, 0.4, 2.5, 2)
  SWEEP(tanh, tanh, tanhl, -10, 10, 2.5) /* f64 is the C library's */
  SWEEP(sigmoid, sigmoid, sigmoidl, -40, 40, 3)
  SWEEP(erf, erf, erfl, -4, 4, 2)
  SWEEP(gelu, gelu, gelul, -14, 14, 2000) /* f64: a rounding of x / sqrt(2) counts x^2 times in erfc */
  SWEEP(silu, silu, silul, -110, 40, 4)
  slope("gelu_backward", nd_gelu_backward_dense, gelu_slope, 15, 8);
  slope("silu_backward", nd_silu_backward_dense, silu_slope, 110, 6);
  SWEEP(softplus, softplus, softplusl, -40, 40, 3)
  SWEEP(sin, sin, sinl, -1e6, 1e6, 1)
  SWEEP(cos, cos, cosl, -1e6, 1e6, 1)
  SWEEP(tan, tan, tanl, -10, 10, 2)
  SWEEP(asin, asin, asinl, -1, 1, 2)
  SWEEP(acos, acos, acosl, -1, 1, 2)
  SWEEP(atan, atan, atanl, -10, 10, 2)
  SWEEP(sinh, sinh, sinhl, -80, 80, 3)
  SWEEP(cosh, cosh, coshl, -80, 80, 3)
  SWEEP(asinh, asinh, asinhl, -10, 10, 3)
  SWEEP(acosh, acosh, acoshl, 1, 10, 3)
  SWEEP(atanh, atanh, atanhl, -1, 1, 3)
  SWEEP(log1p, log1p, log1pl, -1, 2, 2)
  SWEEP(expm1, expm1, expm1l, -2, 80, 2)
  SWEEP(log2, log2, log2l, 0.4, 2.5, 2)
  SWEEP(log10, log10, log10l, 0.4, 2.5, 3)
}

static void powers(void) {
  static const float values[] = {0, -0.0f, 1, -1, INFINITY, -INFINITY, NAN, 2, -2, 0.5f, -0.5f, 3, -3, 1e-45f, 1e30f, -1e30f, 16777216, 33554432};
  enum { V = sizeof values / sizeof values[0] };
  float a[V * V], b[V * V], out[V * V];
  for (int i = 0; i < V * V; i++) a[i] = values[i / V], b[i] = values[i % V];
  nd_power_dense(ND_F32, V * V, out, a, b);
  for (int i = 0; i < V * V; i++) {
    const double want = pow(a[i], b[i]);
    CHECK(ulp_error_f32(out[i], want) <= 1 && (isnan(want) || !signbit(out[i]) == !signbit(want)),
          "power(%g, %g): got %g, want %g", a[i], b[i], out[i], want);
  }
  int64_t base[] = {2, -1, -1, 1, 0, 3}, exponent[] = {10, -3, -4, -9, 0, -1}, got[6];
  const int64_t want[] = {1024, -1, 1, 1, 1, 0};
  nd_power_dense(ND_I64, 6, got, base, exponent);
  for (int i = 0; i < 6; i++) CHECK(got[i] == want[i], "integer power %d: got %ld", i, (long)got[i]);
}

/* All quadrants, the axes, infinities, zeros of both signs, nan; every pair of magnitudes; and near the diagonals. */
static void angles(void) {
  static const float edges[] = {0, -0.0f, 1, -1, INFINITY, -INFINITY, NAN, 1e-45f, -1e-45f, 3e38f, -3e38f, 1e-38f, 2.5e-39f};
  enum { E = sizeof edges / sizeof edges[0] };
  static float y[N], x[N], out[N];
  double worst = 0;
  int worst_at = 0;
  for (int i = 0; i < N; i++) {
    y[i] = i < E * E ? edges[i / E] : (float)sample(i + SPECIALS, ND_F32, -3, 3);
    x[i] = i < E * E ? edges[i % E] : i % 3 ? (float)sample(i + SPECIALS, ND_F32, -3, 3) : y[i] * (float)uniform(0.99, 1.01);
  }
  nd_atan2_dense(ND_F32, N, out, y, x);
  for (int i = 0; i < N; i++) {
    const double want = atan2(y[i], x[i]), error = ulp_error_f32(out[i], want);
    if (error > worst) worst = error, worst_at = i;
    CHECK(isnan(want) || !signbit(out[i]) == !signbit(want), "atan2(%g, %g): sign", y[i], x[i]);
  }
  CHECK(worst <= 3, "atan2 f32: %.2f ulp at %.9g, %.9g", worst, y[worst_at], x[worst_at]);
  printf("  %-6s %-8s f32 %.2f ulp\n", nd_get_isa(), "atan2", worst);
}

static void all(void) {
  sweeps();
  angles();
  powers();
}

int main(void) {
  for_every_isa(all);
  return finish("accuracy");
}
