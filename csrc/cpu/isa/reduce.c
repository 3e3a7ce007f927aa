/* reduce.c - sum, prod, max, min of blocks; the driver (../reduce.c) says which blocks. */
#include <math.h>
#include "rows.h"

/* One reduction of one type: T is read, A accumulated; `join` combines the accumulator x with the element y. */
#define REDUCER(name, T, A, neutral, join)                                                                  \
  static void name##_##T##_start(int64_t n, void *acc) {                                                    \
    for (int64_t i = 0; i < n; i++) ((A *)acc)[i] = neutral;                                                \
  }                                                                                                         \
  static void name##_##T##_merge(int64_t n, void *acc, const void *other) {                                 \
    for (int64_t i = 0; i < n; i++) {                                                                       \
      const A x = ((A *)acc)[i], y = ((const A *)other)[i];                                                 \
      ((A *)acc)[i] = join;                                                                                 \
    }                                                                                                       \
  }                                                                                                         \
  static void name##_##T##_finish(int64_t n, void *out, int64_t stride, const void *acc) {                  \
    for (int64_t i = 0; i < n; i++) ((R_##name##_##T *)out)[i * stride] = (R_##name##_##T)((const A *)acc)[i]; \
  }                                                                                                         \
  static void name##_##T##_rows(int64_t rows, int64_t cols, const void *a, int64_t rs, int64_t cs, void *acc) { \
    for (int64_t r = 0; r < rows; r++) {                                                                    \
      const T *row = (const T *)a + r * rs;                                                                 \
      A x = ((A *)acc)[r];                                                                                  \
      for (int64_t c = 0; c < cols; c++) {                                                                  \
        const A y = (A)row[c * cs];                                                                         \
        x = join;                                                                                           \
      }                                                                                                     \
      ((A *)acc)[r] = x;                                                                                    \
    }                                                                                                       \
  }                                                                                                         \
  static void name##_##T##_columns(int64_t rows, int64_t cols, const void *a, int64_t rs, int64_t cs, void *acc) { \
    for (int64_t r = 0; r < rows; r++) {                                                                    \
      const T *row = (const T *)a + r * rs;                                                                 \
      for (int64_t c = 0; c < cols; c++) {                                                                  \
        const A x = ((A *)acc)[c], y = (A)row[c * cs];                                                      \
        ((A *)acc)[c] = join;                                                                               \
      }                                                                                                     \
    }                                                                                                       \
  }
#define ENTRY(name, T, code) \
  {name##_##T##_rows, name##_##T##_columns, name##_##T##_start, name##_##T##_merge, name##_##T##_finish, code}

typedef f32 R_sum_f32, R_prod_f32, R_max_f32, R_min_f32;
typedef f64 R_sum_f64, R_prod_f64, R_max_f64, R_min_f64;
typedef i64 R_sum_i32, R_prod_i32, R_sum_i64, R_prod_i64, R_sum_b8, R_prod_b8, R_max_i64, R_min_i64;
typedef i32 R_max_i32, R_min_i32;
typedef b8 R_max_b8, R_min_b8;

#define WRAP_ADD (i64)((uint64_t)x + (uint64_t)y)
#define WRAP_MUL (i64)((uint64_t)x * (uint64_t)y)
REDUCER(sum, f32, f64, 0, x + y) REDUCER(sum, f64, f64, 0, x + y)
REDUCER(sum, i32, i64, 0, WRAP_ADD) REDUCER(sum, i64, i64, 0, WRAP_ADD) REDUCER(sum, b8, i64, 0, WRAP_ADD)
REDUCER(prod, f32, f64, 1, x * y) REDUCER(prod, f64, f64, 1, x * y)
REDUCER(prod, i32, i64, 1, WRAP_MUL) REDUCER(prod, i64, i64, 1, WRAP_MUL) REDUCER(prod, b8, i64, 1, WRAP_MUL)
REDUCER(max, f32, f32, -INFINITY, (y > x) | (y != y) ? y : x) REDUCER(max, f64, f64, -INFINITY, (y > x) | (y != y) ? y : x)
REDUCER(max, i32, i32, INT32_MIN, y > x ? y : x) REDUCER(max, i64, i64, INT64_MIN, y > x ? y : x)
REDUCER(max, b8, b8, 0, x | y)
REDUCER(min, f32, f32, INFINITY, (y < x) | (y != y) ? y : x) REDUCER(min, f64, f64, INFINITY, (y < x) | (y != y) ? y : x)
REDUCER(min, i32, i32, INT32_MAX, y < x ? y : x) REDUCER(min, i64, i64, INT64_MAX, y < x ? y : x)
REDUCER(min, b8, b8, 1, x & y)

const nd_reducers ND_NAME(nd_reducers) = {
    .sum = {ENTRY(sum, f32, ND_F32), ENTRY(sum, f64, ND_F64), ENTRY(sum, i32, ND_I64), ENTRY(sum, i64, ND_I64),
            ENTRY(sum, b8, ND_I64)},
    .prod = {ENTRY(prod, f32, ND_F32), ENTRY(prod, f64, ND_F64), ENTRY(prod, i32, ND_I64), ENTRY(prod, i64, ND_I64),
             ENTRY(prod, b8, ND_I64)},
    .max = {ENTRY(max, f32, ND_F32), ENTRY(max, f64, ND_F64), ENTRY(max, i32, ND_I32), ENTRY(max, i64, ND_I64),
            ENTRY(max, b8, ND_BOOL)},
    .min = {ENTRY(min, f32, ND_F32), ENTRY(min, f64, ND_F64), ENTRY(min, i32, ND_I32), ENTRY(min, i64, ND_I64),
            ENTRY(min, b8, ND_BOOL)},
};
