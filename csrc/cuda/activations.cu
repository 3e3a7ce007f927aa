// activations.cu - out = f(a), and out = g f'(a), where f is an activation with up to three numbers s, t, u.
//
// What each kind computes stands in needle_kernels.h. At the bounds between two pieces the slope is PyTorch's. A nan is on
// neither side of a bound: conditions are written so that it comes out as a nan. The kind is the same for all threads of a
// launch, so that a warp takes one way through the switch.
#include "launch.cuh"

namespace nd {
template <class T> struct Numbers { int kind; T s, t, u; };

template <class T> __device__ T kept(T x, T low, T high) { return low > x ? low : x > high ? high : x; }
template <class T> __device__ T size_of(T x) { return x >= 0 ? x : -x; }
template <class T> __device__ T logistic(T x) {
  const T e = ::exp(-size_of(x));
  return x >= 0 ? T(1) / (T(1) + e) : e / (T(1) + e);
}
// log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)); a nan is kept by the sum.
template <class T> __device__ T softplus(T x) { return (x > 0 ? x : T(0)) + ::log1p(::exp(-size_of(x))); }

// Beyond 40, gelu's tanh form is x or 0, beyond 800 mish is; x is cut there, since infinity times 0 is nothing.
template <class T> __device__ T gelu_argument(T x) { return T(1.5957691216057308) * (x + T(0.044715) * (x * x * x)); }
template <class T> __device__ T gelu_tanh_slope(T a) {
  const T x = kept(a, T(-40), T(40)), v = gelu_argument(x);
  return logistic(v) + x * (logistic(v) * logistic(-v)) * (T(1.5957691216057308) * (1 + T(3 * 0.044715) * (x * x)));
}
// x tanh(log(1 + exp(x))) = x p/q. With e = exp(-|x|): p = 1 + 2e, q = p + 2e^2 right of 0; p = e (e + 2), q = p + 2 left of
// it; its slope is p/q + x 4e (1 + e) / q^2, right of 0 the last times e.
template <class T> __device__ T mish(T a) {
  const T x = T(-800) > a ? T(-800) : a, e = ::exp(-size_of(x));
  if (0 > x) return x * e * (e + 2) / (e * (e + 2) + 2);
  return x * ((1 + 2 * e) / (1 + 2 * e + 2 * e * e));
}
template <class T> __device__ T mish_slope(T a) {
  const T x = kept(a, T(-800), T(800)), e = ::exp(-size_of(x));
  const bool left = 0 > x;
  const T p = left ? e * (e + 2) : 1 + 2 * e, q = p + (left ? T(2) : 2 * e * e);
  return (p + x * (4 * e * (1 + e) * (left ? T(1) : e)) / q) / q;
}
// x - tanh(x) cancels near 0: there it is the series x^3/3 - 2x^5/15 + ...
template <class T> __device__ T tanhshrink(T x) {
  if (size_of(x) > T(0.3)) return T(double(x) - ::tanh(double(x)));
  const double z = double(x) * double(x);
  return T(double(x) * z * (1.0 / 3 - z * (2.0 / 15 - z * (17.0 / 315 - z * (62.0 / 2835 - z * (1382.0 / 155925 -
           z * (21844.0 / 6081075 - z * (929569.0 / 638512875 - z * (6404582.0 / 10854718875.0 -
           z * 443861162.0 / 1856156927625.0)))))))));
}

template <class T> __device__ T value(const Numbers<T> &n, T a) {
  const T s = n.s, t = n.t;
  switch (n.kind) {
  case ND_LEAKY_RELU: return a > 0 ? a : a * s;
  case ND_ELU: return a > 0 ? a * n.u : s * ::expm1(a * t);
  case ND_HARDTANH: return kept(a, s, t);
  case ND_HARDSIGMOID: return kept(a + 3, T(0), T(6)) / 6;
  case ND_HARDSWISH: return a * kept(a + 3, T(0), T(6)) / 6;
  case ND_HARDSHRINK: return a >= -s && a <= s ? T(0) : a;
  case ND_SOFTSHRINK: return a > s ? a - s : -s > a ? a + s : a * 0;
  case ND_THRESHOLD: return a <= s ? t : a;
  case ND_SOFTSIGN: return a / (1 + size_of(a));
  case ND_TANHSHRINK: return tanhshrink(a);
  case ND_SOFTPLUS: return softplus(a * s) / s;
  case ND_LOGSIGMOID: return -softplus(-a);
  case ND_MISH: return mish(a);
  case ND_GELU_TANH: return (T(-40) > a ? T(-40) : a) * logistic(gelu_argument(T(-40) > a ? T(-40) : a));
  default: return size_of(a) <= s ? a * a * (t / 2) : (size_of(a) - s / 2) * (s * t); // HUBER
  }
}
template <class T> __device__ T times_slope(const Numbers<T> &n, T g, T a) {
  const T s = n.s, t = n.t;
  switch (n.kind) {
  case ND_LEAKY_RELU: return a > 0 ? g : g * s;
  case ND_ELU: return a > 0 ? g * n.u : g * (s * t) * ::exp(a * t);
  case ND_HARDTANH: return a <= s || a >= t ? T(0) : g;
  case ND_HARDSIGMOID: return a > -3 && 3 > a ? g / 6 : T(0);
  case ND_HARDSWISH: return a <= -3 ? T(0) : a >= 3 ? g : g * (a / 3 + T(0.5));
  case ND_HARDSHRINK:
  case ND_SOFTSHRINK: return a >= -s && a <= s ? T(0) : g;
  case ND_THRESHOLD: return a <= s ? T(0) : g;
  case ND_SOFTSIGN: return g / ((1 + size_of(a)) * (1 + size_of(a)));
  case ND_TANHSHRINK: return g * (::tanh(a) * ::tanh(a));
  case ND_SOFTPLUS: return g * logistic(a * s);
  case ND_LOGSIGMOID: return g * logistic(-a);
  case ND_MISH: return g * mish_slope(a);
  case ND_GELU_TANH: return g * gelu_tanh_slope(a);
  default: return g * (kept(a, -s, s) * t); // HUBER
  }
}

template <class T> __global__ void activation(Layout<2> l, T *out, const T *a, Numbers<T> n) {
  for (int64_t i = first(); i < l.size; i += step()) {
    int64_t at[2];
    l.locate(i, at);
    out[at[0]] = value(n, a[at[1]]);
  }
}
template <class T> __global__ void activation_backward(Layout<3> l, T *out, const T *g, const T *a, Numbers<T> n) {
  for (int64_t i = first(); i < l.size; i += step()) {
    int64_t at[3];
    l.locate(i, at);
    out[at[0]] = times_slope(n, g[at[1]], a[at[2]]);
  }
}
} // namespace nd

ND_API int nd_activation(const nd_plan *p, void *out, const void *a, int kind, double s, double t, double u) {
  if (kind < 0 || kind >= ND_ACTIVATION_KINDS) return ND_EPLAN;
  if (p->dtype[1] != p->dtype[0]) return ND_EDTYPE;
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if (p->size)
      nd::activation<T><<<nd::blocks_for(p->size), nd::THREADS>>>(nd::Layout<2>(p), static_cast<T *>(out), static_cast<const T *>(a),
                                                                 nd::Numbers<T>{kind, T(s), T(t), T(u)});
    return nd::launched();
  });
}
ND_API int nd_activation_backward(const nd_plan *p, void *out, const void *g, const void *a, int kind, double s, double t,
                                  double u) {
  if (kind < 0 || kind >= ND_ACTIVATION_KINDS) return ND_EPLAN;
  if (p->dtype[1] != p->dtype[0] || p->dtype[2] != p->dtype[0]) return ND_EDTYPE;
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if (p->size)
      nd::activation_backward<T><<<nd::blocks_for(p->size), nd::THREADS>>>(
          nd::Layout<3>(p), static_cast<T *>(out), static_cast<const T *>(g), static_cast<const T *>(a),
          nd::Numbers<T>{kind, T(s), T(t), T(u)});
    return nd::launched();
  });
}
