/* conv_direct_plan.h - convolutions without columns: which are computed so, and where everything is. Included by conv.c.
 *
 * A window sees element x[start + its place + the place of a kernel position]: a sum of two numbers, one of them the
 * window's, the other the position's. So tables of places take the columns' part, and the image is read where it lies,
 * or, if it needs padding, from a padded copy, K*L times smaller than its columns. Lanes are
 *
 *     outputs            y[window][o] = sum over taps of x[window + tap] w[tap][o]
 *     windows in a row   y[o][window] = sum over taps of w[o][tap] x[tap + window]       step 1, and few outputs
 *
 * and for the adjoint of w
 *
 *     outputs            w[tap][o] = sum over windows of x[tap + window] y[window][o]
 *     windows in a row   w[o][tap] = sum over windows of y[o][window] x[tap + window]    each lane for itself, first
 */
#ifndef ND_CONV_DIRECT_PLAN_H
#define ND_CONV_DIRECT_PLAN_H
#include "conv_plan.h"

enum {
  DIRECT_WINDOWS = 6,       /* in a row, at least; columns of smaller images are as fast */
  DIRECT_WEIGHTS = 1 << 19, /* bytes of all weights of a group, at most: they are read for each few windows */
  DIRECT_PART = 1 << 17,    /* bytes of the adjoint of w, at most, for each image adds to all of it */
  DIRECT_BLOCK = 16384,     /* elements of y in a block of rows */
  TURNED_MORE = 2           /* times as many places as windows, at most, where the adjoint of x is computed directly */
};

typedef struct direct {
  int along_rows;               /* whether lanes are windows */
  int copy_x, copy_y, copy_w;
  int64_t lanes, outputs, taps; /* outputs: rounded up to whole vectors */
  int64_t height, width;        /* of the image, what windows see of it: with padding */
  int64_t xc, xh, xw, at;       /* strides of the image that is read, and where in x it begins if that is no copy */
  int64_t pc, pk, pl;           /* numbers of taps: c*pc + k*pk + l*pl */
  int64_t rows, row_blocks;
  int64_t *windows, *positions; /* places of the windows of a block, and of the taps */
  int64_t *steps, *outputs_at;  /* of the other operand's vectors of outputs, one after the other; of its outputs */
} direct;

static inline int reaches_out(axis s, int64_t windows, int64_t kernel) {
  return s.start < 0 || s.start + (windows - 1) * s.step + (kernel - 1) * s.dilation >= s.extent;
}

/* 1 if this convolution is computed directly. */
static inline int read_direct(const conv *v, int weight, int64_t lanes, int64_t bytes, direct *d) {
  const int64_t taps = v->c * v->kh * v->kw, outputs = (v->o + lanes - 1) / lanes * lanes;
  if (v->w < DIRECT_WINDOWS || outputs * taps * bytes > (weight ? DIRECT_PART : DIRECT_WEIGHTS)) return 0;
  *d = (direct){.lanes = lanes, .outputs = outputs, .taps = taps};
  d->height = (v->h - 1) * v->down.step + (v->kh - 1) * v->down.dilation + 1;
  d->width = (v->w - 1) * v->across.step + (v->kw - 1) * v->across.dilation + 1;
  d->along_rows = v->across.step == 1 && v->yw == 1 &&
                  v->o * divided_up(v->w, lanes) <= v->w * divided_up(v->o, lanes) &&
                  (!weight || (v->w >= lanes && v->o * taps * lanes * bytes <= DIRECT_PART));
  if (weight && !d->along_rows && !v->by_windows && sees_few(v)) return 0; /* y need not be copied */
  const int last = v->xc == 1 && v->c > 1 && !d->along_rows;
  d->copy_x = d->along_rows || reaches_out(v->down, v->h, v->kh) || reaches_out(v->across, v->w, v->kw);
  d->xc = !d->copy_x ? v->xc : last ? 1 : d->height * d->width;
  d->xw = !d->copy_x ? v->xw : last ? v->c : 1;
  d->xh = !d->copy_x ? v->xh : d->width * d->xw;
  d->at = d->copy_x ? 0 : v->down.start * v->xh + v->across.start * v->xw;
  d->pc = last ? 1 : v->kh * v->kw, d->pl = last ? v->c : 1, d->pk = v->kw * d->pl;
  if (d->along_rows && !weight) d->pc = v->kw, d->pk = v->c * v->kw; /* by kernel rows: direct_line leaves some out */
  d->copy_w = d->along_rows ? v->wl != 1 || v->wk != d->pk || v->wc != d->pc
                            : outputs != v->o || v->wo != 1 || v->wc != d->pc * v->o || v->wl != d->pl * v->o ||
                                  v->wk != d->pk * v->o;
  d->copy_y = !d->along_rows && (v->yo != 1 || (v->h > 1 && v->yh != v->w * v->yw) || (weight && outputs != v->o));
  d->rows = least(most(DIRECT_BLOCK / (v->w * outputs), 1), v->h);
  d->row_blocks = divided_up(v->h, d->rows);
  return 1;
}

static inline int64_t count_places(const conv *v, const direct *d) {
  return d->rows * v->w + d->taps + most(d->taps, d->rows * v->w) + v->o;
}

/* `step`: from one vector of outputs to the next, or, along rows, one. `output`: from one output to the next. */
static inline void fill_places(const conv *v, direct *d, int64_t step, int64_t output, int64_t *table) {
  const int64_t windows = d->rows * v->w;
  d->windows = table;
  d->positions = d->windows + windows;
  d->steps = d->positions + d->taps;
  d->outputs_at = d->steps + most(d->taps, windows);
  for (int64_t i = 0; i < d->rows; i++)
    for (int64_t j = 0; j < v->w; j++) d->windows[i * v->w + j] = i * v->down.step * d->xh + j * v->across.step * d->xw;
  for (int64_t c = 0; c < v->c; c++)
    for (int64_t k = 0; k < v->kh; k++)
      for (int64_t l = 0; l < v->kw; l++)
        d->positions[c * d->pc + k * d->pk + l * d->pl] =
            c * d->xc + k * v->down.dilation * d->xh + l * v->across.dilation * d->xw;
  for (int64_t p = 0; p < most(d->taps, windows); p++) d->steps[p] = p * step;
  for (int64_t o = 0; o < v->o; o++) d->outputs_at[o] = o * output;
}
#endif
