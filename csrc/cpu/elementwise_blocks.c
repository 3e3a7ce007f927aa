/* elementwise_blocks.c - elementwise kernels on transposed and on narrow operands.
 *
 * a.T + b: along a row of the output, a jumps a whole row of a at each step: every element read costs a cache line
 * of 16. Here the last two dimensions are cut into blocks that fit into the first-level cache; an operand that lies
 * badly is copied (packed) into a small compact block first, 8 x 8 elements at a time through SIMD registers, and
 * then the row function runs over compact rows.
 *
 * (100000, 3) + (3,): rows of three elements are all overhead. If the output is compact over the last two
 * dimensions, a block of many rows is computed as ONE row; operands that repeat are packed: once, if they are the
 * same for every block.
 */
#include "elementwise_blocks.h"
#include "errors.h"
#include "move.h"
#include "parallel.h"
#include "pool.h"

enum {
  TILE = 64,        /* a block of transposed operands is TILE x TILE */
  NARROW = 128,     /* rows shorter than this are joined */
  JOINED = 2048,    /* elements of a joined row */
  SLACK = 64        /* elements that packing may write beyond a block */
};

static int64_t size_of(int64_t stride) { return stride < 0 ? -stride : stride; }

/* Dimension `from` moves to place `to`; those between close ranks. The order never matters to the result. */
static void move_dimension(nd_plan *p, int operands, int from, int to) {
  const int step = from < to ? 1 : -1;
  for (int d = from; d != to; d += step) {
    const int64_t extent = p->shape[d];
    p->shape[d] = p->shape[d + step];
    p->shape[d + step] = extent;
    for (int k = 0; k < operands; k++) {
      const int64_t stride = p->stride[k][d];
      p->stride[k][d] = p->stride[k][d + step];
      p->stride[k][d + step] = stride;
    }
  }
}

/* The dimension along which operand k lies densest (smallest stride that is not 0); -1 if it is one element. */
static int densest(const nd_plan *p, int k) {
  int best = -1;
  for (int d = p->ndim - 1; d >= 0; d--)
    if (p->shape[d] > 1 && p->stride[k][d] && (best < 0 || size_of(p->stride[k][d]) < size_of(p->stride[k][best])))
      best = d;
  return best;
}

int nd_wants_blocks(const nd_elementwise_job *j, nd_plan *reordered) {
  const int last = j->p->ndim - 1;
  if (j->p->shape[last] < NARROW && j->p->shape[last] * j->p->stride[0][last] == j->p->stride[0][last - 1] &&
      j->p->stride[0][last] == 1) {
    *reordered = *j->p;
    return 1;
  }
  const int along = densest(j->p, 0);
  int awkward = along >= 0 && along != last;
  for (int k = 1; k < j->operands; k++) {
    const int dense = densest(j->p, k);
    awkward |= dense >= 0 && dense != last && j->p->stride[k][last] != 0;
  }
  if (!awkward) return 0;
  *reordered = *j->p;
  if (along >= 0) move_dimension(reordered, j->operands, along, last); /* the output is written along its rows */
  for (int k = 1; k < j->operands; k++) {
    const int dense = densest(reordered, k);
    if (dense >= 0 && dense != last && reordered->stride[k][last]) {
      move_dimension(reordered, j->operands, dense, last - 1);
      break;
    }
  }
  return 1;
}

typedef struct {
  const nd_elementwise_job *j;
  const nd_plan *p;
  int64_t rows, cols;           /* of a full block */
  int64_t row_blocks, col_blocks;
  int joined;                   /* a block is one long row */
  int packed[ND_MAX_OPERANDS];  /* this operand goes through scratch memory */
  int failed;
} blocks;

static void run_blocks(void *ctx, int64_t lo, int64_t hi) {
  blocks *b = ctx;
  const nd_plan *p = b->p;
  const nd_elementwise_job *j = b->j;
  const int last = p->ndim - 1;
  const int64_t room = (b->rows * b->cols + SLACK) * 8;
  char *const scratch = nd_scratch(ND_SCRATCH_TILE, room * j->operands);
  const char *packed_from[ND_MAX_OPERANDS] = {0};
  int64_t packed_rows[ND_MAX_OPERANDS] = {0};
  if (!scratch) {
    __atomic_store_n(&b->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t block = lo; block < hi; block++) {
    int64_t rest = block;
    const int64_t c0 = rest % b->col_blocks * b->cols;
    rest /= b->col_blocks;
    const int64_t r0 = rest % b->row_blocks * b->rows;
    rest /= b->row_blocks;
    const int64_t rows = p->shape[last - 1] - r0 < b->rows ? p->shape[last - 1] - r0 : b->rows;
    const int64_t cols = p->shape[last] - c0 < b->cols ? p->shape[last] - c0 : b->cols;
    int64_t at[ND_MAX_OPERANDS];
    for (int k = 0; k < j->operands; k++) at[k] = r0 * p->stride[k][last - 1] + c0 * p->stride[k][last];
    for (int d = last - 2; d >= 0; d--) {
      for (int k = 0; k < j->operands; k++) at[k] += rest % p->shape[d] * p->stride[k][d];
      rest /= p->shape[d];
    }
    void *data[ND_MAX_OPERANDS];
    int64_t stride[ND_MAX_OPERANDS], down[ND_MAX_OPERANDS]; /* along a row; from row to row, in bytes */
    for (int k = 0; k < j->operands; k++) {
      char *from = j->data[k] + at[k] * j->item_size[k];
      const int64_t rs = p->stride[k][last - 1], cs = p->stride[k][last];
      if (b->packed[k]) {
        char *to = scratch + k * room;
        /* an operand without rows of its own is the same in the next block: keep it */
        if (rs != 0 || packed_from[k] != from || packed_rows[k] < rows)
          nd_current_isa()->move->pack[j->item_size[k]](rows, cols, to, from, rs, cs);
        packed_from[k] = from;
        packed_rows[k] = rows;
        data[k] = to;
        stride[k] = 1;
        down[k] = cols * j->item_size[k];
      } else {
        data[k] = from;
        stride[k] = cs;
        down[k] = rs * j->item_size[k];
      }
    }
    if (b->joined) {
      j->row(rows * cols, data, stride, j->scalar);
    } else {
      for (int64_t r = 0; r < rows; r++) {
        j->row(cols, data, stride, j->scalar);
        for (int k = 0; k < j->operands; k++) data[k] = (char *)data[k] + down[k];
      }
    }
  }
}

int nd_run_blocks(const nd_elementwise_job *j, const nd_plan *p, int64_t grain) {
  const int last = p->ndim - 1;
  const int64_t rows = p->shape[last - 1], cols = p->shape[last];
  blocks b = {.j = j, .p = p, .rows = TILE, .cols = TILE};
  if (cols < NARROW && p->stride[0][last] == 1 && p->stride[0][last - 1] == cols) {
    b.joined = 1;
    b.cols = cols;
    b.rows = JOINED / cols;
  }
  if (b.rows > rows) b.rows = rows;
  if (b.cols > cols) b.cols = cols;
  b.row_blocks = (rows + b.rows - 1) / b.rows;
  b.col_blocks = (cols + b.cols - 1) / b.cols;
  for (int k = 1; k < j->operands; k++) {
    const int64_t rs = p->stride[k][last - 1], cs = p->stride[k][last];
    if (b.joined) b.packed[k] = rs != cs * cols; /* else it is one row already: compact or one element */
    else b.packed[k] = cs != 0 && size_of(rs) < size_of(cs);
  }
  int64_t count = b.row_blocks * b.col_blocks;
  for (int d = 0; d < last - 1; d++) count *= p->shape[d];
  nd_parallel_for(count, (grain + b.rows * b.cols - 1) / (b.rows * b.cols), run_blocks, &b);
  return b.failed ? ND_ENOMEM : ND_OK;
}
