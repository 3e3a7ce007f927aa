/* power.c - powers. Squares, cubes and roots are what models ask for: a known exponent gets its own loop. */
#include <math.h>
#include "rows.h"
#include "vecmath.h"

/* Square and multiply; a negative exponent leaves 1/a^n, which as an integer is 0 unless a is 1 or -1. */
static inline int64_t integer_power(int64_t a, int64_t exponent) {
  if (exponent < 0) return a == 1 ? 1 : a == -1 ? (exponent & 1 ? -1 : 1) : 0;
  uint64_t result = 1, base = (uint64_t)a;
  for (; exponent; exponent >>= 1) {
    if (exponent & 1) result *= base;
    base *= base;
  }
  return (int64_t)result;
}

BINARY_ROW(power, f32, pow_of_f32(a, b))
BINARY_ROW(power, f64, pow(a, b))
INTEGERS(BINARY_ROW, power, (T)integer_power(a, b))

SCALAR_ROW(square_row, f32, a * a)
SCALAR_ROW(square_row, f64, a * a)
FLOATS(SCALAR_ROW, cube_row, a * a * a)
FLOATS(SCALAR_ROW, reciprocal_row, (T)1 / a)
SCALAR_ROW(root_row, f32, sqrtf(a))
SCALAR_ROW(root_row, f64, sqrt(a))
SCALAR_ROW(any_power, f32, pow_of_f32(a, s))
SCALAR_ROW(any_power, f64, pow(a, s))

#define FLOAT_POWER(name, type)                                                                             \
  static void name##_##type(int64_t n, void *const *data, const int64_t *stride, double scalar) {          \
    nd_row *row = scalar == 2      ? square_row_##type                                                      \
                  : scalar == 3    ? cube_row_##type                                                        \
                  : scalar == -1   ? reciprocal_row_##type                                                  \
                  : scalar == 0.5  ? root_row_##type                                                        \
                                   : any_power_##type;                                                      \
    row(n, data, stride, scalar);                                                                           \
  }
FLOAT_POWER(power_scalar, f32)
FLOAT_POWER(power_scalar, f64)
INTEGERS(SCALAR_ROW, power_scalar, (T)integer_power(a, s))

SCALAR_ROW(rpower_scalar, f32, pow_of_f32(s, a))
SCALAR_ROW(rpower_scalar, f64, pow(s, a))
INTEGERS(SCALAR_ROW, rpower_scalar, (T)integer_power(s, a))

ROW_TABLE(power)
