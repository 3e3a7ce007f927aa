/* pooling_lanes.h - windows side by side, as the lanes of vectors, for one element type T. Included by pooling.c.
 *
 * Window j sees at kernel column l the element j*step + l*dilation + start. With q = l*dilation that is number
 * j + q / step of every step-th column from start + q % step on. So some rows of an image are copied one after the other,
 * padding is filled in, and then they are dealt out like cards, to as many heaps as there are phases q % step:
 *
 *     step 2, start 0      a b c d e f g h    becomes    heap 0: a c e g    heap 1: b d f h
 *
 * What all windows see at one kernel column lies side by side in one heap, from q / step on: whatever step, dilation,
 * padding and strides are, the loops over windows read and write without gaps, and windows at the edges are nothing
 * special. Rows of windows follow each other, of one plane after the other, `pitch` windows long, a few more than there
 * are, which work on garbage; where channels come last, each window has `c` lanes. With step 1 the copied rows are the
 * heap.
 */

INLINE void NAME(fill)(int64_t n, T *to, T value) {
  for (int64_t i = 0; i < n; i++) to[i] = value;
}

/* Where everything lies in the working space. */
typedef struct {
  T *rows, *heaps, *value; /* value, place: of each lane */
  i32 *place;
} NAME(space);

static NAME(space) NAME(lay_out)(const nd_pool *v, void *room, T padding) {
  NAME(space) s = {.rows = room};
  s.heaps = v->across.step == 1 ? s.rows : s.rows + v->across.step * v->lanes;
  s.value = s.heaps + v->phases * v->lanes;
  s.place = (i32 *)(s.value + v->lanes);
  NAME(fill)((T *)s.value - s.rows, s.rows, padding);
  for (int64_t j = 0; j < v->lanes; j++) s.value[j] = 0, s.place[j] = -1;
  return s;
}

/* The image's row that row i of windows sees at kernel row k; NULL if it is beyond the image. */
static inline T *NAME(row_of)(const nd_pool *v, T *x, int64_t i, int64_t k) {
  const int64_t row = i * v->down.step + k * v->down.dilation + v->down.start;
  return row < 0 || row >= v->down.extent ? NULL : x + row * v->xh;
}

/* Copies what `rows` rows of windows, from row `first` of all planes on, see at kernel row k, and deals it out. */
static void NAME(deal)(const nd_pool *v, int64_t first, int64_t rows, int64_t k, const T *x, T padding, NAME(space) s) {
  const int64_t step = v->across.step, c = v->c, low = most(v->across.start, 0);
  const int64_t n = most(least(v->across.extent, v->across.start + v->pitch * step) - low, 0);
  const T *plane = x + first / v->h * v->xp;
  T *to = s.rows + (low - v->across.start) * c;
  for (int64_t r = 0, i = first % v->h; r < rows; r++, to += v->pitch * step * c) {
    const T *row = NAME(row_of)(v, (T *)plane, i, k);
    if (!row) NAME(fill)(n * c, to, padding);
    else if (c == 1 && v->xw == 1)
      for (int64_t j = 0; j < n; j++) to[j] = row[low + j];
    else
      for (int64_t j = 0; j < n; j++)
        for (int64_t l = 0; l < c; l++) to[j * c + l] = row[(low + j) * v->xw + l * v->xc];
    if (++i == v->h) i = 0, plane += v->xp;
  }
  const int64_t lanes = rows * v->pitch;
  if (step == 2 && c == 1 && v->phases == 2) {
    T *even = s.heaps, *odd = even + v->lanes;
    const int64_t m = whole_groups(lanes);
    ND_INDEPENDENT for (int64_t j = 0; j < m; j++) even[j] = s.rows[2 * j], odd[j] = s.rows[2 * j + 1];
  } else if (step > 1)
    for (int64_t phase = 0; phase < v->phases; phase++)
      for (int64_t j = 0; j < lanes; j++)
        for (int64_t l = 0; l < c; l++) s.heaps[phase * v->lanes + j * c + l] = s.rows[(j * step + phase) * c + l];
}

/* The adjoint of that: what lies in the heaps goes to where it came from, or is added there if windows overlap. */
static void NAME(collect)(const nd_pool *v, int64_t first, int64_t rows, int64_t k, T *x, NAME(space) s) {
  const int64_t step = v->across.step, c = v->c, low = most(v->across.start, 0), lanes = rows * v->pitch;
  const int64_t n = most(least(v->across.extent, v->across.start + v->pitch * step) - low, 0);
  if (step == 2 && c == 1 && v->phases == 2) {
    const T *even = s.heaps, *odd = even + v->lanes;
    const int64_t m = whole_groups(lanes);
    ND_INDEPENDENT for (int64_t j = 0; j < m; j++) s.rows[2 * j] = even[j], s.rows[2 * j + 1] = odd[j];
  } else if (step > 1)
    for (int64_t phase = 0; phase < v->phases; phase++)
      for (int64_t j = 0; j < lanes; j++)
        for (int64_t l = 0; l < c; l++) s.rows[(j * step + phase) * c + l] = s.heaps[phase * v->lanes + j * c + l];
  T *plane = x + first / v->h * v->xp;
  const T *from = s.rows + (low - v->across.start) * c;
  for (int64_t r = 0, i = first % v->h; r < rows; r++, from += v->pitch * step * c) {
    T *row = NAME(row_of)(v, plane, i, k);
    if (row && c == 1 && v->xw == 1 && v->apart)
      for (int64_t j = 0; j < n; j++) row[low + j] = from[j];
    else if (row && c == 1 && v->xw == 1)
      ND_INDEPENDENT for (int64_t j = 0; j < n; j++) row[low + j] += from[j];
    else if (row && v->apart)
      for (int64_t j = 0; j < n; j++) row[(low + j) * v->xw] = from[j];
    else if (row)
      for (int64_t j = 0; j < n; j++)
        for (int64_t l = 0; l < c; l++) row[(low + j) * v->xw + l * v->xc] += from[j * c + l];
    if (++i == v->h) i = 0, plane += v->xp;
  }
}
