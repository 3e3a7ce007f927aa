/* reduce.c - the driver of sum, sum_squares, prod, max, min over any axes.
 *
 * The dimensions are of two kinds: kept (the output has them) and reduced. The order within each kind does not
 * matter to the result, so each is sorted by how densely the input lies and merged where possible; four shapes of
 * array become one. What remains is decided by the densest dimension of all:
 *   reduced -> ROWS:    numbers that lie side by side are joined (sum over the last axis);
 *   kept    -> COLUMNS: whole rows are laid on top of each other (sum over the first axis).
 * Either way outputs are computed in groups of neighbours, and the reduction of a group is a list of lines. Few groups,
 * many lines (a full sum): the lines are cut into parts, which threads share, and the parts are merged in order. Where
 * to cut depends on the shapes alone, so any number of threads gives the same bits.
 *
 * A broadcast axis (stride 0) shows the same numbers again and again. They are read once: an accumulator is joined
 * with its own copies if the axis is reduced, a result is written several times if it is kept.
 */
#include <string.h>
#include "errors.h"
#include "parallel.h"
#include "pool.h"
#include "reduce.h"

enum {
  STRIP = 1024,       /* outputs in a group, at most */
  FOLDED = 256,       /* columns of a folded row, at most */
  ROW_PIECE = 8192,   /* ROWS: elements of a line, at most */
  COLUMN_PIECE = 128, /* COLUMNS: rows of a line, at most */
  FEW_GROUPS = 8,
  PARTS = 64,
  WORTH_CUTTING = 2 * ND_GRAIN_REDUCE
};

typedef struct {
  int64_t extent, in, out; /* strides of the input and of the output */
} axis;

typedef struct {
  axis at[ND_MAX_NDIM + 1];
  int count;
  int64_t size;
} axis_list;

typedef struct {
  const nd_reducer *reducer;
  const char *a;
  char *out;
  int in_size, out_size;
  axis_list kept, reduced;        /* without their last (densest) axis, which is: */
  axis across, along;             /* of the kept, of the reduced */
  axis_list again;                /* kept axes that are broadcast */
  int64_t copies;                 /* extent of all reduced axes that are broadcast */
  int columns;                    /* COLUMNS, else ROWS */
  int64_t group, piece;           /* outputs in a group; extent of a line */
  int64_t groups_across, pieces_along, lines, parts;
  int64_t fold, rest;             /* COLUMNS: `fold` narrow rows are treated as one; `rest` rows are left over */
  char *partial;                  /* accumulators of all parts, if parts > 1 */
} job;

static int64_t density(int64_t stride) { /* stride 0, an axis of one element, is outermost */
  return stride == 0 ? INT64_MAX : stride < 0 ? -stride : stride;
}

/* Adds an axis, keeping the list sorted with the densest last. */
static void add_axis(axis_list *l, axis x) {
  int i = l->count++;
  for (; i > 0 && density(l->at[i - 1].in) < density(x.in); i--) l->at[i] = l->at[i - 1];
  l->at[i] = x;
  l->size *= x.extent;
}

static void merge_axes(axis_list *l) {
  int count = 0;
  for (int i = 0; i < l->count; i++) {
    const axis x = l->at[i];
    axis *previous = &l->at[count ? count - 1 : 0];
    if (count && previous->in == x.in * x.extent && previous->out == x.out * x.extent)
      *previous = (axis){previous->extent * x.extent, x.in, x.out};
    else
      l->at[count++] = x;
  }
  l->count = count;
}

static axis take_densest(axis_list *l) {
  if (l->count == 0) return (axis){1, 0, 0};
  const axis x = l->at[--l->count];
  l->size = 1;
  for (int i = 0; i < l->count; i++) l->size *= l->at[i].extent;
  return x;
}

static void place(const axis_list *l, int64_t index, int64_t *in, int64_t *out) {
  for (int i = l->count - 1; i >= 0; i--) {
    const int64_t k = index % l->at[i].extent;
    index /= l->at[i].extent;
    *in += k * l->at[i].in;
    *out += k * l->at[i].out;
  }
}

static int64_t smaller(int64_t x, int64_t y) { return x < y ? x : y; }

/* Joins lines lo .. hi-1 of one group to its accumulators. */
static void reduce_lines(const job *j, const char *a, int64_t outputs, int64_t lo, int64_t hi, void *acc) {
  for (int64_t line = lo; line < hi; line++) {
    int64_t start = line % j->pieces_along * j->piece, unused = 0;
    const int64_t length = smaller(j->piece, j->along.extent - start);
    start *= j->along.in;
    place(&j->reduced, line / j->pieces_along, &start, &unused);
    const char *from = a + start * j->in_size;
    if (j->columns) j->reducer->columns(length, outputs, from, j->along.in, j->across.in, acc);
    else j->reducer->rows(outputs, length, from, j->across.in, j->along.in, acc);
  }
}

/* Joins each accumulator with its copies: twice x is x joined with x, four times x is that joined with itself. */
static void join_copies(const job *j, int64_t outputs, char *acc) {
  int64_t joined[STRIP];
  j->reducer->start(outputs, joined);
  for (int64_t left = j->copies; left; left /= 2) {
    if (left % 2) j->reducer->merge(outputs, joined, acc);
    if (left > 1) j->reducer->merge(outputs, acc, acc);
  }
  memcpy(acc, joined, outputs * j->reducer->acc_size);
}

static void finish_group(const job *j, const char *a, int64_t outputs, char *out, char *acc) {
  if (j->fold > 1) {
    const int64_t width = outputs / j->fold;
    for (int64_t i = 1; i < j->fold; i++) j->reducer->merge(width, acc, acc + i * width * j->reducer->acc_size);
    j->reducer->columns(j->rest, width, a + j->along.extent * j->along.in * j->in_size, width, 1, acc);
    outputs = width;
  }
  if (j->copies > 1) join_copies(j, outputs, acc);
  if (outputs == 1 && j->again.count == 1) { /* many copies of one number: as if they were outputs side by side */
    const axis to = j->again.at[0];
    const int64_t size = j->reducer->acc_size, most = smaller(to.extent, STRIP);
    int64_t same[STRIP];
    for (int64_t i = 0; i < most; i++) memcpy((char *)same + i * size, acc, size);
    for (int64_t i = 0; i < to.extent; i += STRIP)
      j->reducer->finish(smaller(to.extent - i, STRIP), out + i * to.out * j->out_size, to.out, same);
    return;
  }
  for (int64_t i = 0; i < j->again.size; i++) {
    int64_t unused = 0, to = 0;
    place(&j->again, i, &unused, &to);
    j->reducer->finish(outputs, out + to * j->out_size, j->across.out, acc);
  }
}

/* Work item i is part i % parts of group i / parts. */
static void reduce_items(void *ctx, int64_t lo, int64_t hi) {
  const job *j = ctx;
  int64_t own[STRIP]; /* accumulators have at most 8 bytes */
  for (int64_t item = lo; item < hi; item++) {
    const int64_t group = item / j->parts, part = item % j->parts;
    const int64_t first = group % j->groups_across * j->group;
    const int64_t outputs = smaller(j->group, j->across.extent - first);
    int64_t in = first * j->across.in, out = first * j->across.out;
    place(&j->kept, group / j->groups_across, &in, &out);
    char *acc = j->partial ? j->partial + item * j->group * j->reducer->acc_size : (char *)own;
    const char *a = j->a + in * j->in_size;
    j->reducer->start(outputs, acc);
    reduce_lines(j, a, outputs, j->lines * part / j->parts, j->lines * (part + 1) / j->parts, acc);
    if (!j->partial) finish_group(j, a, outputs, j->out + out * j->out_size, acc);
  }
}

static void merge_parts(const job *j, int64_t groups) {
  const int64_t each = j->group * j->reducer->acc_size;
  for (int64_t group = 0; group < groups; group++) {
    const int64_t first = group % j->groups_across * j->group;
    const int64_t outputs = smaller(j->group, j->across.extent - first);
    int64_t in = first * j->across.in, out = first * j->across.out;
    place(&j->kept, group / j->groups_across, &in, &out);
    char *acc = j->partial + group * j->parts * each;
    for (int64_t part = 1; part < j->parts; part++) j->reducer->merge(outputs, acc, acc + part * each);
    finish_group(j, j->a + in * j->in_size, outputs, j->out + out * j->out_size, acc);
  }
}

/* Rows of a few columns, compact: several of them are one wide row whose columns are merged at the end. */
static void fold_narrow_rows(job *j) {
  const int64_t width = j->across.extent;
  if (!j->columns || j->kept.count || j->reduced.count || j->across.in != 1 || j->along.in != width) return;
  if (width > FOLDED / 2 || j->along.extent * width < 16 * FOLDED) return;
  j->fold = FOLDED / width;
  if (j->fold > 8) j->fold -= j->fold % 8; /* whole SIMD registers */
  j->rest = j->along.extent % j->fold;
  j->across.extent = width * j->fold;
  j->along = (axis){j->along.extent / j->fold, width * j->fold, 0};
}

static int run(job *j, int64_t elements) {
  if (j->columns) {
    j->group = STRIP;
    j->piece = COLUMN_PIECE;
  } else {
    const int64_t rows = j->along.extent ? ROW_PIECE / j->along.extent : FOLDED;
    j->group = rows > FOLDED ? FOLDED : rows < 8 ? 8 : rows / 8 * 8;
    j->piece = ROW_PIECE;
  }
  j->group = smaller(j->group, j->across.extent);
  j->groups_across = (j->across.extent + j->group - 1) / j->group;
  j->pieces_along = (j->along.extent + j->piece - 1) / j->piece;
  j->lines = j->pieces_along * j->reduced.size;
  const int64_t groups = j->groups_across * j->kept.size;
  j->parts = 1;
  if (groups < FEW_GROUPS && elements >= WORTH_CUTTING && j->lines > 1) {
    j->parts = smaller(PARTS / groups, j->lines);
    j->partial = nd_scratch(ND_SCRATCH_REDUCE, groups * j->parts * j->group * j->reducer->acc_size);
    if (!j->partial) return ND_ENOMEM;
  }
  const int64_t items = groups * j->parts, per_item = elements / items + 1;
  nd_parallel_for(items, (ND_GRAIN_REDUCE + per_item - 1) / per_item, reduce_items, j);
  if (j->partial) merge_parts(j, groups);
  return ND_OK;
}

static int reduce(const nd_plan *p, const nd_reducer *of_type, void *out, const void *a) {
  const int bad = nd_check_plan(p);
  if (bad) return bad;
  if (!nd_is_dtype(p->dtype[1])) return ND_EDTYPE;
  const nd_reducer *reducer = &of_type[p->dtype[1]];
  if (!reducer->rows || p->dtype[0] != reducer->result) return ND_EDTYPE;
  job j = {.reducer = reducer, .in_size = nd_item_size(p->dtype[1]), .out_size = nd_item_size(p->dtype[0]),
           .kept.size = 1, .reduced.size = 1, .again.size = 1, .copies = 1};
  int64_t first = p->offset[1];
  for (int d = 0; d < p->ndim; d++) {
    axis x = {p->shape[d], p->stride[1][d], p->stride[0][d]};
    if (x.extent == 1) continue;
    if (x.out != 0) {
      add_axis(x.in == 0 ? &j.again : &j.kept, x);
      continue;
    }
    if (x.in == 0 && x.extent > 0) {
      j.copies *= x.extent;
      continue;
    }
    if (x.in < 0 && x.extent > 0) { /* from the other end: the same numbers */
      first += (x.extent - 1) * x.in;
      x.in = -x.in;
    }
    add_axis(&j.reduced, x);
  }
  if (j.kept.size == 0 || j.again.size == 0) return ND_OK;
  if (j.reduced.size == 0) j.reduced = (axis_list){.at = {{0, 1, 0}}, .count = 1};
  const int64_t elements = j.kept.size * j.reduced.size;
  merge_axes(&j.kept);
  merge_axes(&j.reduced);
  j.across = take_densest(&j.kept);
  j.along = take_densest(&j.reduced);
  j.columns = j.across.extent > 1 && density(j.across.in) < density(j.along.in);
  j.a = (const char *)a + first * j.in_size;
  j.out = (char *)out + p->offset[0] * j.out_size;
  fold_narrow_rows(&j);
  return run(&j, elements);
}

int nd_sum(const nd_plan *p, void *out, const void *a) { return reduce(p, nd_current_isa()->reduce->sum, out, a); }
int nd_sum_squares(const nd_plan *p, void *out, const void *a) {
  return reduce(p, nd_current_isa()->reduce->sum_squares, out, a);
}
int nd_prod(const nd_plan *p, void *out, const void *a) { return reduce(p, nd_current_isa()->reduce->prod, out, a); }
int nd_max(const nd_plan *p, void *out, const void *a) { return reduce(p, nd_current_isa()->reduce->max, out, a); }
int nd_min(const nd_plan *p, void *out, const void *a) { return reduce(p, nd_current_isa()->reduce->min, out, a); }
