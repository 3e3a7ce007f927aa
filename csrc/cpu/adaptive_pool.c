/* adaptive_pool.c - the maximum of windows of several lengths, which together cover a plane, and its adjoint.
 *
 * A row of windows is worked on in two steps. Down: the largest element of each column among the rows that these windows
 * see, in one loop along the columns. Across: the largest of those within each window. Of equal elements the first counts,
 * row by row, so equal columns are told apart by their places. Compiled once: the loops are short.
 */
#include <math.h>
#include <string.h>
#include "errors.h"
#include "kernel_types.h"
#include "parallel.h"
#include "pool.h"

typedef struct {
  const nd_plan *p;
  int failed;
  int64_t rows, columns;
  const char *x, *g;
  char *out;
  i32 *places;
} job;

static int64_t begin(int64_t j, int64_t extent, int64_t windows) { return j * extent / windows; }
static int64_t end(int64_t j, int64_t extent, int64_t windows) { return ((j + 1) * extent + windows - 1) / windows; }

/* Where plane number `plane` of an operand lies, in elements. */
static int64_t plane_of(const nd_plan *p, int k, int64_t plane) {
  return p->offset[k] + plane / p->shape[1] * p->stride[k][0] + plane % p->shape[1] * p->stride[k][1];
}

#define FORWARD(T)                                                                                          \
  /* best and place of each column: the first of its largest elements in rows lo up to hi; the last nan */  \
  static void down_##T(const job *j, const T *x, int64_t lo, int64_t hi, T *restrict best, i32 *restrict place) { \
    const int64_t step = j->p->stride[2][3], n = j->columns;                                                \
    for (int64_t c = 0; c < n; c++) best[c] = (T)-INFINITY, place[c] = (i32)(lo * n + c);                   \
    for (int64_t r = lo; r < hi; r++) {                                                                     \
      const T *row = x + r * j->p->stride[2][2];                                                            \
      const i32 first = (i32)(r * n);                                                                       \
      for (int64_t c = 0; c < n; c++) {                                                                     \
        const T value = row[c * step];                                                                      \
        const int better = (value > best[c]) | (value != value);                                            \
        best[c] = better ? value : best[c];                                                                 \
        place[c] = better ? first + (i32)c : place[c];                                                      \
      }                                                                                                     \
    }                                                                                                       \
  }                                                                                                         \
  /* the window that sees the columns lo up to hi */                                                        \
  static void across_##T(const T *best, const i32 *place, int64_t lo, int64_t hi, T *y, i32 *found) {       \
    T most = best[lo];                                                                                      \
    i32 at = place[lo];                                                                                     \
    for (int64_t c = lo + 1; c < hi; c++) {                                                                 \
      const T value = best[c];                                                                              \
      const int nan = value != value && (most == most || place[c] > at);                                    \
      if (value > most || nan || (value == most && place[c] < at)) most = value, at = place[c];             \
    }                                                                                                       \
    *y = most;                                                                                              \
    if (found) *found = at;                                                                                 \
  }                                                                                                         \
  static void forward_##T(void *ctx, int64_t lo, int64_t hi) { /* planes */                                 \
    job *j = ctx;                                                                                           \
    const nd_plan *p = j->p;                                                                                \
    const int64_t h = p->shape[2], w = p->shape[3];                                                         \
    T *best = nd_scratch(ND_SCRATCH_POOLING, j->columns * (int64_t)(sizeof(T) + sizeof(i32)));                \
    if (!best) {                                                                                            \
      __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);                                                    \
      return;                                                                                               \
    }                                                                                                       \
    i32 *place = (i32 *)(best + j->columns);                                                                \
    for (int64_t plane = lo; plane < hi; plane++) {                                                         \
      const T *x = (const T *)j->x + plane_of(p, 2, plane);                                                 \
      T *y = (T *)j->out + plane_of(p, 0, plane);                                                           \
      i32 *found = j->places ? j->places + plane_of(p, 1, plane) : NULL;                                    \
      for (int64_t r = 0; r < h; r++) {                                                                     \
        down_##T(j, x, begin(r, j->rows, h), end(r, j->rows, h), best, place);                              \
        for (int64_t c = 0; c < w; c++)                                                                     \
          across_##T(best, place, begin(c, j->columns, w), end(c, j->columns, w),                           \
                     y + r * p->stride[0][2] + c * p->stride[0][3],                                         \
                     found ? found + r * p->stride[1][2] + c * p->stride[1][3] : NULL);                     \
      }                                                                                                     \
    }                                                                                                       \
  }

#define BACKWARD(T)                                                                                         \
  static void backward_##T(void *ctx, int64_t lo, int64_t hi) { /* planes */                                \
    const job *j = ctx;                                                                                     \
    const nd_plan *p = j->p;                                                                                \
    const int64_t down = p->stride[0][2], across = p->stride[0][3], all = j->rows * j->columns;             \
    for (int64_t plane = lo; plane < hi; plane++) {                                                         \
      T *x = (T *)j->out + plane_of(p, 0, plane);                                                           \
      const T *g = (const T *)j->g + plane_of(p, 1, plane);                                                 \
      const i32 *places = j->places + plane_of(p, 2, plane);                                                \
      for (int64_t r = 0; r < j->rows; r++)                                                                 \
        for (int64_t c = 0; c < j->columns; c++) x[r * down + c * across] = 0;                              \
      for (int64_t r = 0; r < p->shape[2]; r++)                                                             \
        for (int64_t c = 0; c < p->shape[3]; c++) {                                                         \
          const i32 at = places[r * p->stride[2][2] + c * p->stride[2][3]];                                 \
          if (at < 0 || at >= all) continue;                                                                \
          const int64_t row = at / (i32)j->columns, column = at % (i32)j->columns;                          \
          x[row * down + column * across] += g[r * p->stride[1][2] + c * p->stride[1][3]];                  \
        }                                                                                                   \
    }                                                                                                       \
  }

FORWARD(f32)
FORWARD(f64)
BACKWARD(f32)
BACKWARD(f64)

/* x, y and places are numbers of operands. */
static int check(const nd_plan *p, int x, int y, int places, int64_t rows, int64_t columns) {
  if (p->ndim != 4 || rows < 1 || columns < 1 || columns > INT32_MAX / rows) return ND_EPLAN;
  for (int d = 0; d < 4; d++)
    if (p->shape[d] < 0) return ND_EPLAN;
  const int type = p->dtype[x];
  if ((type != ND_F32 && type != ND_F64) || p->dtype[y] != type || (places >= 0 && p->dtype[places] != ND_I32))
    return ND_EDTYPE;
  return ND_OK;
}

int nd_adaptive_max_pool(const nd_plan *p, void *out, void *places, const void *x, int64_t rows, int64_t columns) {
  const int bad = check(p, 2, 0, places ? 1 : -1, rows, columns);
  if (bad) return bad;
  job j = {.p = p, .rows = rows, .columns = columns, .x = x, .out = out, .places = places};
  nd_parallel_for(p->shape[0] * p->shape[1], ND_GRAIN_CHEAP / (4 * rows * columns) + 1,
                  p->dtype[2] == ND_F32 ? forward_f32 : forward_f64, &j);
  return j.failed ? ND_ENOMEM : ND_OK;
}

int nd_adaptive_max_pool_backward(const nd_plan *p, void *out, const void *g, const void *places, int64_t rows,
                                  int64_t columns) {
  const int bad = check(p, 0, 1, 2, rows, columns);
  if (bad) return bad;
  job j = {.p = p, .rows = rows, .columns = columns, .g = g, .out = out, .places = (i32 *)places};
  nd_parallel_for(p->shape[0] * p->shape[1], ND_GRAIN_CHEAP / (rows * columns) + 1,
                  p->dtype[0] == ND_F32 ? backward_f32 : backward_f64, &j);
  return ND_OK;
}
