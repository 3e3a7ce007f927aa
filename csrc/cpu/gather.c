/* gather.c - reading and writing at places an index array names: embedding rows, a[indices], one-hot targets.
 *
 * A scatter checks all indices before it writes the first element. A gather checks each when it reads there, so that nobody
 * can change it in between, and reads element 0 in place of one that is out of range. Threads share the work along ONE
 * dimension. A scatter may hit the same place twice, so its points must keep their row-major order: it is cut only along
 * a dimension in which two threads never meet, such as the columns of embedding rows.
 */
#include <stdlib.h>
#include <string.h>
#include "elementwise_kernels.h"
#include "errors.h"
#include "kernel_types.h"
#include "parallel.h"

/* One row, out[i] = table[i*s_table + index[i]*step]; strides in elements. Returns whether an index was out of range. */
typedef int row_gather(int64_t n, void *out, int64_t s_out, const void *table, int64_t s_table, const int64_t *index,
                       int64_t s_index, int64_t step, int64_t limit);

#define ROW_GATHER(T)                                                                                        \
  static inline __attribute__((always_inline)) int gather_strided_##T(                                       \
      int64_t n, T *out, int64_t s_out, const T *table, int64_t s_table, const int64_t *index, int64_t s_index, \
      int64_t step, int64_t limit) {                                                                         \
    int outside = 0;                                                                                         \
    for (int64_t i = 0; i < n; i++) {                                                                        \
      int64_t k = __atomic_load_n(index + i * s_index, __ATOMIC_RELAXED);                                    \
      k += k < 0 ? limit : 0;                                                                                \
      if ((uint64_t)k >= (uint64_t)limit) k = 0, outside = 1;                                                \
      out[i * s_out] = table[i * s_table + k * step];                                                        \
    }                                                                                                        \
    return outside;                                                                                          \
  }                                                                                                          \
  static int gather_##T(int64_t n, void *out, int64_t s_out, const void *table, int64_t s_table,             \
                        const int64_t *index, int64_t s_index, int64_t step, int64_t limit) {                \
    if (s_out == 1 && s_table == 0 && s_index == 1 && step == 1) /* along the last axis, as most often */    \
      return gather_strided_##T(n, out, 1, table, 0, index, 1, 1, limit);                                    \
    return gather_strided_##T(n, out, s_out, table, s_table, index, s_index, step, limit);                   \
  }
ROW_GATHER(uint8_t)
ROW_GATHER(uint32_t)
ROW_GATHER(uint64_t)

/* One row, table[i*s_table + index[i]*step] = or += val[i]. */
typedef void row_scatter(int64_t n, const void *val, int64_t s_val, void *table, int64_t s_table, const int64_t *index,
                         int64_t s_index, int64_t step, int64_t limit);

#define ROW_SCATTER(name, T, operation)                                                                      \
  static void name(int64_t n, const void *val_, int64_t s_val, void *table_, int64_t s_table, const int64_t *index, \
                   int64_t s_index, int64_t step, int64_t limit) {                                           \
    T *const table = table_;                                                                                 \
    const T *const val = val_;                                                                               \
    for (int64_t i = 0; i < n; i++) {                                                                        \
      const int64_t raw = index[i * s_index];                                                                \
      table[i * s_table + (raw < 0 ? raw + limit : raw) * step] operation val[i * s_val];                    \
    }                                                                                                        \
  }
ROW_SCATTER(set_1, uint8_t, =)
ROW_SCATTER(set_4, uint32_t, =)
ROW_SCATTER(set_8, uint64_t, =)
ROW_SCATTER(add_f32, float, +=)
ROW_SCATTER(add_f64, double, +=)
ROW_SCATTER(add_i32, uint32_t, +=) /* unsigned: wraps instead of undefined overflow */
ROW_SCATTER(add_i64, uint64_t, +=)

static row_gather *const gathers[] = {gather_uint32_t, gather_uint64_t, gather_uint32_t, gather_uint64_t, gather_uint8_t};
static row_scatter *const sets[] = {set_4, set_8, set_4, set_8, set_1};
static row_scatter *const adds[] = {add_f32, add_f64, add_i32, add_i64, NULL};

/* Walks p's points in row-major order, row by row; at[] are element numbers of the row's first point. */
typedef void row_visit(void *ctx, int64_t n, const int64_t at[3], const int64_t stride[3]);
static void walk_rows(const nd_plan *p, row_visit *visit, void *ctx) {
  int64_t index[ND_MAX_NDIM] = {0}, at[3], stride[3];
  const int last = p->ndim - 1;
  for (int k = 0; k < 3; k++) {
    at[k] = p->offset[k];
    stride[k] = last < 0 ? 0 : p->stride[k][last];
  }
  for (;;) {
    visit(ctx, last < 0 ? 1 : p->shape[last], at, stride);
    int d = last - 1;
    for (; d >= 0; d--) {
      const int wraps = ++index[d] == p->shape[d];
      for (int k = 0; k < 3; k++) at[k] += (wraps ? 1 - p->shape[d] : 1) * p->stride[k][d];
      if (!wraps) break;
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

/* ---- checking: the index alone ------------------------------------------------------------------------------ */
typedef struct {
  const int64_t *index;
  int64_t limit, bad;
  int found;
} check;

static void check_row(void *ctx, int64_t n, const int64_t at[3], const int64_t stride[3]) {
  check *c = ctx;
  const int64_t *index = c->index + at[2], limit = c->limit;
  int outside = 0;
  for (int64_t i = 0; i < n; i++) outside |= (index[i * stride[2]] >= limit) | (index[i * stride[2]] < -limit);
  if (c->found || !outside) return;
  while (*index < limit && *index >= -limit) index += stride[2];
  c->bad = *index;
  c->found = 1;
}

/* Over the dimensions that the index depends on. */
static int check_indices(const nd_plan *p, const int64_t *index, int64_t limit) {
  nd_plan own = *p;
  own.ndim = 0;
  for (int d = 0; d < p->ndim; d++)
    if (p->stride[2][d] != 0) {
      own.shape[own.ndim] = p->shape[d];
      for (int k = 0; k < 3; k++) own.stride[k][own.ndim] = p->stride[k][d];
      own.ndim++;
    }
  check c = {.index = index, .limit = limit};
  walk_rows(&own, check_row, &c);
  return c.found ? nd_fail(ND_EINDEX, c.bad) : ND_OK;
}

/* ---- moving ------------------------------------------------------------------------------------------------ */
typedef struct {
  const nd_plan *p;
  row_gather *gather; /* NULL in a scatter */
  row_scatter *scatter;
  nd_row *add; /* of rows whose elements lie in different places; NULL: they are set */
  char *one, *table; /* the operand that has an element for each point; the one that is looked up */
  const int64_t *index;
  int size, split, outside;
  int *any_outside; /* of the pieces of all threads */
  int64_t step, limit;
} job;

/* A row of one index: `table` is where it leads to. */
static void move_whole_row(const job *j, int64_t n, char *one, int64_t s_one, char *table, int64_t s_table) {
  static const int64_t zero = 0;
  const int dense = s_one == 1 && s_table == 1;
  if (j->add && s_table != 0) j->add(n, (void *[]){table, table, one}, (int64_t[]){s_table, s_table, s_one}, 0);
  else if (j->gather && dense) memcpy(one, table, (size_t)(n * j->size));
  else if (j->gather) j->gather(n, one, s_one, table, s_table, &zero, 0, 0, 1);
  else if (!j->add && dense) memcpy(table, one, (size_t)(n * j->size));
  else j->scatter(n, one, s_one, table, s_table, &zero, 0, 0, 1);
}

static void move_row(void *ctx, int64_t n, const int64_t at[3], const int64_t stride[3]) {
  job *j = ctx;
  const int of_one = j->gather ? 0 : 1, of_table = 1 - of_one;
  char *one = j->one + at[of_one] * j->size, *table = j->table + at[of_table] * j->size;
  const int64_t *index = j->index + at[2], s_one = stride[of_one], s_table = stride[of_table];
  if (stride[2] == 0) {
    const int64_t raw = __atomic_load_n(index, __ATOMIC_RELAXED), k = raw < 0 ? raw + j->limit : raw;
    if (k < 0 || k >= j->limit) j->outside = 1;
    else move_whole_row(j, n, one, s_one, table + k * j->step * j->size, s_table);
  } else if (j->gather) {
    j->outside |= j->gather(n, one, s_one, table, s_table, index, stride[2], j->step, j->limit);
  } else {
    j->scatter(n, one, s_one, table, s_table, index, stride[2], j->step, j->limit);
  }
}

static void move_piece(void *ctx, int64_t lo, int64_t hi) {
  job j = *(const job *)ctx;
  nd_plan part = *j.p;
  j.outside = 0;
  if (j.split >= 0) {
    part.shape[j.split] = hi - lo;
    for (int k = 0; k < 3; k++) part.offset[k] += lo * part.stride[k][j.split];
  }
  walk_rows(&part, move_row, &j);
  if (j.outside) __atomic_store_n(j.any_outside, 1, __ATOMIC_RELAXED);
}

/* 1 if points that differ in a dimension along which a scatter moves never meet, whatever their indices are: sorted by
 * stride, each step, the index's among them, is longer than all smaller ones together can lead. */
static int apart(const nd_plan *p, int64_t step, int64_t limit) {
  int64_t stride[ND_MAX_NDIM + 1] = {llabs(step)}, most[ND_MAX_NDIM + 1] = {limit - 1}, reach = 0;
  int count = 1;
  for (int d = 0; d < p->ndim; d++)
    if (p->stride[0][d] != 0) {
      const int64_t own = llabs(p->stride[0][d]);
      int i = count++;
      for (; i > 0 && stride[i - 1] > own; i--) stride[i] = stride[i - 1], most[i] = most[i - 1];
      stride[i] = own, most[i] = p->shape[d] - 1;
    }
  for (int i = 0; i < count; i++) {
    if (most[i] > 0 && stride[i] <= reach) return 0;
    reach += most[i] * stride[i];
  }
  return 1;
}

/* The longest dimension along which threads may share the work; -1 if there is none. */
static int split_dimension(const nd_plan *p, int scatter, int64_t step, int64_t limit) {
  const int all = !scatter || apart(p, step, limit);
  int best = -1;
  for (int d = 0; d < p->ndim; d++) {
    const int allowed = !scatter || (p->stride[0][d] != 0 && (all || p->stride[2][d] == 0));
    if (allowed && (best < 0 || p->shape[d] > p->shape[best])) best = d;
  }
  return best;
}

static void run(const nd_plan *p, job *j) {
  const int split = split_dimension(p, !j->gather, j->step, j->limit);
  const int64_t n = split < 0 ? 1 : p->shape[split], each = p->size / n;
  j->p = p;
  j->split = split;
  j->size = nd_item_size(p->dtype[0]);
  nd_parallel_for(n, ND_GRAIN_CHEAP / each + 1, move_piece, j);
}

static int check_call(const nd_plan *p) {
  if (p->dtype[0] != p->dtype[1] || !nd_is_dtype(p->dtype[0]) || p->dtype[2] != ND_I64) return ND_EDTYPE;
  return nd_check_plan(p);
}

int nd_gather(const nd_plan *p, void *out, const void *src, const void *index, int64_t step, int64_t limit) {
  const int bad = check_call(p);
  if (bad || p->size == 0) return bad;
  if (limit < 1) return check_indices(p, index, limit);
  int outside = 0;
  job j = {.gather = gathers[p->dtype[0]], .one = out, .table = (char *)src, .index = index, .step = step, .limit = limit,
           .any_outside = &outside};
  run(p, &j);
  if (!outside) return ND_OK;
  const int found = check_indices(p, index, limit);
  return found ? found : nd_fail(ND_EINDEX, limit); /* somebody has changed it since */
}

int nd_scatter(const nd_plan *p, void *dst, const void *val, const void *index, int64_t step, int64_t limit, int add) {
  if (add && p->dtype[0] == ND_BOOL) return ND_EDTYPE;
  int bad = check_call(p);
  if (bad || p->size == 0) return bad;
  bad = check_indices(p, index, limit);
  if (bad) return bad;
  job j = {.scatter = (add ? adds : sets)[p->dtype[0]], .add = add ? nd_current_isa()->binary->add[p->dtype[0]] : NULL,
           .one = (char *)val, .table = dst, .index = index, .step = step, .limit = limit};
  run(p, &j);
  return ND_OK;
}
