/* conv_direct.h - a convolution and its adjoint of w without columns, for one element type. Included by conv.c after
 * conv_blocks.h; conv_direct_plan.h says what is computed. */

/* An image with its padding, and the block of y whose lanes are outputs. */
static int NAME(direct_scratch)(job *j, T **image, T **y) {
  const conv *v = &j->v;
  const direct *d = &j->d;
  const int64_t pixels = d->copy_x ? (v->c * d->height * d->width + d->lanes + 15) / 16 * 16 : 0;
  const int64_t block = d->copy_y ? d->rows * v->w * d->outputs : 0;
  *image = nd_scratch(ND_SCRATCH_CONV, (pixels + block) * (int64_t)sizeof(T));
  if (!*image) return fail(j), 0;
  *y = *image + pixels;
  memset(*y, 0, block * sizeof(T)); /* lanes that are no outputs stay zero */
  return 1;
}

/* The image as windows see it, from its first element on: where it lies, or copied amid zeros. */
static const T *NAME(see)(const job *j, int64_t image, int64_t group, T *copy) {
  const conv *v = &j->v;
  const direct *d = &j->d;
  const T *x = (const T *)j->x + image * v->xn + group * v->xg;
  if (!d->copy_x) return x + d->at;
  const axis h = v->down, w = v->across;
  const int64_t top = most(h.start, 0), left = most(w.start, 0);
  const int64_t rows = most(least(h.extent, h.start + d->height) - top, 0);
  const int64_t columns = most(least(w.extent, w.start + d->width) - left, 0);
  T *to = copy + (top - h.start) * d->xh + (left - w.start) * d->xw;
  const T *from = x + top * v->xh + left * v->xw;
  memset(copy, 0, (v->c * d->height * d->width + d->lanes) * sizeof(T));
  if (d->xc == 1)
    NAME(copy3)((int64_t[]){rows, columns, v->c}, from, (int64_t[]){v->xh, v->xw, v->xc}, to,
                (int64_t[]){d->xh, d->xw, d->xc});
  else
    NAME(copy3)((int64_t[]){v->c, rows, columns}, from, (int64_t[]){v->xc, v->xh, v->xw}, to,
                (int64_t[]){d->xc, d->xh, d->xw});
  return copy;
}

/* Rows `row` .. row + rows - 1 of y from or to the block [window][outputs]. */
static void NAME(turn_y)(const job *j, T *y, T *block, int64_t rows, int to_y) {
  const conv *v = &j->v;
  const int64_t outputs = j->d.outputs;
  const int64_t extent[3] = {rows, v->w, v->o}, there[3] = {v->yh, v->yw, v->yo};
  const int64_t here[3] = {v->w * outputs, outputs, 1};
  if (to_y) NAME(hand_out)(extent, block, here, y, there);
  else NAME(copy3)(extent, y, there, block, here);
}

/* w as [tap][output], with zeros up to whole vectors; or, along rows, as [output][tap]. */
static void NAME(direct_arrange)(const job *j, const void *from, void *to) {
  const conv *v = &j->v;
  const direct *d = &j->d;
  const int64_t tap = d->along_rows ? 1 : d->outputs, output = d->along_rows ? d->taps : 1, size = d->outputs * d->taps;
  memset(to, 0, v->groups * size * sizeof(T));
  for (int64_t g = 0; g < v->groups; g++)
    for (int64_t k = 0; k < v->kh; k++)
      for (int64_t l = 0; l < v->kw; l++) {
        const int64_t here[3] = {d->pc * tap, output, 0}, there[3] = {v->wc, v->wo, 0}, extent[3] = {v->c, v->o, 1};
        NAME(copy3)(extent, (const T *)from + g * v->wg + k * v->wk + l * v->wl, there,
                    (T *)to + g * size + (k * d->pk + l * d->pl) * tap, here);
      }
}

/* One line of windows of all outputs, or two. Rows of the kernel that see nothing but padding are left out. */
static void NAME(direct_line)(const job *j, int64_t i, int64_t lines, const T *w, const T *x, T *y) {
  const conv *v = &j->v;
  const direct *d = &j->d;
  int64_t low, high, first, last;
  seen_from(v->down, i, v->kh, &low, &high);
  seen_from(v->down, i + lines - 1, v->kh, &first, &last);
  low = least(low, first), high = most(high, last);
  const int64_t taps = low * d->pk, line = v->down.step * d->xh;
  nd_current_isa()->conv->product[CODE](&(nd_places){
      .m = v->o, .n = v->w, .k = most(high - low, 0) * d->pk, .a = w, .i_at = d->outputs_at, .p_at = d->steps + taps, .b = x,
      .b_at = d->positions + taps, .c = y, .c_row = v->yo, .two_lines = lines == 2, .b_line = line, .c_line = v->yh});
}

static void NAME(direct_forward)(void *context, int64_t low, int64_t high) {
  job *j = context;
  const conv *v = &j->v;
  const direct *d = &j->d;
  void (*const product)(const nd_places *) = nd_current_isa()->conv->product[CODE];
  T *copy, *block;
  if (!NAME(direct_scratch)(j, &copy, &block)) return;
  const T *image = NULL;
  for (int64_t item = low, last = -1; item < high; item++) {
    const int64_t number = item / d->row_blocks, group = number / v->n, n = number % v->n;
    const int64_t row = item % d->row_blocks * d->rows, rows = least(d->rows, v->h - row);
    if (number != last) image = NAME(see)(j, n, group, copy);
    last = number;
    const T *w = (const T *)j->w + group * (d->copy_w ? d->outputs * d->taps : v->wg);
    const T *x = image + row * v->down.step * d->xh;
    T *y = (T *)j->out + n * v->yn + group * v->yg + row * v->yh;
    if (d->along_rows && v->o == 1) {
      nd_current_isa()->conv->stencil[CODE](&(nd_stencil){
          .m = rows, .n = v->w, .k = d->taps, .a = w, .b = x, .b_at = d->positions, .c = y,
          .b_row = v->down.step * d->xh, .c_row = v->yh});
    } else if (d->along_rows) {
      const int64_t together = v->w <= d->lanes ? 2 : 1; /* lines */
      for (int64_t i = 0; i < rows; i += together)
        NAME(direct_line)(j, row + i, least(rows - i, together), w, x + i * v->down.step * d->xh, y + i * v->yh);
    } else {
      product(&(nd_places){.m = rows * v->w, .n = d->copy_y ? d->outputs : v->o, .k = d->taps, .a = x,
                           .i_at = d->windows, .p_at = d->positions, .b = w, .b_at = d->steps,
                           .c = d->copy_y ? block : y, .c_row = d->copy_y ? d->outputs : v->w > 1 ? v->yw : v->yh});
      if (d->copy_y) NAME(turn_y)(j, y, block, rows, 1);
    }
  }
}

/* Parts of the adjoint of w, of some images each: [tap][output] or, along rows, [output][tap][lane]. */
static void NAME(direct_weight)(void *context, int64_t low, int64_t high) {
  job *j = context;
  const conv *v = &j->v;
  const direct *d = &j->d;
  void (*const product)(const nd_places *) = nd_current_isa()->conv->product[CODE];
  T *copy, *block;
  if (!NAME(direct_scratch)(j, &copy, &block)) return;
  for (int64_t item = low; item < high; item++) {
    const int64_t group = item / v->parts, part = item % v->parts, first = v->n * part / v->parts;
    for (int64_t n = first; n < v->n * (part + 1) / v->parts; n++) {
      const T *image = NAME(see)(j, n, group, copy);
      for (int64_t row = 0; row < v->h; row += d->rows) {
        const int64_t rows = least(d->rows, v->h - row);
        T *y = (T *)j->y + n * v->yn + group * v->yg + row * v->yh;
        const T *x = image + row * v->down.step * d->xh;
        T *c = (T *)j->parts + item * j->part_size;
        const int accumulate = n > first || row > 0;
        if (d->copy_y) NAME(turn_y)(j, y, block, rows, 0);
        if (d->along_rows)
          nd_current_isa()->conv->lines[CODE](&(nd_lines_of_places){
              .m = v->o, .n = d->taps, .rows = rows, .width = v->w, .a = y, .i_at = d->outputs_at, .a_row = v->yh, .b = x,
              .j_at = d->positions, .b_row = v->down.step * d->xh, .c = c, .accumulate = accumulate});
        else
          product(&(nd_places){.m = d->taps, .n = d->outputs, .k = rows * v->w, .a = x, .i_at = d->positions,
                               .p_at = d->windows, .b = d->copy_y ? block : y, .b_at = d->steps, .c = c,
                               .c_row = d->outputs, .accumulate = accumulate});
      }
    }
  }
}
