// binary.cu - out = f(a, b), and f(a, s) with one number: arithmetic, extremes, powers, comparisons, fused products of
// the chain rule. The mathematics is that of csrc/cpu/isa/binary.c, scalar.c, power.c and compare.c.
#include "elementwise.cuh"
#include "sigmoid.cuh"

namespace nd {
// What a quotient rounded down leaves has the sign of b: a = b floor_divide(a, b) + remainder(a, b). An integer divided by
// 0 gives 0; divided by -1 it is negated, which wraps around where a division would overflow.
template <class T> __device__ T left_by(T a, T b) {
  if constexpr (is_float<T>) {
    const T left = ::fmod(a, b);
    return left == 0 ? ::copysign(T(0), b) : (left < 0) != (b < 0) ? left + b : left;
  } else {
    return b == 0 || b == -1 ? T(0) : T(a % b + T(a % b != 0 && (a < 0) != (b < 0)) * b);
  }
}
template <class T> __device__ T floor_divide_of(T a, T b) {
  if constexpr (is_float<T>) {
    if (b == 0) return a / b;
    const T left = ::fmod(a, b), whole = (a - left) / b - T(left != 0 && (left < 0) != (b < 0));
    if (whole == 0) return ::copysign(T(0), a / b);
    const T down = ::floor(whole); // whole is whole but for its rounding
    return whole - down > T(0.5) ? down + 1 : down;
  } else {
    using U = typename Unsigned<T>::type;
    return b == 0 ? T(0) : b == -1 ? T(U(0) - U(a)) : T(a / b - T(a % b != 0 && (a < 0) != (b < 0)));
  }
}
template <class T> __device__ T fmod_of(T a, T b) {
  if constexpr (is_float<T>) return ::fmod(a, b);
  else return b == 0 || b == -1 ? T(0) : T(a % b);
}
// Square and multiply; a negative exponent leaves 1/a^n, which as an integer is 0 unless a is 1 or -1.
template <class T> __device__ T power_of(T a, T b) {
  if constexpr (is_float<T>) {
    return ::pow(a, b);
  } else {
    if (b < 0) return a == 1 ? T(1) : a == -1 ? T(b & 1 ? -1 : 1) : T(0);
    uint64_t result = 1, base = uint64_t(a);
    for (uint64_t exponent = uint64_t(b); exponent; exponent >>= 1) {
      if (exponent & 1) result *= base;
      base *= base;
    }
    return T(result);
  }
}
// A nan on either side comes out: `a > b` is false with one, a nan b is taken then, a nan a by the second condition.
template <class T> __device__ T larger(T a, T b) { return (a > b) | (a != a) ? a : b; }
template <class T> __device__ T smaller(T a, T b) { return (a < b) | (a != a) ? a : b; }

// The slopes of gelu, P(x) + x p(x) with the normal distribution and its density, and of silu, s + x s (1 - s).
template <class T> __device__ T gelu_slope(T at) {
  const double x = at < T(-40) ? -40.0 : at > T(40) ? 40.0 : double(at);
  return T(0.5 * erfc(x * -0.70710678118654752440) + x * 0.39894228040143267794 * ::exp(-0.5 * x * x));
}
template <class T> __device__ T silu_slope(T x) {
  if (x < T(-800) || x > T(800)) return x < 0 ? T(0) : T(1);
  const T s = sigmoid_of(x);
  return s + x * s * (T(1) - s);
}
} // namespace nd

ND_TWO(add, Same, NUMBERS, U(a) + U(b))
ND_TWO(subtract, Same, NUMBERS, U(a) - U(b))
ND_TWO(multiply, Same, NUMBERS, U(a) * U(b))
ND_TWO(divide, Same, FLOATS, a / b)
ND_TWO(floor_divide, Same, NUMBERS, floor_divide_of(a, b))
ND_TWO(remainder, Same, NUMBERS, left_by(a, b))
ND_TWO(fmod, Same, NUMBERS, fmod_of(a, b))
ND_TWO(atan2, Same, FLOATS, ::atan2(a, b))
ND_TWO(power, Same, NUMBERS, power_of(a, b))
ND_TWO(maximum, Same, ALL, larger(a, b))
ND_TWO(minimum, Same, ALL, smaller(a, b))
ND_TWO(logical_and, Same, BOOLS, a & b)
ND_TWO(logical_or, Same, BOOLS, a | b)
ND_TWO(logical_xor, Same, BOOLS, a ^ b)

// a is the incoming adjoint; b is x, or the function's own result (tanh, sigmoid).
ND_TWO(relu_backward, Same, FLOATS, b > 0 ? a : T(0))
ND_TWO(tanh_backward, Same, FLOATS, a * (T(1) - b * b))
ND_TWO(sigmoid_backward, Same, FLOATS, a * b * (T(1) - b))
ND_TWO(gelu_backward, Same, FLOATS, a * gelu_slope(b))
ND_TWO(silu_backward, Same, FLOATS, a * silu_slope(b))
ND_TWO(prelu, Same, FLOATS, a > 0 ? a : a * b)

ND_TWO(equal, Bool, ALL, a == b)
ND_TWO(not_equal, Bool, ALL, a != b)
ND_TWO(less, Bool, ALL, a < b)
ND_TWO(less_equal, Bool, ALL, a <= b)
ND_TWO(greater, Bool, ALL, a > b)
ND_TWO(greater_equal, Bool, ALL, a >= b)

ND_SCALAR(add_scalar, Same, NUMBERS, U(a) + U(s))
ND_SCALAR(multiply_scalar, Same, NUMBERS, U(a) * U(s))
ND_SCALAR(rsubtract_scalar, Same, NUMBERS, U(s) - U(a))
ND_SCALAR(divide_scalar, Same, FLOATS, a / s)
ND_SCALAR(rdivide_scalar, Same, FLOATS, s / a)
ND_SCALAR(power_scalar, Same, NUMBERS, power_of(a, s))
ND_SCALAR(rpower_scalar, Same, NUMBERS, power_of(s, a))
ND_SCALAR(maximum_scalar, Same, NUMBERS, larger(a, s))
ND_SCALAR(minimum_scalar, Same, NUMBERS, smaller(a, s))
ND_SCALAR(equal_scalar, Bool, ALL, a == s)
ND_SCALAR(not_equal_scalar, Bool, ALL, a != s)
ND_SCALAR(less_scalar, Bool, ALL, a < s)
ND_SCALAR(less_equal_scalar, Bool, ALL, a <= s)
ND_SCALAR(greater_scalar, Bool, ALL, a > s)
ND_SCALAR(greater_equal_scalar, Bool, ALL, a >= s)
