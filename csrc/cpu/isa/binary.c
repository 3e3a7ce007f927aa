/* binary.c - out = f(a, b): arithmetic, extremes, logic and the fused products of the chain rule. */
#include "activation_math.h"
#include "rows.h"

NUMBERS(BINARY_ROW, add, (T)((U)a + (U)b))
NUMBERS(BINARY_ROW, subtract, (T)((U)a - (U)b))
NUMBERS(BINARY_ROW, multiply, (T)((U)a * (U)b))
FLOATS(BINARY_ROW, divide, a / b)

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

ROW_TABLE(binary)
