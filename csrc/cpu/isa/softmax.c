/* softmax.c - rows of probabilities, their logarithms, and the adjoints of both.
 *
 * With the largest element m of a row, z = a - m and the total of exp(z), which cannot overflow,
 *     p = exp(z) / total,  ln p = z - ln total;      adjoints: p (g - sum of g p),  g - exp(ln p) sum of g
 * Short rows share one buffer, so that exp and the sums run over many of them at once.
 */
#include "reduce.h"
#include "rows.h"
#include "softmax.h"
#include "vecmath.h"

extern const nd_reduce_table ND_TABLE(reduce);

enum { ROWS = 64, BUFFER = 1024 }; /* rows at a time; elements in the buffer */

INLINE double exp_below_one_f64(double x) { return exp_of_f64(x); }

/* How many rows fit the buffer together; a long row goes through it in pieces. */
static int64_t rows_together(int64_t n) {
  return n * 2 > BUFFER ? 1 : BUFFER / (n + 1) < ROWS ? BUFFER / (n + 1) : ROWS;
}

#define SOFTMAX(T, code)                                                                                    \
  static void forward_##T(int64_t rows, int64_t n, void *out_, const void *a_, int log) {                   \
    const nd_reducer *max = &ND_TABLE(reduce).max[code], *sum = &ND_TABLE(reduce).sum[code];                \
    const int64_t together = rows_together(n);                                                              \
    for (int64_t r = 0; r < rows; r += together) {                                                          \
      const int64_t count = rows - r < together ? rows - r : together;                                      \
      const T *a = (const T *)a_ + r * n;                                                                   \
      T *out = (T *)out_ + r * n, m[ROWS], buffer[BUFFER];                                                  \
      f64 total[ROWS];                                                                                      \
      max->start(count, m);                                                                                 \
      max->rows(count, n, a, n, 1, m);                                                                      \
      sum->start(count, total);                                                                             \
      for (int64_t i = 0; i < count; i++)                                                                   \
        ND_INDEPENDENT for (int64_t k = 0; k < n; k++) out[i * n + k] = a[i * n + k] - m[i];                \
      for (int64_t c = 0; c < n; c += BUFFER) { /* once, if the rows are short */                           \
        const int64_t wide = n - c < BUFFER ? n - c : BUFFER;                                               \
        T *e = log ? buffer : out + c;                                                                      \
        ND_INDEPENDENT for (int64_t k = 0; k < count * wide; k++) e[k] = exp_below_one_##T(out[c + k]);     \
        sum->rows(count, wide, e, wide, 1, total);                                                          \
      }                                                                                                     \
      for (int64_t i = 0; i < count; i++) {                                                                 \
        T *const row = out + i * n;                                                                         \
        if (log) {                                                                                          \
          const T less = (T)log_of_f64(total[i]);                                                           \
          ND_INDEPENDENT for (int64_t k = 0; k < n; k++) row[k] -= less;                                    \
        } else {                                                                                            \
          const T factor = (T)(1 / total[i]);                                                               \
          ND_INDEPENDENT for (int64_t k = 0; k < n; k++) row[k] *= factor;                                  \
        }                                                                                                   \
      }                                                                                                     \
    }                                                                                                       \
  }                                                                                                         \
  static void backward_##T(int64_t rows, int64_t n, void *out_, const void *g_, const void *y_, int log) {  \
    const nd_reducer *sum = &ND_TABLE(reduce).sum[code];                                                    \
    const int64_t together = rows_together(n);                                                              \
    for (int64_t r = 0; r < rows; r += together) {                                                          \
      const int64_t count = rows - r < together ? rows - r : together;                                      \
      const T *g = (const T *)g_ + r * n, *y = (const T *)y_ + r * n;                                       \
      T *const out = (T *)out_ + r * n;                                                                     \
      f64 total[ROWS];                                                                                      \
      sum->start(count, total);                                                                             \
      if (log) {                                                                                            \
        sum->rows(count, n, g, n, 1, total);                                                                \
        ND_INDEPENDENT for (int64_t k = 0; k < count * n; k++) out[k] = exp_below_one_##T(y[k]);            \
      } else {                                                                                              \
        ND_INDEPENDENT for (int64_t k = 0; k < count * n; k++) out[k] = g[k] * y[k];                        \
        sum->rows(count, n, out, n, 1, total);                                                              \
      }                                                                                                     \
      for (int64_t i = 0; i < count; i++) {                                                                 \
        const T all = (T)total[i], *gr = g + i * n, *yr = y + i * n;                                        \
        T *const row = out + i * n;                                                                         \
        if (log)                                                                                            \
          ND_INDEPENDENT for (int64_t k = 0; k < n; k++) row[k] = gr[k] - row[k] * all;                     \
        else                                                                                                \
          ND_INDEPENDENT for (int64_t k = 0; k < n; k++) row[k] = yr[k] * (gr[k] - all);                    \
      }                                                                                                     \
    }                                                                                                       \
  }
SOFTMAX(f32, ND_F32)
SOFTMAX(f64, ND_F64)

const nd_softmax_table ND_TABLE(softmax) = {
    .forward = {forward_f32, forward_f64},
    .backward = {backward_f32, backward_f64},
};
