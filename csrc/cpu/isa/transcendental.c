/* transcendental.c - out = f(a): exp, log, sin, cos, tanh, sigmoid. The mathematics is in vecmath.h.
 *
 * What is worth vectorising is: all of f32, and exp, log, sigmoid of f64. The rest of f64 serves gradient checks and
 * calls the C library.
 */
#include "rows.h"
#include "vecmath.h"

UNARY_ROW(exp, f32, exp_of_f32(a))
UNARY_ROW(exp, f64, exp_of_f64(a))
UNARY_ROW(log, f32, log_of_f32(a))
UNARY_ROW(log, f64, log_of_f64(a))
UNARY_ROW(tanh, f32, tanh_of_f32(a))
UNARY_ROW(tanh, f64, tanh(a))
UNARY_ROW(sigmoid, f32, sigmoid_of_f32(a))
UNARY_ROW(sigmoid, f64, sigmoid_of_f64(a))
UNARY_ROW(sin, f64, sin(a))
UNARY_ROW(cos, f64, cos(a))

UNARY_ROW(quick_sin, f32, sin_of_f32(a, 0))
UNARY_ROW(quick_cos, f32, sin_of_f32(a, 1))
UNARY_ROW(exact_sin, f32, sinf(a))
UNARY_ROW(exact_cos, f32, cosf(a))

/* 1 if every element is small enough for sin_of_f32 (a nan is not). */
static int all_small(int64_t n, const f32 *a, int64_t stride) {
  int small = 1;
  for (int64_t i = 0; i < n; i++) small &= fabsf(a[i * stride]) <= SIN_LIMIT;
  return small;
}

/* Huge angles are rare: the row is cut into blocks, and only a block that holds one pays for it. */
static void by_blocks(int64_t n, void *const *data, const int64_t *stride, nd_row *quick, nd_row *exact) {
  enum { BLOCK = 512 };
  for (int64_t i = 0; i < n; i += BLOCK) {
    const int64_t m = n - i < BLOCK ? n - i : BLOCK;
    f32 *out = (f32 *)data[0] + i * stride[0], *a = (f32 *)data[1] + i * stride[1];
    (all_small(m, a, stride[1]) ? quick : exact)(m, (void *[]){out, a}, stride, 0);
  }
}
static void sin_f32(int64_t n, void *const *data, const int64_t *stride, double scalar) {
  (void)scalar;
  by_blocks(n, data, stride, quick_sin_f32, exact_sin_f32);
}
static void cos_f32(int64_t n, void *const *data, const int64_t *stride, double scalar) {
  (void)scalar;
  by_blocks(n, data, stride, quick_cos_f32, exact_cos_f32);
}

ROW_TABLE(transcendental)
