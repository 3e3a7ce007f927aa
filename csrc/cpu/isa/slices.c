/* slices.c - kernels that look at whole rows, twice: logsumexp, argmax, argmin.
 *
 * Both first want the extreme of each row, which the reductions of reduce.c find in SIMD lanes. Rows are contiguous,
 * `down` elements apart; row r leaves its answer in out[r * to].
 */
#include "reduce.h"
#include "rows.h"
#include "slices.h"
#include "vecmath.h"

extern const nd_reduce_table ND_TABLE(reduce);

enum { ROWS = 64, BUFFER = 1024 }; /* rows at a time; elements of exp(a - m) at a time */

/* log(sum(exp(a))) = m + log(sum(exp(a - m))) with the maximum m: no exp overflows. A row of -inf only, or one that
 * holds +inf, is its own answer (a - m would be nan). Short rows share one buffer: exp runs over all of them. */
#define LOGSUMEXP(T, code)                                                                                  \
  static void logsumexp_##T(int64_t rows, int64_t n, const void *a_, int64_t down, void *out_, int64_t to) { \
    const nd_reducer *max = &ND_TABLE(reduce).max[code], *sum = &ND_TABLE(reduce).sum[code];        \
    const int64_t together = n * 2 > BUFFER ? 1 : BUFFER / (n + 1) < ROWS ? BUFFER / (n + 1) : ROWS;        \
    for (int64_t r = 0; r < rows; r += together) {                                                          \
      const int64_t count = rows - r < together ? rows - r : together;                                      \
      const T *a = (const T *)a_ + r * down;                                                                \
      T m[ROWS], buffer[BUFFER];                                                                            \
      f64 total[ROWS];                                                                                      \
      max->start(count, m);                                                                                 \
      max->rows(count, n, a, down, 1, m);                                                                   \
      sum->start(count, total);                                                                             \
      for (int64_t c = 0; c < n; c += BUFFER) { /* once, if the rows are short */                           \
        const int64_t length = n - c < BUFFER ? n - c : BUFFER;                                             \
        for (int64_t i = 0; i < count; i++)                                                                 \
          for (int64_t k = 0; k < length; k++) buffer[i * length + k] = a[i * down + c + k] - m[i];         \
        for (int64_t k = 0; k < count * length; k++) buffer[k] = exp_of_##T(buffer[k]);                     \
        sum->rows(count, length, buffer, length, 1, total);                                                 \
      }                                                                                                     \
      for (int64_t i = 0; i < count; i++)                                                                   \
        ((T *)out_)[(r + i) * to] = fabs(m[i]) == INFINITY ? m[i] : (T)(m[i] + log_of_f64(total[i]));       \
    }                                                                                                       \
  }
LOGSUMEXP(f32, ND_F32)
LOGSUMEXP(f64, ND_F64)

/* The first place of the extreme, or of the first nan, which counts as extreme: blocks are searched without
 * branches, then the block that has it element by element. */
#define FIND(T)                                                                                             \
  static int64_t find_##T(int64_t n, const T *a, T extreme) {                                               \
    enum { BLOCK = 64 };                                                                                    \
    int64_t i = 0;                                                                                          \
    for (; i + BLOCK <= n; i += BLOCK) {                                                                    \
      int here = 0;                                                                                         \
      for (int k = 0; k < BLOCK; k++) here |= (a[i + k] == extreme) | (a[i + k] != a[i + k]);               \
      if (here) break;                                                                                      \
    }                                                                                                       \
    while (i < n && !((a[i] == extreme) | (a[i] != a[i]))) i++;                                             \
    return i;                                                                                               \
  }
FIND(f32)
FIND(f64)
FIND(i32)
FIND(i64)
FIND(b8)

#define ARG_EXTREME(name, T, code, which)                                                                   \
  static void name##_##T(int64_t rows, int64_t n, const void *a_, int64_t down, void *out_, int64_t to) {   \
    const nd_reducer *reducer = &ND_TABLE(reduce).which[code];                                          \
    for (int64_t r = 0; r < rows; r += ROWS) {                                                              \
      const int64_t count = rows - r < ROWS ? rows - r : ROWS;                                              \
      const T *a = (const T *)a_ + r * down;                                                                \
      T extreme[ROWS];                                                                                      \
      reducer->start(count, extreme);                                                                       \
      reducer->rows(count, n, a, down, 1, extreme);                                                         \
      for (int64_t i = 0; i < count; i++) ((i64 *)out_)[(r + i) * to] = find_##T(n, a + i * down, extreme[i]); \
    }                                                                                                       \
  }
#define ARG_EXTREMES(T, code) ARG_EXTREME(argmax, T, code, max) ARG_EXTREME(argmin, T, code, min)
ARG_EXTREMES(f32, ND_F32)
ARG_EXTREMES(f64, ND_F64)
ARG_EXTREMES(i32, ND_I32)
ARG_EXTREMES(i64, ND_I64)
ARG_EXTREMES(b8, ND_BOOL)

const nd_slices_table ND_TABLE(slices) = {
    .logsumexp = ND_FUNCTIONS_FLOATS(logsumexp),
    .argmax = ND_FUNCTIONS_ALL(argmax),
    .argmin = ND_FUNCTIONS_ALL(argmin),
};
