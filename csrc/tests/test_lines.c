/* test_lines.c - running sums and sorting along a line: strided, reversed, long enough for threads, nan and ties. */
#include "check.h"

enum { LINES = 40, N = 1000 };

static float a[LINES * N], sorted[LINES * N], total[LINES * N];
static int64_t places[LINES * N];

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
  CHECK(nd_argsort(&p, places, a, descending) == ND_OK, "argsort");
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

int main(void) {
  nd_set_num_threads(3);
  running_sums();
  orders(0);
  orders(1);
  return finish("lines");
}
