/* conv.h - the family of the convolution: products whose operands are not matrices, but places in an image. */
#ifndef ND_CONV_H
#define ND_CONV_H
#include "kernel_types.h"

/*     c[i*c_row + j] (+)= sum over p of a[i_at[i] + p_at[p]] b[b_at[p] + j]        i < m, j < n, p < k
 *
 * Where i counts windows and p the positions of the kernel, each of these sums is a window's, read where the image lies.
 * b is read in whole vectors: up to `lanes` - 1 elements behind its n. */
typedef struct nd_places {
  int64_t m, n, k;
  const void *a, *b;
  void *c;
  const int64_t *i_at, *p_at, *b_at;
  int64_t c_row;
  int accumulate;
} nd_places;

/*     c[i][j][lane] (+)= sum over rows r and vectors v of a[i_at[i] + r*a_row + v][lane] b[j_at[j] + r*b_row + v][lane]
 *
 * i < m, j < n. The vectors of a row cover `width` elements, at least one vector, once each; the lanes are left to be
 * added up. */
typedef struct nd_lines_of_places {
  int64_t m, n, rows, width;
  const void *a, *b;
  void *c;
  const int64_t *i_at, *j_at;
  int64_t a_row, b_row;
  int accumulate;
} nd_lines_of_places;

typedef struct nd_conv_table {
  int64_t lanes[2];                    /* elements of a vector, f32 and f64 */
  void (*product[2])(const nd_places *x);
  void (*lines[2])(const nd_lines_of_places *x);
  void (*transpose[2])(int64_t rows, int64_t cols, void *to, int64_t to_row, const void *from, int64_t from_row);
                                       /* to[r*to_row + c] = from[c*from_row + r] */
} nd_conv_table;
#endif
