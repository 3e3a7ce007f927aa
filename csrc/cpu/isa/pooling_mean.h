/* pooling_mean.h - the mean of each window and its adjoint, for one element type T. Included by pooling.c. */

static void NAME(add)(int64_t n, const T *restrict seen, T *restrict sum) {
  for (int64_t j = 0; j < n; j++) sum[j] += seen[j];
}

/* How many elements of an axis count for window j: those it sees, or with them the padding, not what is behind it. */
static inline i32 NAME(counted)(const nd_pool *v, axis s, int64_t kernel, int64_t pad, int64_t j) {
  if (v->divide > 0) return 1;
  const int64_t first = j * s.step + s.start, end = s.extent + (v->divide == ND_WINDOW ? pad : 0);
  return (i32)(least(first + kernel, end) - (v->divide == ND_WINDOW ? first : most(first, 0)));
}

/* By what the sum of window (i, j) is divided, where s.place has what counts across. */
INLINE T NAME(divisor)(const nd_pool *v, i32 rows, i32 columns) {
  return v->divide > 0 ? (T)v->divide : (T)rows * (T)columns;
}

static NAME(space) NAME(lay_out_mean)(const nd_pool *v, void *room) {
  NAME(space) s = NAME(lay_out)(v, room, 0);
  for (int64_t j = 0; j < v->w; j++) s.place[j] = NAME(counted)(v, v->across, v->kw, v->pad_across, j);
  return s;
}

static void NAME(mean)(const nd_pool *v, int64_t planes, const void *x, void *y_, void *room) {
  const int64_t step = v->across.step, all = planes * v->h, c = v->c;
  NAME(space) s = NAME(lay_out_mean)(v, room);
  for (int64_t first = 0; first < all; first += v->rows) {
    const int64_t rows = least(v->rows, all - first), n = whole_groups(rows * v->pitch * c);
    NAME(fill)(n, s.value, 0);
    for (int64_t k = 0; k < v->kh; k++) {
      NAME(deal)(v, first, rows, k, x, 0, s);
      for (int64_t l = 0; l < v->kw; l++) NAME(add)(n, s.heaps + l % step * v->lanes + l / step * c, s.value);
    }
    int64_t plane = first / v->h, i = first % v->h;
    for (int64_t r = 0; r < rows; r++) {
      const T *sum = s.value + r * v->pitch * c;
      T *y = (T *)y_ + plane * v->yp + i * v->yh;
      const i32 down = NAME(counted)(v, v->down, v->kh, v->pad_down, i);
      if (c == 1 && v->yw == 1)
        for (int64_t j = 0; j < v->w; j++) y[j] = sum[j] / NAME(divisor)(v, down, s.place[j]);
      else
        for (int64_t j = 0; j < v->w; j++)
          for (int64_t l = 0; l < c; l++) y[j * v->yw + l * v->yc] = sum[j * c + l] / NAME(divisor)(v, down, s.place[j]);
      if (++i == v->h) i = 0, plane++;
    }
  }
}

static void NAME(mean_backward)(const nd_pool *v, int64_t planes, void *x, const void *g_, void *room) {
  const int64_t step = v->across.step, all = planes * v->h, c = v->c;
  NAME(space) s = NAME(lay_out_mean)(v, room); /* lanes of no window stay at 0 */
  for (int64_t first = 0; first < all; first += v->rows) {
    const int64_t rows = least(v->rows, all - first), n = whole_groups(rows * v->pitch * c);
    int64_t plane = first / v->h, i = first % v->h;
    for (int64_t r = 0; r < rows; r++) {
      T *share = s.value + r * v->pitch * c;
      const T *g = (const T *)g_ + plane * v->yp + i * v->yh;
      const i32 down = NAME(counted)(v, v->down, v->kh, v->pad_down, i);
      if (c == 1 && v->yw == 1)
        for (int64_t j = 0; j < v->w; j++) share[j] = g[j] / NAME(divisor)(v, down, s.place[j]);
      else
        for (int64_t j = 0; j < v->w; j++)
          for (int64_t l = 0; l < c; l++) share[j * c + l] = g[j * v->yw + l * v->yc] / NAME(divisor)(v, down, s.place[j]);
      if (++i == v->h) i = 0, plane++;
    }
    for (int64_t k = 0; k < v->kh; k++) {
      NAME(fill)(v->phases * v->lanes, s.heaps, 0);
      for (int64_t l = 0; l < v->kw; l++) NAME(add)(n, s.value, s.heaps + l % step * v->lanes + l / step * c);
      NAME(collect)(v, first, rows, k, x, s);
    }
  }
}
