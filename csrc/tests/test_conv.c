/* test_conv.c - convolution and its two adjoints against the definition, in buffers that end where the arrays do, so that
 * the address sanitizer sees every step beyond. Whole numbers: results are exact. */
#include "check.h"
#include "kernel_types.h"

enum { Y, X, W };
static const int dims[3][5] = {{0, 1, 2, 4, 5}, {0, 1, 3, 4, 5}, {1, 2, 3, 6, 7}};

typedef struct {
  nd_plan axes;    /* the array's own five axes; operand 0 */
  int64_t count;
  double *values;  /* in row-major order of these */
  void *memory;
} array;

static double get(int type, const void *p, int64_t i) { return type == ND_F32 ? ((const f32 *)p)[i] : ((const f64 *)p)[i]; }
static void put(int type, void *p, int64_t i, double v) {
  if (type == ND_F32) ((f32 *)p)[i] = (f32)v;
  else ((f64 *)p)[i] = v;
}

static array make(int type, const int64_t *extent) {
  array a;
  int64_t some[5]; /* an empty array is laid out as one of one element */
  for (int d = 0; d < 5; d++) some[d] = extent[d] ? extent[d] : 1;
  set_extents(&a.axes, 5, some);
  const int64_t needed = random_layout(&a.axes, 0, 0);
  a.count = 1;
  for (int d = 0; d < 5; d++) a.count *= a.axes.shape[d] = extent[d];
  a.values = malloc((size_t)(a.count + 1) * sizeof(double));
  a.memory = malloc((size_t)(needed * nd_item_size(type)));
  for (int64_t i = 0; i < needed; i++) put(type, a.memory, i, 99);
  for (int64_t i = 0; i < a.count; i++) put(type, a.memory, element(&a.axes, 0, i), a.values[i] = (double)(below(7) - 3));
  return a;
}

/* The definition, one multiplication after the other: what the operand `out` must be. It touches numbers of its own
 * alone, and the sanitizers, which watch the library, would make it the longest part of this test. */
__attribute__((no_sanitize("address", "undefined", "thread")))
static void define(const nd_plan *p, const int64_t *window, array *a, int out, double *wanted) {
  int64_t i[8], at[3];
  for (int64_t n = 0; n < a[out].count; n++) wanted[n] = 0;
  for (int64_t n = 0; n < p->size; n++) {
    int64_t rest = n;
    for (int d = 7; d >= 0; d--) i[d] = rest % p->shape[d], rest /= p->shape[d];
    const int64_t row = i[4] * window[1] + i[6] * window[2] + window[0], column = i[5] * window[5] + i[7] * window[6] + window[4];
    if (row < 0 || row >= window[3] || column < 0 || column >= window[7]) continue;
    for (int k = Y; k <= W; k++) {
      at[k] = 0;
      for (int d = 0; d < 5; d++) {
        const int64_t index = k == X && d == 3 ? row : k == X && d == 4 ? column : i[dims[k][d]];
        at[k] = at[k] * a[k].axes.shape[d] + index;
      }
    }
    const int one = out == Y ? X : Y, other = out == W ? X : W;
    wanted[at[out]] += a[one].values[at[one]] * a[other].values[at[other]];
  }
}

static void check_one(int type, const int64_t *shape, const int64_t *window) {
  const int64_t own[3][5] = {{shape[0], shape[1], shape[2], shape[4], shape[5]},
                             {shape[0], shape[1], shape[3], window[3], window[7]},
                             {shape[1], shape[2], shape[3], shape[6], shape[7]}};
  static const int order[3][3] = {{Y, X, W}, {X, Y, W}, {W, X, Y}};
  for (int out = Y; out <= W; out++) {
    array a[3];
    for (int k = Y; k <= W; k++) a[k] = make(type, own[k]);
    nd_plan p;
    set_extents(&p, 8, shape);
    for (int at = 0; at < 3; at++) {
      const int k = order[out][at];
      p.dtype[at] = type;
      p.offset[at] = a[k].axes.offset[0];
      for (int d = 0; d < 5; d++) p.stride[at][dims[k][d]] = a[k].axes.stride[0][d];
      if (k != X) continue;
      const int64_t down = p.stride[at][4], across = p.stride[at][5];
      p.offset[at] += window[0] * down + window[4] * across;
      p.stride[at][4] = down * window[1], p.stride[at][6] = down * window[2];
      p.stride[at][5] = across * window[5], p.stride[at][7] = across * window[6];
    }
    const void *one = a[order[out][1]].memory, *other = a[order[out][2]].memory;
    double *wanted = malloc((size_t)(a[out].count + 1) * sizeof(double));
    define(&p, window, a, out, wanted);
    const int error = out == Y   ? nd_conv(&p, a[out].memory, one, other, window)
                      : out == X ? nd_conv_input_backward(&p, a[out].memory, one, other, window)
                                 : nd_conv_weight_backward(&p, a[out].memory, one, other, window);
    int64_t wrong = 0;
    for (int64_t i = 0; i < a[out].count; i++) wrong += get(type, a[out].memory, element(&a[out].axes, 0, i)) != wanted[i];
    CHECK(!error && !wrong, "adjoint %d, error %d, %lld wrong, type %d: %lld x %lld groups, %lld <- %lld, windows %lld x %lld, kernel %lld x %lld",
          out, error, (long long)wrong, type, (long long)shape[0], (long long)shape[1], (long long)shape[2],
          (long long)shape[3], (long long)shape[4], (long long)shape[5], (long long)shape[6], (long long)shape[7]);
    for (int k = Y; k <= W; k++) free(a[k].values), free(a[k].memory);
    free(wanted);
  }
}

static void test(void) {
  for (int trial = 0; trial < 150; trial++) {
    int64_t shape[8] = {below(5), 1 + below(3), below(7), below(9)}, window[8];
    if (trial % 10 == 0) shape[0] = 30, shape[3] = 20, shape[1] = 1; /* several images in a block, several blocks */
    for (int d = 0; d < 2; d++) {
      int64_t *w = window + 4 * d;
      shape[4 + d] = 1 + below(trial % 3 == 0 && d ? 25 : 4), shape[6 + d] = 1 + below(4);
      w[0] = below(9) - 6, w[1] = 1 + below(3), w[2] = 1 + below(3);
      w[3] = w[0] + (shape[4 + d] - 1) * w[1] + (shape[6 + d] - 1) * w[2] + 1 - below(6);
      if (w[3] < 1) w[3] = 1;
      if (trial % 7 < 2) { /* a kernel of one pixel, or one window: one matrix product, if strides allow it */
        shape[trial % 7 ? 4 + d : 6 + d] = 1;
        w[0] = 0, w[3] = (shape[4 + d] - 1) * w[1] + (shape[6 + d] - 1) * w[2] + 1;
      }
    }
    nd_set_num_threads(1 + (int)below(3));
    check_one(trial % 2 ? ND_F64 : ND_F32, shape, window);
  }
  /* Rows in several blocks, in both arrangements. */
  check_one(ND_F32, (int64_t[]){2, 1, 3, 20, 20, 24, 3, 3}, (int64_t[]){-1, 1, 1, 20, -1, 1, 1, 24});
  check_one(ND_F32, (int64_t[]){2, 1, 3, 60, 40, 7, 3, 3}, (int64_t[]){-1, 1, 1, 40, -1, 1, 1, 7});
  /* Tiles of four points and of three, with steps and without, in several blocks, also beyond whole registers. */
  for (int type = ND_F32; type <= ND_F64; type++) {
    check_one(type, (int64_t[]){9, 1, 17, 16, 7, 8, 4, 4}, (int64_t[]){-1, 2, 1, 14, -1, 2, 1, 16});
    check_one(type, (int64_t[]){11, 2, 16, 37, 5, 4, 3, 3}, (int64_t[]){-1, 1, 1, 5, 0, 1, 1, 6});
    check_one(type, (int64_t[]){11, 1, 35, 16, 8, 5, 2, 4}, (int64_t[]){1, 1, 1, 11, -3, 2, 1, 7});
  }
  /* Lanes are windows of a row, two short rows at once, an odd number of them, and kernel rows that see only padding. */
  for (int trial = 0; trial < 16; trial++) {
    nd_set_num_threads(1 + (int)below(3));
    check_one(trial % 2 ? ND_F64 : ND_F32, (int64_t[]){3, 2, 9, 4, 10, 10, 5, 5}, (int64_t[]){0, 1, 1, 14, 0, 1, 1, 14});
    check_one(trial % 2 ? ND_F64 : ND_F32, (int64_t[]){2, 1, 3, 5, 7, 16, 3, 2}, (int64_t[]){-2, 1, 2, 7, -1, 1, 1, 16});
  }
  const int64_t window[8] = {0, 1, 1, 1, 0, 1, 1, 1}, wrong[8] = {0, 0, 1, 1, 0, 1, 1, 1};
  nd_plan p = {.ndim = 8, .size = 1, .shape = {1, 1, 1, 1, 1, 1, 1, 1}};
  double one[3] = {0};
  CHECK(nd_conv(&p, one, one + 1, one + 2, wrong) == ND_EPLAN, "a step of 0");
  p.dtype[1] = ND_F64;
  CHECK(nd_conv(&p, one, one + 1, one + 2, window) == ND_EDTYPE, "mixed types");
  p.ndim = 7;
  CHECK(nd_conv_weight_backward(&p, one, one + 1, one + 2, window) == ND_EPLAN, "seven dimensions");
}

int main(void) {
  for_every_isa(test);
  return finish("conv");
}
