// float16.h - floating-point numbers of 16 bits: __half (5 bits of exponent, 10 of fraction) and __nv_bfloat16 (8 and 7).
//
// A number is sign | exponent | fraction. With F bits of fraction and a bias B it is
//     (2^F + fraction) 2^(exponent - B - F),   or fraction 2^(1 - B - F) if the exponent is 0 (subnormal);
// all ones in the exponent are infinity (fraction 0) or nan. Arithmetic is done in float or double and rounded once more,
// to nearest, ties to even. For + - * / and the root that is as good as rounding once: float has more than 2 (F + 1) + 2 bits
// (Figueroa 1995).
#ifndef CUDASIM_FLOAT16_H
#define CUDASIM_FLOAT16_H
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <type_traits>
#include "atomics.h"
#include "device.h"
#include "math.h"

namespace cudasim {
template <int FRACTION> struct Float16 {
  static constexpr int EXPONENT = 15 - FRACTION, BIAS = (1 << (EXPONENT - 1)) - 1;
  static constexpr unsigned INFINITE = ((1u << EXPONENT) - 1) << FRACTION;
  uint16_t bits;

  Float16() = default;
  template <class T, class = std::enable_if_t<std::is_arithmetic<T>::value>>
  CUDASIM_PLAIN Float16(T value) : bits(rounded(double(value))) {}
  CUDASIM_PLAIN operator float() const { return value_of(bits); }

  CUDASIM_PLAIN static Float16 of_bits(unsigned bits) {
    Float16 result;
    result.bits = uint16_t(bits);
    return result;
  }
  CUDASIM_PLAIN static uint16_t rounded(double x) {
    const unsigned sign = signbit(x) ? 0x8000u : 0;
    if (x != x) return uint16_t(0x7fff);
    int exponent;
    frexp(x, &exponent); // |x| = m 2^exponent, 1/2 <= m < 1
    const int above = x == 0 || exponent - 1 < 1 - BIAS ? 0 : exponent - 1 - (1 - BIAS); // the smallest normal exponent
    if (isinf(x) || above > 2 * BIAS) return uint16_t(sign | INFINITE);
    const double steps = rint(ldexp(fabs(x), FRACTION - above - (1 - BIAS))); // 2^F of them and more, if x is normal
    const unsigned magnitude = unsigned(steps) + (unsigned(above) << FRACTION); // one too many carries into the exponent
    return uint16_t(sign | (magnitude < INFINITE ? magnitude : INFINITE));
  }
  CUDASIM_PLAIN static float value_of(unsigned bits) {
    const int exponent = int(bits & INFINITE) >> FRACTION, fraction = int(bits & ((1u << FRACTION) - 1));
    float x = exponent ? float(fraction + (1 << FRACTION)) : float(fraction);
    if ((bits & INFINITE) == INFINITE) x = fraction ? __builtin_nanf("") : __builtin_inff();
    else x = ldexpf(x, (exponent ? exponent : 1) - BIAS - FRACTION);
    return bits & 0x8000 ? -x : x;
  }
};

// a b + c, rounded once: the product is exact in double, and what the sum loses is kept as its last bit (round to odd,
// Boldo and Melquiond 2008).
template <int F> CUDASIM_INLINE Float16<F> multiply_add(Float16<F> a, Float16<F> b, Float16<F> c) {
  const double product = double(float(a)) * double(float(b)), other = float(c);
  double sum = product + other;
  const double part = sum - product, lost = (product - (sum - part)) + (other - part);
  uint64_t last;
  memcpy(&last, &sum, sizeof last);
  if (lost != 0 && isfinite(sum) && !(last & 1)) sum = nextafter(sum, lost > 0 ? INFINITY : -INFINITY);
  return Float16<F>(sum);
}

#define CUDASIM_OPERATOR(op)                                                                                   \
  template <int F> CUDASIM_INLINE Float16<F> operator op(Float16<F> a, Float16<F> b) { return Float16<F>(float(a) op float(b)); } \
  template <int F> CUDASIM_INLINE Float16<F> &operator op##=(Float16<F> &a, Float16<F> b) { return a = a op b; }
CUDASIM_OPERATOR(+)
CUDASIM_OPERATOR(-)
CUDASIM_OPERATOR(*)
CUDASIM_OPERATOR(/)
#undef CUDASIM_OPERATOR
#define CUDASIM_COMPARISON(op) \
  template <int F> CUDASIM_INLINE bool operator op(Float16<F> a, Float16<F> b) { return float(a) op float(b); }
CUDASIM_COMPARISON(==)
CUDASIM_COMPARISON(!=)
CUDASIM_COMPARISON(<)
CUDASIM_COMPARISON(<=)
CUDASIM_COMPARISON(>)
CUDASIM_COMPARISON(>=)
#undef CUDASIM_COMPARISON
template <int F> CUDASIM_INLINE Float16<F> operator-(Float16<F> a) { return Float16<F>::of_bits(a.bits ^ 0x8000u); }

// Two of them, side by side in 4 bytes.
template <int F> struct __attribute__((aligned(4))) Pair16 {
  Float16<F> x, y;
  Pair16() = default;
  CUDASIM_PLAIN Pair16(Float16<F> a, Float16<F> b) : x(a), y(b) {}
};
#define CUDASIM_OPERATOR(op)                                                                                  \
  template <int F> CUDASIM_INLINE Pair16<F> operator op(Pair16<F> a, Pair16<F> b) { return {a.x op b.x, a.y op b.y}; } \
  template <int F> CUDASIM_INLINE Pair16<F> &operator op##=(Pair16<F> &a, Pair16<F> b) { return a = a op b; }
CUDASIM_OPERATOR(+)
CUDASIM_OPERATOR(-)
CUDASIM_OPERATOR(*)
CUDASIM_OPERATOR(/)
#undef CUDASIM_OPERATOR

// The functions that both headers have, of one number and of a pair; what is no 16-bit number becomes one behind the first.
#define CUDASIM_OF_TWO(name, expression)                                                                      \
  template <int F> CUDASIM_INLINE Float16<F> name(Float16<F> a, typename same<Float16<F>>::type b) { return expression; } \
  template <int F> CUDASIM_INLINE Pair16<F> name##2(Pair16<F> a, Pair16<F> b) { return {name(a.x, b.x), name(a.y, b.y)}; }
CUDASIM_OF_TWO(__hadd, a + b)
CUDASIM_OF_TWO(__hsub, a - b)
CUDASIM_OF_TWO(__hmul, a * b)
CUDASIM_OF_TWO(__hdiv, a / b)
CUDASIM_OF_TWO(__hmax, Float16<F>(fmaxf(a, b)))
CUDASIM_OF_TWO(__hmin, Float16<F>(fminf(a, b)))
#undef CUDASIM_OF_TWO
template <int F> CUDASIM_INLINE Pair16<F> __h2div(Pair16<F> a, Pair16<F> b) { return a / b; }
template <int F> CUDASIM_INLINE Float16<F> __hfma(Float16<F> a, typename same<Float16<F>>::type b, typename same<Float16<F>>::type c) {
  return multiply_add(a, b, c);
}
template <int F> CUDASIM_INLINE Pair16<F> __hfma2(Pair16<F> a, Pair16<F> b, Pair16<F> c) {
  return {multiply_add(a.x, b.x, c.x), multiply_add(a.y, b.y, c.y)};
}
template <int F> CUDASIM_INLINE Float16<F> __hneg(Float16<F> a) { return -a; }
template <int F> CUDASIM_INLINE Float16<F> __habs(Float16<F> a) { return Float16<F>::of_bits(a.bits & 0x7fffu); }
template <int F> CUDASIM_INLINE bool __hisnan(Float16<F> a) { return a != a; }
template <int F> CUDASIM_INLINE int __hisinf(Float16<F> a) { return isinf(float(a)) ? (a.bits >> 15 ? -1 : 1) : 0; }
#define CUDASIM_COMPARISON(name, op) \
  template <int F> CUDASIM_INLINE bool name(Float16<F> a, typename same<Float16<F>>::type b) { return a op b; }
CUDASIM_COMPARISON(__heq, ==)
CUDASIM_COMPARISON(__hne, !=)
CUDASIM_COMPARISON(__hlt, <)
CUDASIM_COMPARISON(__hle, <=)
CUDASIM_COMPARISON(__hgt, >)
CUDASIM_COMPARISON(__hge, >=)
#undef CUDASIM_COMPARISON
#define CUDASIM_OF_ONE(name, function) \
  template <int F> CUDASIM_INLINE Float16<F> name(Float16<F> a) { return Float16<F>(function(float(a))); }
CUDASIM_OF_ONE(hexp, expf)
CUDASIM_OF_ONE(hlog, logf)
CUDASIM_OF_ONE(hsin, sinf)
CUDASIM_OF_ONE(hcos, cosf)
CUDASIM_OF_ONE(htanh, tanhf)
CUDASIM_OF_ONE(hsqrt, sqrtf)
CUDASIM_OF_ONE(hrsqrt, rsqrtf)
CUDASIM_OF_ONE(hrcp, 1 /)
CUDASIM_OF_ONE(hfloor, floorf)
CUDASIM_OF_ONE(hceil, ceilf)
CUDASIM_OF_ONE(htrunc, truncf)
CUDASIM_OF_ONE(hrint, rintf)
#undef CUDASIM_OF_ONE
template <int F> CUDASIM_INLINE Float16<F> __low2half(Pair16<F> a) { return a.x; }
template <int F> CUDASIM_INLINE Float16<F> __high2half(Pair16<F> a) { return a.y; }
template <int F> CUDASIM_INLINE float __low2float(Pair16<F> a) { return a.x; }
template <int F> CUDASIM_INLINE float __high2float(Pair16<F> a) { return a.y; }
} // namespace cudasim
#endif
