/* gather.c - reading and writing at places an index array names: embedding rows, a[indices], one-hot targets.
 *
 * All indices are checked before the first element is written. Threads share the work along ONE dimension. A
 * scatter may hit the same place twice, so its points must keep their row-major order: it is cut only along a
 * dimension the index does not depend on (the columns of embedding rows), where two threads never meet.
 */
#include <string.h>
#include "errors.h"
#include "kernel_types.h"
#include "parallel.h"

/* One row. `one` has an element for each point, `table` is looked up at i*step; strides in elements. */
typedef void row_move(int64_t n, char *one, int64_t s_one, char *table, int64_t s_table, const int64_t *index,
                      int64_t s_index, int64_t step, int64_t limit);

#define ROW_MOVE(name, T, statement)                                                                        \
  static void name(int64_t n, char *one_, int64_t s_one, char *table_, int64_t s_table, const int64_t *index, \
                   int64_t s_index, int64_t step, int64_t limit) {                                          \
    T *const one = (T *)one_, *const table = (T *)table_;                                                   \
    for (int64_t i = 0; i < n; i++) {                                                                       \
      const int64_t raw = index[i * s_index], at = i * s_table + (raw < 0 ? raw + limit : raw) * step;      \
      const int64_t k = i * s_one;                                                                          \
      statement;                                                                                            \
    }                                                                                                       \
  }
ROW_MOVE(gather_1, uint8_t, one[k] = table[at])
ROW_MOVE(gather_4, uint32_t, one[k] = table[at])
ROW_MOVE(gather_8, uint64_t, one[k] = table[at])
ROW_MOVE(set_1, uint8_t, table[at] = one[k])
ROW_MOVE(set_4, uint32_t, table[at] = one[k])
ROW_MOVE(set_8, uint64_t, table[at] = one[k])
ROW_MOVE(add_f32, float, table[at] += one[k])
ROW_MOVE(add_f64, double, table[at] += one[k])
ROW_MOVE(add_i32, uint32_t, table[at] += one[k]) /* unsigned: wraps instead of undefined overflow */
ROW_MOVE(add_i64, uint64_t, table[at] += one[k])

static row_move *const gathers[] = {gather_4, gather_8, gather_4, gather_8, gather_1};
static row_move *const sets[] = {set_4, set_8, set_4, set_8, set_1};
static row_move *const adds[] = {add_f32, add_f64, add_i32, add_i64, NULL};

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

/* ---- checking: the index alone, over the dimensions it depends on ------------------------------------------ */
typedef struct {
  const int64_t *index;
  int64_t limit, bad;
  int found;
} check;

static void check_row(void *ctx, int64_t n, const int64_t at[3], const int64_t stride[3]) {
  check *c = ctx;
  int outside = 0;
  for (int64_t i = 0; i < n; i++) {
    const int64_t x = c->index[at[2] + i * stride[2]];
    outside |= (x >= c->limit) | (x < -c->limit);
  }
  for (int64_t i = 0; outside && !c->found && i < n; i++) {
    const int64_t x = c->index[at[2] + i * stride[2]];
    if (x >= c->limit || x < -c->limit) {
      c->bad = x;
      c->found = 1;
    }
  }
}

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
  row_move *move;
  char *one, *table;
  const int64_t *index;
  int one_operand, table_operand, size, split;
  int64_t step, limit;
  int plain_copy; /* rows may be copied whole */
} job;

static void move_row(void *ctx, int64_t n, const int64_t at[3], const int64_t stride[3]) {
  const job *j = ctx;
  char *one = j->one + at[j->one_operand] * j->size, *table = j->table + at[j->table_operand] * j->size;
  const int64_t *index = j->index + at[2];
  const int64_t s_one = stride[j->one_operand], s_table = stride[j->table_operand];
  if (stride[2] == 0) { /* one index for the whole row */
    table += (*index < 0 ? *index + j->limit : *index) * j->step * j->size;
    if (j->plain_copy && s_one == 1 && s_table == 1) {
      if (j->one_operand == 0) memcpy(one, table, (size_t)(n * j->size));
      else memcpy(table, one, (size_t)(n * j->size));
      return;
    }
    static const int64_t zero = 0;
    j->move(n, one, s_one, table, s_table, &zero, 0, 0, 0);
    return;
  }
  j->move(n, one, s_one, table, s_table, index, stride[2], j->step, j->limit);
}

static void move_piece(void *ctx, int64_t lo, int64_t hi) {
  job j = *(const job *)ctx;
  nd_plan part = *j.p;
  if (j.split >= 0) {
    part.shape[j.split] = hi - lo;
    for (int k = 0; k < 3; k++) part.offset[k] += lo * part.stride[k][j.split];
  }
  walk_rows(&part, move_row, &j);
}

/* The longest dimension along which threads may share the work; -1 if there is none. */
static int split_dimension(const nd_plan *p, int scatter) {
  int best = -1;
  for (int d = 0; d < p->ndim; d++) {
    const int allowed = !scatter || (p->stride[2][d] == 0 && p->stride[0][d] != 0);
    if (allowed && (best < 0 || p->shape[d] > p->shape[best])) best = d;
  }
  return best;
}

static int run(const nd_plan *p, job *j, int scatter) {
  const int split = split_dimension(p, scatter);
  const int64_t n = split < 0 ? 1 : p->shape[split], each = p->size / n;
  j->p = p;
  j->split = split;
  j->size = nd_item_size(p->dtype[0]);
  nd_parallel_for(n, ND_GRAIN_CHEAP / each + 1, move_piece, j);
  return ND_OK;
}

static int check_call(const nd_plan *p, const int64_t *index, int64_t limit) {
  const int bad = nd_check_plan(p);
  if (bad) return bad;
  if (p->dtype[0] != p->dtype[1] || !nd_is_dtype(p->dtype[0]) || p->dtype[2] != ND_I64) return ND_EDTYPE;
  return p->size == 0 ? ND_OK : check_indices(p, index, limit);
}

int nd_gather(const nd_plan *p, void *out, const void *src, const void *index, int64_t step, int64_t limit) {
  const int bad = check_call(p, index, limit);
  if (bad || p->size == 0) return bad;
  job j = {.move = gathers[p->dtype[0]], .one = out, .table = (char *)src, .index = index, .one_operand = 0,
           .table_operand = 1, .step = step, .limit = limit, .plain_copy = 1};
  return run(p, &j, 0);
}

int nd_scatter(const nd_plan *p, void *dst, const void *val, const void *index, int64_t step, int64_t limit, int add) {
  if (add && p->dtype[0] == ND_BOOL) return ND_EDTYPE;
  const int bad = check_call(p, index, limit);
  if (bad || p->size == 0) return bad;
  job j = {.move = (add ? adds : sets)[p->dtype[0]], .one = (char *)val, .table = dst, .index = index,
           .one_operand = 1, .table_operand = 0, .step = step, .limit = limit, .plain_copy = !add};
  return run(p, &j, 1);
}
