/* transcendental.c - out = f(a): exp, log, sin, cos, tanh, sigmoid. */
#include <math.h>
#include "rows.h"

UNARY_ROW(exp, f32, expf(a))
UNARY_ROW(exp, f64, exp(a))
UNARY_ROW(log, f32, logf(a))
UNARY_ROW(log, f64, log(a))
UNARY_ROW(sin, f32, sinf(a))
UNARY_ROW(sin, f64, sin(a))
UNARY_ROW(cos, f32, cosf(a))
UNARY_ROW(cos, f64, cos(a))
UNARY_ROW(tanh, f32, tanhf(a))
UNARY_ROW(tanh, f64, tanh(a))

/* Stable on both sides: exp never sees a positive number. */
static inline f64 sigmoid_of(f64 a) {
  const f64 e = exp(-fabs(a));
  return a >= 0 ? 1 / (1 + e) : e / (1 + e);
}
FLOATS(UNARY_ROW, sigmoid, (T)sigmoid_of(a))

const nd_math_rows ND_NAME(nd_math_rows) = {ND_MATH_LIST(ND_ROW_ENTRY)};
