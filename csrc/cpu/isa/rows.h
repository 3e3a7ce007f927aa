/* rows.h - how a row function is written down: a name, an element type, one expression.
 *
 *     BINARY_ROW(add, f32, a + b)
 *
 * defines add_f32: the loop over n elements, four times, because a compiler vectorises a loop best when it knows
 * the strides. ND_INDEPENDENT says that out[i] depends on a[i], b[i] only, so out may be a or b itself.
 * Inside an expression, T is the element type and U the unsigned integer of its size: integers are computed as
 * (T)((U)a + (U)b), which wraps around like NumPy where C leaves signed overflow undefined.
 */
#ifndef ND_ROWS_H
#define ND_ROWS_H
#include "elementwise_kernels.h"
#include "isa.h"
#include "unroll.h"

typedef float U_f32; /* floats have no wrapping twin; the name must exist */
typedef double U_f64;
typedef uint32_t U_i32;
typedef uint64_t U_i64;
typedef uint8_t U_b8;

/* The same row for several element types. */
#define FLOATS(ROW, name, ...) ROW(name, f32, __VA_ARGS__) ROW(name, f64, __VA_ARGS__)
#define INTEGERS(ROW, name, ...) ROW(name, i32, __VA_ARGS__) ROW(name, i64, __VA_ARGS__)
#define NUMBERS(ROW, name, ...) FLOATS(ROW, name, __VA_ARGS__) INTEGERS(ROW, name, __VA_ARGS__)
#define ALL(ROW, name, ...) NUMBERS(ROW, name, __VA_ARGS__) ROW(name, b8, __VA_ARGS__)

#define ROW_HEAD(name, type, result)                                                                       \
  static void name##_##type(int64_t n, void *const *data, const int64_t *stride, double scalar) {          \
    typedef type T;                                                                                        \
    typedef U_##type U __attribute__((unused));                                                            \
    typedef result R;                                                                                      \
    R *const out = data[0];                                                                                \
    const int64_t to = stride[0];                                                                          \
    (void)scalar;

#define ROW_LOOP(condition, ...)                                                                           \
  if (condition) {                                                                                         \
    ND_INDEPENDENT for (int64_t i = 0; i < n; i++) { __VA_ARGS__ }                                         \
    return;                                                                                                \
  }

/* The same in turns of two cache lines, each of which asks the memory for the lines that will be read 2 KiB later: the
 * prefetching of processors without AVX-512 is cautious. For cheap operations, which wait for memory: up to 7 % on a
 * million floats (Zen 3). With AVX-512 the asking only takes time (8 %, Zen 5). A short row has no time to ask. */
#ifdef __AVX512F__
#define LONG_LOOP(condition, lines_of_a, lines_of_b, ...) ROW_LOOP(condition, __VA_ARGS__)
#else
#define LONG_LOOP(condition, lines_of_a, lines_of_b, ...)                                                  \
  if (condition) {                                                                                         \
    enum { TURN = 128 / sizeof(T), AHEAD = 2048 / sizeof(T) };                                             \
    int64_t done = 0;                                                                                      \
    for (; n >= 4 * AHEAD && done + TURN <= n; done += TURN) {                                                 \
      for (int l = 0; l < lines_of_a; l++) __builtin_prefetch(pa + done + AHEAD + l * TURN / 2);           \
      for (int l = 0; l < lines_of_b; l++) __builtin_prefetch(pb + done + AHEAD + l * TURN / 2);           \
      ND_INDEPENDENT for (int64_t j = 0; j < TURN; j++) { const int64_t i = done + j; __VA_ARGS__ }        \
    }                                                                                                      \
    ND_INDEPENDENT_UNROLL(4) for (int64_t i = done; i < n; i++) { __VA_ARGS__ }                           \
    return;                                                                                                \
  }
#endif

/* out = f(a), and out = f(a, s) with the scalar s */
#define ROW_OF_ONE(name, type, result, ...)                                                                \
  ROW_HEAD(name, type, result)                                                                             \
    const T *const pa = data[1];                                                                           \
    const int64_t sa = stride[1];                                                                          \
    const T s __attribute__((unused)) = _Generic((T)0, b8: scalar != 0, default: (T)scalar);               \
    ROW_LOOP(to == 1 && sa == 1, const T a = pa[i]; out[i] = (R)(__VA_ARGS__);)                            \
    ROW_LOOP(1, const T a = pa[i * sa]; out[i * to] = (R)(__VA_ARGS__);)                                   \
  }

/* out = f(a, b) */
#define ROW_OF_TWO(name, type, result, ...)                                                                \
  ROW_HEAD(name, type, result)                                                                             \
    const T *const pa = data[1], *const pb = data[2];                                                      \
    const int64_t sa = stride[1], sb = stride[2];                                                          \
    const T a0 = *pa, b0 = *pb; /* n is never 0 */                                                         \
    LONG_LOOP(to == 1 && sa == 1 && sb == 1, 2, 2, const T a = pa[i], b = pb[i]; out[i] = (R)(__VA_ARGS__);)     \
    LONG_LOOP(to == 1 && sa == 1 && sb == 0, 2, 0, const T a = pa[i], b = b0; out[i] = (R)(__VA_ARGS__);)        \
    LONG_LOOP(to == 1 && sa == 0 && sb == 1, 0, 2, const T a = a0, b = pb[i]; out[i] = (R)(__VA_ARGS__);)        \
    ROW_LOOP(1, const T a = pa[i * sa], b = pb[i * sb]; out[i * to] = (R)(__VA_ARGS__);)                   \
  }

#define UNARY_ROW(name, type, ...) ROW_OF_ONE(name, type, type, __VA_ARGS__)
#define SCALAR_ROW(name, type, ...) ROW_OF_ONE(name, type, type, __VA_ARGS__)
#define BINARY_ROW(name, type, ...) ROW_OF_TWO(name, type, type, __VA_ARGS__)
#define TEST_ROW(name, type, ...) ROW_OF_ONE(name, type, b8, __VA_ARGS__)
#define COMPARE_ROW(name, type, ...) ROW_OF_TWO(name, type, b8, __VA_ARGS__)

/* The family's table: .add = {add_f32, add_f64, ...}, ... */
#define ND_ROW_ENTRY(family, form, name, result, cost, types) .name = ND_FUNCTIONS_##types(name),
#define ROW_TABLE(family) const struct nd_##family##_table ND_TABLE(family) = {ND_ROWS_##family(ND_ROW_ENTRY)};
#endif
