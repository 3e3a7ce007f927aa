/* taps.c - weighted sums along one dimension, of a few places each: resizing, and pooling by windows of any lengths.
 *
 * The array is seen as (outer, n, inner). Where inner is large, a place is a row that is multiplied as a whole; where it is
 * 1, the loop runs along the places. Compiled once: both wait for memory rather than for arithmetic.
 */
#include "errors.h"
#include "kernel_types.h"
#include "parallel.h"
#include "unroll.h"

typedef struct {
  int64_t n, m, inner;
  void *out;
  const void *a, *weight;
  const int64_t *start, *place;
} job;

#define PIECE(T)                                                                                            \
  static void piece_##T(void *ctx, int64_t lo, int64_t hi) { /* items: the rows of out, outer * m */        \
    const job *j = ctx;                                                                                     \
    const T *w = j->weight;                                                                                 \
    const int64_t inner = j->inner, *place = j->place;                                                      \
    int64_t o = lo / j->m, at = lo % j->m;                                                                  \
    T *out = (T *)j->out + lo * inner;                                                                      \
    const T *a = (const T *)j->a + o * j->n * inner;                                                        \
    for (int64_t r = lo; r < hi; r++, out += inner) {                                                       \
      const int64_t first = j->start[at], last = j->start[at + 1];                                          \
      if (inner == 1) {                                                                                     \
        T sum = 0;                                                                                          \
        for (int64_t k = first; k < last; k++) sum += w[k] * a[place[k]];                                   \
        *out = sum;                                                                                         \
      } else if (last - first == 2) {                                                                       \
        const T u = w[first], v = w[first + 1], *const x = a + place[first] * inner;                        \
        const T *const y = a + place[first + 1] * inner;                                                    \
        ND_INDEPENDENT for (int64_t i = 0; i < inner; i++) out[i] = u * x[i] + v * y[i];                    \
      } else {                                                                                              \
        for (int64_t i = 0; i < inner; i++) out[i] = 0;                                                     \
        for (int64_t k = first; k < last; k++) {                                                            \
          const T u = w[k], *const x = a + place[k] * inner;                                                \
          ND_INDEPENDENT for (int64_t i = 0; i < inner; i++) out[i] += u * x[i];                            \
        }                                                                                                   \
      }                                                                                                     \
      if (++at == j->m) at = 0, a += j->n * inner;                                                          \
    }                                                                                                       \
  }
PIECE(f32)
PIECE(f64)

int nd_taps_dense(int dtype, int64_t outer, void *out, const void *a, const void *start_, const void *place_,
                  const void *weight, int64_t n, int64_t m, int64_t inner) {
  if (dtype != ND_F32 && dtype != ND_F64) return ND_EDTYPE;
  if (n < 0 || m < 0 || inner < 0) return ND_EPLAN;
  const int64_t *start = start_, *place = place_;
  for (int64_t r = 0; r < m; r++)
    for (int64_t k = start[r]; k < start[r + 1]; k++)
      if (place[k] < 0 || place[k] >= n) return nd_fail(ND_EINDEX, place[k]);
  if (!outer || !m || !inner) return ND_OK;
  job j = {.n = n, .m = m, .inner = inner, .out = out, .a = a, .weight = weight, .start = start, .place = place};
  const int64_t work = inner * (1 + start[m] / m);
  nd_parallel_for(outer * m, ND_GRAIN_CHEAP / work + 1, dtype == ND_F32 ? piece_f32 : piece_f64, &j);
  return ND_OK;
}
