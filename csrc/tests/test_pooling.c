/* test_pooling.c - pooling against the definition, window by window, in buffers that end where the arrays do, so that the
 * address sanitizer sees every step beyond. Whole numbers and few of them: results are exact, and ties are many. */
#include "check.h"
#include "kernel_types.h"

typedef struct {
  nd_plan axes;   /* the array's own four axes; operand 0 */
  int64_t count, needed;
  double *values; /* in row-major order of these */
  void *memory;
} array;

static double get(int type, const void *p, int64_t i) {
  return type == ND_F32 ? ((const f32 *)p)[i] : type == ND_F64 ? ((const f64 *)p)[i] : ((const i32 *)p)[i];
}
static void put(int type, void *p, int64_t i, double v) {
  if (type == ND_F32) ((f32 *)p)[i] = (f32)v;
  else if (type == ND_F64) ((f64 *)p)[i] = v;
  else ((i32 *)p)[i] = (i32)v;
}

static int compact; /* whether arrays are row-major without gaps */

static int64_t compact_layout(nd_plan *p, int k) {
  int64_t stride = 1;
  for (int d = 3; d >= 0; d--) p->stride[k][d] = stride, stride *= p->shape[d];
  return stride;
}

static array make(int type, const int64_t *extent) {
  array a;
  int64_t some[4]; /* an empty array is laid out as one of one element */
  for (int d = 0; d < 4; d++) some[d] = extent[d] ? extent[d] : 1;
  set_extents(&a.axes, 4, some);
  if (compact) a.needed = compact_layout(&a.axes, 0);
  else if (below(3)) a.needed = random_layout(&a.axes, 0, 0);
  else { /* channels last, as kernels like them best */
    const int64_t stride[4] = {some[1] * some[2] * some[3], 1, some[1] * some[3], some[1]};
    for (int d = 0; d < 4; d++) a.axes.stride[0][d] = stride[d];
    a.needed = a.axes.size;
  }
  a.count = 1;
  for (int d = 0; d < 4; d++) a.count *= a.axes.shape[d] = extent[d];
  a.values = malloc((size_t)(a.count + 1) * sizeof(double));
  a.memory = malloc((size_t)(a.needed * nd_item_size(type)));
  for (int64_t i = 0; i < a.needed; i++) put(type, a.memory, i, 99);
  for (int64_t i = 0; i < a.count; i++) {
    const int64_t kind = below(12);
    a.values[i] = kind == 0 ? NAN : kind < 3 ? -INFINITY : (double)(below(5) - 2);
    put(type, a.memory, element(&a.axes, 0, i), a.values[i]);
  }
  return a;
}

static void let_go(array *a) { free(a->values), free(a->memory); }

static void operand_of(nd_plan *p, int k, int type, const array *a) {
  p->dtype[k] = type;
  p->offset[k] = a->axes.offset[0];
  for (int d = 0; d < 4; d++) p->stride[k][d] = a->axes.stride[0][d];
}

static int same(double a, double b) { return a == b || (a != a && b != b); }

/* What nobody may write to: all of the memory but the elements, marked with 99 at the beginning. */
static int64_t marks(int type, const array *a) {
  int64_t left = 0;
  for (int64_t i = 0; i < a->needed; i++) left += get(type, a->memory, i) == 99;
  return left;
}

/* The definition: the largest element that window (i, j) of plane n sees, and its place. */
static double largest(const array *x, const int64_t *w, int64_t n, int64_t i, int64_t j, int64_t *place) {
  double best = -INFINITY;
  *place = -1;
  for (int64_t k = 0; k < w[4]; k++)
    for (int64_t l = 0; l < w[9]; l++) {
      const int64_t row = i * w[1] + k * w[2] + w[0], column = j * w[6] + l * w[7] + w[5];
      if (row < 0 || row >= w[3] || column < 0 || column >= w[8]) continue;
      const double v = x->values[(n * w[3] + row) * w[8] + column];
      if (v > best || v != v || *place < 0) best = v, *place = row * w[8] + column;
    }
  return best;
}

static void check_max(int type, const int64_t *shape, const int64_t *w) {
  const int64_t extent[4] = {shape[0], shape[1], w[3], w[8]};
  array x = make(type, extent), y = make(type, shape), places = make(ND_I32, shape), back = make(type, extent);
  nd_plan p;
  set_extents(&p, 4, shape);
  operand_of(&p, 0, type, &y), operand_of(&p, 1, ND_I32, &places), operand_of(&p, 2, type, &x);
  const int64_t gaps = y.needed - y.count, gaps_behind = back.needed - back.count;
  int error = nd_max_pool(&p, y.memory, places.memory, x.memory, w);
  double *sum = calloc((size_t)(x.count + 1), sizeof(double));
  int64_t wrong = 0;
  for (int64_t n = 0; n < y.count; n++) {
    int64_t place;
    const int64_t j = n % shape[3], i = n / shape[3] % shape[2], at = n / shape[3] / shape[2];
    const double best = largest(&x, w, at, i, j, &place);
    wrong += !same(best, get(type, y.memory, element(&y.axes, 0, n))) ||
             place != get(ND_I32, places.memory, element(&places.axes, 0, n));
    y.values[n] = (double)(below(7) - 3); /* from here on it is the adjoint */
    if (place >= 0) sum[at * w[3] * w[8] + place] += y.values[n];
  }
  CHECK(!error && !wrong && marks(type, &y) == gaps, "max, error %d, %lld wrong, type %d: %lld x %lld planes, %lld x %lld windows %lld x %lld on %lld x %lld",
        error, (long long)wrong, type, (long long)shape[0], (long long)shape[1], (long long)shape[2], (long long)shape[3],
        (long long)w[4], (long long)w[9], (long long)w[3], (long long)w[8]);
  array other = make(type, shape);
  operand_of(&p, 0, type, &other);
  error = nd_max_pool(&p, other.memory, NULL, x.memory, w);
  for (int64_t n = 0; n < y.count; n++) {
    const int64_t at = element(&y.axes, 0, n);
    wrong += !same(get(type, other.memory, element(&other.axes, 0, n)), get(type, y.memory, at));
    put(type, y.memory, at, y.values[n]);
  }
  CHECK(!error && !wrong, "max without places, error %d, %lld wrong, type %d", error, (long long)wrong, type);
  operand_of(&p, 0, type, &back), operand_of(&p, 1, type, &y), operand_of(&p, 2, ND_I32, &places);
  error = nd_max_pool_backward(&p, back.memory, y.memory, places.memory, w);
  for (int64_t n = 0; n < back.count; n++) wrong += get(type, back.memory, element(&back.axes, 0, n)) != sum[n];
  CHECK(!error && !wrong && marks(type, &back) == gaps_behind, "max backward, error %d, %lld wrong, type %d: %lld x %lld planes of %lld x %lld",
        error, (long long)wrong, type, (long long)shape[0], (long long)shape[1], (long long)w[3], (long long)w[8]);
  free(sum);
  let_go(&x), let_go(&y), let_go(&places), let_go(&back), let_go(&other);
}

/* By what the definition divides along one axis. */
static double counted(const int64_t *a, int64_t j, int64_t divide) {
  if (divide > 0) return 1;
  const int64_t first = j * a[1] + a[0], pad = divide == ND_WINDOW ? -a[0] : 0;
  const int64_t end = first + a[4] < a[3] + pad ? first + a[4] : a[3] + pad;
  return (double)(end - (divide == ND_SEEN && first < 0 ? 0 : first));
}

static int close_to(double a, double b, int type) { return same(a, b) || fabs(a - b) < (type == ND_F32 ? 1e-4 : 1e-12); }

static void check_mean(int type, const int64_t *shape, const int64_t *w, int64_t divide) {
  const int64_t extent[4] = {shape[0], shape[1], w[3], w[8]};
  array x = make(type, extent), y = make(type, shape), back = make(type, extent), g = make(type, shape);
  for (int64_t n = 0; n < g.count; n++) put(type, g.memory, element(&g.axes, 0, n), g.values[n] = (double)(below(7) - 3));
  const int64_t gaps = y.needed - y.count, gaps_behind = back.needed - back.count;
  nd_plan p;
  set_extents(&p, 4, shape);
  operand_of(&p, 0, type, &y), operand_of(&p, 1, type, &x);
  int error = nd_avg_pool(&p, y.memory, x.memory, w, divide);
  double *sums = calloc((size_t)(x.count + 1), sizeof(double));
  int64_t wrong = 0;
  for (int64_t n = 0; n < y.count; n++) {
    const int64_t j = n % shape[3], i = n / shape[3] % shape[2], at = n / shape[3] / shape[2];
    const double by = divide > 0 ? (double)divide : counted(w, i, divide) * counted(w + 5, j, divide);
    double sum = 0;
    for (int64_t k = 0; k < w[4]; k++)
      for (int64_t l = 0; l < w[9]; l++) {
        const int64_t row = i * w[1] + k + w[0], column = j * w[6] + l + w[5];
        if (row < 0 || row >= w[3] || column < 0 || column >= w[8]) continue;
        sum += x.values[(at * w[3] + row) * w[8] + column];
        sums[(at * w[3] + row) * w[8] + column] += g.values[n] / by;
      }
    wrong += !close_to(sum / by, get(type, y.memory, element(&y.axes, 0, n)), type);
  }
  CHECK(!error && !wrong && marks(type, &y) == gaps, "mean, error %d, %lld wrong, type %d, divide %lld: %lld x %lld on %lld x %lld", error,
        (long long)wrong, type, (long long)divide, (long long)w[4], (long long)w[9], (long long)w[3], (long long)w[8]);
  operand_of(&p, 0, type, &back), operand_of(&p, 1, type, &g);
  error = nd_avg_pool_backward(&p, back.memory, g.memory, w, divide);
  for (int64_t n = 0; n < back.count; n++) wrong += !close_to(get(type, back.memory, element(&back.axes, 0, n)), sums[n], type);
  CHECK(!error && !wrong && marks(type, &back) == gaps_behind, "mean backward, error %d, %lld wrong, type %d, divide %lld: %lld x %lld on %lld x %lld",
        error, (long long)wrong, type, (long long)divide, (long long)w[4], (long long)w[9], (long long)w[3], (long long)w[8]);
  free(sums);
  let_go(&x), let_go(&y), let_go(&back), let_go(&g);
}

static void means(void) {
  for (int trial = 0; trial < 200; trial++) {
    int64_t shape[4] = {below(4), below(6)}, w[10];
    if (trial % 10 == 0) shape[1] = 30 + below(10);
    for (int d = 0; d < 2; d++) {
      int64_t *a = w + 5 * d;
      a[1] = 1 + below(3), a[2] = 1, a[4] = 1 + below(4), a[0] = -below(a[4] / 2 + 1);
      a[3] = a[4] + below(trial % 4 == 0 && d ? 70 : 9); /* the last window may reach beyond the padding: ceil */
      shape[2 + d] = (a[3] - 2 * a[0] - a[4]) / a[1] + 1;
      if (below(2) && shape[2 + d] * a[1] < a[3] - a[0]) shape[2 + d]++;
    }
    nd_set_num_threads(1 + (int)below(3));
    check_mean(trial % 2 ? ND_F64 : ND_F32, shape, w, below(3) - 1);
    check_mean(trial % 2 ? ND_F64 : ND_F32, shape, w, 5);
  }
  check_mean(ND_F32, (int64_t[]){1, 2, 1, 9000}, (int64_t[]){0, 1, 1, 1, 1, -1, 2, 1, 18000, 3}, ND_WINDOW);
  const int64_t dilated[10] = {0, 1, 1, 2, 1, 0, 1, 2, 2, 1}, window[10] = {0, 1, 1, 2, 1, 0, 1, 1, 2, 1};
  nd_plan p = {.ndim = 4, .size = 1, .shape = {1, 1, 1, 1}};
  float x[4] = {0}, y[1];
  CHECK(nd_avg_pool(&p, y, x, dilated, 0) == ND_EPLAN, "a dilation");
  CHECK(nd_avg_pool(&p, y, x, window, -2) == ND_EPLAN, "a divisor below 0");
  p.dtype[1] = ND_F64;
  CHECK(nd_avg_pool_backward(&p, x, y, window, 0) == ND_EDTYPE, "mixed types");
}

static void test(void) {
  means();
  for (int trial = 0; trial < 200; trial++) {
    int64_t shape[4] = {below(4), below(6)}, w[10];
    if (trial % 10 == 0) shape[1] = 30 + below(10); /* two blocks of channels */
    for (int d = 0; d < 2; d++) {
      int64_t *a = w + 5 * d;
      shape[2 + d] = 1 + below(trial % 4 == 0 && d ? 70 : 6);
      a[1] = 1 + below(3), a[2] = 1 + below(3), a[4] = 1 + below(4), a[0] = below(7) - 5;
      a[3] = a[0] + (shape[2 + d] - 1) * a[1] + (a[4] - 1) * a[2] + 1 - below(6) + below(3);
      if (a[3] < 0) a[3] = 0;
    }
    nd_set_num_threads(1 + (int)below(3));
    check_max(trial % 2 ? ND_F64 : ND_F32, shape, w);
  }
  /* More windows in a row than are worked on at once; few channels in the last block, of which more rows fit. */
  check_max(ND_F32, (int64_t[]){1, 2, 1, 9000}, (int64_t[]){0, 1, 1, 1, 1, -2, 2, 3, 18000, 3});
  for (int i = 0; i < 4; i++)
    check_max(ND_F64, (int64_t[]){1, 33, 60, 9}, (int64_t[]){-1, 1, 1, 60, 3, -1, 1, 1, 9, 3});
  /* Pairs: groups that reach beyond their row, over several rows, and none. */
  compact = 1;
  for (int64_t n = 1; n < 40; n++)
    for (int type = ND_F32; type <= ND_F64; type++) {
      const int64_t shape[4] = {below(4), 1 + below(3), 1 + below(4), n};
      check_max(type, shape, (int64_t[]){0, 2, 1, 2 * shape[2], 2, 0, 2, 1, 2 * n, 2});
    }
  compact = 0;
  const int64_t window[10] = {0, 1, 1, 2, 1, 0, 1, 1, 2, 1}, wrong[10] = {0, 1, 1, 2, 1, 0, 1, 0, 2, 1};
  const int64_t large[10] = {0, 1, 1, 1 << 16, 1, 0, 1, 1, 1 << 16, 1};
  nd_plan p = {.ndim = 4, .size = 1, .shape = {1, 1, 1, 1}, .dtype = {ND_F32, ND_I32, ND_F32}};
  float x[4] = {0}, y[1];
  i32 place[1] = {4};
  CHECK(nd_max_pool(&p, y, place, x, wrong) == ND_EPLAN, "a dilation of 0");
  CHECK(nd_max_pool(&p, y, place, x, large) == ND_EPLAN, "more places than an int32 counts");
  p.dtype[1] = ND_I64;
  CHECK(nd_max_pool(&p, y, place, x, window) == ND_EDTYPE, "places of 8 bytes");
  CHECK(nd_max_pool(&p, y, NULL, x, window) == ND_OK, "no places");
  p.dtype[1] = ND_F32, p.dtype[2] = ND_I32;
  CHECK(nd_max_pool_backward(&p, x, y, place, window) == ND_OK, "a place that no window sees");
  p.ndim = 3;
  CHECK(nd_max_pool_backward(&p, x, y, place, window) == ND_EPLAN, "three dimensions");
}

int main(void) {
  for_every_isa(test);
  return finish("pooling");
}
