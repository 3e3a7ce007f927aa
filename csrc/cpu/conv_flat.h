/* conv_flat.h - convolutions that are one matrix product as they stand. Included by conv.c.
 *
 * Where a kernel has one pixel, or one window sees the whole image, the matrix of windows (conv_windows.h) is x itself, read
 * with other strides:
 *
 *     y[window][o] = sum over taps of x[window][tap] w[tap][o]        tap: channel, kernel row and kernel column
 *
 * provided that one number counts the taps, in x and in w, in steps of one length, and another the windows in x and in y.
 * So nothing is laid out or copied; the matrix product does the rest, threads included.
 */
#ifndef ND_CONV_FLAT_H
#define ND_CONV_FLAT_H
#include "conv_plan.h"

/* Three dimensions of two arrays at once, or one in their place: `extent` steps of a and of b elements. */
typedef struct {
  int64_t extent, a, b;
} steps;

/* 1 if the dimensions are one, which is then *all: each step of an outer one is as long as the whole inner one; or if all
 * but one are, which is then *rest. */
static inline int flatten(steps d[3], steps *all, steps *rest) {
  *all = *rest = (steps){1, 1, 1};
  for (int i = 1; i < 3; i++) /* from the longest step of a to the shortest */
    for (int j = i; j > 0 && llabs(d[j - 1].a) < llabs(d[j].a); j--) {
      const steps other = d[j];
      d[j] = d[j - 1], d[j - 1] = other;
    }
  for (int i = 2; i >= 0; i--) {
    if (d[i].extent == 1) continue;
    if (rest->extent > 1) return 0;
    if (all->extent == 1) *all = d[i];
    else if (d[i].a == all->extent * all->a && d[i].b == all->extent * all->b) all->extent *= d[i].extent;
    else *rest = d[i];
  }
  return 1;
}

/* 1 if operand number `out` (0 y, 1 x, 2 w) is a matrix product of the two others; *p is then the plan of it, with the
 * operands in nd_matmul's order: out, then x or y, then w or y. Taps or windows that are not one dimension are two, if no sum
 * runs over them: then there is a product for each of the outer one's. */
static inline int read_flat(const conv *v, int out, nd_plan *p) {
  const int64_t xh = v->xh, xw = v->xw, at_x = v->x_at + v->down.start * xh + v->across.start * xw;
  const int all_seen = v->h * v->w * v->kh * v->kw == v->down.extent * v->across.extent;
  if (reaches_out(v->down, v->h, v->kh) || reaches_out(v->across, v->w, v->kw) || (out == 1 && !all_seen)) return 0;
  steps taps, windows, rows, images;
  if (!flatten((steps[]){{v->c, v->xc, v->wc}, {v->kh, xh * v->down.dilation, v->wk},
                         {v->kw, xw * v->across.dilation, v->wl}}, &taps, &rows)) return 0;
  if (!flatten((steps[]){{v->n, v->xn, v->yn}, {v->h, xh * v->down.step, v->yh}, {v->w, xw * v->across.step, v->yw}},
               &windows, &images)) return 0;
  if ((out == 0 && rows.extent > 1) || (out == 2 && images.extent > 1)) return 0;
  *p = (nd_plan){.ndim = 6, .shape = {v->groups, images.extent, rows.extent}};
  const int64_t x[3] = {v->xg, images.a, rows.a}, y[3] = {v->yg, images.b, 0}, w[3] = {v->wg, 0, rows.b};
  const int64_t *outer[3] = {y, x, w}, offset[3] = {v->y_at, at_x, v->w_at};
  enum { WINDOWS, TAPS, OUTPUTS };
  const int64_t extent[3] = {windows.extent, taps.extent, v->o};
  const int64_t stride[3][3] = {{windows.b, 0, v->yo}, {windows.a, taps.a, 0}, {0, taps.b, v->wo}};
  static const int operands[3][3] = {{0, 1, 2}, {1, 0, 2}, {2, 1, 0}};
  static const int m_n_k[3][3] = {{WINDOWS, OUTPUTS, TAPS}, {WINDOWS, TAPS, OUTPUTS}, {TAPS, OUTPUTS, WINDOWS}};
  p->size = v->groups * images.extent * rows.extent;
  for (int d = 0; d < 3; d++) p->size *= p->shape[3 + d] = extent[m_n_k[out][d]];
  for (int i = 0; i < 3; i++) {
    const int operand = operands[out][i];
    p->offset[i] = offset[operand];
    for (int d = 0; d < 3; d++) p->stride[i][d] = outer[operand][d];
    for (int d = 0; d < 3; d++) p->stride[i][3 + d] = stride[operand][m_n_k[out][d]];
  }
  return 1;
}
#endif
