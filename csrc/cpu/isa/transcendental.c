/* transcendental.c - out = f(a): exp, log, sin, cos, tanh, sigmoid and activations made of them. The mathematics is in vecmath.h
 * and activation_math.h.
 *
 * What is worth vectorising is: all of f32, and exp, log, sigmoid of f64. The rest of f64 serves gradient checks and
 * calls the C library, as do the functions that models seldom need.
 */
#include "activation_math.h"
#include "rows.h"

UNARY_ROW(exp, f64, exp_of_f64(a))
UNARY_ROW(log, f32, log_of_f32(a))
UNARY_ROW(log, f64, log_of_f64(a))
UNARY_ROW(tanh, f32, tanh_of_f32(a))
UNARY_ROW(tanh, f64, tanh(a))
UNARY_ROW(sigmoid, f64, sigmoid_of_f64(a))
UNARY_ROW(sin, f64, sin(a))
UNARY_ROW(cos, f64, cos(a))

UNARY_ROW(expm1, f32, expm1_of_f32(a))
UNARY_ROW(expm1, f64, expm1(a))
UNARY_ROW(log1p, f32, log1p_of_f32(a))
UNARY_ROW(log1p, f64, log1p(a))

UNARY_ROW(atan, f32, atan2_of_f32(a, 1.0f))
UNARY_ROW(atan, f64, atan(a))

UNARY_ROW(erf, f32, erf_of_f32(a))
UNARY_ROW(erf, f64, erf(a))
UNARY_ROW(gelu, f32, gelu_of_f32(a))
UNARY_ROW(gelu, f64, gelu_of_f64(a))
UNARY_ROW(softplus, f32, softplus_of_f32(a))
UNARY_ROW(softplus, f64, softplus_of_f64(a))

UNARY_ROW(silu, f32, silu_of_f32(a))
UNARY_ROW(silu, f64, silu_of_f64(a))

UNARY_ROW(quick_exp, f32, quick_exp_of_f32(a))
UNARY_ROW(exact_exp, f32, exp_of_f32(a))
UNARY_ROW(quick_sigmoid, f32, quick_sigmoid_of_f32(a))
UNARY_ROW(exact_sigmoid, f32, sigmoid_of_f32(a))
UNARY_ROW(quick_sin, f32, sin_of_f32(a, 0))
UNARY_ROW(quick_cos, f32, sin_of_f32(a, 1))
UNARY_ROW(exact_sin, f32, sinf(a))
UNARY_ROW(exact_cos, f32, cosf(a))

/* Less often used: the C library's, number by number. */
#define LIBRARY_ROW(name) UNARY_ROW(name, f32, name##f(a)) UNARY_ROW(name, f64, name(a))
LIBRARY_ROW(tan)
LIBRARY_ROW(asin)
LIBRARY_ROW(acos)
LIBRARY_ROW(sinh)
LIBRARY_ROW(cosh)
LIBRARY_ROW(asinh)
LIBRARY_ROW(acosh)
LIBRARY_ROW(atanh)
LIBRARY_ROW(log2)
LIBRARY_ROW(log10)

/* 1 if |a[i]| <= limit for all i (a nan is not). Without their sign, floats are ordered as their bits are. */
static int all_small(int64_t n, const f32 *a, int64_t stride, float limit) {
  int32_t largest = 0;
  for (int64_t i = 0; i < n; i++) {
    const int32_t size = bits_of_f32(a[i * stride]) & 0x7fffffffu;
    largest = size > largest ? size : largest;
  }
  return largest <= (int32_t)bits_of_f32(limit);
}

/* Large arguments are rare: the row is cut into blocks, and only a block that holds one pays for it. Blocks are short,
 * so that a processor looks through the next one while it still computes the last: with 1024 instead of 256 elements,
 * exp of a million waited a quarter of its time for memory (Intel, AVX-512). */
static void by_blocks(int64_t n, void *const *data, const int64_t *stride, float limit, nd_row *quick, nd_row *exact) {
  enum { BLOCK = 256 };
  for (int64_t i = 0; i < n; i += BLOCK) {
    const int64_t m = n - i < BLOCK ? n - i : BLOCK;
    f32 *out = (f32 *)data[0] + i * stride[0], *a = (f32 *)data[1] + i * stride[1];
    (all_small(m, a, stride[1], limit) ? quick : exact)(m, (void *[]){out, a}, stride, 0);
  }
}

#define ROW_BY_BLOCKS(name, limit)                                                                          \
  static void name##_f32(int64_t n, void *const *data, const int64_t *stride, double scalar) {             \
    (void)scalar;                                                                                           \
    by_blocks(n, data, stride, limit, quick_##name##_f32, exact_##name##_f32);                              \
  }
ROW_BY_BLOCKS(exp, EXP_LIMIT)
ROW_BY_BLOCKS(sigmoid, EXP_LIMIT)
ROW_BY_BLOCKS(sin, SIN_LIMIT)
ROW_BY_BLOCKS(cos, SIN_LIMIT)

ROW_TABLE(transcendental)
