/* recurrence.c - recurrent networks through time: at each moment a product of the states with their weight, then the cell.
 *
 * Sequences know nothing of each other, so threads share sequences, not moments: each goes through time with its own rows,
 * and nobody waits for anybody. Moment t has the rows of all sequences that are longer than t, the longest first. Sequence k
 * is row k of every moment that it has, so a moment's rows go on from the first rows of the one before, and those that have
 * no moment before begin with the given state.
 */
#include <string.h>
#include "gemm.h"
#include "parallel.h"
#include "pool.h"
#include "recurrence.h"

enum { ROWS_AT_ONCE = 8, WORK_AT_ONCE = 1 << 17 }; /* a piece: products of fewer rows read the weight in vain */

typedef struct {
  int kind, type, reverse;
  int64_t steps, hidden, gates; /* gates: numbers in a row of them */
  int64_t unit, wide;           /* bytes of a row of states, of gates */
  const int64_t *sizes, *starts; /* of each moment: its rows, and the first of them */
  nd_cell *cell;
  const char *weight, *bias, *h0, *c0, *g; /* backward: the weight transposed, for rows of it are what is read */
  char *of_gates, *h, *c, *h_end, *c_end, *g_h, *g_c, *out, *out_of_state;
  int error;
} job;

static int gates_of(int kind) { return kind == ND_LSTM ? 4 : kind == ND_GRU ? 3 : 1; }

/* Moment number s in the order of the network: the last one first if it reads backwards. */
static int64_t moment(const job *j, int64_t s) { return j->reverse ? j->steps - 1 - s : s; }

static void multiply(job *j, nd_product x) {
  const int error = x.m > 0 ? nd_current_isa()->gemm->product[j->type](&x) : ND_OK;
  if (error) __atomic_store_n(&j->error, error, __ATOMIC_RELAXED);
}

/* to += (or =) states weight, for `rows` rows. */
static void of_states(job *j, int64_t rows, const char *states, char *to, int accumulate) {
  multiply(j, (nd_product){.m = rows, .n = j->gates, .k = j->hidden, .a_row = j->hidden, .a_col = 1, .b_row = j->gates,
                           .b_col = 1, .c_row = j->gates, .c_col = 1, .a = states, .b = j->weight, .c = to,
                           .accumulate = accumulate});
}

/* Rows low .. high-1 of moment t, whose rows below `known` go on from those of moment `last`. */
static void forward_moment(job *j, int64_t low, int64_t high, int64_t t, int64_t last, int64_t known, char *scratch) {
  const int64_t start = j->starts[t], middle = known < low ? low : known < high ? known : high;
  char *const before = j->h + (known ? j->starts[last] : 0) * j->unit;
  char *to = j->of_gates + (start + low) * j->wide;
  if (j->kind == ND_GRU) {
    for (int64_t k = low; k < high; k++) memcpy(scratch + (k - low) * j->wide, j->bias, (size_t)j->wide);
    to = scratch;
  }
  of_states(j, middle - low, before + low * j->unit, to, 1);
  of_states(j, high - middle, j->h0 + middle * j->unit, to + (middle - low) * j->wide, 1);
  for (int64_t k = low; k < high; k++) {
    const int64_t at = (start + k) * j->unit;
    const nd_moment m = {
        .gates = j->of_gates + (start + k) * j->wide, .of_state = scratch + (k - low) * j->wide,
        .h_before = k < middle ? before + k * j->unit : j->h0 + k * j->unit,
        .c_before = k < middle ? j->c + (j->starts[last] + k) * j->unit : j->c0 + k * j->unit,
        .h = j->h + at, .c = j->c + at};
    j->cell(j->hidden, &m);
  }
}

/* The states of rows low .. high-1 of moment t are those at the end. */
static void ends(job *j, int64_t low, int64_t high, int64_t t) {
  if (low >= high) return;
  const int64_t from = (j->starts[t] + low) * j->unit, to = low * j->unit;
  const size_t bytes = (size_t)((high - low) * j->unit);
  memcpy(j->h_end + to, j->h + from, bytes);
  if (j->kind == ND_LSTM) memcpy(j->c_end + to, j->c + from, bytes);
}

static void forward(void *ctx, int64_t low, int64_t high) {
  job *j = ctx;
  char *scratch = j->kind == ND_GRU ? nd_scratch(ND_SCRATCH_ROW, (high - low) * j->wide) : j->of_gates;
  if (!scratch) {
    __atomic_store_n(&j->error, ND_ENOMEM, __ATOMIC_RELAXED);
    return;
  }
  int64_t known = 0, last = 0;
  for (int64_t s = 0; s < j->steps; s++) {
    const int64_t t = moment(j, s), rows = j->sizes[t], top = rows < high ? rows : high;
    if (low < top) forward_moment(j, low, top, t, last, known < rows ? known : rows, scratch);
    const int64_t go_on = j->reverse ? (t ? rows : 0) : t + 1 < j->steps ? j->sizes[t + 1] : 0;
    ends(j, go_on < low ? low : go_on, top, t);
    known = rows;
    last = t;
  }
}

static void backward(void *ctx, int64_t low, int64_t high) {
  job *j = ctx;
  char *const of_state = j->kind == ND_GRU ? j->out_of_state : j->out;
  for (int64_t s = j->steps - 1; s >= 0; s--) {
    const int64_t t = moment(j, s), start = j->starts[t], rows = j->sizes[t], top = rows < high ? rows : high;
    if (low >= top) continue;
    const int64_t last = s ? moment(j, s - 1) : 0, known = s ? (j->sizes[last] < rows ? j->sizes[last] : rows) : 0;
    for (int64_t k = low; k < top; k++) {
      const int64_t at = (start + k) * j->unit, own = k * j->unit, before = (j->starts[last] + k) * j->unit;
      const nd_moment m = {
          .gates = j->of_gates + (start + k) * j->wide, .h = j->h + at, .c = j->c + at, .g = j->g + at,
          .h_before = k < known ? j->h + before : j->h0 + own, .c_before = k < known ? j->c + before : j->c0 + own,
          .g_h = j->g_h + own, .g_c = j->g_c + own, .out = j->out + (start + k) * j->wide,
          .out_of_state = of_state + (start + k) * j->wide};
      j->cell(j->hidden, &m);
    }
    multiply(j, (nd_product){.m = top - low, .n = j->hidden, .k = j->gates, .a_row = j->gates, .a_col = 1, .b_row = j->hidden,
                             .b_col = 1, .c_row = j->hidden, .c_col = 1, .a = of_state + (start + low) * j->wide,
                             .b = j->weight, .c = j->g_h + low * j->unit, .accumulate = j->kind == ND_GRU});
  }
}

static int run(job *j, int64_t n, const int64_t *sizes, int64_t steps, int64_t hidden, int kind, int reverse,
               nd_body body) {
  if (j->type != ND_F32 && j->type != ND_F64) return ND_EDTYPE;
  if (kind < 0 || kind >= ND_RECURRENCE_KINDS || steps < 1 || hidden < 1 || sizes[steps - 1] < 0) return ND_EPLAN;
  int64_t *starts = nd_scratch(ND_SCRATCH_NORM, steps * (int64_t)sizeof *starts), rows = 0;
  if (!starts) return ND_ENOMEM;
  for (int64_t t = 0; t < steps; t++) {
    if (t && sizes[t] > sizes[t - 1]) return ND_EPLAN;
    starts[t] = rows;
    rows += sizes[t];
  }
  if (rows != n) return ND_EPLAN;
  const int64_t size = nd_item_size(j->type);
  j->kind = kind, j->reverse = reverse, j->steps = steps, j->sizes = sizes, j->starts = starts, j->hidden = hidden;
  j->gates = gates_of(kind) * hidden;
  j->unit = hidden * size, j->wide = j->gates * size;
  const nd_recurrence_table *table = nd_current_isa()->recurrence;
  j->cell = (j->g ? table->backward : table->forward)[kind][j->type];
  const int64_t of_row = steps * j->gates * hidden, enough = WORK_AT_ONCE / of_row + 1;
  if (sizes[0]) nd_parallel_for(sizes[0], enough < ROWS_AT_ONCE ? ROWS_AT_ONCE : enough, body, j);
  return j->error;
}

int nd_recurrence_dense(int dtype, int64_t n, void *gates, const void *weight, const void *bias, const void *h0,
                        const void *c0, void *h, void *c, void *h_end, void *c_end, const int64_t *sizes, int64_t steps,
                        int64_t hidden, int kind, int reverse) {
  job j = {.type = dtype, .of_gates = gates, .weight = weight, .bias = bias, .h0 = h0, .c0 = c0, .h = h, .c = c,
           .h_end = h_end, .c_end = c_end};
  return run(&j, n, sizes, steps, hidden, kind, reverse, forward);
}

int nd_recurrence_backward_dense(int dtype, int64_t n, void *out, const void *gates, const void *transposed, const void *h0,
                                 const void *c0, const void *h, const void *c, const void *g, void *g_h, void *g_c,
                                 void *out_of_state, const int64_t *sizes, int64_t steps, int64_t hidden, int kind,
                                 int reverse) {
  job j = {.type = dtype, .of_gates = (char *)gates, .weight = transposed, .h0 = h0, .c0 = c0, .h = (char *)h,
           .c = (char *)c, .g = g, .g_h = g_h, .g_c = g_c, .out = out, .out_of_state = out_of_state};
  return run(&j, n, sizes, steps, hidden, kind, reverse, backward);
}
