/* test_normalise.c - batch and group normalisation and their adjoints against the definition, in buffers that end where
 * the arrays do, so that the address sanitizer sees every step beyond. */
#include "check.h"
#include "kernel_types.h"

typedef struct {
  int type, groups; /* groups: 0 for batch normalisation */
  int64_t batch, channels, inner;
} shape;

static double get(int type, const void *p, int64_t i) { return type == ND_F32 ? ((const f32 *)p)[i] : ((const f64 *)p)[i]; }

static void *numbers(int type, int64_t n, double mean) {
  void *p = malloc((size_t)(n * nd_item_size(type)));
  for (int64_t i = 0; i < n; i++)
    if (type == ND_F32) ((f32 *)p)[i] = (f32)(mean + uniform(-2, 2));
    else ((f64 *)p)[i] = mean + uniform(-2, 2);
  return p;
}

/* Of which mean element i is. */
static int64_t mean_of(const shape *s, int64_t i) {
  const int64_t channel = i / s->inner % s->channels, example = i / s->inner / s->channels;
  return s->groups ? example * s->groups + channel / (s->channels / s->groups) : channel;
}

static void near(const shape *s, const char *what, int64_t i, double got, double wanted) {
  const double allowed = (s->type == ND_F32 ? 2e-4 : 1e-11) * (1 + fabs(wanted));
  CHECK(fabs(got - wanted) <= allowed, "%s of type %d, (%d, %d, %d), %d groups: [%d] is %g, wanted %g", what, s->type,
        (int)s->batch, (int)s->channels, (int)s->inner, s->groups, (int)i, got, wanted);
}

static void check_one(shape s, double far) {
  const int64_t n = s.batch * s.channels * s.inner, means = s.groups ? s.batch * s.groups : s.channels;
  const double eps = 1e-3, count = means ? (double)n / (double)means : 1;
  void *a = numbers(s.type, n, far), *g = numbers(s.type, n, 0), *out = numbers(s.type, n, 0);
  void *w = numbers(s.type, s.channels, 0), *b = numbers(s.type, s.channels, 0);
  void *to_w = numbers(s.type, s.channels, 0), *to_b = numbers(s.type, s.channels, 0);
  double *stats = malloc((size_t)(3 * means) * sizeof(double));
  double *sums = calloc((size_t)(5 * means + 2 * s.channels + 1), sizeof(double));
  double *mean = sums, *variance = mean + means, *of_u = variance + means, *of_uz = of_u + means;
  double *wanted_w = of_uz + 2 * means, *wanted_b = wanted_w + s.channels;
  for (int64_t i = 0; i < n; i++) mean[mean_of(&s, i)] += get(s.type, a, i) / count;
  for (int64_t i = 0; i < n; i++) variance[mean_of(&s, i)] += pow(get(s.type, a, i) - mean[mean_of(&s, i)], 2) / count;

  int error = s.groups ? nd_group_norm_dense(s.type, n, out, a, w, b, stats, s.channels, s.inner, s.groups, eps)
                       : nd_batch_norm_dense(s.type, n, out, a, w, b, stats, s.channels, s.inner, eps);
  CHECK(error == (n || s.groups ? ND_OK : ND_EPLAN), "code %d", error);
  for (int64_t i = 0; i < n; i++) {
    const int64_t m = mean_of(&s, i), c = i / s.inner % s.channels;
    const double z = (get(s.type, a, i) - mean[m]) / sqrt(variance[m] + eps), adjoint = get(s.type, g, i);
    near(&s, "out", i, get(s.type, out, i), get(s.type, w, c) * z + get(s.type, b, c));
    of_u[m] += get(s.type, w, c) * adjoint / count;
    of_uz[m] += get(s.type, w, c) * adjoint * z / count;
    wanted_w[c] += adjoint * z;
    wanted_b[c] += adjoint;
  }
  for (int64_t m = 0; n && m < means; m++) {
    near(&s, "mean", m, stats[m], mean[m]);
    near(&s, "variance", m, stats[means + m], variance[m]);
    near(&s, "inverse", m, stats[2 * means + m], 1 / sqrt(variance[m] + eps));
  }
  error = s.groups ? nd_group_norm_backward_dense(s.type, n, out, g, a, w, stats, to_w, to_b, s.channels, s.inner, s.groups)
                   : nd_batch_norm_backward_dense(s.type, n, out, g, a, w, stats, to_w, to_b, s.channels, s.inner);
  CHECK(error == (n || s.groups ? ND_OK : ND_EPLAN), "code %d", error);
  for (int64_t i = 0; i < n; i++) {
    const int64_t m = mean_of(&s, i), c = i / s.inner % s.channels;
    const double inverse = 1 / sqrt(variance[m] + eps), z = (get(s.type, a, i) - mean[m]) * inverse;
    near(&s, "adjoint", i, get(s.type, out, i), (get(s.type, w, c) * get(s.type, g, i) - of_u[m] - z * of_uz[m]) * inverse);
  }
  for (int64_t c = 0; (n || s.groups) && c < s.channels; c++) {
    near(&s, "adjoint of weight", c, get(s.type, to_w, c), wanted_w[c]);
    near(&s, "adjoint of bias", c, get(s.type, to_b, c), wanted_b[c]);
  }
  void *all[] = {a, g, out, w, b, to_w, to_b, stats, sums};
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
}

static void all_shapes(void) {
  static const int64_t inners[] = {1, 2, 9, 15, 16, 17, 64, 70, 300};
  for (int type = ND_F32; type <= ND_F64; type++)
    for (int groups = 0; groups <= 3; groups++)
      for (int trial = 0; trial < 40; trial++) {
        const int64_t each = groups ? 1 + below(trial % 4 ? 5 : 60) : 1 + below(trial % 3 ? 9 : 300);
        const shape s = {type, groups, trial == 5 ? 0 : 1 + below(trial % 5 ? 6 : 200), (groups ? groups : 1) * each,
                         inners[below(each > 60 ? 4 : 9)]};
        check_one(s, below(2) ? 0 : 10);
      }
  check_one((shape){ND_F32, 0, 1500, 70, 1}, 0);  /* few channels, many examples: cut into parts */
  check_one((shape){ND_F32, 0, 1100, 3, 16}, 0);
  check_one((shape){ND_F64, 0, 700, 2, 64}, 10);
}

static void refuses(void) {
  double x[4] = {0};
  CHECK(nd_batch_norm_dense(ND_I32, 4, x, x, x, x, x, 2, 1, 0) == ND_EDTYPE, "type");
  CHECK(nd_group_norm_dense(ND_BOOL, 4, x, x, x, x, x, 2, 1, 1, 0) == ND_EDTYPE, "type");
  CHECK(nd_batch_norm_dense(ND_F64, 3, x, x, x, x, x, 2, 1, 0) == ND_EPLAN, "3 numbers of 2 channels");
  CHECK(nd_group_norm_dense(ND_F64, 3, x, x, x, x, x, 3, 1, 2, 0) == ND_EPLAN, "3 channels in 2 groups");
  CHECK(nd_group_norm_backward_dense(ND_F64, 0, x, x, x, x, x, x, x, 0, 1, 1) == ND_EPLAN, "no channels");
}

int main(void) {
  for (int threads = 1; threads <= 2; threads++) {
    nd_set_num_threads(threads);
    for_every_isa(all_shapes);
  }
  refuses();
  return finish("normalise");
}
