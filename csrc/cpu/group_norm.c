/* group_norm.c - the driver of group, instance and layer normalisation: what is normalised together lies side by side.
 *
 * Where a channel has few positions in a group, in layer normalisation one, its weight is repeated for each of them and
 * the group is a row (normalise_rows.h); else each channel of it is a segment. The examples are cut into parts by the
 * shapes alone, and the sums of the parts are added in order: any number of threads gives the same bits.
 */
#include <math.h>
#include <stddef.h>
#include <string.h>
#include "errors.h"
#include "normalise.h"
#include "parallel.h"
#include "pool.h"
#include "unroll.h"

enum { SIDE_BY_SIDE = 16, PARTS = 16, MOST_SUMS = 1 << 20 };

typedef struct {
  const nd_normaliser *of;
  int type, size;
  int64_t batch, channels, inner, groups, row; /* row: elements of a group */
  int64_t parts;
  char *out;
  const char *g, *a, *weight, *bias; /* rows: one for each place */
  double *stats, eps, *partial;      /* partial: of each part sum g z and sum g */
  int failed;
} job;

static double number(const job *j, const char *data, int64_t i) {
  return j->type == ND_F32 ? ((const f32 *)data)[i] : ((const f64 *)data)[i];
}

static nd_row_stats stats_of(const job *j, int64_t example, int64_t group) {
  const int64_t all = j->batch * j->groups;
  double *at = j->stats + example * j->groups + group;
  return (nd_row_stats){at, at + all, at + 2 * all, j->groups};
}

static void rows_part(job *j, int64_t part) {
  const int64_t lo = j->batch * part / j->parts, hi = j->batch * (part + 1) / j->parts;
  const int64_t pitch = j->groups * j->row;
  char *buffer = j->g ? nd_scratch(ND_SCRATCH_ROW, 2 * j->row * j->size) : NULL;
  if (j->g && !buffer) {
    __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t k = 0; k < j->groups; k++) {
    const int64_t at = (lo * pitch + k * j->row) * j->size, of_row = k * j->row * j->size;
    const nd_row_stats stats = stats_of(j, lo, k);
    double *sums = j->partial + part * 2 * pitch + k * j->row;
    if (j->g)
      j->of->row_back(hi - lo, j->row, j->out + at, j->g + at, j->a + at, pitch, j->weight + of_row, stats, buffer, sums,
                      sums + pitch);
    else
      j->of->row_norm(hi - lo, j->row, j->out + at, j->a + at, pitch, j->weight + of_row, j->bias + of_row, j->eps, stats);
  }
}

static void segments_of_group(job *j, int64_t example, int64_t group, double *sums) {
  const int64_t in_group = j->channels / j->groups, n = j->inner, first = group * in_group;
  const int64_t at = (example * j->groups + group) * j->row, step = n * j->size;
  const char *a = j->a + at * j->size, *g = j->g ? j->g + at * j->size : NULL;
  char *out = j->out + at * j->size;
  const nd_row_stats stats = stats_of(j, example, group);
  if (!g) {
    const nd_moments of_group = j->of->moments(1, j->row, a, j->row);
    *stats.mean = of_group.mean;
    *stats.variance = of_group.squares / of_group.count;
    *stats.inverse = 1 / sqrt(*stats.variance + j->eps);
    for (int64_t k = 0; k < in_group; k++)
      j->of->scale(1, n, out + k * step, a + k * step, n, *stats.mean, number(j, j->weight, first + k) * *stats.inverse,
                   number(j, j->bias, first + k));
    return;
  }
  double plain = 0, dot = 0;
  const double inverse = *stats.inverse;
  double (*own)[2] = (double (*)[2])nd_scratch(ND_SCRATCH_ROW, in_group * 2 * sizeof(double));
  if (!own) {
    __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t k = 0; k < in_group; k++) {
    const double w = number(j, j->weight, first + k);
    own[k][0] = own[k][1] = 0;
    j->of->dots(1, n, g + k * step, a + k * step, n, *stats.mean, own[k]);
    plain += w * own[k][0];
    dot += w * own[k][1];
    sums[first + k] += own[k][1] * inverse;
    sums[j->channels + first + k] += own[k][0];
  }
  for (int64_t k = 0; k < in_group; k++)
    j->of->slope(1, n, out + k * step, g + k * step, a + k * step, n, *stats.mean, number(j, j->weight, first + k) * inverse,
                 -inverse * inverse * inverse * (dot / j->row), -inverse * (plain / j->row));
}

static void rows(void *ctx, int64_t lo, int64_t hi) {
  for (int64_t part = lo; part < hi; part++) rows_part(ctx, part);
}

static void segments(void *ctx, int64_t lo, int64_t hi) {
  job *j = ctx;
  for (int64_t part = lo; part < hi; part++)
    for (int64_t i = j->batch * part / j->parts; i < j->batch * (part + 1) / j->parts; i++)
      for (int64_t k = 0; k < j->groups; k++) segments_of_group(j, i, k, j->partial + part * 2 * j->channels);
}

/* One number for each position from one for each channel. */
static char *repeated(const job *j, const char *of_channel, char *to) {
  for (int64_t c = 0; c < j->channels; c++)
    for (int64_t i = 0; i < j->inner; i++) memcpy(to + (c * j->inner + i) * j->size, of_channel + c * j->size, j->size);
  return to;
}

static int run(job *j, int64_t n, int64_t channels, int64_t inner, int64_t groups, void *const *to) {
  if (j->type != ND_F32 && j->type != ND_F64) return ND_EDTYPE;
  if (channels < 1 || inner < 1 || groups < 1 || channels % groups || n < 0 || n % (channels * inner)) return ND_EPLAN;
  j->of = &nd_current_isa()->normalise->of[j->type];
  j->size = nd_item_size(j->type);
  j->batch = n / (channels * inner);
  j->channels = channels;
  j->inner = inner;
  j->groups = groups;
  j->row = channels / groups * inner;
  const int by_rows = inner < SIDE_BY_SIDE;
  const int64_t places = by_rows ? channels * inner : channels;
  j->parts = j->batch < PARTS ? j->batch : PARTS;
  if (j->g && j->parts * places > MOST_SUMS) j->parts = MOST_SUMS / places + 1 < j->parts ? MOST_SUMS / places + 1 : j->parts;
  const int64_t of_sums = 2 * j->parts * places * (int64_t)sizeof(double);
  char *scratch = nd_scratch(ND_SCRATCH_NORM, of_sums + 2 * places * j->size);
  if (!scratch) return ND_ENOMEM;
  j->partial = (double *)scratch;
  if (j->g) memset(j->partial, 0, of_sums);
  if (by_rows && inner > 1) {
    j->weight = repeated(j, j->weight, scratch + of_sums);
    if (!j->g) j->bias = repeated(j, j->bias, scratch + of_sums + places * j->size);
  }
  if (j->parts) nd_parallel_for(j->parts, ND_GRAIN_CHEAP / 2 / (n / j->parts + 1) + 1, by_rows ? rows : segments, j);
  if (j->failed) return ND_ENOMEM;
  for (int64_t part = 1; j->g && part < j->parts; part++) { /* row by row, which is how they lie */
    double *const sums = j->partial, *const more = sums + part * 2 * places;
    ND_INDEPENDENT for (int64_t k = 0; k < 2 * places; k++) sums[k] += more[k];
  }
  for (int64_t c = 0; j->g && c < 2 * channels; c++) {
    const int64_t width = places / channels;
    double sum = 0;
    for (int64_t i = 0; j->parts && i < width; i++) sum += j->partial[c * width + i];
    if (j->type == ND_F32) ((f32 *)to[c / channels])[c % channels] = (f32)sum;
    else ((f64 *)to[c / channels])[c % channels] = sum;
  }
  return ND_OK;
}

int nd_group_norm_dense(int dtype, int64_t n, void *out, const void *a, const void *weight, const void *bias,
                        void *stats, int64_t channels, int64_t inner, int64_t groups, double eps) {
  job j = {.type = dtype, .out = out, .a = a, .weight = weight, .bias = bias, .stats = stats, .eps = eps};
  return run(&j, n, channels, inner, groups, NULL);
}

int nd_group_norm_backward_dense(int dtype, int64_t n, void *out, const void *g, const void *a, const void *weight,
                                 const void *stats, void *to_weight, void *to_bias, int64_t channels,
                                 int64_t inner, int64_t groups) {
  job j = {.type = dtype, .out = out, .g = g, .a = a, .weight = weight, .stats = (double *)stats};
  return run(&j, n, channels, inner, groups, (void *[]){to_weight, to_bias});
}
