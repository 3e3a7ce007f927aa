/* pooling_pairs.h - windows of 2 x 2 elements, 2 apart, that cover compact planes exactly: the usual case, for one element
 * type T. Included by pooling.c.
 *
 * All planes are one sequence of pairs of image rows, `width` columns each, and of rows of width / 2 windows. A row is
 * worked on in groups of N windows, a constant where these are called: a few vector instructions. The last group may reach beyond its row: what it
 * writes there is garbage, which the next row overwrites; only at the very end of the sequence it goes through a buffer.
 */
INLINE void NAME(pair_max)(const int N, const T *restrict top, const T *restrict bottom, i32 corner, i32 width, T *restrict y,
                            i32 *restrict places) {
  ND_UNROLL(1) for (int j = 0; j < N; j++) { /* unrolled first, it would not be vectorised */
    const T b = top[2 * j + 1], c = bottom[2 * j], d = bottom[2 * j + 1];
    T best = top[2 * j];
    i32 place = 0;
    int better = (b > best) | (b != b);
    best = better ? b : best, place = better ? 1 : place;
    better = (c > best) | (c != c);
    best = better ? c : best, place = better ? width : place;
    better = (d > best) | (d != d);
    best = better ? d : best, place = better ? width + 1 : place;
    y[j] = best;
    places[j] = corner + 2 * j + place;
  }
}

INLINE void NAME(pair_max_backward)(const int N, const T *restrict g, const i32 *restrict places, i32 corner, T *restrict row) {
  T left[MOST], right[MOST];
  ND_UNROLL(1) for (int j = 0; j < N; j++) {
    const i32 at = places[j] - corner - 2 * j;
    const T value = g[j];
    left[j] = at == 0 ? value : 0;
    right[j] = at == 1 ? value : 0;
  }
  ND_UNROLL(1) for (int j = 0; j < N; j++) row[2 * j] = left[j], row[2 * j + 1] = right[j];
}

/* h: rows of windows of a plane; count: of all planes. Behind the first `safe` of them there is not room for a group. */
INLINE void NAME(pairs_max)(const int N, int64_t h, int64_t count, int64_t width, const T *x, T *y, i32 *places) {
  const int64_t w = width / 2, safe = count - (N + w - 1) / w;
  for (int64_t q = 0, i = 0; q < count; q++, i = i + 1 == h ? 0 : i + 1, x += 2 * width, y += w) {
    i32 noted[MOST], *place = places ? places + q * w : noted;
    const i32 corner = (i32)(2 * i * width);
    for (int64_t j = 0; j < w; j += N) {
      if (q < safe) {
        NAME(pair_max)(N, x + 2 * j, x + width + 2 * j, corner + 2 * (i32)j, (i32)width, y + j, places ? place + j : noted);
        continue;
      }
      T rows[4 * MOST], room[MOST];
      const int64_t n = least(w - j, N);
      for (int64_t m = 0; m < 2 * N; m++) {
        rows[m] = m < 2 * n ? x[2 * j + m] : 0;
        rows[2 * N + m] = m < 2 * n ? x[width + 2 * j + m] : 0;
      }
      NAME(pair_max)(N, rows, rows + 2 * N, corner + 2 * (i32)j, (i32)width, room, noted);
      for (int64_t m = 0; m < n; m++) y[j + m] = room[m];
      for (int64_t m = 0; places && m < n; m++) place[j + m] = noted[m];
    }
  }
}

INLINE void NAME(pairs_max_backward)(const int N, int64_t h, int64_t count, int64_t width, T *x, const T *g, const i32 *places) {
  const int64_t w = width / 2, safe = count - (N + w - 1) / w;
  for (int64_t q = 0, i = 0; q < count; q++, i = i + 1 == h ? 0 : i + 1, g += w, places += w)
    for (int64_t k = 0; k < 2; k++, x += width) { /* the first row to its end, before the second */
      const i32 corner = (i32)((2 * i + k) * width);
      for (int64_t j = 0; j < w; j += N) {
        if (q < safe) {
          NAME(pair_max_backward)(N, g + j, places + j, corner + 2 * (i32)j, x + 2 * j);
          continue;
        }
        T rows[2 * MOST], adjoint[MOST];
        i32 noted[MOST];
        const int64_t n = least(w - j, N);
        for (int64_t m = 0; m < N; m++) adjoint[m] = m < n ? g[j + m] : 0, noted[m] = m < n ? places[j + m] : -1;
        NAME(pair_max_backward)(N, adjoint, noted, corner + 2 * (i32)j, rows);
        for (int64_t m = 0; m < 2 * n; m++) x[2 * j + m] = rows[m];
      }
    }
}
