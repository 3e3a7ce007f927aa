/* pooling_max.h - the maximum of each window and its adjoint, for one element type T. Included by pooling.c.
 *
 * A place is noted as its distance from the window's corner: the same for all lanes. nan is greater than any number, the
 * last one stays. The adjoint asks every window at every kernel position whether its maximum was there, which takes
 * less time than going to one place after the other.
 */
static void NAME(larger_of)(int64_t n, const T *restrict seen, i32 distance, T *restrict best, i32 *restrict place) {
  for (int64_t j = 0; j < n; j++) {
    const T value = seen[j];
    const int better = (value > best[j]) | (value != value);
    best[j] = better ? value : best[j];
    place[j] = better ? distance : place[j];
  }
}

static void NAME(add_where)(int64_t n, const i32 *restrict place, i32 distance, const T *restrict g, T *restrict sum) {
  for (int64_t j = 0; j < n; j++) {
    const T value = g[j], more = place[j] == distance ? value : 0;
    sum[j] += more;
  }
}

static void NAME(take_where)(int64_t n, const i32 *restrict place, i32 distance, const T *restrict g, T *restrict out) {
  for (int64_t j = 0; j < n; j++) {
    const T value = g[j];
    out[j] = place[j] == distance ? value : 0;
  }
}

/* The place of the first element that a window sees, which is -inf like all of them; -1 if there is none. */
static i32 NAME(first_place)(const nd_pool *v, int64_t i, int64_t j) {
  int64_t k, l, end, right;
  seen_from(v->down, i, v->kh, &k, &end);
  seen_from(v->across, j, v->kw, &l, &right);
  if (k >= end || l >= right) return -1;
  const int64_t row = i * v->down.step + k * v->down.dilation + v->down.start;
  return (i32)(row * v->across.extent + j * v->across.step + l * v->across.dilation + v->across.start);
}

/* The place of the corner of the first window in row i. */
static inline i32 NAME(corner)(const nd_pool *v, int64_t i) {
  return (i32)((i * v->down.step + v->down.start) * v->across.extent + v->across.start);
}

/* A row of windows from the lanes to y and places. */
static void NAME(put_max)(const nd_pool *v, int64_t i, const T *best, const i32 *place, T *y, i32 *places) {
  const i32 corner = NAME(corner)(v, i), step = (i32)v->across.step;
  if (v->c == 1 && v->yw == 1 && v->pw == 1) {
    i32 some = 0;
    for (int64_t j = 0; j < v->w; j++) y[j] = best[j];
    if (!places) return;
    for (int64_t j = 0; j < v->w; j++) {
      places[j] = corner + (i32)j * step + place[j];
      some |= place[j];
    }
    for (int64_t j = 0; some < 0 && j < v->w; j++)
      if (place[j] < 0) places[j] = NAME(first_place)(v, i, j);
    return;
  }
  for (int64_t j = 0; j < v->w; j++)
    for (int64_t c = 0; c < v->c; c++) {
      const i32 from = place[j * v->c + c];
      y[j * v->yw + c * v->yc] = best[j * v->c + c];
      if (places) places[j * v->pw + c * v->pc] = from < 0 ? NAME(first_place)(v, i, j) : corner + (i32)j * step + from;
    }
}

static void NAME(max)(const nd_pool *v, int64_t planes, const void *x, void *y, i32 *places, void *room) {
  const int64_t step = v->across.step, all = planes * v->h;
  if (v->pairs) {
    if (v->w <= MOST / 2) NAME(pairs_max)(MOST / 2, v->h, all, v->across.extent, x, y, places);
    else NAME(pairs_max)(MOST, v->h, all, v->across.extent, x, y, places);
    return;
  }
  NAME(space) s = NAME(lay_out)(v, room, (T)-INFINITY);
  for (int64_t first = 0; first < all; first += v->rows) {
    const int64_t rows = least(v->rows, all - first), n = whole_groups(rows * v->pitch * v->c);
    NAME(fill)(n, s.value, (T)-INFINITY);
    for (int64_t j = 0; j < n; j++) s.place[j] = -1;
    for (int64_t k = 0; k < v->kh; k++) {
      NAME(deal)(v, first, rows, k, x, (T)-INFINITY, s);
      for (int64_t l = 0; l < v->kw; l++) {
        const int64_t q = l * v->across.dilation, distance = k * v->down.dilation * v->across.extent + q;
        NAME(larger_of)(n, s.heaps + q % step * v->lanes + q / step * v->c, (i32)distance, s.value, s.place);
      }
    }
    int64_t plane = first / v->h, i = first % v->h;
    for (int64_t r = 0; r < rows; r++) {
      NAME(put_max)(v, i, s.value + r * v->pitch * v->c, s.place + r * v->pitch * v->c,
                    (T *)y + plane * v->yp + i * v->yh, places ? places + plane * v->pp + i * v->ph : NULL);
      if (++i == v->h) i = 0, plane++;
    }
  }
}

/* A row of windows from g and places to the lanes. */
static void NAME(get_adjoints)(const nd_pool *v, int64_t i, const T *g, const i32 *places, T *adjoint, i32 *place) {
  const i32 corner = NAME(corner)(v, i), step = (i32)v->across.step;
  if (v->c == 1 && v->yw == 1 && v->pw == 1)
    for (int64_t j = 0; j < v->w; j++) {
      adjoint[j] = g[j];
      place[j] = places[j] - corner - (i32)j * step;
    }
  else
    for (int64_t j = 0; j < v->w; j++)
      for (int64_t c = 0; c < v->c; c++) {
        adjoint[j * v->c + c] = g[j * v->yw + c * v->yc];
        place[j * v->c + c] = places[j * v->pw + c * v->pc] - corner - (i32)j * step;
      }
}

static void NAME(max_backward)(const nd_pool *v, int64_t planes, void *x, const void *g, const i32 *places, void *room) {
  const int64_t step = v->across.step, all = planes * v->h;
  if (v->pairs) {
    if (v->w <= MOST / 2) NAME(pairs_max_backward)(MOST / 2, v->h, all, v->across.extent, x, g, places);
    else NAME(pairs_max_backward)(MOST, v->h, all, v->across.extent, x, g, places);
    return;
  }
  NAME(space) s = NAME(lay_out)(v, room, 0); /* lanes of no window stay at 0 and -1 */
  for (int64_t first = 0; first < all; first += v->rows) {
    const int64_t rows = least(v->rows, all - first), n = whole_groups(rows * v->pitch * v->c);
    int64_t plane = first / v->h, i = first % v->h;
    for (int64_t r = 0; r < rows; r++) {
      NAME(get_adjoints)(v, i, (const T *)g + plane * v->yp + i * v->yh, places + plane * v->pp + i * v->ph,
                         s.value + r * v->pitch * v->c, s.place + r * v->pitch * v->c);
      if (++i == v->h) i = 0, plane++;
    }
    for (int64_t k = 0; k < v->kh; k++) {
      if (!v->apart) NAME(fill)(v->phases * v->lanes, s.heaps, 0);
      for (int64_t l = 0; l < v->kw; l++) {
        const int64_t q = l * v->across.dilation, distance = k * v->down.dilation * v->across.extent + q;
        T *heap = s.heaps + q % step * v->lanes + q / step * v->c;
        if (v->apart) NAME(take_where)(n, s.place, (i32)distance, s.value, heap);
        else NAME(add_where)(n, s.place, (i32)distance, s.value, heap);
      }
      NAME(collect)(v, first, rows, k, x, s);
    }
  }
}
