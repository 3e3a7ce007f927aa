/* cross_entropy.c - softmax and logarithm in one: the loss of rows of logits, and its gradient.
 *
 * With the largest logit m of a row, z = a - m and the total of exp(z), which no logit can make overflow,
 *     -log(p_k) = log(total) - z_k        and        p_k = exp(z_k) / total.
 * Subtracting m first keeps the digits of logits that are large and close to each other. Neither direction writes the
 * probabilities down: the gradient holds exp(z) for a moment, while its row is in the cache. Short rows share one
 * buffer: exp runs over all of them.
 */
#include "cross_entropy.h"
#include "reduce.h"
#include "rows.h"
#include "vecmath.h"

extern const nd_reduce_table ND_TABLE(reduce);

enum { ROWS = 64, BUFFER = 1024 }; /* rows at a time; elements of exp(z) at a time */

/* e[k] = exp(a[k] - m), and the total of each row is added to. */
#define EXPONENTIALS(T, code)                                                                               \
  static void exponentials_##T(int64_t rows, int64_t n, const T *a, int64_t down, const T *m, T *e, f64 *total) { \
    for (int64_t i = 0; i < rows; i++)                                                                      \
      for (int64_t k = 0; k < n; k++) e[i * n + k] = a[i * down + k] - m[i];                                \
    for (int64_t k = 0; k < rows * n; k++) e[k] = exp_below_one_##T(e[k]);                                  \
    ND_TABLE(reduce).sum[code].rows(rows, n, e, n, 1, total);                                               \
  }

/* How many rows fit the buffer together. */
static int64_t rows_together(int64_t n) {
  return n * 2 > BUFFER ? 1 : BUFFER / (n + 1) < ROWS ? BUFFER / (n + 1) : ROWS;
}

#define LOSS(T)                                                                                             \
  static double loss_##T(int64_t n, const T *a, T m, double log_total, int64_t label, const T *weight,      \
                         double smoothing) {                                                                \
    if (label < 0) return 0;                                                                                \
    const double own = (weight ? weight[label] : 1) * (log_total - (a[label] - m));                         \
    if (smoothing == 0) return own;                                                                         \
    double every = 0;                                                                                       \
    for (int64_t k = 0; k < n; k++) every += (weight ? weight[k] : 1) * (log_total - (a[k] - m));           \
    return (1 - smoothing) * own + smoothing / n * every;                                                   \
  }

#define FORWARD(T, code)                                                                                    \
  static void forward_##T(int64_t rows, int64_t n, const void *a_, int64_t down, const int64_t *label,      \
                          const void *weight, double smoothing, double *loss) {                             \
    const nd_reducer *max = &ND_TABLE(reduce).max[code], *sum = &ND_TABLE(reduce).sum[code];                \
    const int64_t together = rows_together(n);                                                              \
    for (int64_t r = 0; r < rows; r += together) {                                                          \
      const int64_t count = rows - r < together ? rows - r : together;                                      \
      const T *a = (const T *)a_ + r * down;                                                                \
      T m[ROWS], buffer[BUFFER];                                                                            \
      f64 total[ROWS];                                                                                      \
      max->start(count, m);                                                                                 \
      max->rows(count, n, a, down, 1, m);                                                                   \
      sum->start(count, total);                                                                             \
      for (int64_t c = 0; c < n; c += BUFFER) /* once, if the rows are short */                             \
        exponentials_##T(count, n - c < BUFFER ? n - c : BUFFER, a + c, down, m, buffer, total);            \
      for (int64_t i = 0; i < count; i++)                                                                   \
        loss[r + i] = loss_##T(n, a + i * down, m[i], log_of_f64(total[i]), label[r + i], weight, smoothing); \
    }                                                                                                       \
  }

/* e becomes the gradient of scale times the loss; out may be e. */
#define GRADIENT(T)                                                                                         \
  static void gradient_##T(int64_t n, const T *e, double total, int64_t label, const T *weight, double smoothing, \
                           double scale, T *out) {                                                          \
    if (label < 0) {                                                                                        \
      for (int64_t k = 0; k < n; k++) out[k] = 0;                                                           \
      return;                                                                                               \
    }                                                                                                       \
    const double own = (1 - smoothing) * (weight ? weight[label] : 1);                                      \
    double all = n; /* of the weights */                                                                    \
    if (smoothing != 0 && weight) {                                                                         \
      all = 0;                                                                                              \
      for (int64_t k = 0; k < n; k++) all += weight[k];                                                     \
    }                                                                                                       \
    const T factor = (T)(scale * (own + smoothing / n * all) / total), each = (T)(scale * smoothing / n);   \
    if (smoothing == 0)                                                                                     \
      ND_INDEPENDENT for (int64_t k = 0; k < n; k++) out[k] = e[k] * factor;                                \
    else if (!weight)                                                                                       \
      ND_INDEPENDENT for (int64_t k = 0; k < n; k++) out[k] = e[k] * factor - each;                         \
    else                                                                                                    \
      ND_INDEPENDENT for (int64_t k = 0; k < n; k++) out[k] = e[k] * factor - each * weight[k];             \
    out[label] -= (T)(scale * own);                                                                         \
  }

#define BACKWARD(T, code)                                                                                   \
  static void backward_##T(int64_t rows, int64_t n, const void *a_, int64_t down, const int64_t *label,     \
                           const void *weight, double smoothing, const double *scale, void *out_, int64_t to) { \
    const nd_reducer *max = &ND_TABLE(reduce).max[code], *sum = &ND_TABLE(reduce).sum[code];                \
    const int64_t together = rows_together(n);                                                              \
    for (int64_t r = 0; r < rows; r += together) {                                                          \
      const int64_t count = rows - r < together ? rows - r : together;                                      \
      const T *a = (const T *)a_ + r * down;                                                                \
      T *const out = (T *)out_ + r * to;                                                                    \
      T m[ROWS], buffer[BUFFER];                                                                            \
      T *const e = n * 2 > BUFFER ? out : buffer; /* a long row is its own buffer */                        \
      f64 total[ROWS];                                                                                      \
      max->start(count, m);                                                                                 \
      max->rows(count, n, a, down, 1, m);                                                                   \
      sum->start(count, total);                                                                             \
      exponentials_##T(count, n, a, down, m, e, total);                                                     \
      for (int64_t i = 0; i < count; i++)                                                                   \
        gradient_##T(n, e + i * n, total[i], label[r + i], weight, smoothing, scale[r + i], out + i * to);  \
    }                                                                                                       \
  }

/* share[k] = weight_k q_k, where q is smoothed. */
#define SHARES(T)                                                                                           \
  static void shares_##T(int64_t n, const T *q, const T *weight, T keep, T each, T *share) {                \
    if (weight)                                                                                             \
      ND_INDEPENDENT for (int64_t k = 0; k < n; k++) share[k] = (q[k] * keep + each) * weight[k];           \
    else                                                                                                    \
      ND_INDEPENDENT for (int64_t k = 0; k < n; k++) share[k] = q[k] * keep + each;                         \
  }

/* The sum over k of weight_k q_k (log(total) - z_k), or, without a, of weight_k q_k; some of a row at a time. */
#define SOFT_SUM(T, code)                                                                                   \
  static double soft_sum_##T(int64_t n, const T *q, const T *weight, double smoothing, const T *a, T m, T log_total) { \
    const nd_reducer *sum = &ND_TABLE(reduce).sum[code];                                                    \
    T share[BUFFER];                                                                                        \
    f64 all;                                                                                                \
    sum->start(1, &all);                                                                                    \
    for (int64_t c = 0; c < n; c += BUFFER) {                                                               \
      const int64_t count = n - c < BUFFER ? n - c : BUFFER;                                                \
      shares_##T(count, q + c, weight ? weight + c : NULL, (T)(1 - smoothing), (T)(smoothing / n), share);  \
      if (a)                                                                                                \
        ND_INDEPENDENT for (int64_t k = 0; k < count; k++) share[k] *= log_total - (a[c + k] - m);          \
      sum->rows(1, count, share, count, 1, &all);                                                           \
    }                                                                                                       \
    return all;                                                                                             \
  }

#define SOFT_FORWARD(T, code)                                                                               \
  static void soft_forward_##T(int64_t rows, int64_t n, const void *a_, int64_t down, const void *q, int64_t by, \
                               const void *weight, double smoothing, double *loss) {                        \
    const nd_reducer *max = &ND_TABLE(reduce).max[code], *sum = &ND_TABLE(reduce).sum[code];                \
    const int64_t together = rows_together(n);                                                              \
    for (int64_t r = 0; r < rows; r += together) {                                                          \
      const int64_t count = rows - r < together ? rows - r : together;                                      \
      const T *a = (const T *)a_ + r * down;                                                                \
      T m[ROWS], buffer[BUFFER];                                                                            \
      f64 total[ROWS];                                                                                      \
      max->start(count, m);                                                                                 \
      max->rows(count, n, a, down, 1, m);                                                                   \
      sum->start(count, total);                                                                             \
      for (int64_t c = 0; c < n; c += BUFFER)                                                               \
        exponentials_##T(count, n - c < BUFFER ? n - c : BUFFER, a + c, down, m, buffer, total);            \
      for (int64_t i = 0; i < count; i++)                                                                   \
        loss[r + i] = soft_sum_##T(n, (const T *)q + (r + i) * by, weight, smoothing, a + i * down, m[i],   \
                                   (T)log_of_f64(total[i]));                                                \
    }                                                                                                       \
  }

#define SOFT_BACKWARD(T, code)                                                                              \
  static void soft_backward_##T(int64_t rows, int64_t n, const void *a_, int64_t down, const void *q_, int64_t by, \
                                const void *weight, double smoothing, const double *scale, void *out_, int64_t to) { \
    const nd_reducer *max = &ND_TABLE(reduce).max[code], *sum = &ND_TABLE(reduce).sum[code];                \
    const int64_t together = rows_together(n);                                                              \
    for (int64_t r = 0; r < rows; r += together) {                                                          \
      const int64_t count = rows - r < together ? rows - r : together;                                      \
      const T *a = (const T *)a_ + r * down, *w = weight;                                                   \
      T *const rows_out = (T *)out_ + r * to;                                                               \
      T m[ROWS], buffer[BUFFER], share[BUFFER];                                                             \
      T *const e = n * 2 > BUFFER ? rows_out : buffer; /* a long row is its own buffer */                   \
      f64 total[ROWS];                                                                                      \
      max->start(count, m);                                                                                 \
      max->rows(count, n, a, down, 1, m);                                                                   \
      sum->start(count, total);                                                                             \
      exponentials_##T(count, n, a, down, m, e, total);                                                     \
      for (int64_t i = 0; i < count; i++) {                                                                 \
        const T *q = (const T *)q_ + (r + i) * by, *p = e + i * n;                                          \
        T *const out = rows_out + i * to;                                                                   \
        const T times = (T)scale[r + i];                                                                    \
        const T factor = (T)(scale[r + i] * soft_sum_##T(n, q, w, smoothing, NULL, 0, 0) / total[i]);       \
        for (int64_t c = 0; c < n; c += BUFFER) {                                                           \
          const int64_t some = n - c < BUFFER ? n - c : BUFFER;                                             \
          shares_##T(some, q + c, w ? w + c : NULL, (T)(1 - smoothing), (T)(smoothing / n), share);         \
          ND_INDEPENDENT for (int64_t k = 0; k < some; k++) out[c + k] = p[c + k] * factor - times * share[k]; \
        }                                                                                                   \
      }                                                                                                     \
    }                                                                                                       \
  }

#define CROSS_ENTROPY(T, code)                                                                              \
  EXPONENTIALS(T, code) LOSS(T) FORWARD(T, code) GRADIENT(T) BACKWARD(T, code) SHARES(T) SOFT_SUM(T, code)  \
  SOFT_FORWARD(T, code) SOFT_BACKWARD(T, code)
CROSS_ENTROPY(f32, ND_F32)
CROSS_ENTROPY(f64, ND_F64)

const nd_cross_entropy_table ND_TABLE(cross_entropy) = {
    .forward = {forward_f32, forward_f64},
    .backward = {backward_f32, backward_f64},
    .soft_forward = {soft_forward_f32, soft_forward_f64},
    .soft_backward = {soft_backward_f32, soft_backward_f64},
};
