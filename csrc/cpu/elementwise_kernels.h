/* elementwise_kernels.h - every kernel of the elementwise families, one line each.
 *
 * To add a kernel: its two declarations in needle_kernels.h, a line here, its loop in isa/<family>.c. From these lists
 * the compiler makes the table of each family and the public functions of elementwise_kernels.c.
 *
 *     X(family, form, name, result, cost, types)
 * form    ONE: out = f(a); TWO: out = f(a, b); WITH_SCALAR: out = f(a, s), where s is a number
 * result  SAME: the output has the element type of the (last) input; BOOL: it is a bool
 * cost    CHEAP or COSTLY: decides from how many elements on threads pay (parallel.h)
 * types   FLOATS: f32 f64; NUMBERS: f32 f64 i32 i64; ALL: these and bool; BOOLS: bool alone
 */
#ifndef ND_ELEMENTWISE_KERNELS_H
#define ND_ELEMENTWISE_KERNELS_H
#include "families.h"
#include "kernel_types.h"

#define ND_ROWS_unary(X)                         \
  X(unary, ONE, negative, SAME, CHEAP, NUMBERS)  \
  X(unary, ONE, abs, SAME, CHEAP, NUMBERS)       \
  X(unary, ONE, sign, SAME, CHEAP, NUMBERS)      \
  X(unary, ONE, square, SAME, CHEAP, NUMBERS)    \
  X(unary, ONE, sqrt, SAME, CHEAP, FLOATS)       \
  X(unary, ONE, reciprocal, SAME, CHEAP, FLOATS) \
  X(unary, ONE, relu, SAME, CHEAP, NUMBERS)      \
  X(unary, ONE, floor, SAME, CHEAP, NUMBERS)     \
  X(unary, ONE, ceil, SAME, CHEAP, NUMBERS)      \
  X(unary, ONE, trunc, SAME, CHEAP, NUMBERS)     \
  X(unary, ONE, round, SAME, CHEAP, NUMBERS)     \
  X(unary, ONE, logical_not, BOOL, CHEAP, ALL)

#define ND_ROWS_transcendental(X)                      \
  X(transcendental, ONE, exp, SAME, COSTLY, FLOATS)    \
  X(transcendental, ONE, log, SAME, COSTLY, FLOATS)    \
  X(transcendental, ONE, sin, SAME, COSTLY, FLOATS)    \
  X(transcendental, ONE, cos, SAME, COSTLY, FLOATS)    \
  X(transcendental, ONE, tanh, SAME, COSTLY, FLOATS)   \
  X(transcendental, ONE, sigmoid, SAME, COSTLY, FLOATS) \
  X(transcendental, ONE, erf, SAME, COSTLY, FLOATS)    \
  X(transcendental, ONE, gelu, SAME, COSTLY, FLOATS)   \
  X(transcendental, ONE, silu, SAME, COSTLY, FLOATS)   \
  X(transcendental, ONE, softplus, SAME, COSTLY, FLOATS) \
  X(transcendental, ONE, tan, SAME, COSTLY, FLOATS)    \
  X(transcendental, ONE, asin, SAME, COSTLY, FLOATS)   \
  X(transcendental, ONE, acos, SAME, COSTLY, FLOATS)   \
  X(transcendental, ONE, atan, SAME, COSTLY, FLOATS)   \
  X(transcendental, ONE, sinh, SAME, COSTLY, FLOATS)   \
  X(transcendental, ONE, cosh, SAME, COSTLY, FLOATS)   \
  X(transcendental, ONE, asinh, SAME, COSTLY, FLOATS)  \
  X(transcendental, ONE, acosh, SAME, COSTLY, FLOATS)  \
  X(transcendental, ONE, atanh, SAME, COSTLY, FLOATS)  \
  X(transcendental, ONE, log1p, SAME, COSTLY, FLOATS)  \
  X(transcendental, ONE, expm1, SAME, COSTLY, FLOATS)  \
  X(transcendental, ONE, log2, SAME, COSTLY, FLOATS)   \
  X(transcendental, ONE, log10, SAME, COSTLY, FLOATS)

#define ND_ROWS_binary(X)                               \
  X(binary, TWO, add, SAME, CHEAP, NUMBERS)             \
  X(binary, TWO, subtract, SAME, CHEAP, NUMBERS)        \
  X(binary, TWO, multiply, SAME, CHEAP, NUMBERS)        \
  X(binary, TWO, divide, SAME, CHEAP, FLOATS)           \
  X(binary, TWO, floor_divide, SAME, COSTLY, NUMBERS)   \
  X(binary, TWO, remainder, SAME, COSTLY, NUMBERS)      \
  X(binary, TWO, fmod, SAME, COSTLY, NUMBERS)           \
  X(binary, TWO, atan2, SAME, COSTLY, FLOATS)           \
  X(binary, TWO, maximum, SAME, CHEAP, ALL)             \
  X(binary, TWO, minimum, SAME, CHEAP, ALL)             \
  X(binary, TWO, logical_and, SAME, CHEAP, BOOLS)       \
  X(binary, TWO, logical_or, SAME, CHEAP, BOOLS)        \
  X(binary, TWO, logical_xor, SAME, CHEAP, BOOLS)       \
  X(binary, TWO, relu_backward, SAME, CHEAP, FLOATS)    \
  X(binary, TWO, tanh_backward, SAME, CHEAP, FLOATS)    \
  X(binary, TWO, sigmoid_backward, SAME, CHEAP, FLOATS) \
  X(binary, TWO, gelu_backward, SAME, COSTLY, FLOATS)   \
  X(binary, TWO, silu_backward, SAME, COSTLY, FLOATS) \
  X(binary, TWO, prelu, SAME, CHEAP, FLOATS)

#define ND_ROWS_scalar(X)                                        \
  X(scalar, WITH_SCALAR, add_scalar, SAME, CHEAP, NUMBERS)       \
  X(scalar, WITH_SCALAR, multiply_scalar, SAME, CHEAP, NUMBERS)  \
  X(scalar, WITH_SCALAR, rsubtract_scalar, SAME, CHEAP, NUMBERS) \
  X(scalar, WITH_SCALAR, divide_scalar, SAME, CHEAP, FLOATS)     \
  X(scalar, WITH_SCALAR, rdivide_scalar, SAME, CHEAP, FLOATS)    \
  X(scalar, WITH_SCALAR, maximum_scalar, SAME, CHEAP, NUMBERS)   \
  X(scalar, WITH_SCALAR, minimum_scalar, SAME, CHEAP, NUMBERS)

#define ND_ROWS_power(X)                                      \
  X(power, TWO, power, SAME, COSTLY, NUMBERS)                 \
  X(power, WITH_SCALAR, power_scalar, SAME, COSTLY, NUMBERS)  \
  X(power, WITH_SCALAR, rpower_scalar, SAME, COSTLY, NUMBERS)

#define ND_ROWS_compare(X)                                       \
  X(compare, TWO, equal, BOOL, CHEAP, ALL)                       \
  X(compare, TWO, not_equal, BOOL, CHEAP, ALL)                   \
  X(compare, TWO, less, BOOL, CHEAP, ALL)                        \
  X(compare, TWO, less_equal, BOOL, CHEAP, ALL)                  \
  X(compare, TWO, greater, BOOL, CHEAP, ALL)                     \
  X(compare, TWO, greater_equal, BOOL, CHEAP, ALL)               \
  X(compare, WITH_SCALAR, equal_scalar, BOOL, CHEAP, ALL)        \
  X(compare, WITH_SCALAR, not_equal_scalar, BOOL, CHEAP, ALL)    \
  X(compare, WITH_SCALAR, less_scalar, BOOL, CHEAP, ALL)         \
  X(compare, WITH_SCALAR, less_equal_scalar, BOOL, CHEAP, ALL)   \
  X(compare, WITH_SCALAR, greater_scalar, BOOL, CHEAP, ALL)      \
  X(compare, WITH_SCALAR, greater_equal_scalar, BOOL, CHEAP, ALL)

/* struct nd_unary_table and so on: for each kernel its row functions by element type; 0 where it has none. */
#define ND_ROW_MEMBER(family, form, name, result, cost, types) nd_row *name[ND_DTYPES];
#define ND_STRUCT_ROWS(family) struct nd_##family##_table { ND_ROWS_##family(ND_ROW_MEMBER) };
#define ND_STRUCT_OWN(family)
#define ND_STRUCT(family, table, isa) ND_STRUCT_##table(family)
ND_FAMILIES(ND_STRUCT, )
#undef ND_STRUCT
#endif
