/* test_gather.c - gather and scatter: rows, single elements, negative indices, repeated places, and bounds: an index out
 * of range must be reported, and before a scatter writes anything; threads may share rows that never meet. */
#include "check.h"

enum { ROWS = 50, COLS = 33, PICKS = 2000 };

/* The plan of out[i, c] = table[index[i], c]; `table_operand` is 1 for gather, 0 for scatter. */
static void row_plan(nd_plan *p, int table_operand) {
  set_extents(p, 2, (int64_t[]){PICKS, COLS});
  p->stride[table_operand][1] = 1;
  p->stride[1 - table_operand][0] = COLS, p->stride[1 - table_operand][1] = 1;
  p->stride[2][0] = 1;
  p->dtype[0] = p->dtype[1] = ND_F32, p->dtype[2] = ND_I64;
}

static float table[ROWS * COLS], picked[PICKS * COLS], want[ROWS * COLS];
static int64_t rows[PICKS];

static void whole_rows(void) {
  nd_plan p;
  for (int i = 0; i < ROWS * COLS; i++) table[i] = (float)i;
  for (int i = 0; i < PICKS; i++) rows[i] = below(2 * ROWS) - ROWS;
  row_plan(&p, 1);
  CHECK(nd_gather(&p, picked, table, rows, COLS, ROWS) == ND_OK, "gather");
  for (int i = 0; i < PICKS * COLS; i++) {
    const int64_t r = (rows[i / COLS] + ROWS) % ROWS;
    CHECK(picked[i] == table[r * COLS + i % COLS], "gather at %d", i);
  }
  row_plan(&p, 0);
  memset(table, 0, sizeof table), memset(want, 0, sizeof want);
  CHECK(nd_scatter(&p, table, picked, rows, COLS, ROWS, 1) == ND_OK, "scatter-add");
  for (int i = 0; i < PICKS * COLS; i++) want[(rows[i / COLS] + ROWS) % ROWS * COLS + i % COLS] += picked[i];
  CHECK(!memcmp(table, want, sizeof want), "scatter-add must add in the order of the points");
  CHECK(nd_scatter(&p, table, picked, rows, COLS, ROWS, 0) == ND_OK, "scatter");
  for (int i = 0; i < PICKS * COLS; i++) want[(rows[i / COLS] + ROWS) % ROWS * COLS + i % COLS] = picked[i];
  CHECK(!memcmp(table, want, sizeof want), "scatter: the last point wins");
}

/* out[i, c] = table[index[i, c], c]: another row for each element; the index is read backwards. */
static void single_elements(void) {
  static int64_t index[20 * COLS];
  float out[20 * COLS];
  nd_plan p;
  set_extents(&p, 2, (int64_t[]){20, COLS});
  p.stride[0][0] = COLS, p.stride[0][1] = 1;
  p.stride[1][1] = 1;
  p.offset[2] = 20 * COLS - 1, p.stride[2][0] = -COLS, p.stride[2][1] = -1;
  p.dtype[2] = ND_I64;
  for (int i = 0; i < ROWS * COLS; i++) table[i] = (float)i;
  for (int i = 0; i < 20 * COLS; i++) index[i] = below(ROWS);
  CHECK(nd_gather(&p, out, table, index, COLS, ROWS) == ND_OK, "gather elements");
  for (int i = 0; i < 20 * COLS; i++)
    CHECK(out[i] == table[index[20 * COLS - 1 - i] * COLS + i % COLS], "gather elements at %d", i);
}

/* table[i, index[i, k]] (+)= val[i, k]: a row of the table for each row, enough of them for threads. Then rows of the table
 * lie one element apart and overlap: order counts, and threads may not share them. */
static void many_rows(void) {
  enum { M = 900, N = 70, WIDE = 40 };
  static float val[M * N], got[M * WIDE], right[M * WIDE];
  static int64_t index[M * N];
  nd_plan p;
  for (int row = WIDE; row >= 1; row -= WIDE - 1)
    for (int add = 0; add < 2; add++) {
      set_extents(&p, 2, (int64_t[]){M, N});
      p.stride[0][0] = row;
      for (int k = 1; k < 3; k++) p.stride[k][0] = N, p.stride[k][1] = 1;
      p.dtype[2] = ND_I64;
      for (int i = 0; i < M * WIDE; i++) got[i] = right[i] = (float)i;
      for (int i = 0; i < M * N; i++) val[i] = (float)uniform(-1, 1), index[i] = below(2 * WIDE) - WIDE;
      for (int i = 0; i < M * N; i++) {
        float *to = &right[i / N * row + (index[i] + WIDE) % WIDE];
        *to = add ? *to + val[i] : val[i];
      }
      CHECK(nd_scatter(&p, got, val, index, 1, WIDE, add) == ND_OK, "scatter in rows %d apart", row);
      CHECK(!memcmp(got, right, sizeof right), "scatter in rows %d apart, add %d", row, add);
    }
}

static void bounds(void) {
  nd_plan p;
  const int64_t outside[] = {ROWS, -ROWS - 1, INT64_MAX, INT64_MIN};
  for (int k = 0; k < 4; k++) {
    memset(rows, 0, sizeof rows);
    rows[PICKS - 1] = outside[k];
    row_plan(&p, 1);
    CHECK(nd_gather(&p, picked, table, rows, COLS, ROWS) == ND_EINDEX, "gather must refuse %ld", (long)outside[k]);
    CHECK(nd_error_detail() == outside[k], "the index is named");
    row_plan(&p, 0);
    table[0] = -2;
    CHECK(nd_scatter(&p, table, picked, rows, COLS, ROWS, 1) == ND_EINDEX, "scatter must refuse");
    CHECK(table[0] == -2, "nothing written");
  }
  rows[PICKS - 1] = 0;
  p.dtype[2] = ND_I32;
  CHECK(nd_scatter(&p, table, picked, rows, COLS, ROWS, 1) == ND_EDTYPE, "indices are int64");
}

static void all(void) {
  whole_rows();
  single_elements();
  many_rows();
  bounds();
}

int main(void) {
  nd_set_num_threads(3);
  for_every_isa(all);
  return finish("gather");
}
