/* conv_blocks.h - what is done with a block of windows, for one element type. Included by conv.c after conv_windows.h. */

/* The scratch of a thread: columns, one image with contiguous channels, the block of y as a matrix. */
typedef struct NAME(scratch) {
  T *columns, *image, *y;
} NAME(scratch);

static int NAME(get_scratch)(job *j, NAME(scratch) *s) {
  const conv *v = &j->v;
  const int64_t windows = v->images * v->rows * v->w, columns = v->c * v->kh * v->kw * windows;
  const int64_t image = v->copy_x ? v->c * v->down.extent * v->across.extent : 0, y = v->copy_y ? windows * v->o : 0;
  s->columns = nd_scratch(ND_SCRATCH_CONV, (columns + image + y) * (int64_t)sizeof(T));
  if (!s->columns) return fail(j), 0;
  s->image = s->columns + columns;
  s->y = s->image + image;
  return 1;
}

/* Which images, and rows of windows of these, block number i of a group is. */
typedef struct NAME(block) {
  int64_t group, image, images, row, rows;
} NAME(block);

static NAME(block) NAME(block_number)(const conv *v, int64_t group, int64_t i) {
  NAME(block) b = {.group = group, .image = i / v->row_blocks * v->images, .row = i % v->row_blocks * v->rows};
  b.images = least(v->images, v->n - b.image);
  b.rows = least(v->rows, v->h - b.row);
  return b;
}

/* The columns of a block. */
static void NAME(lay_out)(const job *j, NAME(block) b, NAME(scratch) s) {
  const conv *v = &j->v;
  const int64_t size = v->c * v->kh * v->kw * b.rows * v->w;
  for (int64_t i = 0; i < b.images; i++) {
    const T *x = (const T *)j->x + (b.image + i) * v->xn + b.group * v->xg;
    if (!v->by_windows) {
      NAME(by_channels)(v, x, b.row, b.rows, s.columns + i * size);
    } else if (!v->copy_x) {
      NAME(by_windows)(v, x, v->xh, v->xw, b.row, b.rows, s.columns + i * size);
    } else {
      const int64_t width = v->across.extent * v->c;
      NAME(copy3)((int64_t[]){v->down.extent, v->across.extent, v->c}, x, (int64_t[]){v->xh, v->xw, v->xc}, s.image,
                  (int64_t[]){width, v->c, 1});
      NAME(by_windows)(v, s.image, width, v->c, b.row, b.rows, s.columns + i * size);
    }
  }
}

/* A block of y as a matrix: `at` is element (0, 0), `window` and `output` its strides. */
typedef struct NAME(matrix) {
  T *at;
  int64_t window, output;
} NAME(matrix);

static NAME(matrix) NAME(y_of)(const conv *v, T *y, NAME(block) b, NAME(scratch) s) {
  if (v->copy_y) return (NAME(matrix)){s.y, v->o, 1};
  T *at = y + b.image * v->yn + b.group * v->yg + b.row * v->yh;
  return (NAME(matrix)){at, v->y_window, v->yo};
}

/* Copies a block of y to or from the matrix, if it is not that itself. */
static void NAME(move_y)(const conv *v, T *y, NAME(block) b, NAME(scratch) s, int to_y) {
  if (!v->copy_y) return;
  for (int64_t i = 0; i < b.images; i++) {
    T *matrix = s.y + i * b.rows * v->w * v->o;
    T *part = y + (b.image + i) * v->yn + b.group * v->yg + b.row * v->yh;
    const int64_t there[3] = {1, v->w * v->o, v->o}, here[3] = {v->yo, v->yh, v->yw};
    const int64_t extent[3] = {v->o, b.rows, v->w};
    if (to_y) NAME(hand_out)(extent, matrix, there, part, here);
    else NAME(copy3)(extent, part, here, matrix, there);
  }
}

/* w as the products want it: [k, l, c][o], or [o][c, k, l]. */
static void NAME(arrange)(const conv *v, const void *from, void *to) {
  const int64_t taps = v->kh * v->kw;
  for (int64_t g = 0; g < v->groups; g++)
    for (int64_t k = 0; k < v->kh; k++)
      for (int64_t l = 0; l < v->kw; l++) {
        const T *source = (const T *)from + g * v->wg + k * v->wk + l * v->wl;
        T *target = (T *)to + g * v->w_group + (k * v->kw + l) * (v->by_windows ? v->c * v->o : 1);
        for (int64_t o = 0; o < v->o; o++)
          for (int64_t c = 0; c < v->c; c++)
            target[v->by_windows ? c * v->o + o : (o * v->c + c) * taps] = source[o * v->wo + c * v->wc];
      }
}

/* One product; the transposed one if rows of its result lie the other way. */
static void NAME(multiply)(job *j, nd_product x) {
  if (x.c_col != 1 && x.c_row == 1)
    x = (nd_product){.m = x.n, .n = x.m, .k = x.k, .a = x.b, .a_row = x.b_col, .a_col = x.b_row, .b = x.a,
                     .b_row = x.a_col, .b_col = x.a_row, .c = x.c, .c_row = x.c_col, .c_col = x.c_row,
                     .accumulate = x.accumulate};
  if (nd_current_isa()->gemm->product[CODE](&x)) fail(j);
}

static const T *NAME(weights)(const job *j, int64_t group) {
  return (const T *)j->w + group * (j->v.copy_w ? j->v.w_group : j->v.wg);
}

static void NAME(forward)(void *context, int64_t low, int64_t high) {
  job *j = context;
  const conv *v = &j->v;
  const int64_t inner = v->c * v->kh * v->kw, blocks = v->image_blocks * v->row_blocks;
  NAME(scratch) s;
  if (!NAME(get_scratch)(j, &s)) return;
  for (int64_t i = low; i < high; i++) {
    const NAME(block) b = NAME(block_number)(v, i / blocks, i % blocks);
    const int64_t windows = b.images * b.rows * v->w;
    const NAME(matrix) y = NAME(y_of)(v, (T *)j->out, b, s);
    const T *w = NAME(weights)(j, b.group);
    NAME(lay_out)(j, b, s);
    if (v->by_windows)
      NAME(multiply)(j, (nd_product){
          .m = windows, .n = v->o, .k = inner, .a = s.columns, .a_row = inner, .a_col = 1, .b = w, .b_row = v->o,
          .b_col = 1, .c = y.at, .c_row = y.window, .c_col = y.output});
    else
      NAME(multiply)(j, (nd_product){
          .m = v->o, .n = windows, .k = inner, .a = w, .a_row = v->copy_w ? inner : v->wo, .a_col = 1, .b = s.columns,
          .b_row = windows, .b_col = 1, .c = y.at, .c_row = y.output, .c_col = y.window});
    NAME(move_y)(v, (T *)j->out, b, s, 1);
  }
}

static void NAME(input)(void *context, int64_t low, int64_t high) {
  job *j = context;
  const conv *v = &j->v;
  const int64_t inner = v->c * v->kh * v->kw, width = v->across.extent * v->c;
  NAME(scratch) s;
  if (!NAME(get_scratch)(j, &s)) return;
  for (int64_t item = low; item < high; item++) {
    const int64_t group = item / v->image_blocks, first = item % v->image_blocks * v->row_blocks;
    const int64_t image = item % v->image_blocks * v->images;
    const int64_t extent[3] = {v->c, v->down.extent, v->across.extent}, x_stride[3] = {v->xc, v->xh, v->xw};
    for (int64_t i = image; i < least(image + v->images, v->n); i++)
      NAME(clear)(extent, (T *)j->out + i * v->xn + group * v->xg, x_stride);
    for (int64_t row = 0; row < v->row_blocks; row++) {
      const NAME(block) b = NAME(block_number)(v, group, first + row);
      const int64_t windows = b.images * b.rows * v->w, size = inner * b.rows * v->w;
      NAME(move_y)(v, (T *)j->y, b, s, 0);
      const NAME(matrix) y = NAME(y_of)(v, (T *)j->y, b, s);
      const T *w = NAME(weights)(j, group);
      if (v->by_windows)
        NAME(multiply)(j, (nd_product){.m = windows, .n = inner, .k = v->o, .a = y.at, .a_row = y.window,
                                       .a_col = y.output, .b = w, .b_row = 1, .b_col = v->o, .c = s.columns,
                                       .c_row = inner, .c_col = 1});
      else
        NAME(multiply)(j, (nd_product){.m = inner, .n = windows, .k = v->o, .a = w, .a_row = 1,
                                       .a_col = v->copy_w ? inner : v->wo, .b = y.at, .b_row = y.output,
                                       .b_col = y.window, .c = s.columns, .c_row = windows, .c_col = 1});
      for (int64_t i = 0; i < b.images; i++) {
        T *x = (T *)j->out + (b.image + i) * v->xn + group * v->xg;
        const T *columns = s.columns + i * size;
        if (!v->by_windows) {
          NAME(add_by_channels)(v, x, b.row, b.rows, columns);
        } else if (!v->copy_x) {
          NAME(add_by_windows)(v, x, v->xh, v->xw, b.row, b.rows, columns);
        } else { /* x itself has been set to zero; blocks of rows meet in it */
          const int64_t there[3] = {1, width, v->c};
          if (v->row_blocks > 1) NAME(copy3)(extent, x, x_stride, s.image, there);
          else memset(s.image, 0, v->down.extent * width * sizeof(T));
          NAME(add_by_windows)(v, s.image, width, v->c, b.row, b.rows, columns);
          NAME(hand_out)(extent, s.image, there, x, x_stride);
        }
      }
    }
  }
}

/* Parts of the adjoint of w: each adds up its share of the blocks. */
static void NAME(weight)(void *context, int64_t low, int64_t high) {
  job *j = context;
  const conv *v = &j->v;
  const int64_t inner = v->c * v->kh * v->kw, blocks = v->image_blocks * v->row_blocks;
  NAME(scratch) s;
  if (!NAME(get_scratch)(j, &s)) return;
  for (int64_t item = low; item < high; item++) {
    const int64_t group = item / v->parts, part = item % v->parts, start = blocks * part / v->parts;
    for (int64_t i = start; i < blocks * (part + 1) / v->parts; i++) {
      const NAME(block) b = NAME(block_number)(v, group, i);
      const int64_t windows = b.images * b.rows * v->w;
      NAME(lay_out)(j, b, s);
      NAME(move_y)(v, (T *)j->y, b, s, 0);
      const NAME(matrix) y = NAME(y_of)(v, (T *)j->y, b, s);
      T *sum = (T *)j->parts + item * v->w_group;
      if (v->by_windows)
        NAME(multiply)(j, (nd_product){.m = inner, .n = v->o, .k = windows, .a = s.columns, .a_row = 1, .a_col = inner,
                                       .b = y.at, .b_row = y.window, .b_col = y.output, .c = sum, .c_row = v->o,
                                       .c_col = 1, .accumulate = i > start});
      else
        NAME(multiply)(j, (nd_product){.m = v->o, .n = inner, .k = windows, .a = y.at, .a_row = y.output,
                                       .a_col = y.window, .b = s.columns, .b_row = 1, .b_col = windows, .c = sum,
                                       .c_row = inner, .c_col = 1, .accumulate = i > start});
    }
  }
}

/* Adds the parts in order, for some of the outputs of all groups. */
static void NAME(sum)(void *context, int64_t low, int64_t high) {
  const job *j = context;
  const conv *v = &j->v;
  for (int64_t item = low; item < high; item++) {
    const int64_t group = item / v->o, o = item % v->o;
    const T *parts = (const T *)j->parts + group * v->parts * j->part_size + o * j->part_stride[0];
    T *out = (T *)j->out + group * v->wg + o * v->wo;
    for (int64_t k = 0; k < v->kh; k++)
      for (int64_t l = 0; l < v->kw; l++)
        for (int64_t c = 0; c < v->c; c++) {
          const T *from = parts + c * j->part_stride[1] + k * j->part_stride[2] + l * j->part_stride[3];
          T total = 0;
          for (int64_t part = 0; part < v->parts; part++)
            for (int64_t lane = 0; lane < j->part_lanes; lane++) total += from[part * j->part_size + lane];
          out[k * v->wk + l * v->wl + c * v->wc] = total;
        }
  }
}

/* The same for some of the taps of all groups, if outputs lie side by side: the first part becomes the sum. */
static void NAME(sum_rows)(void *context, int64_t low, int64_t high) {
  const job *j = context;
  const conv *v = &j->v;
  const int64_t taps = v->kh * v->kw * v->c;
  for (int64_t item = low; item < high; item++) {
    const int64_t k = item % taps / (v->kw * v->c), l = item % taps / v->c % v->kw, c = item % v->c;
    T *total = (T *)j->parts + item / taps * v->parts * j->part_size + c * j->part_stride[1] + k * j->part_stride[2] +
               l * j->part_stride[3];
    T *out = (T *)j->out + item / taps * v->wg + k * v->wk + l * v->wl + c * v->wc;
    for (int64_t part = 1; part < v->parts; part++)
      for (int64_t o = 0; o < v->o; o++) total[o] += total[part * j->part_size + o];
    memcpy(out, total, v->o * sizeof(T));
  }
}
