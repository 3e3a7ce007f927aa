/* conv_plan.h - a convolution read from its plan, and how it is cut into blocks. Included by conv.c. */
#ifndef ND_CONV_PLAN_H
#define ND_CONV_PLAN_H
#include "kernel_types.h"
#include "windows.h"

enum {
  BLOCK_ELEMENTS = 65536, /* windows laid out at once: 256 KB of float32 */
  IMAGE_BLOCKS = 8,       /* at least, if there are so many images: work for several threads */
  PART_WINDOWS = 128,     /* at least in each part, else adding up parts takes longer than the products */
  MOST_PARTS = 16,        /* the adjoint of w is added up in */
  PART_ELEMENTS = 524288, /* of all parts together, as long as there are two */
  WIDE = 16,              /* windows in a row from which runs along it are worth while; */
  LESS_WIDE = 6,          /* where a window sees few elements, from which */
  FEW = 32
};

typedef struct conv {
  int64_t n, groups, o, c, h, w, kh, kw; /* o, c: of a group; h, w: windows */
  axis down, across;
  int64_t xn, xg, xc, xh, xw, yn, yg, yo, yh, yw, wg, wo, wc, wk, wl; /* strides of elements of x, y, w */
  int64_t x_at, y_at, w_at;                                           /* where they begin */
  int by_windows;           /* arrangement of the columns */
  int copy_x, copy_y, copy_w; /* whether these must be brought into order: images, results, weights */
  int64_t w_group;          /* elements of w in a group */
  int64_t y_window;         /* stride of y from one window to the next */
  int64_t images, rows;     /* of a block */
  int64_t image_blocks, row_blocks, parts;
} conv;

/* Drops kernel positions at both ends at which no window sees anything; how many in front is returned. */
static inline int64_t shrink(axis *s, int64_t windows, int64_t *kernel) {
  int64_t first, last, low = *kernel, high = 0;
  for (int64_t k = 0; k < *kernel; k++) {
    seen_at(*s, k, windows, &first, &last);
    if (first < last) low = least(low, k), high = k + 1;
  }
  *kernel = most(high - low, 0);
  s->start += low * s->dilation;
  return low;
}

/* 1 if a window sees so few elements that reading or writing results takes longer than multiplying, and if these lie side by
 * side in a row: then columns are made so that the products read and write results where they lie. */
static inline int sees_few(const conv *v) { return v->c * v->kh * v->kw <= FEW && v->yw == 1 && v->w > 1; }

/* x, w and y are numbers of operands; w is 0 if its adjoint is wanted. */
static inline void read_plan(const nd_plan *p, int x, int w, int y, const int64_t *window, conv *v) {
  const int64_t *xs = p->stride[x], *ws = p->stride[w], *ys = p->stride[y], *n = p->shape;
  *v = (conv){.n = n[0], .groups = n[1], .o = n[2], .c = n[3], .h = n[4], .w = n[5], .kh = n[6], .kw = n[7],
              .down = {window[0], window[1], window[2], window[3]},
              .across = {window[4], window[5], window[6], window[7]},
              .xn = xs[0], .xg = xs[1], .xc = xs[3], .xh = xs[4] / window[1], .xw = xs[5] / window[5],
              .yn = ys[0], .yg = ys[1], .yo = ys[2], .yh = ys[4], .yw = ys[5],
              .wg = ws[1], .wo = ws[2], .wc = ws[3], .wk = ws[6], .wl = ws[7], .y_at = p->offset[y]};
  v->x_at = p->offset[x] - v->down.start * v->xh - v->across.start * v->xw;
  v->w_at = p->offset[w] + shrink(&v->down, v->h, &v->kh) * v->wk;
  v->w_at += shrink(&v->across, v->w, &v->kw) * v->wl;
  const int64_t taps = v->kh * v->kw, inner = v->c * taps, windows = v->h * v->w;
  if (!inner || !v->o || !v->n || !v->groups) return;
  const int channels_last = v->xc == 1 && v->c > 1 && v->xw != 1;
  v->by_windows = channels_last || v->w < (sees_few(v) ? LESS_WIDE : WIDE);
  v->copy_x = v->by_windows && !(v->xc == 1 || v->c == 1);
  v->copy_w = v->by_windows ? !(v->wo == 1 && v->wc == v->o && v->wl == v->c * v->o && v->wk == v->kw * v->wl)
                            : !(v->wl == 1 && v->wk == v->kw && v->wc == taps);
  v->w_group = v->o * inner;
  v->images = 1;
  v->rows = least(most(BLOCK_ELEMENTS / (inner * v->w), 1), v->h);
  const int64_t parts = least(PART_ELEMENTS / (v->groups * v->w_group), v->n * windows / PART_WINDOWS);
  v->parts = least(most(parts, 2), MOST_PARTS);
  const int64_t blocks = w ? IMAGE_BLOCKS : least(v->parts, IMAGE_BLOCKS); /* each of these adds to all of the adjoint of w */
  if (v->by_windows && v->rows == v->h)
    v->images = most(least(BLOCK_ELEMENTS / (inner * windows), divided_up(v->n, blocks)), 1);
  /* The rows of y are one matrix if they follow each other, and so, in a block of several images, do these. */
  v->y_window = v->w > 1 ? v->yw : v->h > 1 ? v->yh : v->yn;
  v->copy_y = (v->w > 1 && v->h > 1 && v->yh != v->w * v->yw) ||
              (windows > 1 && v->images > 1 && v->yn != windows * v->y_window);
  v->image_blocks = divided_up(v->n, v->images);
  v->row_blocks = divided_up(v->h, v->rows);
  v->parts = least(v->image_blocks * v->row_blocks, v->parts);
}
#endif
