/* scan.c - running sums and products along a line, out[k] = a[0] + a[1] + ... + a[k]; the places of the largest and the
 * smallest element so far; and the linear recurrence out[k] = a[k] out[k-1] + b[k], which derivatives need.
 *
 * Each element waits for the one before it. So several lines are worked on side by side: up to 64 neighbouring
 * columns, which the compiler adds with wide registers, or four rows, whose additions overlap. A float32 line is added
 * up in float64, as in PyTorch: over a million elements a float32 total would lose its last digits. Integers and bools
 * become int64; unsigned arithmetic wraps where signed overflow would be undefined.
 */
#include <stddef.h>
#include "lines.h"
#include "parallel.h"

enum { COLUMNS = 64, ROWS = 4 };
#define ND_ALWAYS static inline __attribute__((always_inline))

/* One step of `count` lines, whose totals are x. Defines a function for any strides, and one that calls it with those
 * that matter spelled out, so that the compiler knows them. */
#define LINES(name, in, out_t, total_t, first, STEP)                                                                     \
  ND_ALWAYS void name##_block(const nd_lines *l, int64_t count, int64_t from, int64_t s_out, int64_t d_out, int64_t s_a, \
                              int64_t d_a) {                                                                             \
    const in *a = (const in *)l->data[1] + from * d_a;                                                                   \
    const in *b = (const in *)l->data[2] + from * l->across[2];                                                          \
    out_t *restrict out = (out_t *)l->data[0] + from * d_out;                                                            \
    total_t x[COLUMNS];                                                                                                  \
    for (int64_t i = 0; i < count; i++) x[i] = first;                                                                    \
    for (int64_t k = 0; k < l->n; k++, a += s_a, out += s_out, b += l->along[2])                                         \
      for (int64_t i = 0; i < count; i++) {                                                                              \
        STEP;                                                                                                            \
        out[i * d_out] = (out_t)x[i];                                                                                    \
      }                                                                                                                  \
    (void)b;                                                                                                             \
  }                                                                                                                      \
  static void name(const nd_lines *l) {                                                                                  \
    const int64_t s_out = l->along[0], d_out = l->across[0], s_a = l->along[1], d_a = l->across[1];                      \
    if (d_out == 1 && d_a == 1) {                                                                                        \
      name##_block(l, l->count, 0, s_out, 1, s_a, 1);                                                                    \
      return;                                                                                                            \
    }                                                                                                                    \
    int64_t from = 0;                                                                                                    \
    if (s_out == 1 && s_a == 1)                                                                                          \
      for (; from + ROWS <= l->count; from += ROWS) name##_block(l, ROWS, from, 1, d_out, 1, d_a);                       \
    for (; from + ROWS <= l->count; from += ROWS) name##_block(l, ROWS, from, s_out, d_out, s_a, d_a);                   \
    for (; from < l->count; from++) name##_block(l, 1, from, s_out, d_out, s_a, d_a);                                    \
  }
#define ADD(total_t) x[i] += (total_t)a[i * d_a]
#define MULTIPLY(total_t) x[i] *= (total_t)a[i * d_a]
LINES(sum_f32, f32, f32, double, 0, ADD(double))
LINES(sum_f64, f64, f64, double, 0, ADD(double))
LINES(sum_i32, i32, i64, uint64_t, 0, ADD(uint64_t))
LINES(sum_i64, i64, i64, uint64_t, 0, ADD(uint64_t))
LINES(sum_b8, b8, i64, uint64_t, 0, ADD(uint64_t))
LINES(prod_f32, f32, f32, double, 1, MULTIPLY(double))
LINES(prod_f64, f64, f64, double, 1, MULTIPLY(double))
LINES(prod_i32, i32, i64, uint64_t, 1, MULTIPLY(uint64_t))
LINES(prod_i64, i64, i64, uint64_t, 1, MULTIPLY(uint64_t))
LINES(prod_b8, b8, i64, uint64_t, 1, MULTIPLY(uint64_t))

/* a[0] is not read: there is nothing in front that it could multiply, and it may be infinite. */
#define RECUR x[i] = (k ? (double)a[i * d_a] * x[i] : 0) + (double)b[i * l->across[2]]
LINES(linear_f32, f32, f32, double, 0, RECUR)
LINES(linear_f64, f64, f64, double, 0, RECUR)

/* Where the largest (smallest) element so far is, the latest of equals; nan is both, and stays. Lines that lie in memory
 * one after the other are walked one after the other; others are rows across, element by element of all. */
#define RUNNING(name, in, compare)                                                                  \
  static void name##_lying(const nd_lines *l) {                                                     \
    for (int64_t i = 0; i < l->count; i++) {                                                        \
      const in *a = (const in *)l->data[1] + i * l->across[1];                                      \
      int64_t *out = (int64_t *)l->data[0] + i * l->across[0], at = 0;                              \
      in best = a[0];                                                                               \
      for (int64_t k = 0; k < l->n; k++) {                                                          \
        if (a[k] compare best || a[k] != a[k]) best = a[k], at = k;                                 \
        out[k] = at;                                                                                \
      }                                                                                             \
    }                                                                                               \
  }                                                                                                 \
  static void name(const nd_lines *l) {                                                             \
    if (l->along[0] == 1 && l->along[1] == 1) {                                                     \
      name##_lying(l);                                                                              \
      return;                                                                                       \
    }                                                                                               \
    const in *a = l->data[1];                                                                       \
    int64_t *out = l->data[0], at[COLUMNS] = {0};                                                   \
    in best[COLUMNS];                                                                               \
    for (int64_t i = 0; i < l->count; i++) best[i] = a[i * l->across[1]];                           \
    for (int64_t k = 0; k < l->n; k++)                                                              \
      for (int64_t i = 0; i < l->count; i++) {                                                      \
        const in here = a[k * l->along[1] + i * l->across[1]];                                      \
        if (here compare best[i] || here != here) best[i] = here, at[i] = k;                        \
        out[k * l->along[0] + i * l->across[0]] = at[i];                                            \
      }                                                                                             \
  }
#define RUNNING_ALL(name, compare) \
  RUNNING(name##_f32, f32, compare) \
  RUNNING(name##_f64, f64, compare) \
  RUNNING(name##_i32, i32, compare) \
  RUNNING(name##_i64, i64, compare) \
  RUNNING(name##_b8, b8, compare)
RUNNING_ALL(largest, >=)
RUNNING_ALL(smallest, <=)

static nd_line *const largests[] = ND_FUNCTIONS_ALL(largest), *const smallests[] = ND_FUNCTIONS_ALL(smallest);
static nd_line *const sums[] = ND_FUNCTIONS_ALL(sum), *const products[] = ND_FUNCTIONS_ALL(prod);
static nd_line *const recurrences[] = ND_FUNCTIONS_FLOATS(linear);

static int run(const nd_plan *p, nd_line *const *scans, int result, void *out, const void *a) {
  const int type = p->dtype[1];
  if (!nd_is_dtype(type) || p->dtype[0] != result) return ND_EDTYPE;
  return nd_run_lines(p, 2, scans[type], COLUMNS, ND_GRAIN_CHEAP, 0, NULL, (void *[]){out, (void *)a});
}

static int wide(int type) { return type <= ND_F64 ? type : ND_I64; }

int nd_cumsum(const nd_plan *p, void *out, const void *a) { return run(p, sums, wide(p->dtype[1]), out, a); }
int nd_cumprod(const nd_plan *p, void *out, const void *a) { return run(p, products, wide(p->dtype[1]), out, a); }
int nd_cumargmax(const nd_plan *p, void *out, const void *a) { return run(p, largests, ND_I64, out, a); }
int nd_cumargmin(const nd_plan *p, void *out, const void *a) { return run(p, smallests, ND_I64, out, a); }

int nd_linear_scan(const nd_plan *p, void *out, const void *a, const void *b) {
  const int type = p->dtype[0];
  if (type < 0 || type > ND_F64 || p->dtype[1] != type || p->dtype[2] != type) return ND_EDTYPE;
  return nd_run_lines(p, 3, recurrences[type], COLUMNS, ND_GRAIN_CHEAP, 0, NULL, (void *[]){out, (void *)a, (void *)b});
}
