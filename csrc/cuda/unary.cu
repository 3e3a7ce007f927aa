// unary.cu - out = f(a). The mathematics is that of csrc/cpu/isa/unary.c, transcendental.c and activation_math.h.
#include "elementwise.cuh"
#include "sigmoid.cuh"

namespace nd {
// The functions of <cmath>, by type: for integers the number itself is its floor.
#define ND_BY_TYPE(name, f32, f64, integer)                                       \
  template <class T> __device__ T name(T a) {                                     \
    if constexpr (sizeof(T) == 4 && is_float<T>) return f32(a);                   \
    else if constexpr (is_float<T>) return f64(a);                                \
    else return integer;                                                          \
  }
ND_BY_TYPE(whole_below, floorf, floor, a)
ND_BY_TYPE(whole_above, ceilf, ceil, a)
ND_BY_TYPE(towards_zero, truncf, trunc, a)
ND_BY_TYPE(to_nearest, rintf, rint, a)
ND_BY_TYPE(magnitude, fabsf, fabs, a < 0 ? T(0 - typename Unsigned<T>::type(a)) : a)

// log(1 + exp(a)) = max(a, 0) + log(1 + exp(-|a|)); a nan is kept by the sum.
template <class T> __device__ T softplus_of(T a) { return (a <= 0 ? T(0) : a) + log1p(exp(-magnitude(a))); }
// a times the normal distribution up to a, erfc(-a/sqrt(2))/2, in double; from 40 deviations below on that is 0.
template <class T> __device__ T gelu_of(T a) {
  const double x = a < T(-40) ? -40.0 : double(a);
  return T(x * 0.5 * erfc(x * -0.70710678118654752440));
}
// a sigmoid(a), where -inf times 0 is 0: from 800 below on it is.
template <class T> __device__ T silu_of(T a) { return a < T(-800) ? T(-0.0) : a * sigmoid_of(a); }
} // namespace nd

ND_ONE(negative, Same, NUMBERS, T(is_float<T> ? T(-a) : T(U(0) - U(a))))
ND_ONE(abs, Same, NUMBERS, magnitude(a))
ND_ONE(sign, Same, NUMBERS, a > 0 ? T(1) : a < 0 ? T(-1) : a == 0 ? T(0) : a)
ND_ONE(square, Same, NUMBERS, U(a) * U(a))
ND_ONE(sqrt, Same, FLOATS, ::sqrt(a))
ND_ONE(reciprocal, Same, FLOATS, T(1) / a)
ND_ONE(relu, Same, NUMBERS, a <= 0 ? T(0) : a)
ND_ONE(floor, Same, NUMBERS, whole_below(a))
ND_ONE(ceil, Same, NUMBERS, whole_above(a))
ND_ONE(trunc, Same, NUMBERS, towards_zero(a))
ND_ONE(round, Same, NUMBERS, to_nearest(a))
ND_ONE(logical_not, Bool, ALL, a == 0)

ND_ONE(exp, Same, FLOATS, ::exp(a))
ND_ONE(log, Same, FLOATS, ::log(a))
ND_ONE(sin, Same, FLOATS, ::sin(a))
ND_ONE(cos, Same, FLOATS, ::cos(a))
ND_ONE(tanh, Same, FLOATS, ::tanh(a))
ND_ONE(sigmoid, Same, FLOATS, sigmoid_of(a))
ND_ONE(erf, Same, FLOATS, ::erf(a))
ND_ONE(gelu, Same, FLOATS, gelu_of(a))
ND_ONE(silu, Same, FLOATS, silu_of(a))
ND_ONE(softplus, Same, FLOATS, softplus_of(a))
ND_ONE(tan, Same, FLOATS, ::tan(a))
ND_ONE(asin, Same, FLOATS, ::asin(a))
ND_ONE(acos, Same, FLOATS, ::acos(a))
ND_ONE(atan, Same, FLOATS, ::atan(a))
ND_ONE(sinh, Same, FLOATS, ::sinh(a))
ND_ONE(cosh, Same, FLOATS, ::cosh(a))
ND_ONE(asinh, Same, FLOATS, ::asinh(a))
ND_ONE(acosh, Same, FLOATS, ::acosh(a))
ND_ONE(atanh, Same, FLOATS, ::atanh(a))
ND_ONE(log1p, Same, FLOATS, ::log1p(a))
ND_ONE(expm1, Same, FLOATS, ::expm1(a))
ND_ONE(log2, Same, FLOATS, ::log2(a))
ND_ONE(log10, Same, FLOATS, ::log10(a))
