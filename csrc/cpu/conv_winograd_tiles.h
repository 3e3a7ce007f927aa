/* conv_winograd_tiles.h - images and results between their pixels and the points of Winograd's algorithm, for one element
 * type. Included by conv.c before conv_winograd.h.
 */
typedef struct NAME(tiles) {
  T *values, *products, *image, *results, *line; /* line: four rows of an image or of results */
} NAME(tiles);

static int NAME(get_tiles)(job *j, NAME(tiles) *s) {
  const conv *v = &j->v;
  const winograd *g = &j->g;
  const int64_t image = g->height * g->width * v->c, results = v->h * v->w * v->o, rows = g->rows * g->images;
  const int64_t line = 4 * most(g->width * v->c, v->w * v->o);
  s->values = nd_scratch(ND_SCRATCH_CONV, (rows * (g->inner + v->o) + image + results + line) * (int64_t)sizeof(T));
  if (!s->values) return fail(j), 0;
  s->products = s->values + rows * g->inner;
  s->image = s->products + rows * v->o;
  s->results = s->image + image;
  s->line = s->results + results;
  return 1;
}

static void NAME(apply)(int rule, int turned, int64_t n, T *const *from, T *const *to, int accumulate) {
  nd_current_isa()->conv->mix[CODE](rule, turned, n, (const void *const *)from, (void *const *)to, accumulate);
}

static int NAME(input_rule)(tiling t, int64_t tile) { return points(t, tile) == 4 ? MIX_INPUT_4 : MIX_INPUT_3; }
static int NAME(result_rule)(tiling t, int64_t tile) {
  return (t.taps == 2 ? MIX_RESULT_2_3 : MIX_RESULT_3_3) + (points(t, tile) == 4);
}

/* The values of image number `n` of a block; or, `spread`, values are added to the image where tiles saw it. */
static void NAME(read_image)(const job *j, NAME(tiles) s, int64_t n, int spread) {
  const winograd *g = &j->g;
  const tiling down = g->down, across = g->across;
  const int64_t c = j->v.c, run = across.step * c, row = g->width * c;
  T *x[4], *line[4], *value[4];
  for (int p = 0; p < 4; p++) line[p] = s.line + p * row;
  for (int64_t i = 0; i < tiles(down); i++)
    for (int64_t a = 0; a < down.step; a++) {
      for (int u = 0; u < points(down, i); u++) x[u] = s.image + (down.step * (first_window(down, i) + u) + a) * row;
      if (spread) memset(s.line, 0, 4 * row * sizeof(T));
      else NAME(apply)(NAME(input_rule)(down, i), 0, row, x, line, 0);
      for (int p = 0; p < points(down, i); p++)
        for (int64_t k = 0; k < tiles(across); k++) {
          T *at[4];
          for (int q = 0; q < points(across, k); q++) {
            at[q] = line[p] + (first_window(across, k) + q) * run;
            value[q] = s.values + row_at(g, p, q, n, i, k) * g->inner + a * run;
          }
          if (spread) NAME(apply)(NAME(input_rule)(across, k), 1, run, value, at, 1);
          else NAME(apply)(NAME(input_rule)(across, k), 0, run, at, value, 0);
        }
      if (spread) NAME(apply)(NAME(input_rule)(down, i), 1, row, line, x, 1);
    }
}

/* The results of image number `n` of a block, rows of them at `y`; or, `turned`, what they come to in the products. */
static void NAME(join_results)(const job *j, NAME(tiles) s, int64_t n, T *y, int64_t y_row, int turned) {
  const winograd *g = &j->g;
  const tiling down = g->down, across = g->across;
  const int64_t o = j->v.o, row = j->v.w * o;
  T *result[4], *line[4], *product[4];
  for (int p = 0; p < 4; p++) line[p] = s.line + p * row;
  for (int64_t i = 0; i < tiles(down); i++) {
    for (int u = 0; u < 4; u++) result[u] = y + (first_window(down, i) + u) * y_row;
    if (turned) NAME(apply)(NAME(result_rule)(down, i), 1, row, result, line, 0);
    for (int p = 0; p < points(down, i); p++)
      for (int64_t k = 0; k < tiles(across); k++) {
        T *at[4];
        for (int q = 0; q < 4; q++) {
          at[q] = line[p] + (first_window(across, k) + q) * o;
          product[q] = q < points(across, k) ? s.products + row_at(g, p, q, n, i, k) * o : NULL;
        }
        if (turned) NAME(apply)(NAME(result_rule)(across, k), 1, o, at, product, 0);
        else NAME(apply)(NAME(result_rule)(across, k), 0, o, product, at, 0);
      }
    if (!turned) NAME(apply)(NAME(result_rule)(down, i), 0, row, line, result, 0);
  }
}

/* An image amid its padding, with contiguous channels, from x; or, `back`, what of it lies in x. */
static void NAME(move_image)(const job *j, NAME(tiles) s, T *x, int back) {
  const conv *v = &j->v;
  const axis h = v->down, w = v->across;
  const int64_t height = j->g.height, width = j->g.width, top = most(h.start, 0), left = most(w.start, 0);
  const int64_t extent[3] = {most(least(h.extent, h.start + height) - top, 0),
                             most(least(w.extent, w.start + width) - left, 0), v->c};
  T *image = s.image + ((top - h.start) * width + left - w.start) * v->c;
  x += top * v->xh + left * v->xw;
  const int64_t here[3] = {width * v->c, v->c, 1}, there[3] = {v->xh, v->xw, v->xc};
  if (back) NAME(hand_out)(extent, image, here, x, there);
  else NAME(copy3)(extent, x, there, image, here);
}

/* The results of an image with contiguous channels: where they lie in y, or the scratch. */
static T *NAME(results_at)(const conv *v, NAME(tiles) s, T *y, int64_t *row) {
  const int there = v->yo == 1 && v->yw == v->o;
  *row = there ? v->yh : v->w * v->o;
  return there ? y : s.results;
}

/* What the results, or their adjoint, of an image come to in the products. */
static void NAME(read_results)(const job *j, NAME(tiles) s, int64_t n, T *y) {
  const conv *v = &j->v;
  int64_t row;
  T *at = NAME(results_at)(v, s, y, &row);
  if (at != y)
    NAME(copy3)((int64_t[]){v->o, v->h, v->w}, y, (int64_t[]){v->yo, v->yh, v->yw}, at, (int64_t[]){1, row, v->o});
  NAME(join_results)(j, s, n, at, row, 1);
}
