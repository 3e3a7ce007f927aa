/* normalise.h - the family of batch, group and layer normalisation, f32 and f64.
 *
 * All of them subtract a mean and divide by a deviation; they differ in which elements share these two numbers, and so
 * in how the elements of one mean lie in memory:
 *     a SEGMENT  n elements side by side, perhaps in several rows: a channel of images (N, C, H, W)
 *     COLUMNS    one element in each of many rows, many columns at once: a feature of (N, C)
 *     ROWS       a row by itself, with a weight for each of its elements: layer normalisation
 * Means are kept as doubles. Inside, x - mean is computed as (x - m) - (mean - m), where m is the mean rounded to the
 * element type: the first difference is exact where it matters, the second goes into the constant that is added last.
 */
#ifndef ND_NORMALISE_H
#define ND_NORMALISE_H
#include "kernel_types.h"

enum { ND_NORM_COLUMNS = 256 }; /* columns at a time, at most */

/* How many numbers there were, their mean, and the sum of their squared distances from it. */
typedef struct {
  double count, mean, squares;
} nd_moments;

/* Two sets of numbers become one (T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for
 * computing sample variances", 1979). */
static inline nd_moments nd_moments_of_both(nd_moments x, nd_moments y) {
  const double count = x.count + y.count, apart = y.mean - x.mean;
  if (count == 0) return x;
  return (nd_moments){count, x.mean + apart * (y.count / count),
                      x.squares + y.squares + apart * apart * (x.count * y.count / count)};
}

/* Where the statistics of row i go: mean[i * step], and so on. */
typedef struct {
  double *mean, *variance, *inverse;
  int64_t step;
} nd_row_stats;

/* `rows` rows of n elements, `pitch` elements apart in every operand. scale: out = (a - mean) scale + bias.
 * dots: sums[0] += sum g, sums[1] += sum g (a - mean). slope: out = g of_g + (a - mean) of_a + constant.
 * The columns' functions have one number of each kind for every column; of moments, all have the same count. */
typedef struct {
  nd_moments (*moments)(int64_t rows, int64_t n, const void *a, int64_t pitch);
  void (*scale)(int64_t rows, int64_t n, void *out, const void *a, int64_t pitch, double mean, double scale, double bias);
  void (*dots)(int64_t rows, int64_t n, const void *g, const void *a, int64_t pitch, double mean, double *sums);
  void (*slope)(int64_t rows, int64_t n, void *out, const void *g, const void *a, int64_t pitch, double mean,
                double of_g, double of_a, double constant);
  void (*column_moments)(int64_t rows, int64_t n, const void *a, int64_t pitch, nd_moments *moments);
  void (*column_scale)(int64_t rows, int64_t n, void *out, const void *a, int64_t pitch, const double *mean,
                       const double *scale, const double *bias);
  void (*column_dots)(int64_t rows, int64_t n, const void *g, const void *a, int64_t pitch, const double *mean,
                      double *sum_g, double *sum_ga);
  void (*column_slope)(int64_t rows, int64_t n, void *out, const void *g, const void *a, int64_t pitch,
                       const double *mean, const double *of_g, const double *of_a, const double *constant);
  void (*row_norm)(int64_t rows, int64_t n, void *out, const void *a, int64_t pitch, const void *weight,
                   const void *bias, double eps, nd_row_stats to);
  /* buffer: 2 n elements; to_weight, to_bias: n sums that are added to */
  void (*row_back)(int64_t rows, int64_t n, void *out, const void *g, const void *a, int64_t pitch,
                   const void *weight, nd_row_stats from, void *buffer, double *to_weight, double *to_bias);
} nd_normaliser;

typedef struct nd_normalise_table {
  nd_normaliser of[2];
} nd_normalise_table;
#endif
