/* test_taps.c - weighted sums along one dimension against their definition; every array is of just its size. */
#include "check.h"

static void *block(int64_t bytes) { return malloc((size_t)(bytes ? bytes : 1)); }

static void one(int64_t outer, int64_t n, int64_t m, int64_t inner, int most) {
  int64_t *start = block((m + 1) * 8);
  start[0] = 0;
  for (int64_t j = 0; j < m; j++) start[j + 1] = start[j] + (n ? most < 0 ? -most : below(most + 1) : 0);
  const int64_t terms = start[m];
  int64_t *place = block(terms * 8);
  float *weight = block(terms * 4), *a = block(outer * n * inner * 4), *out = block(outer * m * inner * 4);
  for (int64_t k = 0; k < terms; k++) place[k] = below(n), weight[k] = (float)uniform(-1, 1);
  for (int64_t i = 0; i < outer * n * inner; i++) a[i] = (float)uniform(-1, 1);
  CHECK(nd_taps_dense(ND_F32, outer, out, a, start, place, weight, n, m, inner) == ND_OK, "taps");
  for (int64_t o = 0; o < outer; o++)
    for (int64_t j = 0; j < m; j++)
      for (int64_t i = 0; i < inner; i++) {
        double want = 0;
        for (int64_t k = start[j]; k < start[j + 1]; k++) want += (double)weight[k] * a[(o * n + place[k]) * inner + i];
        const double got = out[(o * m + j) * inner + i];
        CHECK(fabs(got - want) < 1e-5, "%d places, inner %d: %g, wanted %g", (int)terms, (int)inner, got, want);
      }
  if (terms) {
    place[terms - 1] = below(2) ? n : -1;
    CHECK(nd_taps_dense(ND_F32, outer, out, a, start, place, weight, n, m, inner) == ND_EINDEX &&
              nd_error_detail() == place[terms - 1], "a place beside the array");
  }
  free(start), free(place), free(weight), free(a), free(out);
}

int main(void) {
  nd_set_num_threads(3);
  for (int i = 0; i < 60; i++) one(1 + below(9), 1 + below(20), 1 + below(20), below(2) ? 1 : 1 + below(40), (int)below(5));
  for (int i = 0; i < 20; i++) one(1 + below(9), 1 + below(20), 1 + below(20), 1 + below(40), -2);
  one(700, 8, 16, 33, -2), one(5000, 8, 16, 1, 3); /* enough for several threads */
  one(0, 3, 4, 5, 2), one(3, 0, 4, 5, 2), one(3, 4, 0, 5, 2), one(3, 4, 5, 0, 2);
  CHECK(nd_taps_dense(ND_I32, 0, NULL, NULL, NULL, NULL, NULL, 1, 1, 1) == ND_EDTYPE, "integers");
  return finish("taps");
}
