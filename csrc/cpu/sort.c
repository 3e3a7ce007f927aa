/* sort.c - sorting along a line, stable: equal elements keep their order; nan counts as the largest number.
 *
 * A line is copied into pairs of a key and its position. A short line is sorted by merging: runs of a few pairs by
 * insertion, then runs are merged until one is left (merge sort: Knuth, The Art of Computer Programming 3, 5.2.4), which
 * takes n log2(n) comparisons. Comparisons of random numbers are guessed wrong every other time, so a long line is sorted
 * without any: its keys become unsigned integers of the same order, and are dealt into 256 piles by their last
 * byte, then by the one before it, up to the first (radix sort: 5.2.5). Where only a few of the first are asked for, the
 * best so far are kept in order while the line is read once. Compares and moves, no arithmetic: compiled once.
 */
#include <string.h>
#include "lines.h"
#include "parallel.h"

enum {
  RUN = 8,    /* what insertion sorts quicker than merging would */
  LONG = 64,  /* from here on dealing takes less time than merging (measured: from 40 or so) */
  PILES = 256,
  FEW = 64,   /* the best that are kept in order, at most; */
  OF_MANY = 8 /* of as many times as many elements at least */
};

/* Whether x stands before y; nan stands behind every number, so a descending order begins with it. */
#define BEFORE_FLOAT(x, y) ((x) < (y) || ((y) != (y) && (x) == (x)))
#define BEFORE(x, y) ((x) < (y))

#define MERGE(T, before)                                                                                           \
  typedef struct {                                                                                                 \
    T key;                                                                                                         \
    int64_t at;                                                                                                    \
  } pair_##T;                                                                                                      \
  static int goes_first_##T(T x, T y, int descending) { return descending ? before(y, x) : before(x, y); }         \
  /* Writes the positions of the line's first `most` elements in order. */                                         \
  static void merge_##T(int64_t n, int64_t *out, int64_t s_out, const T *a, int64_t s_a, int descending,           \
                        int64_t most, void *scratch) {                                                             \
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
    for (int64_t i = 0; i < most; i++) out[i * s_out] = from[i].at;                                                \
  }                                                                                                                \
  /* The same of `most` >= 1 elements that are few: one that goes before the last of the best moves in among them. */ \
  static void select_##T(int64_t n, int64_t *out, int64_t s_out, const T *a, int64_t s_a, int descending,          \
                         int64_t most, void *scratch) {                                                            \
    pair_##T *best = scratch;                                                                                      \
    for (int64_t i = 0; i < n; i++) {                                                                              \
      const pair_##T next = {a[i * s_a], i};                                                                       \
      if (i >= most && !goes_first_##T(next.key, best[most - 1].key, descending)) continue;                        \
      int64_t k = i < most ? i : most - 1;                                                                         \
      for (; k && goes_first_##T(next.key, best[k - 1].key, descending); k--) best[k] = best[k - 1];               \
      best[k] = next;                                                                                              \
    }                                                                                                              \
    for (int64_t i = 0; i < most; i++) out[i * s_out] = best[i].at;                                                \
  }
MERGE(f32, BEFORE_FLOAT)
MERGE(f64, BEFORE_FLOAT)
MERGE(i32, BEFORE)
MERGE(i64, BEFORE)
MERGE(b8, BEFORE)

/* Unsigned integers in the order of the numbers. Negative floats are ordered backwards, by their magnitude: all bits
 * are turned over; the others get the first bit. Zeros are equal, and so are nans. */
#define FLOAT_KEY(T, U, sign)                            \
  static inline U ordered_##T(T x) {                     \
    U bits;                                              \
    if (x == 0) x = 0;                                   \
    memcpy(&bits, &x, sizeof bits);                      \
    if (x != x) return (U)-1;                            \
    return bits & (sign) ? ~bits : bits | (sign);        \
  }
#define INTEGER_KEY(T, U, sign) \
  static inline U ordered_##T(T x) { return (U)x ^ (sign); }
FLOAT_KEY(f32, uint32_t, 0x80000000u)
FLOAT_KEY(f64, uint64_t, 0x8000000000000000u)
INTEGER_KEY(i32, uint32_t, 0x80000000u)
INTEGER_KEY(i64, uint64_t, 0x8000000000000000u)
INTEGER_KEY(b8, uint32_t, 0u)

#define DEAL(T, U, at_t)                                                                                      \
  typedef struct {                                                                                            \
    U key;                                                                                                    \
    at_t at;                                                                                                  \
  } card_##T;                                                                                                 \
  static void deal_##T(int64_t n, int64_t *out, int64_t s_out, const T *a, int64_t s_a, int descending,       \
                       int64_t most, void *scratch) {                                                         \
    card_##T *from = scratch, *to = from + n;                                                                 \
    at_t height[sizeof(U)][PILES] = {{0}};                                                                    \
    for (int64_t i = 0; i < n; i++) {                                                                         \
      const U key = descending ? ~ordered_##T(a[i * s_a]) : ordered_##T(a[i * s_a]);                          \
      from[i].key = key, from[i].at = (at_t)i;                                                                \
      for (unsigned byte = 0; byte < sizeof(U); byte++) height[byte][key >> 8 * byte & (PILES - 1)]++;        \
    }                                                                                                         \
    for (unsigned byte = 0; byte < sizeof(U); byte++) {                                                       \
      at_t *top = height[byte], below = 0;                                                                    \
      if (top[from[0].key >> 8 * byte & (PILES - 1)] == (at_t)n) continue; /* one pile: nothing would move */ \
      for (int pile = 0; pile < PILES; pile++) {                                                              \
        const at_t here = top[pile];                                                                          \
        top[pile] = below, below += here;                                                                     \
      }                                                                                                       \
      for (int64_t i = 0; i < n; i++) to[top[from[i].key >> 8 * byte & (PILES - 1)]++] = from[i];             \
      card_##T *const swap = from;                                                                            \
      from = to, to = swap;                                                                                   \
    }                                                                                                         \
    for (int64_t i = 0; i < most; i++) out[i * s_out] = (int64_t)from[i].at;                                  \
  }
DEAL(f32, uint32_t, uint32_t)
DEAL(f64, uint64_t, int64_t)
DEAL(i32, uint32_t, uint32_t)
DEAL(i64, uint64_t, int64_t)
DEAL(b8, uint32_t, uint32_t)

/* A place takes 16 bytes at most, in each of two halves of the scratch; the positions of `keys` lie behind them. */
enum { CARD = 16 };
#define SORT(T)                                                                                       \
  static void order_##T(int64_t n, int64_t *out, int64_t s_out, const T *a, int64_t s_a, int descending, \
                        int64_t most, void *scratch) {                                                \
    const int fits = sizeof(card_##T) == CARD || n <= UINT32_MAX, few = most <= FEW && most <= n / OF_MANY; \
    if (most == 0) return;                                                                            \
    (few ? select_##T : n >= LONG && fits ? deal_##T : merge_##T)(n, out, s_out, a, s_a, descending, most, scratch); \
  }                                                                                                   \
  static void places_##T(const nd_lines *l) {                                                         \
    order_##T(l->n, l->data[0], l->along[0], l->data[1], l->along[1], l->numbers[0] != 0, l->numbers[1], l->scratch);  \
  }                                                                                                   \
  static void keys_##T(const nd_lines *l) {                                                           \
    const T *a = l->data[1];                                                                          \
    T *out = l->data[0];                                                                              \
    int64_t *at = (int64_t *)((char *)l->scratch + 2 * CARD * l->n);                                  \
    order_##T(l->n, at, 1, a, l->along[1], l->numbers[0] != 0, l->n, l->scratch);                                \
    for (int64_t i = 0; i < l->n; i++) out[i * l->along[0]] = a[at[i] * l->along[1]];                 \
  }
SORT(f32)
SORT(f64)
SORT(i32)
SORT(i64)
SORT(b8)

static nd_line *const keys[] = ND_FUNCTIONS_ALL(keys), *const places[] = ND_FUNCTIONS_ALL(places);

static int run(const nd_plan *p, nd_line *const *lines, int result, int descending, int64_t most, void *out,
               const void *a) {
  if (!nd_is_dtype(p->dtype[1]) || p->dtype[0] != result) return ND_EDTYPE;
  const int64_t n = p->ndim > 0 ? p->shape[p->ndim - 1] : 0, scratch = (2 * CARD + (int64_t)sizeof(int64_t)) * n;
  if (most < 0 || most > n) return ND_EPLAN;
  return nd_run_lines(p, 2, lines[p->dtype[1]], 1, ND_GRAIN_COSTLY / 4, scratch, (int64_t[]){descending, most},
                      (void *[]){out, (void *)a});
}

int nd_sort(const nd_plan *p, void *out, const void *a, int descending) {
  return run(p, keys, p->dtype[1], descending, 0, out, a);
}

int nd_argsort(const nd_plan *p, void *out, const void *a, int descending, int64_t most) {
  return run(p, places, ND_I64, descending, most, out, a);
}
