/* reduce.c - sum, sum_squares, prod, max, min of blocks of rows; the driver (../reduce.c) says which blocks.
 *
 * Two shapes of work (see nd_reducer): `rows` makes one number of each row, `columns` lays the rows on top of each
 * other. Here stand the plain versions and the table; reduce_lanes.h has the fast ones for f32 and f64.
 *
 * How exact is a sum? Adding 1,000,000 floats one after the other loses the last 20 of 24 bits of each. So floats
 * are added in short stretches, a few thousand in many parallel lanes, and the stretches are added as doubles.
 */
#include <math.h>
#include "reduce.h"
#include "rows.h"
#include "reduce_lanes.h"

/* Plain and good for every type: T is read, A accumulated; JOIN(x, y) combines accumulator and OF(element). (Do
 * not unroll by hand: for integers the compiler does, and gcc 12 miscompiles a widening sum in four accumulators.) */
#define PLAIN_ROWS(name, T, A, JOIN, OF)                                                                    \
  static void plain_##name##_rows_##T(int64_t rows, int64_t cols, const void *a, int64_t rs, int64_t cs, void *acc) { \
    for (int64_t r = 0; r < rows; r++) {                                                                    \
      const T *row = (const T *)a + r * rs;                                                                 \
      A x = ((A *)acc)[r];                                                                                  \
      if (cs == 1)                                                                                          \
        for (int64_t c = 0; c < cols; c++) x = JOIN(x, OF((A)row[c]));                                      \
      else                                                                                                  \
        for (int64_t c = 0; c < cols; c++) x = JOIN(x, OF((A)row[c * cs]));                                 \
      ((A *)acc)[r] = x;                                                                                    \
    }                                                                                                       \
  }

#define PLAIN_COLUMNS(name, T, A, JOIN, OF)                                                        \
  static void plain_##name##_columns_##T(int64_t rows, int64_t cols, const void *a, int64_t rs, int64_t cs, void *acc) { \
    A *x = acc;                                                                                             \
    for (int64_t r = 0; r < rows; r++) {                                                                    \
      const T *row = (const T *)a + r * rs;                                                                 \
      if (cs == 1)                                                                                          \
        for (int64_t c = 0; c < cols; c++) x[c] = JOIN(x[c], OF((A)row[c]));                                \
      else                                                                                                  \
        for (int64_t c = 0; c < cols; c++) x[c] = JOIN(x[c], OF((A)row[c * cs]));                           \
    }                                                                                                       \
  }

/* What happens to accumulators: R is the element type of the result. */
#define ACCUMULATORS(name, T, A, R, NEUTRAL, JOIN)                                                          \
  static void name##_start_##T(int64_t n, void *acc) {                                                      \
    for (int64_t i = 0; i < n; i++) ((A *)acc)[i] = NEUTRAL;                                                \
  }                                                                                                         \
  static void name##_merge_##T(int64_t n, void *acc, const void *other) {                                   \
    for (int64_t i = 0; i < n; i++) ((A *)acc)[i] = JOIN(((A *)acc)[i], ((const A *)other)[i]);             \
  }                                                                                                         \
  static void name##_finish_##T(int64_t n, void *out, int64_t stride, const void *acc) {                    \
    for (int64_t i = 0; i < n; i++) ((R *)out)[i * stride] = (R)((const A *)acc)[i];                        \
  }

#define REDUCER(name, T, A, R, NEUTRAL, JOIN)                                                               \
  PLAIN_ROWS(name, T, A, JOIN, ITSELF)                                                                      \
  PLAIN_COLUMNS(name, T, A, JOIN, ITSELF)                                                                   \
  ACCUMULATORS(name, T, A, R, NEUTRAL, JOIN)

/* The same with lanes. */
#define LANE_REDUCER(name, T, A, R, NEUTRAL, JOIN, JOIN_LANES, OF)                                          \
  PLAIN_ROWS(name, T, A, JOIN, OF)                                                                          \
  PLAIN_COLUMNS(name, T, A, JOIN, OF)                                                                       \
  ACCUMULATORS(name, T, A, R, NEUTRAL, JOIN)                                                                \
  LANE_ROWS(name, T, A, NEUTRAL, JOIN, JOIN_LANES, OF)                                                      \
  LANE_COLUMNS(name, T, A, NEUTRAL, JOIN, JOIN_LANES, OF)

#define ADD(x, y) ((x) + (y))
#define MULTIPLY(x, y) ((x) * (y))
#define WRAPPING_ADD(x, y) ((i64)((uint64_t)(x) + (uint64_t)(y)))
#define WRAPPING_MULTIPLY(x, y) ((i64)((uint64_t)(x) * (uint64_t)(y)))
#define LARGER(x, y) ((y) > (x) ? (y) : (x))
#define SMALLER(x, y) ((y) < (x) ? (y) : (x))
#define LARGER_OR_NAN(x, y) (((int)((y) > (x)) | ((y) != (y))) ? (y) : (x))
#define SMALLER_OR_NAN(x, y) (((int)((y) < (x)) | ((y) != (y))) ? (y) : (x))

LANE_REDUCER(sum, f32, f64, f32, 0, ADD, ADD, ITSELF)
LANE_REDUCER(sum, f64, f64, f64, 0, ADD, ADD, ITSELF)
REDUCER(sum, i32, i64, i64, 0, WRAPPING_ADD)
REDUCER(sum, i64, i64, i64, 0, WRAPPING_ADD)
REDUCER(sum, b8, i64, i64, 0, WRAPPING_ADD)

LANE_REDUCER(sum_squares, f32, f64, f32, 0, ADD, ADD, SQUARE_OF)
LANE_REDUCER(sum_squares, f64, f64, f64, 0, ADD, ADD, SQUARE_OF)

PLAIN_COLUMNS(prod, f32, f64, MULTIPLY, ITSELF)
PLAIN_COLUMNS(prod, f64, f64, MULTIPLY, ITSELF)
ACCUMULATORS(prod, f32, f64, f32, 1, MULTIPLY)
ACCUMULATORS(prod, f64, f64, f64, 1, MULTIPLY)

/* A product waits for the one before it, four cycles each: so a row is multiplied up in eight chains side by side. */
#define CHAINED_PRODUCT_ROWS(T)                                                                             \
  static void chained_prod_rows_##T(int64_t rows, int64_t cols, const void *a, int64_t rs, int64_t cs, void *acc) { \
    enum { CHAINS = 8 };                                                                                    \
    for (int64_t r = 0; r < rows; r++) {                                                                    \
      const T *row = (const T *)a + r * rs;                                                                 \
      f64 x[CHAINS] = {1, 1, 1, 1, 1, 1, 1, 1}, y = ((f64 *)acc)[r];                                        \
      int64_t c = 0;                                                                                        \
      for (; c + CHAINS <= cols; c += CHAINS)                                                               \
        for (int k = 0; k < CHAINS; k++) x[k] *= (f64)row[(c + k) * cs];                                    \
      for (; c < cols; c++) y *= (f64)row[c * cs];                                                          \
      for (int k = 0; k < CHAINS; k++) y *= x[k];                                                           \
      ((f64 *)acc)[r] = y;                                                                                  \
    }                                                                                                       \
  }
CHAINED_PRODUCT_ROWS(f32)
CHAINED_PRODUCT_ROWS(f64)
#define PRODUCT_ENTRY(T, RESULT)                                                                            \
  {chained_prod_rows_##T, plain_prod_columns_##T, prod_start_##T, prod_merge_##T, prod_finish_##T, RESULT, sizeof(f64)}

REDUCER(prod, i32, i64, i64, 1, WRAPPING_MULTIPLY)
REDUCER(prod, i64, i64, i64, 1, WRAPPING_MULTIPLY)
REDUCER(prod, b8, i64, i64, 1, WRAPPING_MULTIPLY)

LANE_REDUCER(max, f32, f32, f32, -INFINITY, LARGER_OR_NAN, LARGER_LANES, ITSELF)
LANE_REDUCER(max, f64, f64, f64, -INFINITY, LARGER_OR_NAN, LARGER_LANES, ITSELF)
REDUCER(max, i32, i32, i32, INT32_MIN, LARGER)
REDUCER(max, i64, i64, i64, INT64_MIN, LARGER)
REDUCER(max, b8, b8, b8, 0, LARGER)

LANE_REDUCER(min, f32, f32, f32, INFINITY, SMALLER_OR_NAN, SMALLER_LANES, ITSELF)
LANE_REDUCER(min, f64, f64, f64, INFINITY, SMALLER_OR_NAN, SMALLER_LANES, ITSELF)
REDUCER(min, i32, i32, i32, INT32_MAX, SMALLER)
REDUCER(min, i64, i64, i64, INT64_MAX, SMALLER)
REDUCER(min, b8, b8, b8, 1, SMALLER)

#define ENTRY(how, name, T, A, RESULT)                                                                      \
  {how##_##name##_rows_##T, how##_##name##_columns_##T, name##_start_##T, name##_merge_##T, name##_finish_##T, \
   RESULT, sizeof(A)}

const nd_reduce_table ND_TABLE(reduce) = {
    .sum = {ENTRY(lane, sum, f32, f64, ND_F32), ENTRY(lane, sum, f64, f64, ND_F64), ENTRY(plain, sum, i32, i64, ND_I64),
            ENTRY(plain, sum, i64, i64, ND_I64), ENTRY(plain, sum, b8, i64, ND_I64)},
    .sum_squares = {ENTRY(lane, sum_squares, f32, f64, ND_F32), ENTRY(lane, sum_squares, f64, f64, ND_F64)},
    .prod = {PRODUCT_ENTRY(f32, ND_F32), PRODUCT_ENTRY(f64, ND_F64),
             ENTRY(plain, prod, i32, i64, ND_I64), ENTRY(plain, prod, i64, i64, ND_I64),
             ENTRY(plain, prod, b8, i64, ND_I64)},
    .max = {ENTRY(lane, max, f32, f32, ND_F32), ENTRY(lane, max, f64, f64, ND_F64), ENTRY(plain, max, i32, i32, ND_I32),
            ENTRY(plain, max, i64, i64, ND_I64), ENTRY(plain, max, b8, b8, ND_BOOL)},
    .min = {ENTRY(lane, min, f32, f32, ND_F32), ENTRY(lane, min, f64, f64, ND_F64), ENTRY(plain, min, i32, i32, ND_I32),
            ENTRY(plain, min, i64, i64, ND_I64), ENTRY(plain, min, b8, b8, ND_BOOL)},
};
