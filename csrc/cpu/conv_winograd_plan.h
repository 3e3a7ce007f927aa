/* conv_winograd_plan.h - convolutions with fewer multiplications: how the windows are cut into tiles. Included by conv.c.
 *
 * Two polynomials are multiplied by evaluating both at some points, multiplying the values, and finding the polynomial that
 * has these. A convolution along one axis is a product of polynomials seen from the other side (its transpose), so the same
 * three steps compute it: m windows of a kernel of r taps need m + r - 1 multiplications, one for each point, not m r.
 * With the points 0, 1, infinity and -1, and g a kernel of two taps, d four elements that three windows see:
 *
 *     u = g(0), g(1), g(inf), g(-1)     = g0,        g0 + g1,       g1,        g0 - g1            MIX_WEIGHT
 *     v =                                 d0 - d2,   (d1 + d2)/2,   d3 - d1,   (d2 - d1)/2        MIX_INPUT
 *     p = u v                             four multiplications for six
 *     y =                                 p0 + p1 + p3,   p1 - p3,   p1 + p2 + p3                 MIX_RESULT
 *
 * In an image this is done down and across, so that a tile of 3 x 3 windows costs 16 multiplications, not 36; and sums over
 * channels are taken in between, of products. So for each pair of points there is one matrix product, of all tiles'
 * values with the weights'. A step s is taken apart: window j sees at tap s*u + a the element s*(j + u) + a, so a kernel
 * of 4 with step 2 is two of 2 taps, one for each a, whose images are counted like channels: phases.
 *
 * The last tiles leave -1 out and have one window less; this and the first tiles' number make any number of windows.
 * All rules are linear, so the adjoints of the convolution are made of the transposed rules (conv_winograd.h).
 *
 *     S. Winograd, "Arithmetic complexity of computations", SIAM 1980; A. Lavin and S. Gray, "Fast algorithms for
 *     convolutional neural networks", CVPR 2016.
 *
 * Rounding: each number is a sum of few others with 1 and 1/2 before them, so errors are about twice the usual. More points
 * need fewer multiplications, but also 2, 4 and 8 before numbers: an error ten times as large, and are not used.
 */
#ifndef ND_CONV_WINOGRAD_PLAN_H
#define ND_CONV_WINOGRAD_PLAN_H
#include "conv_plan.h"

enum {
  WINOGRAD_CHANNELS = 16,       /* at least, and outputs: lanes of the rules and columns of the products */
  WINOGRAD_INNER = 32,          /* channels times phases, at least: the depth of the products */
  WINOGRAD_ROWS = 64,           /* tiles in all images, at least: each number of the weights is evaluated at 16 points */
  WINOGRAD_BLOCK = 5 << 16,     /* values of a block of images, about; */
  WINOGRAD_PARTS = 4,             /* that is added up in, at most */
  WINOGRAD_WEIGHT_BLOCK = 1 << 20 /* for the adjoint of w, where each block adds to all of it */
};

/* An axis: tiles of four points, then tiles of three. */
typedef struct {
  int64_t step, taps, four, three; /* taps: of a phase */
} tiling;

static inline int64_t tiles(tiling t) { return t.four + t.three; }
static inline int64_t tiles_at(tiling t, int point) { return point < 3 ? t.four + t.three : t.four; }
static inline int points(tiling t, int64_t tile) { return tile < t.four ? 4 : 3; }
static inline int64_t first_window(tiling t, int64_t tile) {
  return tile * (5 - t.taps) - most(tile - t.four, 0);
}
static inline int64_t products_along(tiling t) { return t.step * (4 * t.four + 3 * t.three); }

/* 1 if there is such a tiling for `windows` windows of `kernel` taps. */
static inline int cut_axis(axis s, int64_t windows, int64_t kernel, tiling *t) {
  *t = (tiling){.step = s.step, .taps = divided_up(kernel, s.step)};
  if (s.dilation != 1 || windows < 2 || t->taps < 2 || t->taps > 3) return 0;
  t->three = t->taps == 3 ? windows % 2 : (3 - windows % 3) % 3; /* tiles of 2 and 1 windows, or of 3 and 2 */
  t->four = (windows - t->three * (4 - t->taps)) / (5 - t->taps);
  return 1;
}

typedef struct winograd {
  tiling down, across;
  int64_t phases, inner, height, width;        /* inner: channels times phases; the image's extents, as tiles see it */
  int64_t images, blocks, parts;               /* parts: of the blocks, for the adjoint of w */
  int64_t rows, before[4][4];                  /* of an image: rows of all points' products, and before each one's */
  int64_t lanes, vectors, panels;              /* the weights' columns in vectors of `lanes`, and in panels of these */
} winograd;

/* 1 if this convolution is computed so; `out`: 0 forward, 1 for the adjoint of x, 2 for that of w. */
static inline int read_winograd(const conv *v, int out, const nd_conv_table *table, int type, winograd *g) {
  if (!cut_axis(v->down, v->h, v->kh, &g->down) || !cut_axis(v->across, v->w, v->kw, &g->across)) return 0;
  g->phases = g->down.step * g->across.step;
  g->inner = v->c * g->phases;
  const int64_t few = products_along(g->down) * products_along(g->across), all = v->h * v->w * v->kh * v->kw;
  if (v->c < WINOGRAD_CHANNELS || v->o < WINOGRAD_CHANNELS || g->inner < WINOGRAD_INNER || 5 * few > 3 * all ||
      v->n * tiles(g->down) * tiles(g->across) < WINOGRAD_ROWS)
    return 0;
  g->height = g->down.step * (v->h + g->down.taps - 1);
  g->width = g->across.step * (v->w + g->across.taps - 1);
  g->rows = 0;
  for (int p = 0; p < 4; p++)
    for (int q = 0; q < 4; q++) {
      g->before[p][q] = g->rows;
      g->rows += tiles_at(g->down, p) * tiles_at(g->across, q);
    }
  /* Blocks of nearly the same size, as many in each part. */
  const int64_t parts = least(PART_ELEMENTS / (v->groups * 16 * g->inner * v->o), WINOGRAD_PARTS);
  const int64_t images = (out == 2 ? WINOGRAD_WEIGHT_BLOCK : WINOGRAD_BLOCK) / (g->rows * (g->inner + v->o));
  g->parts = out == 2 ? most(parts, 2) : IMAGE_BLOCKS;
  g->images = divided_up(v->n, g->parts * divided_up(v->n, g->parts * most(images, 1)));
  g->blocks = divided_up(v->n, g->images);
  g->parts = least(g->parts, g->blocks);
  g->lanes = table->lanes[type];
  g->vectors = divided_up(out == 1 ? g->inner : v->o, g->lanes);
  g->panels = divided_up(g->vectors, table->vectors);
  return 1;
}

/* The first column of the weights' panel number `i`: panels have nearly the same number of vectors, and as many as a tile of
 * the matrix product has at most, so that they are packed for it. */
static inline int64_t panel_at(const winograd *g, int64_t i) { return g->vectors * i / g->panels * g->lanes; }

/* The row of the products of points p and q that tile (i, j) of an image of the block is. */
static inline int64_t row_at(const winograd *g, int p, int q, int64_t image, int64_t i, int64_t j) {
  return g->before[p][q] * g->images + (image * tiles_at(g->down, p) + i) * tiles_at(g->across, q) + j;
}
#endif
