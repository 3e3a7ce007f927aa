/* conv_stencil.h - the same weights at every place of an image (nd_stencil in cpu/conv.h), for one element type. Included by
 * conv_places.h.
 *
 * Four lines are computed together: a weight is read once for all of them, and their sums do not wait for each other. The
 * last four end where the image does, and the last vector where the line does: some results are computed twice.
 */
/* `lines` and `vectors` are constants at every call; `next`: from one vector to the next. */
static inline __attribute__((always_inline)) void NAME(stencil_tile)(const int lines, const int vectors,
                                                                     const nd_stencil *x, int64_t i, int64_t j,
                                                                     int64_t next, T *c, int64_t c_row) {
  NAME(vector) acc[STENCIL_LINES][2];
  const T *a = x->a, *line[STENCIL_LINES];
ND_UNROLL_WHOLE(4)
  for (int r = 0; r < lines; r++) {
    line[r] = (const T *)x->b + (i + r) * x->b_row + j;
ND_UNROLL_WHOLE(2)
    for (int v = 0; v < vectors; v++) acc[r][v] = (NAME(vector)){0};
  }
  for (int64_t p = 0; p < x->k; p++) {
    const int64_t at = x->b_at[p];
ND_UNROLL_WHOLE(4)
    for (int r = 0; r < lines; r++)
ND_UNROLL_WHOLE(2)
      for (int v = 0; v < vectors; v++) acc[r][v] += a[p] * *(const NAME(unaligned) *)(line[r] + at + v * next);
  }
ND_UNROLL_WHOLE(4)
  for (int r = 0; r < lines; r++)
ND_UNROLL_WHOLE(2)
    for (int v = 0; v < vectors; v++) *(NAME(unaligned) *)(c + r * c_row + v * next) = acc[r][v];
}

/* All of some lines. */
static inline __attribute__((always_inline)) void NAME(stencil_along)(const int lines, const nd_stencil *x, int64_t i) {
  T *c = (T *)x->c + i * x->c_row;
  if (x->n < LANES) { /* through a small array */
    T edge[STENCIL_LINES * LANES];
    NAME(stencil_tile)(lines, 1, x, i, 0, 0, edge, LANES);
    for (int r = 0; r < lines; r++) memcpy(c + r * x->c_row, edge + r * LANES, (size_t)x->n * sizeof(T));
    return;
  }
  for (int64_t j = 0; j < x->n; j += 2 * LANES) {
    const int64_t left = x->n - j, last = x->n - LANES;
    if (left > LANES) NAME(stencil_tile)(lines, 2, x, i, j, left < 2 * LANES ? last - j : LANES, c + j, x->c_row);
    else NAME(stencil_tile)(lines, 1, x, i, last, 0, c + last, x->c_row);
  }
}

static void NAME(stencil)(const nd_stencil *x) {
  if (x->m < STENCIL_LINES) {
    for (int64_t i = 0; i < x->m; i++) NAME(stencil_along)(1, x, i);
    return;
  }
  for (int64_t i = 0; i < x->m; i += STENCIL_LINES)
    NAME(stencil_along)(STENCIL_LINES, x, i + STENCIL_LINES <= x->m ? i : x->m - STENCIL_LINES);
}
