/* pooling_lanes.h - windows side by side, as the lanes of vectors, for one element type T. Included by pooling.c.
 *
 * Window j sees at kernel column l the element j*step + l*dilation + start. With q = l*dilation that is number
 * j + q / step of every step-th column from start + q % step on. So some rows of an image are dealt out like cards, to
 * as many heaps as there are phases q % step:
 *
 *     step 2, start 0      a b c d e f g h    becomes    heap 0: a c e g    heap 1: b d f h
 *
 * and what all windows see at one kernel column lies side by side in one heap, from q / step on: whatever step,
 * dilation, padding and strides are, the loops over windows read and write without gaps. Padding is filled in, so that
 * windows at the edges are nothing special. In a heap rows of windows follow each other, of one plane after the other,
 * `pitch` windows long, a few more than there are, which work on garbage; where channels come last, each window has `c`
 * lanes.
 */

INLINE void NAME(fill)(int64_t n, T *to, T value) {
  for (int64_t i = 0; i < n; i++) to[i] = value;
}

/* Columns of one row of an image that belong to one heap: n of them, `step` columns apart, from `column` on, are the
 * elements from `index` on. */
typedef struct {
  int64_t column, index, n;
} NAME(share);

static inline NAME(share) NAME(share_of)(const nd_pool *v, int64_t phase) {
  const axis s = v->across;
  const int64_t seen = s.start + (v->w - 1) * s.step + (v->kw - 1) * s.dilation + 1, end = least(s.extent, seen);
  NAME(share) a = {.column = s.start + phase};
  a.index = a.column < 0 ? divided_up(-a.column, s.step) : 0;
  a.column += a.index * s.step;
  a.n = a.column < end ? (end - a.column + s.step - 1) / s.step : 0;
  return a;
}

/* The image's row that row i of windows sees at kernel row k; NULL if it is beyond the image. */
static inline T *NAME(row_of)(const nd_pool *v, T *x, int64_t i, int64_t k) {
  const int64_t row = i * v->down.step + k * v->down.dilation + v->down.start;
  return row < 0 || row >= v->down.extent ? NULL : x + row * v->xh;
}

INLINE void NAME(take)(const nd_pool *v, int64_t n, const T *x, int64_t step, T *to) {
  if (v->c > 1)
    for (int64_t i = 0; i < n; i++)
      for (int64_t c = 0; c < v->c; c++) to[i * v->c + c] = x[i * step + c * v->xc];
  else if (step == 1)
    for (int64_t i = 0; i < n; i++) to[i] = x[i];
  else if (step == 2)
    for (int64_t i = 0; i < n; i++) to[i] = x[i * 2];
  else
    for (int64_t i = 0; i < n; i++) to[i] = x[i * step];
}

INLINE void NAME(give)(const nd_pool *v, int64_t n, T *x, int64_t step, const T *from) {
  if (v->c > 1)
    for (int64_t i = 0; i < n; i++)
      for (int64_t c = 0; c < v->c; c++) x[i * step + c * v->xc] += from[i * v->c + c];
  else if (step == 1)
    ND_INDEPENDENT for (int64_t i = 0; i < n; i++) x[i] += from[i];
  else
    for (int64_t i = 0; i < n; i++) x[i * step] += from[i];
}

/* Deals out what `rows` rows of windows, from row `first` of all planes on, see at kernel row k. */
static void NAME(deal)(const nd_pool *v, int64_t first, int64_t rows, int64_t k, const T *x, T padding, T *heaps) {
  for (int64_t phase = 0; phase < v->phases; phase++) {
    const NAME(share) a = NAME(share_of)(v, phase);
    T *to = heaps + phase * v->lanes + a.index * v->c;
    const T *plane = x + first / v->h * v->xp;
    for (int64_t r = 0, i = first % v->h; r < rows; r++, to += v->pitch * v->c) {
      const T *row = NAME(row_of)(v, (T *)plane, i, k);
      if (row) NAME(take)(v, a.n, row + a.column * v->xw, v->across.step * v->xw, to);
      else NAME(fill)(a.n * v->c, to, padding);
      if (++i == v->h) i = 0, plane += v->xp;
    }
  }
}

/* The adjoint of that: adds what lies in the heaps to where it came from. */
static void NAME(collect)(const nd_pool *v, int64_t first, int64_t rows, int64_t k, T *x, const T *heaps) {
  for (int64_t phase = 0; phase < v->phases; phase++) {
    const NAME(share) a = NAME(share_of)(v, phase);
    const T *from = heaps + phase * v->lanes + a.index * v->c;
    T *plane = x + first / v->h * v->xp;
    for (int64_t r = 0, i = first % v->h; r < rows; r++, from += v->pitch * v->c) {
      T *row = NAME(row_of)(v, plane, i, k);
      if (row) NAME(give)(v, a.n, row + a.column * v->xw, v->across.step * v->xw, from);
      if (++i == v->h) i = 0, plane += v->xp;
    }
  }
}
