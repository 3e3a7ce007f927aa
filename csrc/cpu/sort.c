/* sort.c - sorting along a line, stable: equal elements keep their order; nan counts as the largest number.
 *
 * A line is copied into pairs of a key and its position, runs of a few pairs are sorted by insertion, and runs are merged
 * until one is left (merge sort: Knuth, The Art of Computer Programming 3, 5.2.4). It takes n log2(n) comparisons
 * whatever the order was. Compares and moves, no arithmetic: compiled once.
 */
#include "lines.h"
#include "parallel.h"

enum { RUN = 8 }; /* what insertion sorts quicker than merging would */

/* Whether x stands before y; nan stands behind every number, so a descending order begins with it. */
#define BEFORE_FLOAT(x, y) ((x) < (y) || ((y) != (y) && (x) == (x)))
#define BEFORE(x, y) ((x) < (y))

#define SORT(T, before)                                                                                            \
  typedef struct {                                                                                                 \
    T key;                                                                                                         \
    int64_t at;                                                                                                    \
  } pair_##T;                                                                                                      \
  static int goes_first_##T(T x, T y, int descending) { return descending ? before(y, x) : before(x, y); }         \
  /* Returns the sorted pairs: they lie in the first or the second half of the scratch. */                         \
  static pair_##T *sorted_##T(int64_t n, const T *a, int64_t s_a, int descending, void *scratch) {                 \
    pair_##T *from = scratch, *to = from + n;                                                                      \
    for (int64_t i = 0; i < n; i++) {                                                                              \
      const pair_##T next = {a[i * s_a], i};                                                                       \
      int64_t k = i;                                                                                               \
      for (; k % RUN && goes_first_##T(next.key, from[k - 1].key, descending); k--) from[k] = from[k - 1];         \
      from[k] = next;                                                                                              \
    }                                                                                                              \
    for (int64_t run = RUN; run < n; run *= 2) {                                                                   \
      for (int64_t lo = 0; lo < n; lo += 2 * run) {                                                                \
        const int64_t mid = lo + run < n ? lo + run : n, hi = mid + run < n ? mid + run : n;                       \
        int64_t i = lo, j = mid;                                                                                   \
        for (int64_t k = lo; k < hi; k++)                                                                          \
          to[k] = j < hi && (i == mid || goes_first_##T(from[j].key, from[i].key, descending)) ? from[j++] : from[i++]; \
      }                                                                                                            \
      pair_##T *const swap = from;                                                                                 \
      from = to, to = swap;                                                                                        \
    }                                                                                                              \
    return from;                                                                                                   \
  }                                                                                                                \
  static void keys_##T(int64_t n, void *out, int64_t s_out, const void *a, int64_t s_a, int flag, void *scratch) { \
    const pair_##T *pairs = sorted_##T(n, a, s_a, flag, scratch);                                                  \
    for (int64_t i = 0; i < n; i++) ((T *)out)[i * s_out] = pairs[i].key;                                          \
  }                                                                                                                \
  static void places_##T(int64_t n, void *out, int64_t s_out, const void *a, int64_t s_a, int flag, void *scratch) { \
    const pair_##T *pairs = sorted_##T(n, a, s_a, flag, scratch);                                                  \
    for (int64_t i = 0; i < n; i++) ((int64_t *)out)[i * s_out] = pairs[i].at;                                     \
  }
SORT(f32, BEFORE_FLOAT)
SORT(f64, BEFORE_FLOAT)
SORT(i32, BEFORE)
SORT(i64, BEFORE)
SORT(b8, BEFORE)

static nd_line *const keys[] = ND_FUNCTIONS_ALL(keys), *const places[] = ND_FUNCTIONS_ALL(places);

static int run(const nd_plan *p, nd_line *const *lines, int result, int descending, void *out, const void *a) {
  if (!nd_is_dtype(p->dtype[1]) || p->dtype[0] != result) return ND_EDTYPE;
  const int64_t n = p->ndim > 0 ? p->shape[p->ndim - 1] : 0;
  return nd_run_lines(p, lines[p->dtype[1]], ND_GRAIN_COSTLY / 4, 2 * n * (int64_t)sizeof(pair_f64), descending, out, a);
}

int nd_sort(const nd_plan *p, void *out, const void *a, int descending) {
  return run(p, keys, p->dtype[1], descending, out, a);
}

int nd_argsort(const nd_plan *p, void *out, const void *a, int descending) {
  return run(p, places, ND_I64, descending, out, a);
}
