/* test_activations.c - activations with numbers: values against the C library in double, slopes against differences of
 * values, on operands of any layout. */
#include "check.h"

enum { N = 4000 };

static double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }

/* As needle_kernels.h says it. */
static double truth(int kind, double x, double s, double t, double u) {
  switch (kind) {
    case ND_LEAKY_RELU: return x > 0 ? x : s * x;
    case ND_ELU: return x > 0 ? u * x : s * expm1(t * x);
    case ND_HARDTANH: return fmin(fmax(x, s), t);
    case ND_HARDSIGMOID: return fmin(fmax(x + 3, 0), 6) / 6;
    case ND_HARDSWISH: return x * fmin(fmax(x + 3, 0), 6) / 6;
    case ND_HARDSHRINK: return fabs(x) <= s ? 0 : x;
    case ND_SOFTSHRINK: return x > s ? x - s : x < -s ? x + s : 0;
    case ND_THRESHOLD: return x <= s ? t : x;
    case ND_SOFTSIGN: return x / (1 + fabs(x));
    case ND_TANHSHRINK: return x - tanh(x);
    case ND_SOFTPLUS: return softplus(s * x) / s;
    case ND_LOGSIGMOID: return -softplus(-x);
    case ND_MISH: return x * tanh(softplus(x));
    case ND_HUBER: return fabs(x) <= s ? t * x * x / 2 : t * s * (fabs(x) - s / 2);
    default: return x * sigmoid(2 * sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x));
  }
}

static void each_kind(void) {
  static double a[N], g[N], out[N], slope[N];
  static float a32[N], out32[N];
  nd_plan p;
  for (int kind = 0; kind < ND_ACTIVATION_KINDS; kind++) {
    const double s = kind == ND_HARDTANH ? -1.25 : 0.75, t = kind == ND_HARDTANH ? 2.5 : 1.5, u = 1.25;
    for (int i = 0; i < N; i++) a[i] = uniform(-9, 9), a32[i] = (float)a[i], g[i] = uniform(-2, 2);
    set_extents(&p, 1, (int64_t[]){N});
    p.stride[0][0] = p.stride[1][0] = p.stride[2][0] = 1;
    p.dtype[0] = p.dtype[1] = p.dtype[2] = ND_F64;
    CHECK(nd_activation(&p, out, a, kind, s, t, u) == ND_OK, "kind %d", kind);
    CHECK(nd_activation_backward(&p, slope, g, a, kind, s, t, u) == ND_OK, "backward of kind %d", kind);
    for (int i = 0; i < N; i++) {
      const double want = truth(kind, a[i], s, t, u), h = 1e-6;
      const double difference = (truth(kind, a[i] + h, s, t, u) - truth(kind, a[i] - h, s, t, u)) / (2 * h);
      CHECK(fabs(out[i] - want) <= 1e-14 * (1 + fabs(want)), "kind %d of %g: %.17g, not %.17g", kind, a[i], out[i], want);
      const int kink = fabs(fabs(a[i]) - s) < 2 * h || fabs(a[i] - s) < 2 * h || fabs(a[i] - t) < 2 * h ||
                       fabs(fabs(a[i]) - 3) < 2 * h || fabs(a[i]) < 2 * h;
      CHECK(kink || fabs(slope[i] - g[i] * difference) <= 1e-7, "slope of kind %d at %g: %g, not %g", kind, a[i], slope[i],
            g[i] * difference);
    }
    /* f32, read backwards, written with gaps */
    set_extents(&p, 1, (int64_t[]){N / 2});
    p.offset[1] = N - 1, p.stride[1][0] = -1, p.stride[0][0] = 2;
    for (int i = 0; i < N; i++) out32[i] = 77;
    CHECK(nd_activation(&p, out32, a32, kind, s, t, u) == ND_OK, "kind %d, f32", kind);
    for (int i = 0; i < N / 2; i++) {
      const double want = truth(kind, a32[N - 1 - i], s, t, u);
      CHECK(fabs(out32[2 * i] - want) <= 4e-7 * fabs(want) + 1e-7, "kind %d of %g: %.9g, not %.9g", kind,
            a32[N - 1 - i], out32[2 * i], want);
      CHECK(out32[2 * i + 1] == 77, "kind %d wrote into a gap", kind);
    }
  }
  p.dtype[0] = p.dtype[1] = ND_I64;
  CHECK(nd_activation(&p, out, a, 0, 1, 1, 1) == ND_EDTYPE, "integers");
  CHECK(nd_activation(&p, out, a, ND_ACTIVATION_KINDS, 1, 1, 1) == ND_EPLAN, "no such kind");
}

int main(void) {
  nd_set_num_threads(2);
  for_every_isa(each_kind);
  return finish("activations");
}
