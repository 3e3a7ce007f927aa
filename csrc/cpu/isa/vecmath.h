/* vecmath.h - exp, log, tanh, sigmoid, sin, cos, atan2 and pow as straight-line C that a compiler can vectorise.
 *
 * The C library's functions take one number and branch on it; a SIMD unit wants eight numbers and no branch. So
 * each function here is: reduce the argument to a short interval, evaluate a polynomial, put the pieces
 * together; special cases are chosen by `condition ? a : b`, which becomes a blend, not a jump. Polynomials are
 * those of Cephes (float) and fdlibm (double), whose errors are known; tanh has one of its own. Measured by csrc/tests/test_accuracy.c:
 * at most 3 units in the last place for f32, 2 for f64; infinities, nan, -0 and denormals included. Activations are made of
 * these in activation_math.h.
 */
#ifndef ND_VECMATH_H
#define ND_VECMATH_H
#include <math.h>
#include <stdint.h>
#include <string.h>

/* A call that is left in a loop keeps the loop from being vectorised. */
#define INLINE static inline __attribute__((always_inline))

INLINE uint32_t bits_of_f32(float x) { uint32_t u; memcpy(&u, &x, sizeof u); return u; }
INLINE uint64_t bits_of_f64(double x) { uint64_t u; memcpy(&u, &x, sizeof u); return u; }
INLINE float f32_of_bits(uint32_t u) { float x; memcpy(&x, &u, sizeof x); return x; }
INLINE double f64_of_bits(uint64_t u) { double x; memcpy(&x, &u, sizeof x); return x; }

/* Adding 1.5 * 2^23 leaves no room for a fraction: the sum is rounded to an integer, which then sits in its
 * lowest bits. Rounding and conversion to int in one addition, in every instruction set. */
#define ROUND_F32 12582912.0f         /* 1.5 * 2^23 */
#define ROUND_F64 6755399441055744.0  /* 1.5 * 2^52 */

/* 2^n, where n (-126..127) is in the lowest bits of `rounded` = n + ROUND: it moves into the exponent field. */
INLINE float power_of_two_f32(float rounded) { return f32_of_bits((bits_of_f32(rounded) + 127) << 23); }
INLINE double power_of_two_f64(double rounded) { return f64_of_bits((bits_of_f64(rounded) + 1023) << 52); }

/* exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2. ln 2 is subtracted in two parts, the first so short
 * that n times it is exact. These are exp(r) - 1 and exp(r), between 0.7 and 1.42; the correction is a
 * part of x that would lose its digits in it. */
INLINE float reduced_expm1_f32(float x, float n, float correction) {
  const float r = ((x - n * 0.693359375f) - n * -2.12194440e-4f) + correction;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r) + r;
}
INLINE float reduced_exp_f32(float x, float n, float correction) { return reduced_expm1_f32(x, n, correction) + 1.0f; }

/* For |x| <= EXP_LIMIT, where argument and result are ordinary numbers: n is added to the exponent field of exp(r). */
#define EXP_LIMIT 87.0f
INLINE float quick_exp_of_f32(float x) {
  const float rounded = x * 1.44269504f + ROUND_F32;
  return f32_of_bits(bits_of_f32(reduced_exp_f32(x, rounded - ROUND_F32, 0)) + (bits_of_f32(rounded) << 23));
}

/* For every x, at twice the price: 2^n in two factors, for results below the smallest normal number. */
INLINE float exp_of_f32(float x) {
  x = x > 89.0f ? 89.0f : x;     /* exp is +inf from 88.73 on; a nan passes both comparisons unchanged */
  x = x < -104.0f ? -104.0f : x; /* and 0 below -103.98 */
  const float n = (x * 1.44269504f + ROUND_F32) - ROUND_F32;
  const float half = n * 0.5f + ROUND_F32, rest = (n - (half - ROUND_F32)) + ROUND_F32;
  return reduced_exp_f32(x, n, 0) * power_of_two_f32(half) * power_of_two_f32(rest);
}

/* For x <= 0, as in a softmax, where a result below 1e-38 counts for nothing and may be 0: one factor, no clamp above. */
INLINE float exp_below_one_f32(float x) {
  const float y = quick_exp_of_f32(x < -EXP_LIMIT ? -EXP_LIMIT : x);
  return x >= -EXP_LIMIT ? y : x < -EXP_LIMIT ? 0.0f : x; /* a nan stays nan */
}

INLINE double exp_of_f64(double x) {
  x = x > 710.0 ? 710.0 : x;
  x = x < -746.0 ? -746.0 : x;
  const double n = (x * 1.44269504088896338700 + ROUND_F64) - ROUND_F64;
  const double high = x - n * 6.93147180369123816490e-01, low = n * 1.90821492927058770002e-10;
  const double r = high - low, t = r * r;
  double p = 4.13813679705723846039e-08;
  p = p * t - 1.65339022054652515390e-06;
  p = p * t + 6.61375632143793436117e-05;
  p = p * t - 2.77777777770155933842e-03;
  p = p * t + 1.66666666666666019037e-01;
  const double c = r - t * p;
  const double y = 1.0 + ((r * c / (2.0 - c) - low) + high);
  const double half = n * 0.5 + ROUND_F64, rest = (n - (half - ROUND_F64)) + ROUND_F64;
  return y * power_of_two_f64(half) * power_of_two_f64(rest);
}

INLINE double exp_below_one_f64(double x) { return exp_of_f64(x); } /* exp has no cheaper form in double */

/* log(x) = e ln 2 + log(1 + f), x = 2^e (1 + f), with 1 + f between sqrt(1/2) and sqrt(2). */
INLINE float log_of_f32(float x) {
  const int tiny = x < 1.17549435e-38f; /* denormal (or not positive, see below) */
  const float scaled = tiny ? x * 8388608.0f : x;
  const uint32_t u = bits_of_f32(scaled) - 0x3f3504f3u; /* relative to sqrt(1/2) */
  const int32_t exponent = (int32_t)u >> 23;
  const float f = f32_of_bits((u & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
  const float e = (float)exponent - (tiny ? 23.0f : 0.0f);
  const float z = f * f;
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  float y = p * f * z + e * -2.12194440e-4f - 0.5f * z;
  y = (f + y) + e * 0.693359375f;
  y = x == 0 ? -INFINITY : y;
  y = x < 0 ? NAN : y;
  return x < INFINITY ? y : x; /* +inf and nan are their own logarithm */
}

INLINE double log_of_f64(double x) {
  const double tiny = x < 2.2250738585072014e-308 ? 1.0 : 0.0;
  const double scaled = x < 2.2250738585072014e-308 ? x * 4503599627370496.0 : x;
  const uint64_t u = bits_of_f64(scaled) - 0x3fe6a09e667f3bcdull;
  /* exponent + 1024 is positive, so a logical shift will do; through ROUND_F64 it becomes a double */
  const uint64_t biased = (u + (1024ull << 52)) >> 52;
  const double e = (f64_of_bits(biased + 0x4338000000000000ull) - ROUND_F64) - 1024.0 - tiny * 52.0;
  const double f = f64_of_bits((u & 0x000fffffffffffffull) + 0x3fe6a09e667f3bcdull) - 1.0;
  const double s = f / (2.0 + f), z = s * s, w = z * z, half = 0.5 * f * f;
  const double odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 +
                     w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  const double even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  double y = e * 6.93147180369123816490e-01 - ((half - (s * (half + odd + even) + e * 1.90821492927058770002e-10)) - f);
  y = x == 0 ? -INFINITY : y;
  y = x < 0 ? (double)NAN : y;
  return x < (double)INFINITY ? y : x;
}

/* exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1), in which nothing cancels where n is 0. Half of it is computed, for 2^128 is no
 * float. A tiny x, -0 too, is its own result. */
INLINE float expm1_of_f32(float x) {
  const float above = x > 89.0f ? 89.0f : x, a = above < -40.0f ? -40.0f : above;
  const float rounded = a * 1.44269504f + ROUND_F32, half = power_of_two_f32(rounded - 1.0f);
  const float y = 2.0f * (reduced_expm1_f32(a, rounded - ROUND_F32, 0) * half + (half - 0.5f));
  return fabsf(x) < 1e-10f ? x : y;
}

/* log(1 + x): the sum u is rounded, and what it lost, x - (u - 1), is put back at the slope of the logarithm, 1 / u. */
INLINE float log1p_of_f32(float x) {
  const float u = 1.0f + x, lost = (x - (u - 1.0f)) / u;
  const float y = log_of_f32(u) + (fabsf(lost) < 1.0f ? lost : 0.0f); /* nan at -1 and at infinity */
  return fabsf(x) < 1e-10f ? x : y;
}

/* tanh(x) = h / (h + 1) with h = (exp(2|x|) - 1) / 2, in which nothing cancels. With n = round(2|x| / ln 2) and
 * r = |x| - n ln 2 / 2, so |r| <= ln 2 / 4, this is h = 2^n e + (2^n - 1) / 2, where e = (exp(2r) - 1) / 2 = r + r^2 p(r); p is
 * the minimax polynomial for the relative error of e. ln 2 needs no second part: what n times it loses is small beside an h with
 * such an n. The sign is put back at the end, so that tanh(-0) is -0. A nan passes the first comparison unchanged. */
INLINE float tanh_of_f32(float x) {
  const float size = fabsf(x), a = size > 20.0f ? 20.0f : size; /* tanh is 1 from 9.1 on */
  const float rounded = a * 2.88539008f + (ROUND_F32 + 127.0f); /* the exponent field of 2^n is in its lowest bits */
  const float r = a - (rounded - (ROUND_F32 + 127.0f)) * 0.346573590f;
  float p = 0.0444240533f;
  p = p * r + 0.133864760f;
  p = p * r + 0.333337605f;
  p = p * r + 0.666661739f;
  p = p * r + 0.999999940f;
  const float e = p * (r * r) + r, power = f32_of_bits(bits_of_f32(rounded) << 23);
  const float h = power * e + (power * 0.5f - 0.5f);
  return copysignf(h / (h + 1.0f), x);
}

/* factor * exp(-x) for x >= 0, denormal results included, at nearly the price of quick_exp: 2^n is made 2^64 too large, so
 * that its exponent never leaves the field, and the last multiplication, the only one that rounds to a denormal, takes
 * that back. A nan stays nan. */
INLINE float times_exp_minus_f32(float factor, float x) {
  x = x > 110.0f ? 110.0f : x; /* 0, even times a large factor */
  const float rounded = x * -1.44269504f + ROUND_F32;
  const float large = f32_of_bits((bits_of_f32(rounded) + (127 + 64)) << 23);
  return factor * (reduced_exp_f32(-x, rounded - ROUND_F32, 0) * large) * 0x1p-64f;
}

/* 1/(1 + exp(-x)); exp never sees a positive number, so nothing overflows. */
INLINE float sigmoid_of_f32(float x) {
  const float e = times_exp_minus_f32(1.0f, fabsf(x));
  return (x < 0 ? e : 1.0f) / (1.0f + e);
}
INLINE float quick_sigmoid_of_f32(float x) { /* as quick_exp: 7 % faster */
  const float e = quick_exp_of_f32(-fabsf(x));
  return (x < 0 ? e : 1.0f) / (1.0f + e);
}
INLINE double sigmoid_of_f64(double x) {
  const double e = exp_of_f64(-fabs(x));
  return (x < 0 ? e : 1.0) / (1.0 + e);
}

/* sin(x + quarter * pi/2) of a float, computed in double: x = n pi/2 + r, then sin or cos of r by the parity of
 * n + quarter, negated in the second half of the circle. For |x| <= SIN_LIMIT; beyond, the C library. */
#define SIN_LIMIT 1e6f
INLINE float sin_of_f32(float x_, int quarter) {
  const double x = x_;
  const double rounded = x * 6.36619772367581382433e-01 + ROUND_F64, n = rounded - ROUND_F64;
  const double r = (x - n * 1.57079632673412561417e+00) - n * 6.07710050650619224932e-11, z = r * r;
  const uint64_t q = bits_of_f64(rounded) + (uint64_t)quarter;
  const double s = r + r * z * (-0x15555554cbac77.0p-55 + z * (0x111110896efbb2.0p-59 +
                   z * (-0x1a00f9e2cae774.0p-65 + z * 0x16cd878c3b46a7.0p-71)));
  const double c = 1.0 + z * (-0x1ffffffd0c5e81.0p-54 + z * (0x155553e1053a42.0p-57 +
                   z * (-0x16c087e80f1e27.0p-62 + z * 0x199342e0ee5069.0p-68)));
  const double y = q & 1 ? c : s;
  return (float)(q & 2 ? -y : y);
}

/* The angle of the point (x, y) with the x axis, from -pi to pi: atan(y / x) where x is positive. With low and high, the
 * smaller and the larger of |x| and |y|, low / high is at most 1, and atan of it is q + q^3 p(q^2) up to tan(pi/8); beyond,
 * atan(t) = pi/4 + atan((t - 1) / (t + 1)). Turning at the diagonal and at the y axis leads to the other angles. Two equal
 * numbers, such as infinities, make pi/4, two zeros 0. Where low + high might overflow, both are quarters; tiny numbers are
 * made ordinary ones. */
INLINE float atan2_of_f32(float y, float x) {
  const float across = fabsf(x), up = fabsf(y), larger = across < up ? up : across, smaller = across < up ? across : up;
  const float scale = larger > 1e38f ? 0.25f : larger < 1e-30f ? 0x1p64f : 1.0f, high = larger * scale, low = smaller * scale;
  const int steep = (low >= 0.414213562f * high) & (high > 0);
  const float quotient = (steep ? low - high : low) / (steep ? low + high : high), q = low == high ? 0.0f : quotient;
  const float z = q * q;
  float p = 8.05374449538e-2f;
  p = p * z - 1.38776856032e-1f;
  p = p * z + 1.99777106478e-1f;
  p = p * z - 3.33329491539e-1f;
  float angle = (steep ? 0.785398163f : 0.0f) + (p * z * q + q);
  angle = across < up ? 1.57079633f - angle : angle;
  angle = bits_of_f32(x) >> 31 ? 3.14159265f - angle : angle;
  return ((x != x) | (y != y)) ? x + y : copysignf(angle, y);
}

/* a ** b of floats in double, where exp(b log a) is exact enough; then the rules of C for signs and special values.
 * Conditions stay inside of `? :`; kept in an int, as narrow as a float, they stop some compilers from vectorising. */
INLINE float pow_of_f32(float a_, float b_) {
  const double a = a_, b = b_, size = fabs(a);
  const double c = fabs(b) >= 33554432.0 ? 33554432.0 : b; /* floats from 2^25 on are even numbers */
  const double nearest = (c + ROUND_F64) - ROUND_F64, half = c * 0.5, nearest_half = (half + ROUND_F64) - ROUND_F64;
  double exponent = b * log_of_f64(size);
  exponent = size == 1.0 ? 0.0 : exponent; /* the result is 1, whatever b is, */
  exponent = b == 0.0 ? 0.0 : exponent;    /* or a */
  const double y = exp_of_f64(exponent);
  const double of_whole = nearest_half == half ? y : copysign(y, a);
  const double of_fraction = ((a < 0) & (size < (double)INFINITY)) ? (double)NAN : y;
  return (float)(nearest == c ? of_whole : of_fraction); /* a nan is no whole number */
}
#endif
