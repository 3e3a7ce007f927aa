/* binary.c - out = f(a, b): arithmetic, extremes, logic and the fused products of the chain rule. */
#include <math.h>
#include "activation_math.h"
#include "rows.h"

NUMBERS(BINARY_ROW, add, (T)((U)a + (U)b))
NUMBERS(BINARY_ROW, subtract, (T)((U)a - (U)b))
NUMBERS(BINARY_ROW, multiply, (T)((U)a * (U)b))
FLOATS(BINARY_ROW, divide, a / b)

/* Whole quotients, rounded down, and what they leave, which has the sign of b: a = b * floor_divide + remainder. fmod
 * rounds towards zero instead, and is exact. An integer divided by 0 gives 0; divided by -1 it is negated, which wraps
 * around where C's division would stop the program. */
static inline f64 remainder_of_f64(f64 a, f64 b) {
  const f64 left = fmod(a, b);
  return left == 0 ? copysign(0, b) : (left < 0) != (b < 0) ? left + b : left;
}
static inline f64 floor_divide_of_f64(f64 a, f64 b) {
  if (b == 0) return a / b;
  const f64 left = fmod(a, b), whole = (a - left) / b - (left != 0 && (left < 0) != (b < 0));
  if (whole == 0) return copysign(0, a / b);
  const f64 down = floor(whole); /* whole is whole but for its rounding */
  return whole - down > 0.5 ? down + 1 : down;
}
static inline f32 remainder_of_f32(f32 a, f32 b) {
  const f32 left = fmodf(a, b);
  return left == 0 ? copysignf(0, b) : (left < 0) != (b < 0) ? left + b : left;
}
static inline f32 floor_divide_of_f32(f32 a, f32 b) {
  if (b == 0) return a / b;
  const f32 left = fmodf(a, b), whole = (a - left) / b - (left != 0 && (left < 0) != (b < 0));
  if (whole == 0) return copysignf(0, a / b);
  const f32 down = floorf(whole);
  return whole - down > 0.5f ? down + 1 : down;
}
BINARY_ROW(remainder, f32, remainder_of_f32(a, b))
BINARY_ROW(remainder, f64, remainder_of_f64(a, b))
INTEGERS(BINARY_ROW, remainder, b == 0 || b == -1 ? 0 : a % b + ((a % b != 0) & ((a < 0) != (b < 0))) * b)
BINARY_ROW(floor_divide, f32, floor_divide_of_f32(a, b))
BINARY_ROW(floor_divide, f64, floor_divide_of_f64(a, b))
INTEGERS(BINARY_ROW, floor_divide, b == 0 ? 0 : b == -1 ? (T)(0 - (U)a) : a / b - ((a % b != 0) & ((a < 0) != (b < 0))))
BINARY_ROW(fmod, f32, fmodf(a, b))
BINARY_ROW(fmod, f64, fmod(a, b))
INTEGERS(BINARY_ROW, fmod, b == 0 || b == -1 ? 0 : a % b)
BINARY_ROW(atan2, f32, atan2_of_f32(a, b))
BINARY_ROW(atan2, f64, atan2(a, b))

/* `a > b` is false when either is nan; a nan b comes out by itself then, a nan a by the second condition. */
FLOATS(BINARY_ROW, maximum, ((a > b) | (a != a)) ? a : b)
FLOATS(BINARY_ROW, minimum, ((a < b) | (a != a)) ? a : b)
INTEGERS(BINARY_ROW, maximum, a > b ? a : b)
INTEGERS(BINARY_ROW, minimum, a < b ? a : b)
BINARY_ROW(maximum, b8, a | b)
BINARY_ROW(minimum, b8, a & b)

BINARY_ROW(logical_and, b8, a & b)
BINARY_ROW(logical_or, b8, a | b)
BINARY_ROW(logical_xor, b8, a ^ b)

/* a is the incoming adjoint; b is x (relu) or the function's own result y (tanh, sigmoid). */
FLOATS(BINARY_ROW, relu_backward, b > 0 ? a : (T)0)
FLOATS(BINARY_ROW, tanh_backward, a * ((T)1 - b * b))
FLOATS(BINARY_ROW, sigmoid_backward, a * b * ((T)1 - b))

/* b is x: the slopes of activations that do not follow from their results. */
BINARY_ROW(gelu_backward, f32, a * gelu_slope_of_f32(b))
BINARY_ROW(gelu_backward, f64, a * gelu_slope_of_f64(b))
BINARY_ROW(silu_backward, f32, a * silu_slope_of_f32(b))
BINARY_ROW(silu_backward, f64, a * silu_slope_of_f64(b))

FLOATS(BINARY_ROW, prelu, a > 0 ? a : a * b)

ROW_TABLE(binary)
