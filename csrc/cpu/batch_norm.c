/* batch_norm.c - the driver of batch normalisation: the elements of one channel share mean and deviation.
 *
 * The channels are cut into units: one channel at a time where its elements lie side by side (SEGMENT), else a strip of
 * neighbouring columns (COLUMNS), which may be several for each channel. A unit is measured and written by one thread
 * while its elements are in the cache. Few units, many examples: the examples are cut into parts, all parts are measured,
 * then all are written. Where to cut depends on the shapes alone, so any number of threads gives the same bits.
 */
#include <math.h>
#include <stddef.h>
#include "errors.h"
#include "normalise.h"
#include "parallel.h"
#include "pool.h"

enum { SIDE_BY_SIDE = 16, STRIP = 64, ENOUGH = 8, PARTS = 16, PART = 8192 };

typedef struct {
  const nd_normaliser *of;
  int type, size;
  int64_t batch, channels, inner, width; /* width: columns in a unit; 0: units are channels */
  int64_t units, parts;
  char *out, *to_weight, *to_bias; /* the last two: backward */
  const char *g, *a, *weight, *bias; /* g: backward */
  double *stats, eps;
  void *partial; /* of each part all columns: nd_moments, or backward's two sums */
} job;

static double number(const job *j, const char *data, int64_t i) {
  return j->type == ND_F32 ? ((const f32 *)data)[i] : ((const f64 *)data)[i];
}

static void put(const job *j, char *data, int64_t i, double x) {
  if (j->type == ND_F32) ((f32 *)data)[i] = (f32)x;
  else ((f64 *)data)[i] = x;
}

/* Columns of a unit, or 1 if it is a channel; `first` is the number of the first. */
static int64_t unit_columns(const job *j, int64_t unit, int64_t *first) {
  if (!j->width) return *first = unit, 1;
  *first = unit * j->width;
  const int64_t left = j->channels * j->inner - *first;
  return left < j->width ? left : j->width;
}

static void measure(const job *j, int64_t unit, int64_t lo, int64_t hi, nd_moments *moments, double *sums) {
  int64_t first;
  const int64_t n = unit_columns(j, unit, &first), pitch = j->channels * j->inner;
  const int64_t at = (lo * pitch + (j->width ? first : first * j->inner)) * j->size;
  const char *a = j->a + at, *g = j->g ? j->g + at : NULL;
  if (!g && j->width) j->of->column_moments(hi - lo, n, a, pitch, moments);
  else if (!g) *moments = j->of->moments(hi - lo, j->inner, a, pitch);
  else if (!j->width) j->of->dots(hi - lo, j->inner, g, a, pitch, j->stats[first], sums);
  else {
    double mean[ND_NORM_COLUMNS] = {0}, dot[ND_NORM_COLUMNS], plain[ND_NORM_COLUMNS];
    for (int64_t k = 0; k < n; k++) mean[k] = j->stats[(first + k) / j->inner];
    j->of->column_dots(hi - lo, n, g, a, pitch, mean, plain, dot);
    for (int64_t k = 0; k < n; k++) {
      sums[2 * k] += plain[k];
      sums[2 * k + 1] += dot[k];
    }
  }
}

/* Statistics of the channels of a unit, from the moments of its columns. */
static void finish_forward(const job *j, int64_t unit, const nd_moments *moments) {
  int64_t first;
  const int64_t each = j->width ? j->inner : 1, n = unit_columns(j, unit, &first) / each;
  for (int64_t k = 0; k < n; k++) {
    nd_moments all = moments[k * each];
    for (int64_t i = 1; i < each; i++) all = nd_moments_of_both(all, moments[k * each + i]);
    double *to = j->stats + first / each + k;
    const double variance = all.squares / all.count;
    to[0] = all.mean;
    to[j->channels] = variance;
    to[2 * j->channels] = 1 / sqrt(variance + j->eps);
  }
}

static void finish_backward(const job *j, int64_t unit, double *sums) {
  int64_t first;
  const int64_t each = j->width ? j->inner : 1, n = unit_columns(j, unit, &first) / each;
  for (int64_t k = 0; k < n; k++) {
    double *to = sums + 2 * k;
    const double *from = sums + 2 * k * each;
    double plain = 0, dot = 0;
    for (int64_t i = 0; i < each; i++) plain += from[2 * i], dot += from[2 * i + 1];
    to[0] = plain;
    to[1] = dot;
    put(j, j->to_weight, first / each + k, dot * j->stats[2 * j->channels + first / each + k]);
    put(j, j->to_bias, first / each + k, plain);
  }
}

static void write(const job *j, int64_t unit, int64_t lo, int64_t hi, const double *sums) {
  int64_t first;
  const int64_t columns = unit_columns(j, unit, &first), pitch = j->channels * j->inner;
  const int64_t each = j->width ? j->inner : 1, at = (lo * pitch + (j->width ? first : first * j->inner)) * j->size;
  const double count = (double)(j->batch * j->inner);
  double mean[ND_NORM_COLUMNS], of_a[ND_NORM_COLUMNS], of_g[ND_NORM_COLUMNS], constant[ND_NORM_COLUMNS];
  for (int64_t k = 0; k < columns; k += each) {
    const int64_t c = (first + k) / each;
    const double inverse = j->stats[2 * j->channels + c], scale = number(j, j->weight, c) * inverse;
    const double *s = sums ? sums + 2 * (k / each) : NULL;
    for (int64_t i = k; i < k + each; i++) {
      mean[i] = j->stats[c];
      of_g[i] = scale;
      of_a[i] = s ? -scale * inverse * inverse * (s[1] / count) : scale;
      constant[i] = s ? -scale * (s[0] / count) : number(j, j->bias, c);
    }
  }
  char *out = j->out + at;
  const char *a = j->a + at, *g = j->g ? j->g + at : NULL;
  if (g && j->width) j->of->column_slope(hi - lo, columns, out, g, a, pitch, mean, of_g, of_a, constant);
  else if (g) j->of->slope(hi - lo, j->inner, out, g, a, pitch, *mean, *of_g, *of_a, *constant);
  else if (j->width) j->of->column_scale(hi - lo, columns, out, a, pitch, mean, of_a, constant);
  else j->of->scale(hi - lo, j->inner, out, a, pitch, *mean, *of_a, *constant);
}

static void whole_units(void *ctx, int64_t lo, int64_t hi) {
  const job *j = ctx;
  for (int64_t unit = lo; unit < hi; unit++) {
    nd_moments moments[ND_NORM_COLUMNS];
    double sums[2 * ND_NORM_COLUMNS] = {0};
    measure(j, unit, 0, j->batch, moments, sums);
    if (j->g) finish_backward(j, unit, sums);
    else finish_forward(j, unit, moments);
    write(j, unit, 0, j->batch, j->g ? sums : NULL);
  }
}

/* Where the partial results of a part of a unit are. */
static nd_moments *moments_of(const job *j, int64_t part, int64_t first) {
  return (nd_moments *)j->partial + part * j->channels * (j->width ? j->inner : 1) + first;
}
static double *sums_of(const job *j, int64_t part, int64_t first) {
  return (double *)j->partial + 2 * (part * j->channels * (j->width ? j->inner : 1) + first);
}

static void measure_parts(void *ctx, int64_t lo, int64_t hi) {
  const job *j = ctx;
  for (int64_t item = lo; item < hi; item++) {
    const int64_t unit = item % j->units, part = item / j->units;
    int64_t first;
    unit_columns(j, unit, &first);
    measure(j, unit, j->batch * part / j->parts, j->batch * (part + 1) / j->parts, moments_of(j, part, first),
            sums_of(j, part, first));
  }
}

static void write_parts(void *ctx, int64_t lo, int64_t hi) {
  const job *j = ctx;
  for (int64_t item = lo; item < hi; item++) {
    const int64_t unit = item % j->units, part = item / j->units;
    int64_t first;
    unit_columns(j, unit, &first);
    write(j, unit, j->batch * part / j->parts, j->batch * (part + 1) / j->parts, j->g ? sums_of(j, 0, first) : NULL);
  }
}

/* nd_moments_of_both for columns that all have one count: no division for each. */
static void join_moments(int64_t columns, nd_moments *x, const nd_moments *y) {
  const double all = x->count + y->count, share = y->count / all, between = x->count * share;
  for (int64_t k = 0; k < columns; k++) {
    const double apart = y[k].mean - x[k].mean;
    x[k].count = all;
    x[k].mean += apart * share;
    x[k].squares += y[k].squares + apart * apart * between;
  }
}

static void join_parts(const job *j) {
  for (int64_t unit = 0; unit < j->units; unit++) {
    int64_t first;
    const int64_t columns = unit_columns(j, unit, &first);
    for (int64_t part = 1; part < j->parts; part++) {
      if (!j->g) join_moments(columns, moments_of(j, 0, first), moments_of(j, part, first));
      for (int64_t k = 0; j->g && k < 2 * columns; k++) sums_of(j, 0, first)[k] += sums_of(j, part, first)[k];
    }
    if (j->g) finish_backward(j, unit, sums_of(j, 0, first));
    else finish_forward(j, unit, moments_of(j, 0, first));
  }
}

static int run(job *j, int64_t n, int64_t channels, int64_t inner) {
  if (j->type != ND_F32 && j->type != ND_F64) return ND_EDTYPE;
  if (channels < 1 || inner < 1 || n < 1 || n % (channels * inner)) return ND_EPLAN;
  const int64_t row = channels * inner;
  j->of = &nd_current_isa()->normalise->of[j->type];
  j->size = nd_item_size(j->type);
  j->batch = n / row;
  j->channels = channels;
  j->inner = inner;
  j->units = channels;
  if (inner < SIDE_BY_SIDE) {
    int64_t width = row / ENOUGH / STRIP * STRIP;
    width = width < STRIP ? STRIP : width > ND_NORM_COLUMNS ? ND_NORM_COLUMNS : width;
    j->width = width / inner * inner;
    j->units = (row + j->width - 1) / j->width;
  }
  j->parts = 1;
  if (j->units < ENOUGH && n > ENOUGH * PART) j->parts = n / PART < PARTS ? n / PART : PARTS;
  if (j->parts > j->batch) j->parts = j->batch;
  const int64_t items = j->units * (j->parts < 1 ? 1 : j->parts), each = n / items + 1;
  const int64_t grain = ND_GRAIN_CHEAP / 2 / each + 1;
  if (j->parts <= 1) {
    nd_parallel_for(items, grain, whole_units, j);
    return ND_OK;
  }
  const int64_t size = j->parts * row * (int64_t)sizeof(nd_moments);
  if (!(j->partial = nd_scratch(ND_SCRATCH_NORM, size))) return ND_ENOMEM;
  if (j->g)
    for (int64_t i = 0; i < 2 * j->parts * row; i++) ((double *)j->partial)[i] = 0;
  nd_parallel_for(items, grain, measure_parts, j);
  join_parts(j);
  nd_parallel_for(items, grain, write_parts, j);
  return ND_OK;
}

int nd_batch_norm_dense(int dtype, int64_t n, void *out, const void *a, const void *weight, const void *bias,
                        void *stats, int64_t channels, int64_t inner, double eps) {
  job j = {.type = dtype, .out = out, .a = a, .weight = weight, .bias = bias, .stats = stats, .eps = eps};
  return run(&j, n, channels, inner);
}

int nd_batch_norm_backward_dense(int dtype, int64_t n, void *out, const void *g, const void *a, const void *weight,
                                 const void *stats, void *to_weight, void *to_bias, int64_t channels, int64_t inner) {
  job j = {.type = dtype, .out = out, .to_weight = to_weight, .to_bias = to_bias, .g = g, .a = a, .weight = weight,
           .stats = (double *)stats};
  return run(&j, n, channels, inner);
}
