/* conv.h - the family of the convolution: products whose operands are not matrices, but places in an image. */
#ifndef ND_CONV_H
#define ND_CONV_H
#include "kernel_types.h"

/*     c[i*c_row + j] (+)= sum over p of a[i_at[i] + p_at[p]] b[b_at[p] + j]        i < m, j < n, p < k
 *
 * Where i counts windows and p the positions of the kernel, each of these sums is a window's, read where the image lies.
 * b is read in whole vectors: up to `lanes` - 1 elements behind its n. With `two_lines`, where n is a vector or less, the
 * same is computed once more, of b + b_line, and goes to c + c_line: what is read of a then serves two vectors. */
typedef struct nd_places {
  int64_t m, n, k;
  const void *a, *b;
  void *c;
  const int64_t *i_at, *p_at, *b_at;
  int64_t c_row;
  int accumulate, two_lines;
  int64_t b_line, c_line;
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

/*     c[i*c_row + j] = sum over p of a[p] b[i*b_row + b_at[p] + j]        i < m lines, j < n, p < k
 *
 * A stencil: the same weights slide over an image, whose lines lie b_row apart. Where there is one output for each of them, as
 * in a depthwise convolution. b is read as above. */
typedef struct nd_stencil {
  int64_t m, n, k;
  const void *a, *b;
  void *c;
  const int64_t *b_at;
  int64_t b_row, c_row;
} nd_stencil;

/* The rules of Winograd's algorithm, each a small matrix of rows x columns (conv_winograd_plan.h says what they are):
 *     INPUT_points, RESULT_taps_points, WEIGHT_taps; points are 0, 1, infinity and, of four, -1 */
#define ND_MIXES(X)                                                                     \
  X(INPUT_3, 3, 3, {1, -1, 0}, {0, 1, 0}, {0, -1, 1})                                   \
  X(INPUT_4, 4, 4, {1, 0, -1, 0}, {0, .5, .5, 0}, {0, -1, 0, 1}, {0, -.5, .5, 0})       \
  X(RESULT_2_3, 2, 3, {1, 1, 0}, {0, 1, 1})                                             \
  X(RESULT_2_4, 3, 4, {1, 1, 0, 1}, {0, 1, 0, -1}, {0, 1, 1, 1})                        \
  X(RESULT_3_3, 1, 3, {1, 1, 1})                                                        \
  X(RESULT_3_4, 2, 4, {1, 1, 0, 1}, {0, 1, 1, -1})                                      \
  X(WEIGHT_2, 4, 2, {1, 0}, {1, 1}, {0, 1}, {1, -1})                                    \
  X(WEIGHT_3, 4, 3, {1, 0, 0}, {1, 1, 1}, {0, 0, 1}, {1, -1, 1})
#define ND_MIX_NAME(name, rows, cols, ...) MIX_##name,
enum { ND_MIXES(ND_MIX_NAME) ND_MIX_RULES };

typedef struct nd_conv_table {
  int64_t lanes[2];                    /* elements of a vector, f32 and f64 */
  int64_t vectors;                     /* of columns that a tile of the matrix product has */
  void (*product[2])(const nd_places *x);
  void (*lines[2])(const nd_lines_of_places *x);
  void (*stencil[2])(const nd_stencil *x);
  void (*transpose[2])(int64_t rows, int64_t cols, void *to, int64_t to_row, const void *from, int64_t from_row);
                                       /* to[r*to_row + c] = from[c*from_row + r] */
  void (*mix[2])(int rule, int turned, int64_t n, const void *const *from, void *const *to, int accumulate);
                                       /* to[r][i] (+)= sum over v of rule[r][v] from[v][i], or, turned, of rule[v][r] */
  int (*finite[2])(int64_t n, const void *x);
} nd_conv_table;
#endif
