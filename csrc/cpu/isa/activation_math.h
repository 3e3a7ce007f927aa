/* activation_math.h - erf, and the activations of one number that bend smoothly: gelu, silu, softplus, mish, elu.
 *
 * Written like vecmath.h, of whose functions they are made: straight-line C that a compiler can vectorise. Measured by
 * csrc/tests/test_accuracy.c: at most 3 units in the last place for f32 (slopes of gelu 8, of silu 6), 3 for f64
 * (silu 4); infinities, nan, -0 and denormals included.
 */
#ifndef ND_ACTIVATION_MATH_H
#define ND_ACTIVATION_MATH_H
#include "kernel_types.h"
#include "vecmath.h"

/* From 40 standard deviations on, the normal distribution's integral is 0 (or 1) in every float type, and so is its slope: x
 * may be cut to that where it is a factor. */
#define NORMAL_LIMIT 40

/* The part of the standard normal distribution above a, divided by exp(-a^2/2), is p / (c a p + s) for 0 <= a <= 15, with
 * polynomials p = 1/2 + a u and s = 1 + a v; fitted to 1.8e-8 of itself. All coefficients are positive, so that nothing
 * cancels; and since c a p, with c close to sqrt(2 pi), is nearly all of the divisor for a large a, roundings of p count
 * little there. */
#define TAIL_C 2.50663376f
INLINE float tail_u_f32(float a) {
  float u = 0.00488438300f;
  u = u * a + 0.0457632563f;
  u = u * a + 0.198366636f;
  return u * a + 0.458567286f;
}
INLINE float tail_v_f32(float a) {
  float v = 0.0122015241f;
  v = v * a + 0.115651324f;
  return v * a + 0.461702997f;
}
INLINE float normal_tail_ratio_f32(float a) {
  const float p = tail_u_f32(a) * a + 0.5f;
  return p / ((p * TAIL_C + tail_v_f32(a)) * a + 1.0f);
}

/* The Taylor series below 1, where 1 less the tails would cancel; x itself is added last, so that the polynomial may round.
 * Above 1 the two tails beyond x sqrt(2): they are at most 0.16, so their errors count little. From 3.92 on erf is 1. */
INLINE float erf_of_f32(float x) {
  const float z = x * x, size = fabsf(x), cut = size > 4.0f ? 4.0f : size;
  float p = -1.22905553e-09f;
  p = p * z + 1.48071928e-08f;
  p = p * z - 1.63658447e-07f;
  p = p * z + 1.64621144e-06f;
  p = p * z - 1.49256504e-05f;
  p = p * z + 1.20553330e-04f;
  p = p * z - 8.54832702e-04f;
  p = p * z + 5.22397763e-03f;
  p = p * z - 2.68661706e-02f;
  p = p * z + 1.12837917e-01f;
  p = p * z - 3.76126389e-01f;
  p = p * z + 1.28379167e-01f; /* 2/sqrt(pi) - 1 */
  const float far = 1.0f - 2.0f * normal_tail_ratio_f32(cut * 1.41421356f) * quick_exp_of_f32(-cut * cut);
  return size >= 1.0f ? copysignf(far, x) : p * x + x; /* a nan is near */
}

/* a b + c with one rounding where that is one instruction. Of two products in a sum, a compiler would choose. Clang 14
 * does not define FP_FAST_FMAF. */
#if defined(FP_FAST_FMAF) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define FUSED_IS_FAST
#endif
INLINE float fused_f32(float a, float b, float c) {
#ifdef FUSED_IS_FAST
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

/* What a rounding took from x = -a^2/2: one fused multiply-add, where there is one. Else a is cut in two, of
 * which `high` has 12 bits, so that its square is exact. */
INLINE float lost_in_half_square_f32(float a, float x) {
#ifdef FUSED_IS_FAST
  return -0.5f * __builtin_fmaf(a, a, 2.0f * x);
#else
  const float high = f32_of_bits(bits_of_f32(a) & 0xfffff000u);
  return (-0.5f * high * high - x) + -0.5f * (a - high) * (a + high);
#endif
}

/* (factor - excess) exp(-a^2/2) for 0 <= a <= 15, with an excess that is lost in the difference. A rounding of a^2
 * would count a^2/2 times in exp, so what it takes is added where it has its digits; and the 1 of
 * exp(r) = 1 + (exp(r) - 1) is multiplied without rounding. */
INLINE float times_bell_f32(float factor, float excess, float a) {
  const float x = -0.5f * (a * a), rounded = x * 1.44269504f + ROUND_F32;
  const float q = reduced_expm1_f32(x, rounded - ROUND_F32, lost_in_half_square_f32(a, x));
  const float large = f32_of_bits((bits_of_f32(rounded) + (127 + 64)) << 23);
  return ((factor * q - excess) + factor) * large * 0x1p-64f;
}

/* x times the part below it. Left of 0 that is the tail above |x|, right of 0 it is 1 less the tail. Of -a p = -a/2 - a^2 u
 * only the sum is rounded, where a is small; and by what the division exceeds the truth is told apart. */
INLINE float gelu_of_f32(float x) {
  const float size = fabsf(x), a = size < 15.0f ? size : 15.0f;
  const float top = -tail_u_f32(a) * (a * a) - 0.5f * a, bottom = fused_f32(top, -TAIL_C, tail_v_f32(a) * a) + 1.0f;
#ifdef FUSED_IS_FAST
  const float scale = 1.0f / bottom, ratio = top * scale, excess = fused_f32(ratio, bottom, -top) * scale;
#else
  const float ratio = top / bottom, excess = 0.0f; /* of two rounded products it would be noise */
#endif
  const float tail = times_bell_f32(ratio, excess, a);
  return copysignf(x < 0 ? tail : x + tail, x); /* -0 stays; a nan is in x */
}

/* Left of 0 the slope is tail - a density; right of it 1 less that. */
INLINE float gelu_slope_of_f32(float x) {
  const float size = fabsf(x), a = size < 15.0f ? size : 15.0f;
  const float left = times_bell_f32(normal_tail_ratio_f32(a) - a * 0.39894228f, 0.0f, a);
  return x <= 0 ? left : x > 0 ? 1.0f - left : x; /* a nan stays */
}
static inline double gelu_of_f64(double x) {
  const double cut = x < -NORMAL_LIMIT ? -NORMAL_LIMIT : x;
  return cut * 0.5 * erfc(cut * -0.70710678118654752440);
}
static inline double gelu_slope_of_f64(double x) {
  double cut = x < -NORMAL_LIMIT ? -NORMAL_LIMIT : x;
  cut = cut > NORMAL_LIMIT ? NORMAL_LIMIT : cut;
  return 0.5 * erfc(cut * -0.70710678118654752440) + cut * 0.39894228040143267794 * exp(-0.5 * cut * cut);
}

/* log(1 + exp(x)) = max(x, 0) + log(1 + e), e = exp(-|x|), and log(1 + e) = 2 artanh(t/2), t = e / (1 + e/2): an odd function
 * of t <= 2/3, in which a small e keeps its digits. */
INLINE float softplus_of_f32(float x) {
  const float e = times_exp_minus_f32(1.0f, fabsf(x));
  const float t = e / (1.0f + 0.5f * e), z = t * t;
  float p = 5.50358106e-4f;
  p = p * z + 2.18442209e-3f;
  p = p * z + 1.25077845e-2f;
  p = p * z + 8.33328934e-2f;
  return (x > 0 ? x : 0.0f) + (p * z * t + t); /* a nan is in t */
}

/* x s with s = sigmoid(x) = e / (1 + e) left of 0, 1 / (1 + e) right of it, e = exp(-|x|). x is multiplied before e becomes
 * denormal. */
INLINE float silu_of_f32(float x) {
  const float e = times_exp_minus_f32(1.0f, fabsf(x)), cut = x < -110.0f ? -110.0f : x;
  const float left = times_exp_minus_f32(cut, fabsf(x));
  return (x < 0 ? left : x) / (1.0f + e);
}

/* Its slope: s (1 + x (1 - s)). Left of 0, s is e / (1 + e) and 1 - s is 1 / (1 + e); right of it they change places. */
INLINE float silu_slope_of_f32(float x) {
  float a = fabsf(x);
  a = a > 110.0f ? 110.0f : a;
  const float e = times_exp_minus_f32(1.0f, a), d = 1.0f / (1.0f + e);
  const float left = times_exp_minus_f32(d * (1.0f - a * d), a), right = d * (1.0f + a * (e * d));
  return x < 0 ? left : right;
}
/* In double e is multiplied in as the square of exp(-|x|/2), which is never denormal. */
INLINE double silu_of_f64(double x) {
  const double cut = x < -800 ? -800 : x, root = exp_of_f64(-0.5 * fabs(cut)), e = root * root;
  return (x < 0 ? cut * root * root : x) / (1.0 + e);
}
INLINE double silu_slope_of_f64(double x) {
  double cut = x < -800 ? -800 : x;
  cut = cut > 800 ? 800 : cut;
  const double s = sigmoid_of_f64(cut), other = sigmoid_of_f64(-cut);
  return s * (1 + cut * other);
}

/* exp(-x) of x >= 0, the same name for both types; and where it is as good as 0, even times x. */
INLINE f32 exp_minus_f32(f32 x) { return times_exp_minus_f32(1.0f, x); }
INLINE f64 exp_minus_f64(f64 x) { return exp_of_f64(-x); }
#define FAR_f32 110
#define FAR_f64 800

/* exp(x) - 1 for x <= 0: 2^n exp(r) - 1 = 2^n (exp(r) - 1) + (2^n - 1), in which nothing cancels where n is 0. */
INLINE f32 expm1_below_f32(f32 x) {
  x = x < -EXP_LIMIT ? -EXP_LIMIT : x;
  const f32 rounded = x * 1.44269504f + ROUND_F32, n = rounded - ROUND_F32, power = power_of_two_f32(rounded);
  const f32 r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  f32 p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return (p * (r * r) + r) * power + (power - 1.0f);
}
static inline f64 expm1_below_f64(f64 x) { return expm1(x); }

/* gelu with an approximation of the normal distribution: x sigmoid(v), v = 2 sqrt(2/pi) (x + 0.044715 x^3). Beyond
 * NORMAL_LIMIT it is x or 0; x is cut there, since infinity times 0 is nothing. */
#define GELU_CUBIC 0.044715
#define GELU_STEEPNESS 1.5957691216057308
#define GELU_TANH(T)                                                                                        \
  INLINE T gelu_tanh_of_##T(T x) {                                                                          \
    const T cut = x < -NORMAL_LIMIT ? -NORMAL_LIMIT : x;                                                                        \
    return cut * sigmoid_of_##T((T)GELU_STEEPNESS * (cut + (T)GELU_CUBIC * (cut * cut * cut)));              \
  }                                                                                                         \
  INLINE T gelu_tanh_slope_of_##T(T x) {                                                                    \
    T cut = x < -NORMAL_LIMIT ? -NORMAL_LIMIT : x;                                                                              \
    cut = cut > NORMAL_LIMIT ? NORMAL_LIMIT : cut;                                                                              \
    const T z = cut * cut, v = (T)GELU_STEEPNESS * (cut + (T)GELU_CUBIC * (z * cut));                       \
    const T e = exp_minus_##T(v < 0 ? -v : v), d = 1 / (1 + e), s = v < 0 ? e * d : d;                      \
    return s + cut * (e * d * d) * ((T)GELU_STEEPNESS * (1 + (T)(3 * GELU_CUBIC) * z));                      \
  }
GELU_TANH(f32)
GELU_TANH(f64)

/* x tanh(log(1 + exp(x))). With e = exp(-|x|), the tanh is p/q: p = 1 + 2e, q = p + 2e^2 right of 0, p = e (e + 2),
 * q = p + 2 left of it; its slope is 4e (1 + e) / q^2, right of 0 times e. */
#define MISH(T)                                                                                             \
  INLINE T mish_of_##T(T x) {                                                                               \
    const T cut = x < -FAR_##T ? -FAR_##T : x, e = exp_minus_##T(x < 0 ? -cut : cut), right = 1 + 2 * e;      \
    return x < 0 ? cut * e * (e + 2) / (e * (e + 2) + 2) : x * (right / (right + 2 * e * e));               \
  }                                                                                                         \
  INLINE T mish_slope_of_##T(T x) {                                                                         \
    T cut = x < -FAR_##T ? -FAR_##T : x;                                                                    \
    cut = cut > FAR_##T ? FAR_##T : cut;                                                                    \
    const T e = exp_minus_##T(x < 0 ? -cut : cut), p = x < 0 ? e * (e + 2) : 1 + 2 * e;                      \
    const T d = 1 / (p + (x < 0 ? 2 : 2 * e * e));                                                          \
    return d * (p + cut * (4 * e * (1 + e) * (x < 0 ? 1 : e)) * d);                                         \
  }
MISH(f32)
MISH(f64)

/* x - tanh(x): near 0 the part of tanh's polynomial that is not x. */
INLINE f32 tanhshrink_of_f32(f32 x) {
  const f32 z = x * x;
  f32 p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const f32 far = x - tanh_of_f32(x);
  return z < 0.390625f ? -(p * z * x) : far;
}
static inline f64 tanhshrink_of_f64(f64 x) { return x - tanh(x); }

static inline f64 softplus_of_f64(f64 x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }
#endif
