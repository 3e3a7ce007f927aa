/* test_covering.c - adaptive pooling, the negative log-likelihood, soft targets and running averages, each against its
 * definition, in buffers that end where the arrays do. */
#include "check.h"
#include "kernel_types.h"

static float *floats(int64_t n) {
  float *a = malloc((size_t)(n ? n : 1) * sizeof *a);
  for (int64_t i = 0; i < n; i++) a[i] = (float)(below(7) - 3);
  return a;
}

/* Row-major strides of operand k, its dtype too. */
static void compact(nd_plan *p, int k, int type, const int64_t *extents, int ndim) {
  int64_t stride = 1;
  p->dtype[k] = type;
  for (int d = ndim - 1; d >= 0; d--) p->stride[k][d] = stride, stride *= extents[d];
}

static void pool(int64_t planes, int64_t rows, int64_t columns, int64_t h, int64_t w) {
  nd_plan p = {0};
  const int64_t windows[4] = {1, planes, h, w}, elements[4] = {1, planes, rows, columns};
  set_extents(&p, 4, windows);
  compact(&p, 0, ND_F32, windows, 4), compact(&p, 1, ND_I32, windows, 4), compact(&p, 2, ND_F32, elements, 4);
  const int64_t n = planes * h * w, all = planes * rows * columns;
  float *x = floats(all), *y = floats(n), *back = floats(all), *want = calloc((size_t)all + 1, 4);
  int32_t *places = malloc((size_t)n * 4 + 4);
  if (all && !below(3)) x[below((int)all)] = NAN;
  CHECK(nd_adaptive_max_pool(&p, y, places, x, rows, columns) == ND_OK, "adaptive_max_pool");
  for (int64_t i = 0; i < n; i++) {
    const int64_t r = i / w % h, c = i % w, plane = i / w / h;
    float most = -INFINITY;
    int64_t at = -1;
    for (int64_t k = r * rows / h; k * h < (r + 1) * rows; k++)
      for (int64_t l = c * columns / w; l * w < (c + 1) * columns; l++) {
        const float value = x[(plane * rows + k) * columns + l];
        if (at < 0 || value > most || value != value) most = value, at = k * columns + l;
      }
    CHECK((y[i] == most || (most != most && y[i] != y[i])) && places[i] == at, "window %d: place %d, wanted %d", (int)i,
          (int)places[i], (int)at);
    want[plane * rows * columns + at] += (float)(i % 5);
    y[i] = (float)(i % 5);
  }
  if (n) places[0] = below(2) ? -1 : (int32_t)(rows * columns); /* beside the plane: counts for nothing, and y[0] is 0 */
  compact(&p, 0, ND_F32, elements, 4), compact(&p, 1, ND_F32, windows, 4), compact(&p, 2, ND_I32, windows, 4);
  CHECK(nd_adaptive_max_pool_backward(&p, back, y, places, rows, columns) == ND_OK, "adaptive_max_pool_backward");
  for (int64_t i = 0; i < all; i++) CHECK(back[i] == want[i], "element %d: %g, wanted %g", (int)i, back[i], want[i]);
  free(x), free(y), free(back), free(want), free(places);
}

static void likelihood(int64_t rows, int64_t classes, int reduction, int weighted) {
  nd_plan p = {0};
  const int64_t extents[2] = {rows, classes};
  set_extents(&p, 2, extents);
  compact(&p, 1, ND_F32, extents, 2);
  p.dtype[0] = p.dtype[3] = ND_F32, p.dtype[2] = ND_I64;
  p.stride[2][0] = 1, p.stride[3][1] = 1, p.stride[0][0] = reduction == ND_EACH;
  float *a = floats(rows * classes), *weight = floats(classes), *out = floats(rows + 1), *back = floats(rows * classes);
  int64_t *label = malloc((size_t)rows * 8 + 8);
  double sum = 0, total = 0;
  for (int64_t k = 0; k < classes; k++) weight[k] = (float)(1 + below(3));
  for (int64_t r = 0; r < rows; r++) {
    label[r] = below(5) ? below((int)classes) : -7;
    if (label[r] < 0) continue;
    const double w = weighted ? weight[label[r]] : 1;
    total += w, sum -= w * a[r * classes + label[r]];
  }
  const void *w = weighted ? weight : NULL;
  CHECK(nd_nll(&p, out, a, label, w, -7, reduction) == ND_OK, "nll");
  if (reduction != ND_EACH && total) {
    const double want = reduction == ND_MEAN ? sum / total : sum;
    CHECK(fabs(out[0] - want) < 1e-5 * (1 + fabs(want)), "nll: %g, wanted %g", out[0], want);
  }
  nd_plan q = p;
  compact(&q, 0, ND_F32, extents, 2);
  q.dtype[1] = ND_F32, q.stride[1][0] = reduction == ND_EACH, q.stride[1][1] = 0;
  for (int64_t r = 0; r <= rows; r++) out[r] = 2;
  CHECK(nd_nll_backward(&q, back, out, label, w, -7, reduction) == ND_OK, "nll_backward");
  for (int64_t i = 0; i < rows * classes; i++) {
    const int64_t y = label[i / classes];
    const double want = y == i % classes ? -2.0 * (weighted ? weight[y] : 1) / (reduction == ND_MEAN ? total : 1) : 0;
    CHECK(fabs(back[i] - want) < 1e-5, "adjoint %d: %g, wanted %g", (int)i, back[i], want);
  }
  if (rows) {
    label[rows - 1] = below(2) ? classes : -1;
    CHECK(nd_nll(&p, out, a, label, w, -7, reduction) == ND_EINDEX && nd_error_detail() == label[rows - 1], "no class");
  }
  free(a), free(weight), free(out), free(back), free(label);
}

/* Targets that are probabilities, of rows side by side or of columns, beside the definition in double. */
static void soft_targets(int64_t rows, int64_t classes, int reduction, int weighted, int columns) {
  nd_plan p = {0};
  const int64_t extents[2] = {rows, classes}, all = rows * classes;
  set_extents(&p, 2, extents);
  float *a = floats(all), *q = floats(all), *weight = floats(classes), *out = floats(rows + 1), *back = floats(all);
  for (int k = 0; k < 4; k++) p.dtype[k] = ND_F32;
  for (int k = 1; k < 3; k++) p.stride[k][0] = columns ? 1 : classes, p.stride[k][1] = columns ? rows : 1;
  p.stride[0][0] = reduction == ND_EACH, p.stride[3][1] = 1;
  const double by = reduction == ND_MEAN ? rows : 1, s = 0.25;
  double sum = 0, *slope = malloc((size_t)(all + 1) * 8);
  for (int64_t r = 0; r < rows; r++) {
    double total = 0, shares = 0;
    const int64_t down = columns ? 1 : classes, step = columns ? rows : 1;
    for (int64_t k = 0; k < classes; k++) total += exp(a[r * down + k * step]);
    for (int64_t k = 0; k < classes; k++) {
      const double share = (weighted ? weight[k] : 1) * (q[r * down + k * step] * (1 - s) + s / classes);
      sum += share * (log(total) - a[r * down + k * step]), shares += share, slope[r * classes + k] = -share;
    }
    for (int64_t k = 0; k < classes; k++) slope[r * classes + k] += exp(a[r * down + k * step]) / total * shares;
  }
  const void *w = weighted ? weight : NULL;
  CHECK(nd_soft_cross_entropy(&p, out, a, q, w, s, reduction) == ND_OK, "soft_cross_entropy");
  double got = 0;
  for (int64_t r = 0; r < (reduction == ND_EACH ? rows : 1); r++) got += out[r];
  CHECK(!rows || fabs(got - sum / by) < 1e-4 * (1 + fabs(sum)), "soft_cross_entropy: %g, wanted %g", got, sum / by);
  nd_plan b = p;
  for (int k = 4; k > 1; k--) memcpy(b.stride[k], p.stride[k - 1], sizeof p.stride[k]);
  b.dtype[4] = ND_F32, b.stride[0][0] = classes, b.stride[0][1] = 1, b.stride[1][0] = reduction == ND_EACH, b.stride[1][1] = 0;
  for (int64_t r = 0; r <= rows; r++) out[r] = 2;
  CHECK(nd_soft_cross_entropy_backward(&b, back, out, a, q, w, s, reduction) == ND_OK, "soft_cross_entropy_backward");
  for (int64_t i = 0; i < all; i++)
    CHECK(fabs(back[i] - 2 * slope[i] / by) < 1e-4 * (1 + classes), "adjoint %d: %g, wanted %g", (int)i, back[i], 2 * slope[i] / by);
  p.dtype[2] = ND_F64;
  CHECK(nd_soft_cross_entropy(&p, out, a, q, w, s, reduction) == ND_EDTYPE, "targets of another type");
  free(a), free(q), free(weight), free(out), free(back), free(slope);
}

static void averages(int64_t n) {
  float *m = floats(n), *v = floats(n), *old_m = floats(n), *old_v = floats(n);
  double *stats = malloc((size_t)(2 * n) * 8 + 8);
  for (int64_t i = 0; i < 2 * n; i++) stats[i] = below(9);
  CHECK(nd_running_averages_dense(ND_F32, n, m, v, old_m, old_v, stats, 0.25, 2) == ND_OK, "running averages");
  for (int64_t i = 0; i < n; i++)
    CHECK(m[i] == 0.75 * old_m[i] + 0.25 * stats[i] && v[i] == 0.75 * old_v[i] + 0.5 * stats[n + i], "channel %d", (int)i);
  free(m), free(v), free(old_m), free(old_v), free(stats);
}

int main(void) {
  nd_set_num_threads(3);
  for (int i = 0; i < 200; i++) pool(below(5), 1 + below(9), 1 + below(9), 1 + below(12), 1 + below(12));
  pool(900, 9, 11, 4, 5); /* enough for several threads */
  for (int i = 0; i < 120; i++) likelihood(below(9), 1 + below(9), i % 3, i % 2);
  likelihood(3000, 40, ND_MEAN, 1);
  for (int i = 0; i < 60; i++) soft_targets(below(9), 1 + below(40), i % 3, i % 2, i % 5 == 0);
  soft_targets(300, 40, ND_MEAN, 1, 0), soft_targets(3, 2500, ND_EACH, 1, 0), soft_targets(2, 600, ND_SUM, 0, 1);
  averages(0), averages(1), averages(100);
  nd_plan p = {0};
  const int64_t none[4] = {1, 1, 1, 1};
  set_extents(&p, 4, none);
  p.dtype[1] = ND_I32;
  CHECK(nd_adaptive_max_pool(&p, NULL, NULL, NULL, 0, 3) == ND_EPLAN, "no rows");
  p.dtype[2] = ND_I64;
  CHECK(nd_adaptive_max_pool(&p, NULL, NULL, NULL, 2, 3) == ND_EDTYPE, "integers");
  CHECK(nd_running_averages_dense(ND_I32, 0, NULL, NULL, NULL, NULL, NULL, 0, 1) == ND_EDTYPE, "integers");
  return finish("covering, likelihood, soft targets, averages");
}
