/* kernel_lists.h - every elementwise kernel and reduction, one line each.
 *
 * To add a kernel: a declaration in needle_kernels.h, a line here, its loop in isa/<file>.c. From these lists the
 * compiler makes the function-pointer tables of each instruction set and the public functions of dispatch.c.
 *
 *     X(name, result, cost, types)
 * result  SAME: the output has the element type of the (last) input; BOOL: it is a bool
 * cost    CHEAP or COSTLY: decides from how many elements on threads pay (parallel.h)
 * types   FLOATS: f32 f64; NUMBERS: f32 f64 i32 i64; ALL: these and bool; BOOLS: bool alone
 */
#ifndef ND_KERNEL_LISTS_H
#define ND_KERNEL_LISTS_H

/* out = f(a): isa/unary.c */
#define ND_UNARY_LIST(X)            \
  X(negative, SAME, CHEAP, NUMBERS) \
  X(abs, SAME, CHEAP, NUMBERS)      \
  X(sign, SAME, CHEAP, NUMBERS)     \
  X(square, SAME, CHEAP, NUMBERS)   \
  X(sqrt, SAME, CHEAP, FLOATS)      \
  X(reciprocal, SAME, CHEAP, FLOATS)\
  X(relu, SAME, CHEAP, NUMBERS)     \
  X(floor, SAME, CHEAP, NUMBERS)    \
  X(ceil, SAME, CHEAP, NUMBERS)     \
  X(logical_not, BOOL, CHEAP, ALL)

/* out = f(a), transcendental: isa/transcendental.c */
#define ND_MATH_LIST(X)           \
  X(exp, SAME, COSTLY, FLOATS)    \
  X(log, SAME, COSTLY, FLOATS)    \
  X(sin, SAME, COSTLY, FLOATS)    \
  X(cos, SAME, COSTLY, FLOATS)    \
  X(tanh, SAME, COSTLY, FLOATS)   \
  X(sigmoid, SAME, COSTLY, FLOATS)

/* out = f(a, b): isa/binary.c */
#define ND_BINARY_LIST(X)                 \
  X(add, SAME, CHEAP, NUMBERS)            \
  X(subtract, SAME, CHEAP, NUMBERS)       \
  X(multiply, SAME, CHEAP, NUMBERS)       \
  X(divide, SAME, CHEAP, FLOATS)          \
  X(maximum, SAME, CHEAP, ALL)            \
  X(minimum, SAME, CHEAP, ALL)            \
  X(logical_and, SAME, CHEAP, BOOLS)      \
  X(logical_or, SAME, CHEAP, BOOLS)       \
  X(logical_xor, SAME, CHEAP, BOOLS)      \
  X(relu_backward, SAME, CHEAP, FLOATS)   \
  X(tanh_backward, SAME, CHEAP, FLOATS)   \
  X(sigmoid_backward, SAME, CHEAP, FLOATS)

/* out = a ** b: isa/power.c */
#define ND_POWER_LIST(X) X(power, SAME, COSTLY, NUMBERS)

/* out = (a < b) and its kin: isa/compare.c */
#define ND_COMPARE_LIST(X)          \
  X(equal, BOOL, CHEAP, ALL)        \
  X(not_equal, BOOL, CHEAP, ALL)    \
  X(less, BOOL, CHEAP, ALL)         \
  X(less_equal, BOOL, CHEAP, ALL)   \
  X(greater, BOOL, CHEAP, ALL)      \
  X(greater_equal, BOOL, CHEAP, ALL)

/* out = f(a, scalar): isa/scalar.c */
#define ND_SCALAR_LIST(X)                  \
  X(add_scalar, SAME, CHEAP, NUMBERS)      \
  X(multiply_scalar, SAME, CHEAP, NUMBERS) \
  X(rsubtract_scalar, SAME, CHEAP, NUMBERS)\
  X(divide_scalar, SAME, CHEAP, FLOATS)    \
  X(rdivide_scalar, SAME, CHEAP, FLOATS)   \
  X(maximum_scalar, SAME, CHEAP, NUMBERS)  \
  X(minimum_scalar, SAME, CHEAP, NUMBERS)

/* out = f(a, scalar), powers: isa/power.c */
#define ND_POWER_SCALAR_LIST(X)            \
  X(power_scalar, SAME, COSTLY, NUMBERS)   \
  X(rpower_scalar, SAME, COSTLY, NUMBERS)

/* out = (a < scalar) and its kin: isa/compare.c */
#define ND_COMPARE_SCALAR_LIST(X)           \
  X(equal_scalar, BOOL, CHEAP, ALL)         \
  X(not_equal_scalar, BOOL, CHEAP, ALL)     \
  X(less_scalar, BOOL, CHEAP, ALL)          \
  X(less_equal_scalar, BOOL, CHEAP, ALL)    \
  X(greater_scalar, BOOL, CHEAP, ALL)       \
  X(greater_equal_scalar, BOOL, CHEAP, ALL)

/* Reductions: isa/reduce.c */
#define ND_REDUCE_LIST(X) X(sum) X(prod) X(max) X(min)

/* The rows of one kernel for the five element types, in the order of enum nd_dtype. */
#define ND_ROWS_FLOATS(name) {name##_f32, name##_f64, 0, 0, 0}
#define ND_ROWS_NUMBERS(name) {name##_f32, name##_f64, name##_i32, name##_i64, 0}
#define ND_ROWS_ALL(name) {name##_f32, name##_f64, name##_i32, name##_i64, name##_b8}
#define ND_ROWS_BOOLS(name) {0, 0, 0, 0, name##_b8}
#endif
