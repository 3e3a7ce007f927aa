/* softmax.c - softmax, its logarithm, and their vjps, of rows (a line is contiguous) and of columns (lines lie side by
 * side). With m the largest element of a line and z = a - m, which exp cannot make overflow,
 *     softmax = exp(z) / total,   log softmax = z - log(total),   total = sum of exp(z),
 * and for the adjoint g of a result y
 *     softmax: y (g - sum of g y),   log softmax: g - exp(y) (sum of g).
 *
 * Registers hold W elements, and rows rarely have a multiple of W. Elements one by one would take as long as all
 * registers before, so a row ends with a register that reaches back: the last W elements, some for the second time.
 * Short rows are widened to whole registers in a buffer; what is added there, -inf, is 0 after exp.
 */
#include "softmax.h"
#include "reduce.h"
#include "rows.h"
#include "vecmath.h"

extern const nd_reduce_table ND_TABLE(reduce);

enum {
  BUFFER = 2048, /* elements of exp(z) at a time: short rows, several together, or a piece of a long one */
  PIECE = 512,   /* elements that are added up in lanes before they are joined in double */
  TOGETHER = 32, /* rows at a time */
  COLUMNS = 128  /* columns at a time */
};
enum { W_f32 = 16, W_f64 = 8 }; /* 64 bytes: one register, or several */

#define LARGER(x, y) ((x) > (y) ? (x) : (y))
#define SUM(x, y) ((x) + (y))

/* Halves are joined until one lane is left. */
#define JOIN_LANES(T, JOIN, x)                                                                              \
  for (int l = 0; l < W_##T / 2; l++) x[l] = JOIN(x[l], x[l + W_##T / 2]);                                  \
  for (int l = 0; l < W_##T / 4; l++) x[l] = JOIN(x[l], x[l + W_##T / 4]);                                  \
  for (int l = 0; l < W_##T / 8; l++) x[l] = JOIN(x[l], x[l + W_##T / 8]);                                  \
  if (W_##T == 16) x[0] = JOIN(x[0], x[1]);

/* ---- rows --------------------------------------------------------------------------------------------------- */

/* out[k] = expression, W at a time, then the last W; one by one if there are fewer. */
#define WHOLE_ROW(T, n, ...)                                                                                \
  if ((n) < W_##T) {                                                                                        \
    for (int64_t k = 0; k < (n); k++) { __VA_ARGS__ }                                                       \
  } else {                                                                                                  \
    for (int64_t k0 = 0; k0 + W_##T <= (n); k0 += W_##T)                                                    \
      ND_INDEPENDENT for (int l = 0; l < W_##T; l++) { const int64_t k = k0 + l; __VA_ARGS__ }              \
    ND_INDEPENDENT for (int l = 0; l < W_##T; l++) { const int64_t k = (n) - W_##T + l; __VA_ARGS__ }       \
  }

#define SHORT_ROWS(T, code)                                                                                 \
  static void short_rows_##T(int64_t rows, int64_t n, T *out, int64_t to, const T *a, int64_t down, int log) { \
    const nd_reducer *max = &ND_TABLE(reduce).max[code], *sum = &ND_TABLE(reduce).sum[code];                \
    const int64_t wide = (n + W_##T - 1) / W_##T * W_##T, room = BUFFER / wide;                              \
    const int64_t together = room < TOGETHER ? room : TOGETHER;                                             \
    T e[BUFFER], m[TOGETHER], scale[TOGETHER];                                                              \
    f64 total[TOGETHER];                                                                                    \
    for (int64_t r = 0; r < rows; r += together, a += together * down, out += together * to) {              \
      const int64_t count = rows - r < together ? rows - r : together;                                      \
      max->start(count, m);                                                                                 \
      max->rows(count, n, a, down, 1, m);                                                                   \
      for (int64_t i = 0; i < count; i++) {                                                                 \
        const T *const from = a + i * down;                                                                 \
        T *const z = e + i * wide;                                                                          \
        const T mi = m[i];                                                                                  \
        for (int l = 0; l < W_##T; l++) z[wide - W_##T + l] = -INFINITY;                                    \
        WHOLE_ROW(T, n, z[k] = from[k] - mi;)                                                               \
      }                                                                                                     \
      ND_INDEPENDENT for (int64_t k = 0; k < count * wide; k++) e[k] = exp_below_one_##T(e[k]);             \
      sum->start(count, total);                                                                             \
      sum->rows(count, wide, e, wide, 1, total);                                                            \
      for (int64_t i = 0; i < count; i++) scale[i] = (T)(log ? log_of_f64(total[i]) : 1 / total[i]);        \
      for (int64_t i = 0; i < count; i++) {                                                                 \
        T *const o = out + i * to;                                                                          \
        const T *const from = log ? a + i * down : e + i * wide, mi = m[i], si = scale[i];                  \
        if (log) { WHOLE_ROW(T, n, o[k] = (from[k] - mi) - si;) }                                           \
        else { WHOLE_ROW(T, n, o[k] = from[k] * si;) }                                                      \
      }                                                                                                     \
    }                                                                                                       \
  }

#define LONG_ROW(T, code)                                                                                   \
  static void long_row_##T(int64_t n, T *out, const T *a, int log) {                                        \
    T m, e[BUFFER];                                                                                         \
    f64 total = 0;                                                                                          \
    ND_TABLE(reduce).max[code].start(1, &m);                                                                \
    ND_TABLE(reduce).max[code].rows(1, n, a, n, 1, &m);                                                     \
    for (int64_t k = 0; k < n; k += BUFFER) {                                                               \
      const int64_t count = n - k < BUFFER ? n - k : BUFFER;                                                \
      T *const to = log ? e : out + k;                                                                      \
      ND_INDEPENDENT for (int64_t c = 0; c < count; c++) to[c] = exp_below_one_##T(a[k + c] - m);           \
      ND_TABLE(reduce).sum[code].rows(1, count, to, count, 1, &total);                                      \
    }                                                                                                       \
    const T scale = (T)(1 / total), log_total = (T)log_of_f64(total);                                       \
    if (log)                                                                                                \
      ND_INDEPENDENT for (int64_t k = 0; k < n; k++) out[k] = (a[k] - m) - log_total;                       \
    else                                                                                                    \
      ND_INDEPENDENT for (int64_t k = 0; k < n; k++) out[k] *= scale;                                       \
  }

#define FORWARD_ROWS(name, T, log)                                                                          \
  static void name##_rows_##T(int64_t rows, int64_t n, void *out, int64_t to, const void *a, int64_t down,  \
                              const void *unused, int64_t none) {                                           \
    (void)unused, (void)none;                                                                               \
    if (n <= BUFFER / 2) short_rows_##T(rows, n, out, to, a, down, log);                                    \
    else for (int64_t r = 0; r < rows; r++) long_row_##T(n, (T *)out + r * to, (const T *)a + r * down, log); \
  }

/* The sum of an expression of k over a row; a PIECE in lanes, the pieces in double. The register that
 * reaches back counts what is new in it. */
#define SUM_OF_ROW(T, n, total, ...)                                                                        \
  f64 total = 0;                                                                                            \
  if (n < W_##T) {                                                                                          \
    for (int64_t k = 0; k < n; k++) total += __VA_ARGS__;                                                   \
  } else {                                                                                                  \
    for (int64_t begin = 0; begin < n; begin += PIECE) {                                                    \
      const int64_t end = n - begin < PIECE ? n : begin + PIECE;                                            \
      T x[W_##T] = {0};                                                                                     \
      int64_t k0 = begin;                                                                                   \
      for (; k0 + W_##T <= end; k0 += W_##T)                                                                \
        for (int l = 0; l < W_##T; l++) { const int64_t k = k0 + l; x[l] += __VA_ARGS__; }                  \
      const int64_t old = k0 - (end - W_##T); /* W if nothing is left */                                    \
      for (int l = 0; l < W_##T; l++) {                                                                     \
        const int64_t k = end - W_##T + l;                                                                  \
        const T term = __VA_ARGS__;                                                                         \
        x[l] += l >= old ? term : 0;                                                                        \
      }                                                                                                     \
      JOIN_LANES(T, SUM, x)                                                                                 \
      total += x[0];                                                                                        \
    }                                                                                                       \
  }

#define BACKWARD_ROWS(name, T, TERM, RESULT)                                                                \
  static void name##_rows_##T(int64_t rows, int64_t n, void *out_, int64_t to, const void *g_, int64_t down, \
                              const void *y_, int64_t by) {                                                 \
    for (int64_t r = 0; r < rows; r++) {                                                                    \
      T *const out = (T *)out_ + r * to;                                                                    \
      const T *const g = (const T *)g_ + r * down, *const y = (const T *)y_ + r * by;                       \
      (void)y;                                                                                              \
      SUM_OF_ROW(T, n, total, TERM)                                                                         \
      const T sum = (T)total;                                                                               \
      WHOLE_ROW(T, n, out[k] = RESULT;)                                                                     \
    }                                                                                                       \
  }

/* ---- columns ------------------------------------------------------------------------------------------------ */
#define FORWARD_COLUMNS(name, T, log)                                                                       \
  static void name##_columns_##T(int64_t lines, int64_t n, void *out_, int64_t to, const void *a_, int64_t down, \
                                 const void *unused, int64_t none) {                                        \
    (void)unused, (void)none;                                                                               \
    for (int64_t i = 0; i < lines; i += COLUMNS) {                                                          \
      const int64_t count = lines - i < COLUMNS ? lines - i : COLUMNS;                                      \
      const T *const a = (const T *)a_ + i;                                                                 \
      T *const out = (T *)out_ + i;                                                                         \
      T m[COLUMNS], total[COLUMNS];                                                                         \
      for (int64_t c = 0; c < count; c++) m[c] = -INFINITY, total[c] = 0;                                   \
      for (int64_t k = 0; k < n; k++)                                                                       \
        for (int64_t c = 0; c < count; c++) m[c] = LARGER(a[k * down + c], m[c]);                           \
      for (int64_t k = 0; k < n; k++)                                                                       \
        ND_INDEPENDENT for (int64_t c = 0; c < count; c++) {                                                \
          const T z = a[k * down + c] - m[c], e = exp_below_one_##T(z);                                     \
          out[k * to + c] = log ? z : e;                                                                    \
          total[c] += e;                                                                                    \
        }                                                                                                   \
      for (int64_t c = 0; c < count; c++) total[c] = log ? log_of_##T(total[c]) : 1 / total[c];             \
      for (int64_t k = 0; k < n; k++)                                                                       \
        ND_INDEPENDENT for (int64_t c = 0; c < count; c++) {                                                \
          const T here = out[k * to + c];                                                                   \
          out[k * to + c] = log ? here - total[c] : here * total[c];                                        \
        }                                                                                                   \
    }                                                                                                       \
  }

#define BACKWARD_COLUMNS(name, T, TERM, RESULT)                                                             \
  static void name##_columns_##T(int64_t lines, int64_t n, void *out_, int64_t to, const void *g_, int64_t down, \
                                 const void *y_, int64_t by) {                                              \
    for (int64_t i = 0; i < lines; i += COLUMNS) {                                                          \
      const int64_t count = lines - i < COLUMNS ? lines - i : COLUMNS;                                      \
      T total[COLUMNS];                                                                                     \
      for (int64_t k = 0; k < count; k++) total[k] = 0;                                                     \
      for (int64_t row = 0; row < n; row++) {                                                               \
        const T *const g = (const T *)g_ + i + row * down, *const y = (const T *)y_ + i + row * by;         \
        (void)y;                                                                                            \
        ND_INDEPENDENT for (int64_t k = 0; k < count; k++) total[k] += TERM;                                \
      }                                                                                                     \
      for (int64_t row = 0; row < n; row++) {                                                               \
        const T *const g = (const T *)g_ + i + row * down, *const y = (const T *)y_ + i + row * by;         \
        T *const out = (T *)out_ + i + row * to;                                                            \
        ND_INDEPENDENT for (int64_t k = 0; k < count; k++) { const T sum = total[k]; out[k] = RESULT; }     \
      }                                                                                                     \
    }                                                                                                       \
  }

#define OF_TYPE(T, code)                                                                                    \
  SHORT_ROWS(T, code)                                                                                       \
  LONG_ROW(T, code)                                                                                         \
  FORWARD_ROWS(softmax, T, 0)                                                                               \
  FORWARD_ROWS(log_softmax, T, 1)                                                                           \
  FORWARD_COLUMNS(softmax, T, 0)                                                                            \
  FORWARD_COLUMNS(log_softmax, T, 1)                                                                        \
  BACKWARD_ROWS(softmax_backward, T, g[k] * y[k], y[k] * (g[k] - sum))                                      \
  BACKWARD_ROWS(log_softmax_backward, T, g[k], g[k] - exp_of_##T(y[k]) * sum)                               \
  BACKWARD_COLUMNS(softmax_backward, T, g[k] * y[k], y[k] * (g[k] - sum))                                   \
  BACKWARD_COLUMNS(log_softmax_backward, T, g[k], g[k] - exp_of_##T(y[k]) * sum)
OF_TYPE(f32, ND_F32)
OF_TYPE(f64, ND_F64)

#define ENTRY(name, lines) {name##_##lines##_f32, name##_##lines##_f64}
const nd_softmax_table ND_TABLE(softmax) = {
    .rows = {ENTRY(softmax, rows), ENTRY(log_softmax, rows), ENTRY(softmax_backward, rows), ENTRY(log_softmax_backward, rows)},
    .columns = {ENTRY(softmax, columns), ENTRY(log_softmax, columns), ENTRY(softmax_backward, columns),
                ENTRY(log_softmax_backward, columns)},
};
