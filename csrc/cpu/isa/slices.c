/* slices.c - kernels that look at one contiguous slice as a whole: logsumexp, argmax, argmin. */
#include <math.h>
#include "rows.h"

/* log(sum(exp(a))) = m + log(sum(exp(a - m))) with the maximum m: no exp overflows. A slice of -inf only, or one
 * that holds +inf, is its own answer (a - m would be nan). */
#define LOGSUMEXP(T)                                                                                        \
  static void logsumexp_##T(int64_t n, const void *slice, void *out) {                                      \
    const T *a = slice;                                                                                     \
    f64 m = -INFINITY, sum = 0;                                                                             \
    for (int64_t i = 0; i < n; i++) m = (a[i] > m) | (a[i] != a[i]) ? a[i] : m;                             \
    for (int64_t i = 0; i < n; i++) sum += exp(a[i] - m);                                                   \
    *(T *)out = isinf(m) ? (T)m : (T)(m + log(sum));                                                        \
  }
LOGSUMEXP(f32)
LOGSUMEXP(f64)

/* The first element that is extreme; a nan is more extreme than any number. */
#define ARG_EXTREME(name, T, beats)                                                                         \
  static int64_t name##_##T(int64_t n, const void *slice) {                                                 \
    const T *a = slice;                                                                                     \
    int64_t best = 0;                                                                                       \
    for (int64_t i = 0; i < n; i++) {                                                                       \
      if (a[i] != a[i]) return i;                                                                           \
      if (a[i] beats a[best]) best = i;                                                                     \
    }                                                                                                       \
    return best;                                                                                            \
  }
ALL(ARG_EXTREME, argmax, >)
ALL(ARG_EXTREME, argmin, <)

const nd_slice_kernels ND_NAME(nd_slice_kernels) = {
    .logsumexp = {logsumexp_f32, logsumexp_f64},
    .argmax = ND_ROWS_ALL(argmax),
    .argmin = ND_ROWS_ALL(argmin),
};
