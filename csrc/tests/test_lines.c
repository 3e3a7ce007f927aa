/* test_lines.c - running sums, linear recurrences and sorting along a line: strided, reversed, rows and columns, long
 * enough for threads and for dealing, short enough for merging, nan and ties. */
#include "check.h"

enum { LINES = 39, LONGEST = 1000 };

static int N = LONGEST;
static float a[LINES * LONGEST], b[LINES * LONGEST], sorted[LINES * LONGEST], total[LINES * LONGEST];
static int64_t places[LINES * LONGEST], some[LINES * LONGEST];

/* out[i, k] is row-major; a is read backwards, and its lines are columns. */
static void plan_of(nd_plan *p, int result) {
  set_extents(p, 2, (int64_t[]){LINES, N});
  p->stride[0][0] = N, p->stride[0][1] = 1;
  p->offset[1] = LINES * N - 1, p->stride[1][0] = -1, p->stride[1][1] = -LINES;
  p->dtype[0] = result, p->dtype[1] = ND_F32;
}

static float value(int line, int k) { return a[LINES * N - 1 - line - k * LINES]; }

static void running_sums(void) {
  nd_plan p;
  plan_of(&p, ND_F32);
  for (int i = 0; i < LINES * N; i++) a[i] = (float)below(100);
  CHECK(nd_cumsum(&p, total, a) == ND_OK, "cumsum");
  for (int i = 0; i < LINES; i++) {
    float sum = 0; /* whole numbers: exact */
    for (int k = 0; k < N; k++) {
      sum += value(i, k);
      CHECK(total[i * N + k] == sum, "cumsum at %d, %d", i, k);
    }
  }
  p.dtype[0] = ND_I64;
  CHECK(nd_cumsum(&p, total, a) == ND_EDTYPE, "cumsum of floats is of floats");
}

static void orders(int descending) {
  nd_plan p;
  plan_of(&p, ND_F32);
  for (int i = 0; i < LINES * N; i++) a[i] = below(20) == 0 ? (float)NAN : (float)below(50);
  CHECK(nd_sort(&p, sorted, a, descending) == ND_OK, "sort");
  p.dtype[0] = ND_I64;
  CHECK(nd_argsort(&p, places, a, descending, p.shape[p.ndim - 1]) == ND_OK, "argsort");
  for (int64_t most = 0; most <= N; most += 1 + most / 2) { /* few are selected, many sorted */
    memset(some, -1, sizeof some);
    CHECK(nd_argsort(&p, some, a, descending, most) == ND_OK, "the first of argsort");
    for (int i = 0; i < LINES * N; i++)
      CHECK(some[i] == (i % N < most ? places[i] : -1), "the first %d of argsort at %d", (int)most, i);
  }
  CHECK(nd_argsort(&p, some, a, descending, N + 1) == ND_EPLAN, "there are no more than all");
  for (int i = 0; i < LINES; i++)
    for (int k = 0; k < N; k++) {
      const float here = sorted[i * N + k], from = value(i, (int)places[i * N + k]);
      CHECK(here == from || (here != here && from != from), "argsort at %d, %d", i, k);
      if (k == 0) continue;
      const float x = descending ? here : sorted[i * N + k - 1], y = descending ? sorted[i * N + k - 1] : here;
      CHECK(x <= y || y != y, "sort at %d, %d", i, k);
      const int equal = x == y || (x != x && y != y);
      CHECK(!equal || places[i * N + k - 1] < places[i * N + k], "stable at %d, %d", i, k);
    }
}

/* Whole numbers: exact. Operands in rows (`rows`) or in columns. */
static void recurrences(int rows) {
  nd_plan p;
  set_extents(&p, 2, (int64_t[]){LINES, N});
  for (int k = 0; k < 3; k++) {
    p.dtype[k] = ND_F32;
    p.stride[k][0] = rows ? N : 1, p.stride[k][1] = rows ? 1 : LINES;
  }
  const int down = rows ? N : 1, on = rows ? 1 : LINES;
  for (int i = 0; i < LINES * N; i++) a[i] = (float)below(3) - 1, b[i] = (float)below(9);
  for (int i = 0; i < LINES; i++) a[i * down] = INFINITY; /* nobody reads it */
  CHECK(nd_linear_scan(&p, total, a, b) == ND_OK, "linear_scan");
  for (int i = 0; i < LINES; i++) {
    float y = 0;
    for (int k = 0; k < N; k++) {
      const int at = i * down + k * on;
      y = (k ? a[at] * y : 0) + b[at];
      CHECK(total[at] == y, "linear_scan at %d, %d", i, k);
    }
  }
  p.dtype[2] = ND_F64;
  CHECK(nd_linear_scan(&p, total, a, b) == ND_EDTYPE, "linear_scan of one type");
  p.dtype[0] = p.dtype[1] = p.dtype[2] = ND_I32;
  CHECK(nd_linear_scan(&p, total, a, b) == ND_EDTYPE, "linear_scan of floats");
}

static void running_places(void) {
  nd_plan p;
  plan_of(&p, ND_I64);
  for (int i = 0; i < LINES * N; i++) a[i] = below(30) == 0 ? (float)NAN : (float)below(50);
  for (int smallest = 0; smallest < 2; smallest++) {
    CHECK((smallest ? nd_cumargmin : nd_cumargmax)(&p, places, a) == ND_OK, "cumargmax");
    for (int i = 0; i < LINES; i++) {
      int64_t at = 0;
      for (int k = 0; k < N; k++) {
        const float here = value(i, k), best = value(i, (int)at);
        if (here != here || (smallest ? here <= best : here >= best)) at = k;
        CHECK(places[i * N + k] == at, "cumargmax at %d, %d", i, k);
      }
    }
  }
  p.dtype[0] = ND_F32;
  CHECK(nd_cumargmin(&p, places, a) == ND_EDTYPE, "places are whole numbers");
}

/* The same sums of rows and of columns; a bundle of four rows, and those that are left over. */
static void both_ways(void) {
  nd_plan p;
  for (int i = 0; i < LINES * N; i++) a[i] = (float)below(100);
  for (int rows = 0; rows < 2; rows++) {
    const int down = rows ? N : 1, on = rows ? 1 : LINES;
    set_extents(&p, 2, (int64_t[]){LINES, N});
    for (int k = 0; k < 2; k++) p.dtype[k] = ND_F32, p.stride[k][0] = down, p.stride[k][1] = on;
    CHECK(nd_cumsum(&p, total, a) == ND_OK, "cumsum");
    for (int i = 0; i < LINES; i++) {
      float sum = 0;
      for (int k = 0; k < N; k++) {
        sum += a[i * down + k * on];
        CHECK(total[i * down + k * on] == sum, "cumsum at %d, %d", i, k);
      }
    }
  }
}

int main(void) {
  nd_set_num_threads(3);
  for (N = 30; N <= LONGEST; N += LONGEST - 30) {
    running_sums();
    both_ways();
    running_places();
    recurrences(0);
    recurrences(1);
    orders(0);
    orders(1);
  }
  return finish("lines");
}
