/* functions.h - the functions of elementwise kernels alone, one element at a time: tanh_f32(a), add_f32(a, b).
 *
 * Code that has loops of its own, such as that which a compiled graph becomes, computes with them: by the very expressions
 * that our kernels have, so that the numbers are the same.
 *
 * But a compiler makes one instruction, which rounds once, of a product and the sum behind it (-ffp-contract=fast), also
 * where they are two functions. rounded_f32(multiply_f32(a, b), zero) is a b rounded: since the compiler does not know that
 * zero is 0, it takes an integer instruction that changes nothing, and the sum cannot see the product through it.
 *
 * Listed are functions without branches and calls: one that is not would keep the whole loop from being vectorised.
 */
#ifndef ND_FUNCTIONS_H
#define ND_FUNCTIONS_H
#include <math.h>
#include "activation_math.h"
#include "rows.h"

INLINE uint64_t hidden_zero(void) {
  uint64_t zero = 0;
  __asm__("" : "+r"(zero));
  return zero;
}
INLINE f32 rounded_f32(f32 a, uint64_t zero) { return f32_of_bits(bits_of_f32(a) ^ (uint32_t)zero); }
INLINE f64 rounded_f64(f64 a, uint64_t zero) { return f64_of_bits(bits_of_f64(a) ^ zero); }

#define ND_TEXT_(name) #name
#define ND_TEXT(name) ND_TEXT_(name)
#define ND_ISA_NAME ND_TEXT(ND_ISA) /* "avx2" */

#undef UNARY_ROW
#undef BINARY_ROW
#undef SCALAR_ROW
#undef TEST_ROW
#undef COMPARE_ROW
#undef ROW_TABLE
#define ND_FUNCTION(name, type, result, parameters, ...)                                                  \
  INLINE result name##_##type parameters {                                                                \
    typedef type T;                                                                                       \
    typedef U_##type U __attribute__((unused));                                                           \
    return (result)(__VA_ARGS__);                                                                         \
  }
#define ND_WITH_NUMBER(name, type, result, ...)                                                           \
  INLINE result name##_##type(type a, double number) {                                                    \
    typedef type T;                                                                                       \
    typedef U_##type U __attribute__((unused));                                                           \
    const T s = _Generic((T)0, b8: number != 0, default: (T)number);                                      \
    return (result)(__VA_ARGS__);                                                                         \
  }
#define UNARY_ROW(name, type, ...) ND_FUNCTION(name, type, type, (type a), __VA_ARGS__)
#define BINARY_ROW(name, type, ...) ND_FUNCTION(name, type, type, (type a, type b), __VA_ARGS__)
#define COMPARE_ROW(name, type, ...) ND_FUNCTION(name, type, b8, (type a, type b), __VA_ARGS__)
#define SCALAR_ROW(name, type, ...) ND_WITH_NUMBER(name, type, type, __VA_ARGS__)
#define ROW_TABLE(family)

#define TEST_ROW(name, type, ...) ND_FUNCTION(name, type, b8, (type a), __VA_ARGS__)
#include "unary.c"
#undef TEST_ROW
#define TEST_ROW(name, type, ...) ND_WITH_NUMBER(name, type, b8, __VA_ARGS__)
#include "binary.c"
#include "scalar.c"
#include "compare.c"

UNARY_ROW(exp, f32, exp_of_f32(a))
UNARY_ROW(exp, f64, exp_of_f64(a))
UNARY_ROW(log, f32, log_of_f32(a))
UNARY_ROW(log, f64, log_of_f64(a))
UNARY_ROW(tanh, f32, tanh_of_f32(a))
UNARY_ROW(sigmoid, f32, sigmoid_of_f32(a))
UNARY_ROW(sigmoid, f64, sigmoid_of_f64(a))
UNARY_ROW(erf, f32, erf_of_f32(a))
UNARY_ROW(gelu, f32, gelu_of_f32(a))
UNARY_ROW(softplus, f32, softplus_of_f32(a))
UNARY_ROW(silu, f32, silu_of_f32(a))

/* power_scalar with an exponent that has a loop of its own (power.c). */
FLOATS(SCALAR_ROW, power_square, a * a)
FLOATS(SCALAR_ROW, power_reciprocal, (T)1 / a)
SCALAR_ROW(power_sqrt, f32, sqrtf(a))
SCALAR_ROW(power_sqrt, f64, sqrt(a))
#endif
