/* conv_windows.h - the windows of a convolution laid out side by side as a matrix (im2col), and its adjoint (col2im),
 * for one element type: T, suffix TYPE. Included by conv.c.
 *
 * Two arrangements, for rows i .. i + rows - 1 of windows of one image:
 *     by channels   columns[c, k, l][window]    runs along a row of x; for few channels and wide images
 *     by windows    columns[window][k, l, c]    runs along the channels; these must be contiguous in x
 * What lies outside of the image is 0, and is never read or written. A run is copied as a whole where x allows it.
 */

/* Asks the memory for `lines` lines of `n` elements each, `apart` from one to the next. Lines that lie far apart are nothing
 * that a processor could foresee. */
static inline void NAME(ask)(const T *line, int64_t lines, int64_t n, int64_t apart) {
  enum { STEP = 64 / sizeof(T) };
  for (int64_t l = 0; l < lines; l++, line += apart)
    for (int64_t i = 0; i < n; i += STEP) __builtin_prefetch(line + i);
}

/* A copy of three dimensions that is a transpose: p is the one contiguous in `from`, q, another, in `to`. 1 if it was one.
 * What comes next is asked for: of `to` if that is the array that others gave us, `out`, else of `from`. */
static int NAME(transpose3)(const int64_t extent[3], const T *from, const int64_t from_stride[3], T *to,
                            const int64_t to_stride[3], int out) {
  int p = 0, q = 0;
  while (p < 3 && (from_stride[p] != 1 || extent[p] < 2)) p++;
  while (q < 3 && (to_stride[q] != 1 || extent[q] < 2)) q++;
  if (p == 3 || q == 3 || p == q) return 0;
  const int r = 3 - p - q; /* one longer p or q with this dimension in it, or one transpose after the other */
  const int longer_p = from_stride[r] == extent[p] && to_stride[r] == extent[p] * to_stride[p];
  const int longer_q = !longer_p && to_stride[r] == extent[q] && from_stride[r] == extent[q] * from_stride[q];
  const int64_t rows = extent[p] * (longer_p ? extent[r] : 1), columns = extent[q] * (longer_q ? extent[r] : 1);
  const int64_t times = longer_p || longer_q ? 1 : extent[r];
  for (int64_t j = 0, width; j < columns; j += width) { /* few lines of `from` at a time: each is read in one go */
    width = columns - j < 16 ? columns - j : 8;
    const int64_t soon = least(width, columns - j - width); /* lines that come next */
    for (int64_t i = 0; i < times; i++) {
      T *target = to + i * to_stride[r] + j;
      const T *source = from + i * from_stride[r] + j * from_stride[q];
      if (!out) NAME(ask)(source + width * from_stride[q], soon, least(rows, 256 / sizeof(T)), from_stride[q]);
      else if (soon) NAME(ask)(target + width, rows, 1, to_stride[p]);
      else if (i + 1 < times) NAME(ask)(target + to_stride[r], rows, 1, to_stride[p]);
      nd_current_isa()->conv->transpose[CODE](rows, width, target, to_stride[p], source, from_stride[q]);
    }
  }
  return 1;
}

/* A copy of three dimensions. The last two become one where they may, else the longer one is the inner loop. */
static void NAME(move3)(const int64_t extent[3], const T *from, const int64_t from_stride[3], T *to,
                        const int64_t to_stride[3], int out) {
  if (NAME(transpose3)(extent, from, from_stride, to, to_stride, out)) return;
  const int merged = from_stride[1] == extent[2] * from_stride[2] && to_stride[1] == extent[2] * to_stride[2];
  const int inner = merged || extent[2] >= extent[1] ? 2 : 1;
  const int64_t n = merged ? extent[1] * extent[2] : extent[inner], f = from_stride[inner], t = to_stride[inner];
  const int64_t outer = merged ? 1 : extent[3 - inner];
  for (int64_t a = 0; a < extent[0]; a++)
    for (int64_t b = 0; b < outer; b++) {
      const T *source = from + a * from_stride[0] + b * from_stride[3 - inner];
      T *target = to + a * to_stride[0] + b * to_stride[3 - inner];
      if (f == 1 && t == 1) memcpy(target, source, n * sizeof(T));
      else for (int64_t i = 0; i < n; i++) target[i * t] = source[i * f];
    }
}

static void NAME(copy3)(const int64_t extent[3], const T *from, const int64_t from_stride[3], T *to,
                        const int64_t to_stride[3]) {
  NAME(move3)(extent, from, from_stride, to, to_stride, 0);
}

/* The same from our scratch to an array that others gave us. */
static void NAME(hand_out)(const int64_t extent[3], const T *from, const int64_t from_stride[3], T *to,
                           const int64_t to_stride[3]) {
  NAME(move3)(extent, from, from_stride, to, to_stride, 1);
}

static void NAME(clear)(const int64_t extent[3], T *to, const int64_t stride[3]) {
  const int whole = stride[2] == 1 && stride[1] == extent[2] && stride[0] == extent[1] * extent[2];
  if (whole) memset(to, 0, extent[0] * extent[1] * extent[2] * sizeof(T));
  else NAME(copy3)(extent, &(T){0}, (int64_t[]){0, 0, 0}, to, stride);
}

static void NAME(by_channels)(const conv *v, const T *x, int64_t row, int64_t rows, T *columns) {
  const axis h = v->down, w = v->across;
  for (int64_t c = 0; c < v->c; c++)
    for (int64_t k = 0; k < v->kh; k++)
      for (int64_t l = 0; l < v->kw; l++) {
        int64_t first, last;
        seen_at(w, l, v->w, &first, &last);
        const int64_t step = w.step * v->xw;
        for (int64_t i = row; i < row + rows; i++, columns += v->w) {
          const int64_t at = i * h.step + k * h.dilation + h.start;
          if (at < 0 || at >= h.extent || first >= last) {
            memset(columns, 0, v->w * sizeof(T));
            continue;
          }
          const T *from = x + c * v->xc + at * v->xh + (l * w.dilation + w.start) * v->xw;
          for (int64_t j = 0; j < first; j++) columns[j] = 0;
          if (step == 1) memcpy(columns + first, from + first, (last - first) * sizeof(T));
          else for (int64_t j = first; j < last; j++) columns[j] = from[j * step];
          for (int64_t j = last; j < v->w; j++) columns[j] = 0;
        }
      }
}

static void NAME(add_by_channels)(const conv *v, T *x, int64_t row, int64_t rows, const T *columns) {
  const axis h = v->down, w = v->across;
  for (int64_t c = 0; c < v->c; c++)
    for (int64_t k = 0; k < v->kh; k++)
      for (int64_t l = 0; l < v->kw; l++) {
        int64_t first, last;
        seen_at(w, l, v->w, &first, &last);
        const int64_t step = w.step * v->xw;
        for (int64_t i = row; i < row + rows; i++, columns += v->w) {
          const int64_t at = i * h.step + k * h.dilation + h.start;
          if (at < 0 || at >= h.extent || first >= last) continue;
          T *to = x + c * v->xc + at * v->xh + (l * w.dilation + w.start) * v->xw;
          if (step == 1) for (int64_t j = first; j < last; j++) to[j] += columns[j];
          else for (int64_t j = first; j < last; j++) to[j * step] += columns[j];
        }
      }
}

/* Here xh and xw are the strides of rows and columns of an image with contiguous channels. */
static void NAME(by_windows)(const conv *v, const T *x, int64_t xh, int64_t xw, int64_t row, int64_t rows, T *columns) {
  const axis h = v->down, w = v->across;
  const int64_t runs = w.dilation == 1 && xw == v->c ? 1 : v->kw; /* in each row of the kernel */
  for (int64_t i = row; i < row + rows; i++)
    for (int64_t j = 0; j < v->w; j++) {
      int64_t first, last;
      seen_from(w, j, v->kw, &first, &last);
      for (int64_t k = 0; k < v->kh; k++, columns += v->kw * v->c) {
        const int64_t at = i * h.step + k * h.dilation + h.start;
        if (at < 0 || at >= h.extent || first >= last) {
          memset(columns, 0, v->kw * v->c * sizeof(T));
          continue;
        }
        if (first > 0) memset(columns, 0, first * v->c * sizeof(T));
        if (last < v->kw) memset(columns + last * v->c, 0, (v->kw - last) * v->c * sizeof(T));
        const T *from = x + at * xh + (j * w.step + w.start) * xw;
        if (runs == 1) memcpy(columns + first * v->c, from + first * v->c, (last - first) * v->c * sizeof(T));
        else
          for (int64_t l = first; l < last; l++)
            memcpy(columns + l * v->c, from + l * w.dilation * xw, v->c * sizeof(T));
      }
    }
}

static void NAME(add_by_windows)(const conv *v, T *x, int64_t xh, int64_t xw, int64_t row, int64_t rows,
                                 const T *columns) {
  const axis h = v->down, w = v->across;
  const int whole = w.dilation == 1 && xw == v->c;
  for (int64_t i = row; i < row + rows; i++)
    for (int64_t j = 0; j < v->w; j++) {
      int64_t first, last;
      seen_from(w, j, v->kw, &first, &last);
      for (int64_t k = 0; k < v->kh; k++, columns += v->kw * v->c) {
        const int64_t at = i * h.step + k * h.dilation + h.start;
        if (at < 0 || at >= h.extent || first >= last) continue;
        T *to = x + at * xh + (j * w.step + w.start) * xw;
        const int64_t runs = whole ? 1 : last - first, length = whole ? (last - first) * v->c : v->c;
        for (int64_t r = 0; r < runs; r++) {
          T *target = to + (first + r) * w.dilation * xw;
          const T *source = columns + (first + r) * v->c;
          for (int64_t c = 0; c < length; c++) target[c] += source[c];
        }
      }
    }
}
