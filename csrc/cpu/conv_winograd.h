/* conv_winograd.h - a convolution and its adjoints by Winograd's algorithm, for one element type. Included by conv.c after
 * conv_winograd_tiles.h; conv_winograd_plan.h says what is computed.
 *
 * With images and results whose channels are contiguous, and [points] for all pairs of points, four by four:
 *
 *     read_image      values[points][tile][a, b, c] of an image (a, b: phases);    `spread`: its transpose
 *     join_results    results of products[points][tile][o];                       `turned`: its transpose
 *     read_weights    weights[points][a, b, c][o];                                sum_weights is its transpose
 *
 *     forward         products = values weights                   for each pair of points, and so in
 *     adjoint of x    values   = products weights^T
 *     adjoint of w    weights += values^T products
 */

/* Weights lie as the products read them: for each pair of points and panel of columns [depth][columns]. Forward, rows are
 * the inputs of all phases and columns the outputs; for the adjoint of x it is the other way round. */
static T *NAME(weights_at)(const job *j, int64_t group, int p, int q, int64_t panel) {
  const winograd *g = &j->g;
  const int64_t all = g->inner * j->v.o, depth = j->for_x ? j->v.o : g->inner;
  return (T *)j->weights + (group * 16 + p * 4 + q) * all + panel_at(g, panel) * depth;
}

/* How many columns a panel has. */
static int64_t NAME(panel_width)(const job *j, int64_t panel) {
  return least(panel_at(&j->g, panel + 1), j->for_x ? j->g.inner : j->v.o) - panel_at(&j->g, panel);
}

static void NAME(read_weights)(void *context, int64_t low, int64_t high) {
  const job *j = context;
  const conv *v = &j->v;
  const winograd *g = &j->g;
  const int64_t rows = j->for_x ? v->o : v->c, columns = j->for_x ? v->c : v->o, taps = v->kh * v->kw;
  T *w = nd_scratch(ND_SCRATCH_CONV, (taps + 1 + 12) * columns * (int64_t)sizeof(T));
  if (!w) return fail(context);
  T *zeros = w + taps * columns, *line = zeros + columns, *from[4], *to[4];
  memset(zeros, 0, columns * sizeof(T));
  for (int64_t item = low; item < high; item++) {
    const int64_t group = item / rows, row = item % rows, step = j->for_x ? v->wc : v->wo;
    NAME(copy3)((int64_t[]){v->kh, v->kw, columns},
                (const T *)j->w + group * v->wg + row * (j->for_x ? v->wo : v->wc),
                (int64_t[]){v->wk, v->wl, step}, w, (int64_t[]){v->kw * columns, columns, 1});
    for (int64_t phase = 0; phase < g->phases; phase++) {
      const int64_t a = phase / g->across.step, b = phase % g->across.step;
      for (int64_t r = 0; r < g->across.taps; r++) {
        for (int64_t u = 0; u < g->down.taps; u++) {
          const int64_t k = u * g->down.step + a, l = r * g->across.step + b;
          from[u] = k < v->kh && l < v->kw ? w + (k * v->kw + l) * columns : zeros;
        }
        for (int p = 0; p < 4; p++) to[p] = line + (p * 3 + r) * columns;
        NAME(apply)(g->down.taps == 2 ? MIX_WEIGHT_2 : MIX_WEIGHT_3, 0, columns, from, to, 0);
      }
      const int64_t start = j->for_x ? phase * v->c : 0, depth_row = j->for_x ? row : phase * v->c + row;
      for (int64_t panel = 0; panel < g->panels; panel++) {
        const int64_t at = panel_at(g, panel), width = NAME(panel_width)(j, panel);
        const int64_t first = most(start, at), n = least(start + columns, at + width) - first; /* of the phase's columns */
        for (int p = 0; n > 0 && p < 4; p++) {
          for (int64_t r = 0; r < g->across.taps; r++) from[r] = line + (p * 3 + r) * columns + first - start;
          for (int q = 0; q < 4; q++) to[q] = NAME(weights_at)(j, group, p, q, panel) + depth_row * width + first - at;
          NAME(apply)(g->across.taps == 2 ? MIX_WEIGHT_2 : MIX_WEIGHT_3, 0, n, from, to, 0);
        }
      }
    }
  }
}

/* All pairs of points: products of the values of a block with the weights, or the other way round for the adjoint of x. */
static void NAME(multiply_points)(job *j, NAME(tiles) s, int64_t group, int64_t images) {
  const conv *v = &j->v;
  const winograd *g = &j->g;
  const int64_t depth = j->for_x ? v->o : g->inner, out_row = j->for_x ? g->inner : v->o;
  for (int p = 0; p < 4; p++)
    for (int q = 0; q < 4; q++) {
      const int64_t m = images * tiles_at(g->down, p) * tiles_at(g->across, q), first = row_at(g, p, q, 0, 0, 0);
      const T *from = (j->for_x ? s.products : s.values) + first * depth;
      T *to = (j->for_x ? s.values : s.products) + first * out_row;
      for (int64_t panel = 0; m && panel < g->panels; panel++) {
        const int64_t n = NAME(panel_width)(j, panel);
        NAME(multiply)(j, (nd_product){.m = m, .n = n, .k = depth, .a = from, .a_row = depth, .a_col = 1,
                                       .b = NAME(weights_at)(j, group, p, q, panel), .b_row = n, .b_col = 1,
                                       .c = to + panel_at(g, panel), .c_row = out_row, .c_col = 1});
      }
    }
}

static void NAME(winograd_forward)(void *context, int64_t low, int64_t high) {
  job *j = context;
  const conv *v = &j->v;
  const winograd *g = &j->g;
  NAME(tiles) s;
  if (!NAME(get_tiles)(j, &s)) return;
  memset(s.image, 0, g->height * g->width * v->c * sizeof(T)); /* what is padding stays 0 */
  for (int64_t item = low; item < high; item++) {
    const int64_t group = item / g->blocks, first = item % g->blocks * g->images, images = least(g->images, v->n - first);
    for (int64_t n = 0; n < images; n++) {
      NAME(move_image)(j, s, (T *)j->x + (first + n) * v->xn + group * v->xg, 0);
      NAME(read_image)(j, s, n, 0);
    }
    NAME(multiply_points)(j, s, group, images);
    for (int64_t n = 0; n < images; n++) {
      T *y = (T *)j->out + (first + n) * v->yn + group * v->yg;
      int64_t row;
      T *at = NAME(results_at)(v, s, y, &row);
      NAME(join_results)(j, s, n, at, row, 0);
      for (int64_t i = 0; i < v->h; i++)
        if (!nd_current_isa()->conv->finite[CODE](v->w * v->o, at + i * row)) no_number(j);
      if (at != y)
        NAME(hand_out)((int64_t[]){v->o, v->h, v->w}, at, (int64_t[]){1, row, v->o}, y, (int64_t[]){v->yo, v->yh, v->yw});
    }
  }
}

static void NAME(winograd_input)(void *context, int64_t low, int64_t high) {
  job *j = context;
  const conv *v = &j->v;
  const winograd *g = &j->g;
  const int64_t extent[3] = {v->c, v->down.extent, v->across.extent}, x_stride[3] = {v->xc, v->xh, v->xw};
  const int64_t size = g->height * g->width * v->c;
  NAME(tiles) s;
  if (!NAME(get_tiles)(j, &s)) return;
  for (int64_t item = low; item < high; item++) {
    const int64_t group = item / g->blocks, first = item % g->blocks * g->images, images = least(g->images, v->n - first);
    for (int64_t n = 0; n < images; n++)
      NAME(read_results)(j, s, n, (T *)j->y + (first + n) * v->yn + group * v->yg);
    NAME(multiply_points)(j, s, group, images);
    for (int64_t n = 0; n < images; n++) {
      T *x = (T *)j->out + (first + n) * v->xn + group * v->xg;
      memset(s.image, 0, size * sizeof(T));
      NAME(read_image)(j, s, n, 1);
      if (!nd_current_isa()->conv->finite[CODE](size, s.image)) no_number(j);
      if (!j->all_seen) NAME(clear)(extent, x, x_stride);
      NAME(move_image)(j, s, x, 1);
    }
  }
}

/* Parts of the adjoint of the weights' values: [points][a, b, c][o], of some blocks of images each. */
static void NAME(winograd_weight)(void *context, int64_t low, int64_t high) {
  job *j = context;
  const conv *v = &j->v;
  const winograd *g = &j->g;
  NAME(tiles) s;
  if (!NAME(get_tiles)(j, &s)) return;
  memset(s.image, 0, g->height * g->width * v->c * sizeof(T));
  for (int64_t item = low; item < high; item++) {
    const int64_t group = item / g->parts, part = item % g->parts, start = g->blocks * part / g->parts;
    for (int64_t block = start; block < g->blocks * (part + 1) / g->parts; block++) {
      const int64_t first = block * g->images, images = least(g->images, v->n - first);
      for (int64_t n = 0; n < images; n++) {
        NAME(move_image)(j, s, (T *)j->x + (first + n) * v->xn + group * v->xg, 0);
        NAME(read_image)(j, s, n, 0);
        NAME(read_results)(j, s, n, (T *)j->y + (first + n) * v->yn + group * v->yg);
      }
      for (int p = 0; p < 4; p++)
        for (int q = 0; q < 4; q++) {
          const int64_t at = row_at(g, p, q, 0, 0, 0);
          NAME(multiply)(j, (nd_product){
              .m = g->inner, .n = v->o, .k = images * tiles_at(g->down, p) * tiles_at(g->across, q),
              .a = s.values + at * g->inner, .a_row = 1, .a_col = g->inner, .b = s.products + at * v->o, .b_row = v->o,
              .b_col = 1, .c = (T *)j->parts + (item * 16 + p * 4 + q) * g->inner * v->o, .c_row = v->o, .c_col = 1,
              .accumulate = block > start});
        }
    }
  }
}

/* The parts added in order, and brought back from the points to the taps, for some of the inputs of all groups. */
static void NAME(sum_weights)(void *context, int64_t low, int64_t high) {
  job *j = context;
  const conv *v = &j->v;
  const winograd *g = &j->g;
  const int64_t o = v->o, taps = v->kh * v->kw, size = g->inner * o;
  T *w = nd_scratch(ND_SCRATCH_CONV, (taps + 1 + 4 + 12) * o * (int64_t)sizeof(T)), *from[4], *to[4];
  if (!w) return fail(j);
  T *unused = w + taps * o, *total = unused + o, *line = total + 4 * o;
  for (int64_t item = low; item < high; item++) {
    const int64_t group = item / v->c, c = item % v->c;
    for (int64_t phase = 0; phase < g->phases; phase++) {
      const T *parts = (const T *)j->parts + group * g->parts * 16 * size + (phase * v->c + c) * o;
      for (int q = 0; q < 4; q++) {
        for (int p = 0; p < 4; p++) {
          from[p] = total + p * o;
          for (int64_t part = 0; part < g->parts; part++) {
            const T *more = parts + (part * 16 + p * 4 + q) * size;
            if (part == 0) memcpy(from[p], more, o * sizeof(T));
            else for (int64_t i = 0; i < o; i++) from[p][i] += more[i];
            NAME(ask)(more + o, 1, o, 0); /* the next input's */
          }
        }
        for (int64_t u = 0; u < g->down.taps; u++) to[u] = line + (u * 4 + q) * o;
        NAME(apply)(g->down.taps == 2 ? MIX_WEIGHT_2 : MIX_WEIGHT_3, 1, o, from, to, 0);
      }
      for (int64_t u = 0; u < g->down.taps; u++) {
        for (int q = 0; q < 4; q++) from[q] = line + (u * 4 + q) * o;
        for (int64_t r = 0; r < g->across.taps; r++) {
          const int64_t k = u * g->down.step + phase / g->across.step, l = r * g->across.step + phase % g->across.step;
          to[r] = k < v->kh && l < v->kw ? w + (k * v->kw + l) * o : unused;
        }
        NAME(apply)(g->across.taps == 2 ? MIX_WEIGHT_2 : MIX_WEIGHT_3, 1, o, from, to, 0);
      }
    }
    if (!nd_current_isa()->conv->finite[CODE](taps * o, w)) no_number(j);
    NAME(copy3)((int64_t[]){v->kh, v->kw, o}, w, (int64_t[]){v->kw * o, o, 1},
                (T *)j->out + group * v->wg + c * v->wc, (int64_t[]){v->wk, v->wl, v->wo});
  }
}
