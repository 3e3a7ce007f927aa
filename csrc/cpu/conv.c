/* conv.c - convolution and its two adjoints: windows laid out side by side, a block at a time, and matrix products; or
 * without that: as one product where each pixel is seen by one window (conv_flat.h), and, where images are wide and
 * weights few, forward and the adjoint of w by tables of places (conv_direct_plan.h).
 *
 * A block is some rows of windows of one image or, if images are small, some whole images: about 64 K elements, so that
 * they are still in the second-level cache when the product reads them. An array of all windows, K*L times as large as x,
 * is never made. With `columns` a block of windows (conv_windows.h), w and y matrices:
 *
 *     forward            y  = w  columns
 *     adjoint of x       columns = w^T y, added back to where they were seen
 *     adjoint of w       w += y columns^T
 *
 * or, where channels are the contiguous ones, all of it transposed (conv_plan.h says when). What lies in another order
 * than the products want is copied: images into the block's scratch, weights once for each call. Kernel rows and columns
 * that see nothing but padding are dropped before anything else.
 *
 * Blocks are shared out to the threads. What they are does not depend on the number of threads, and the adjoint of w is
 * added up in parts, a fixed share of the blocks each, which are then added in order: the same bits each time.
 */
#include <stdlib.h>
#include <string.h>
#include "conv.h"
#include "conv_direct_plan.h"
#include "conv_flat.h"
#include "conv_plan.h"
#include "conv_winograd_plan.h"
#include "gemm.h"
#include "parallel.h"
#include "pool.h"

typedef struct {
  conv v;
  direct d;
  winograd g;
  int type, failed, for_x, all_seen, no_number; /* for_x: the adjoint of x is computed */
  const char *x, *y, *w; /* at their first element; w as the products want it */
  char *out, *parts;     /* parts: of the adjoint of w */
  void *weights;         /* their values at points */
  int64_t part_size, part_lanes, part_stride[4]; /* from one output, channel, kernel row and column to the next */
} job;

static void fail(job *j) { __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED); }
static void no_number(job *j) { __atomic_store_n(&j->no_number, 1, __ATOMIC_RELAXED); }

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(name) JOIN(name, TYPE)
#define T f32
#define TYPE f32
#define CODE ND_F32
#include "conv_windows.h"
#include "conv_blocks.h"
#include "conv_direct.h"
#include "conv_winograd_tiles.h"
#include "conv_winograd.h"
#undef T
#undef TYPE
#undef CODE
#define T f64
#define TYPE f64
#define CODE ND_F64
#include "conv_windows.h"
#include "conv_blocks.h"
#include "conv_direct.h"
#include "conv_winograd_tiles.h"
#include "conv_winograd.h"

typedef void part_fn(void *job, int64_t low, int64_t high);
static part_fn *const forward[2] = {forward_f32, forward_f64}, *const input[2] = {input_f32, input_f64};
static part_fn *const weight[2] = {weight_f32, weight_f64}, *const sum[2] = {sum_f32, sum_f64};
static part_fn *const sum_rows[2] = {sum_rows_f32, sum_rows_f64};
static void (*const arrange[2])(const conv *, const void *, void *) = {arrange_f32, arrange_f64};
static part_fn *const direct_forward[2] = {direct_forward_f32, direct_forward_f64};
static part_fn *const direct_weight[2] = {direct_weight_f32, direct_weight_f64};
static part_fn *const read_weights[2] = {read_weights_f32, read_weights_f64};
static part_fn *const winograd_forward[2] = {winograd_forward_f32, winograd_forward_f64};
static part_fn *const winograd_input[2] = {winograd_input_f32, winograd_input_f64};
static part_fn *const winograd_weight[2] = {winograd_weight_f32, winograd_weight_f64};
static part_fn *const sum_weights[2] = {sum_weights_f32, sum_weights_f64};
static void (*const direct_arrange[2])(const job *, const void *, void *) = {direct_arrange_f32, direct_arrange_f64};

/* Shares `items` out; each thread gets a million multiply-adds at least. */
static void share(job *j, int64_t items, part_fn *part) {
  const conv *v = &j->v;
  const double work = (double)v->n * v->groups * v->o * v->c * v->kh * v->kw * v->h * v->w;
  nd_parallel_for(items, (int64_t)(items / (work / 1e6 + 1)) + 1, part, j);
}

/* What the three have in common; 1 if there is nothing to do but, perhaps, to write zeros. */
static int prepare(const nd_plan *p, int x, int w, int y, const int64_t *window, job *j, int *empty) {
  const int type = p->dtype[0];
  if (p->ndim != 8) return ND_EPLAN;
  for (int d = 0; d < 8; d++)
    if (p->shape[d] < (d < 4 ? 0 : 1)) return ND_EPLAN;
  for (int a = 0; a < 8; a += 4)
    if (window[a + 1] < 1 || window[a + 2] < 1 || window[a + 3] < 0) return ND_EPLAN;
  if ((type != ND_F32 && type != ND_F64) || p->dtype[1] != type || p->dtype[2] != type) return ND_EDTYPE;
  j->type = type;
  read_plan(p, x, w, y, window, &j->v);
  *empty = p->size == 0 || j->v.kh == 0 || j->v.kw == 0;
  return ND_OK;
}

/* Operand number `out` of conv_flat.h as one matrix product; 0 if it is none. */
static int as_product(const job *j, int out, void *to, const void *a, const void *b, int *err) {
  nd_plan p;
  if (!read_flat(&j->v, out, &p)) return 0;
  for (int i = 0; i < 3; i++) p.dtype[i] = j->type;
  *err = nd_current_isa()->gemm->matmul(&p, to, a, b);
  return 1;
}

/* Writes zeros to operand 0 along five dimensions of its own, from the one of the longest stride to the shortest. */
static void zero(const nd_plan *p, void *out, const int *dims, const int64_t *extents) {
  int64_t stride[5], extent[5];
  for (int d = 0; d < 5; d++) {
    const int64_t own = p->stride[0][dims[d]];
    int at = d;
    for (; at > 0 && llabs(stride[at - 1]) < llabs(own); at--) stride[at] = stride[at - 1], extent[at] = extent[at - 1];
    stride[at] = own, extent[at] = extents[d];
  }
  for (int64_t a = 0; a < extent[0]; a++)
    for (int64_t b = 0; b < extent[1]; b++) {
      const int64_t at = p->offset[0] + a * stride[0] + b * stride[1];
      if (p->dtype[0] == ND_F32) clear_f32(extent + 2, (f32 *)out + at, stride + 2);
      else clear_f64(extent + 2, (f64 *)out + at, stride + 2);
    }
}

/* The weights as the products want them: where they lie, or a copy that *made then points to. */
static int lay_weights(job *j, const char *w, void **made) {
  const int64_t bytes = nd_item_size(j->type);
  *made = NULL;
  j->w = w + j->v.w_at * bytes;
  if (!j->v.copy_w) return ND_OK;
  *made = nd_alloc(j->v.groups * j->v.w_group * bytes);
  if (!*made) return ND_ENOMEM;
  arrange[j->type](&j->v, j->w, *made);
  j->w = *made;
  return ND_OK;
}

/* The forward pass without columns. */
static int forward_directly(job *j, const char *w) {
  const conv *v = &j->v;
  direct *d = &j->d;
  const int64_t bytes = nd_item_size(j->type), weights = v->groups * d->outputs * d->taps * bytes;
  int64_t *table = nd_alloc(count_places(v, d) * (int64_t)sizeof(int64_t));
  void *made = d->copy_w ? nd_alloc(weights) : NULL;
  const int ok = table && (made || !d->copy_w);
  if (ok) {
    j->w = made ? made : w + v->w_at * bytes;
    if (made) direct_arrange[j->type](j, w + v->w_at * bytes, made);
    j->no_number = made && j->for_x && !nd_current_isa()->conv->finite[j->type](weights / bytes, made);
    fill_places(v, d, d->along_rows ? 1 : d->outputs, d->copy_w ? d->taps : v->wo, table);
    if (!j->no_number) share(j, v->groups * v->n * d->row_blocks, direct_forward[j->type]);
  }
  nd_free(made);
  nd_free(table);
  return ok && !j->failed ? ND_OK : ND_ENOMEM;
}

/* The parts of the adjoint of w without columns. */
static int weight_directly(job *j) {
  const conv *v = &j->v;
  direct *d = &j->d;
  int64_t *table = nd_alloc(count_places(v, d) * (int64_t)sizeof(int64_t));
  if (!table) return ND_ENOMEM;
  fill_places(v, d, d->copy_y ? d->outputs : v->w > 1 ? v->yw : v->yh, v->yo, table);
  share(j, v->groups * v->parts, direct_weight[j->type]);
  nd_free(table);
  return j->failed ? ND_ENOMEM : ND_OK;
}

/* Forward, or the adjoint of x, by Winograd's algorithm. */
static int with_weights_at_points(job *j, const char *w) {
  const conv *v = &j->v;
  const int64_t bytes = nd_item_size(j->type);
  j->w = w + v->w_at * bytes;
  j->weights = nd_alloc(v->groups * 16 * j->g.inner * v->o * bytes);
  if (!j->weights) return ND_ENOMEM;
  share(j, v->groups * (j->for_x ? v->o : v->c), read_weights[j->type]);
  share(j, v->groups * j->g.blocks, (j->for_x ? winograd_input : winograd_forward)[j->type]);
  nd_free(j->weights);
  return j->failed ? ND_ENOMEM : ND_OK;
}

/* The adjoint of w by Winograd's algorithm. */
static int weights_from_points(job *j) {
  const conv *v = &j->v;
  j->parts = nd_alloc(v->groups * j->g.parts * 16 * j->g.inner * v->o * nd_item_size(j->type));
  if (!j->parts) return ND_ENOMEM;
  share(j, v->groups * j->g.parts, winograd_weight[j->type]);
  if (!j->failed) share(j, v->groups * v->c, sum_weights[j->type]);
  nd_free(j->parts);
  return j->failed ? ND_ENOMEM : ND_OK;
}

/* Operand number `out` by Winograd's algorithm; 0 if that is not for it, or if it has to be computed in another way: near
 * an infinity, differences that ought to cancel do not. */
static int at_points(job *j, int out, const char *w, int *err) {
  const conv *v = &j->v;
  if (!read_winograd(v, out, nd_current_isa()->conv, j->type, &j->g)) return 0;
  j->for_x = out == 1;
  j->all_seen = v->down.start <= 0 && v->across.start <= 0 && v->down.start + j->g.height >= v->down.extent &&
                v->across.start + j->g.width >= v->across.extent;
  *err = out == 2 ? weights_from_points(j) : with_weights_at_points(j, w);
  return *err || !j->no_number;
}

int nd_conv(const nd_plan *p, void *out, const void *x, const void *w, const int64_t *window) {
  job j = {0};
  int empty;
  const int bad = prepare(p, 1, 2, 0, window, &j, &empty);
  if (bad) return bad;
  if (empty) {
    zero(p, out, (int[]){0, 1, 2, 4, 5}, (int64_t[]){p->shape[0], p->shape[1], p->shape[2], p->shape[4], p->shape[5]});
    return ND_OK;
  }
  int err;
  if (as_product(&j, 0, out, x, w, &err)) return err;
  const int64_t bytes = nd_item_size(j.type);
  j.x = (const char *)x + j.v.x_at * bytes;
  j.out = (char *)out + j.v.y_at * bytes;
  if (at_points(&j, 0, w, &err)) return err;
  if (read_direct(&j.v, 0, nd_current_isa()->conv->lanes[j.type], bytes, &j.d)) return forward_directly(&j, w);
  void *made;
  if (lay_weights(&j, w, &made)) return ND_ENOMEM;
  share(&j, j.v.groups * j.v.image_blocks * j.v.row_blocks, forward[j.type]);
  nd_free(made);
  return j.failed ? ND_ENOMEM : ND_OK;
}

/* The adjoint of x of a convolution with step 1 is a convolution too: of the results' adjoint, with the kernel turned
 * around and inputs and outputs exchanged. Window i of it sees at tap kh-1-k what windows of v saw x's row i from at tap k. */
static conv turned_around(const conv *v) {
  conv u = *v;
  u.o = v->c, u.c = v->o, u.h = v->down.extent, u.w = v->across.extent;
  u.down.start = -v->down.start - (v->kh - 1) * v->down.dilation, u.down.extent = v->h;
  u.across.start = -v->across.start - (v->kw - 1) * v->across.dilation, u.across.extent = v->w;
  u.xn = v->yn, u.xg = v->yg, u.xc = v->yo, u.xh = v->yh, u.xw = v->yw, u.x_at = v->y_at;
  u.yn = v->xn, u.yg = v->xg, u.yo = v->xc, u.yh = v->xh, u.yw = v->xw, u.y_at = v->x_at;
  u.wo = v->wc, u.wc = v->wo, u.wk = -v->wk, u.wl = -v->wl;
  u.w_at = v->w_at + (v->kh - 1) * v->wk + (v->kw - 1) * v->wl;
  return u;
}

/* The adjoint of x without columns, where step is 1 and lanes can be places in a row; 0 if that is not for it. It sees the
 * padding around the results too, so it multiplies more often, and by zeros: there weights have to be numbers. */
static int input_directly(const job *j, const char *w, int *err) {
  const conv *v = &j->v;
  const int64_t bytes = nd_item_size(j->type), few = v->h * v->w, more = v->down.extent * v->across.extent;
  if (v->down.step > 1 || v->across.step > 1 || more > TURNED_MORE * few) return 0;
  job u = {.type = j->type, .v = turned_around(v), .for_x = 1, .x = j->y, .out = j->out};
  if (!read_direct(&u.v, 0, nd_current_isa()->conv->lanes[j->type], bytes, &u.d) || !u.d.along_rows || !u.d.copy_w) return 0;
  *err = forward_directly(&u, w);
  return !u.no_number;
}

int nd_conv_input_backward(const nd_plan *p, void *out, const void *g, const void *w, const int64_t *window) {
  job j = {0};
  int empty;
  const int bad = prepare(p, 0, 2, 1, window, &j, &empty);
  if (bad) return bad;
  const int64_t bytes = nd_item_size(j.type);
  j.out = (char *)out + j.v.x_at * bytes;
  if (empty) { /* no window sees anything, or there are no outputs to hear of it */
    j.v.c = p->shape[3];
    nd_plan only = *p;
    only.stride[0][4] = j.v.xh, only.stride[0][5] = j.v.xw, only.offset[0] = j.v.x_at;
    zero(&only, out, (int[]){0, 1, 3, 4, 5}, (int64_t[]){p->shape[0], p->shape[1], p->shape[3], window[3], window[7]});
    return ND_OK;
  }
  int err;
  if (as_product(&j, 1, out, g, w, &err)) return err;
  j.y = (const char *)g + j.v.y_at * bytes;
  if (at_points(&j, 1, w, &err) || input_directly(&j, w, &err)) return err;
  void *made;
  if (lay_weights(&j, w, &made)) return ND_ENOMEM;
  share(&j, j.v.groups * j.v.image_blocks, input[j.type]);
  nd_free(made);
  return j.failed ? ND_ENOMEM : ND_OK;
}

/* How many parts of the adjoint of w there are, and how each lies in memory: [o][c, k, l][lane], or [tap][o]. */
static void lay_parts(job *j, int directly) {
  conv *v = &j->v;
  const direct *d = &j->d;
  const int along_rows = directly && d->along_rows;
  const int64_t taps = v->kh * v->kw, lanes = j->part_lanes = along_rows ? d->lanes : 1;
  const int64_t o = directly && !along_rows ? d->outputs : v->o;
  const int64_t pc = directly ? d->pc : 1, pk = directly ? d->pk : v->kw * v->c, pl = directly ? d->pl : v->c;
  const int64_t by_outputs[4] = {v->c * taps * lanes, taps * lanes, v->kw * lanes, lanes};
  const int64_t by_taps[4] = {1, pc * o, pk * o, pl * o};
  memcpy(j->part_stride, along_rows || (!directly && !v->by_windows) ? by_outputs : by_taps, sizeof by_taps);
  j->part_size = o * v->c * taps * lanes;
  if (directly) v->parts = least(v->n, most(least(PART_ELEMENTS / (v->groups * j->part_size), MOST_PARTS), 2));
}

int nd_conv_weight_backward(const nd_plan *p, void *out, const void *x, const void *g, const int64_t *window) {
  job j = {0};
  int empty;
  const int bad = prepare(p, 1, 0, 2, window, &j, &empty);
  if (bad) return bad;
  conv *v = &j.v;
  if (empty || v->kh != p->shape[6] || v->kw != p->shape[7])
    zero(p, out, (int[]){1, 2, 3, 6, 7}, (int64_t[]){p->shape[1], p->shape[2], p->shape[3], p->shape[6], p->shape[7]});
  if (empty) return ND_OK;
  int err = ND_OK;
  if (as_product(&j, 2, out, x, g, &err)) return err;
  const int64_t bytes = nd_item_size(j.type);
  j.x = (const char *)x + v->x_at * bytes;
  j.y = (const char *)g + v->y_at * bytes;
  j.out = (char *)out + v->w_at * bytes;
  if (at_points(&j, 2, NULL, &err)) return err;
  const int directly = read_direct(v, 1, nd_current_isa()->conv->lanes[j.type], bytes, &j.d);
  lay_parts(&j, directly);
  j.parts = nd_alloc(v->groups * v->parts * j.part_size * bytes);
  if (!j.parts) return ND_ENOMEM;
  if (directly) err = weight_directly(&j);
  else share(&j, v->groups * v->parts, weight[j.type]);
  if (!err && !j.failed) {
    const int rows = j.part_stride[0] == 1 && v->wo == 1;
    const int64_t items = rows ? v->w_group / v->o : v->o, each = v->parts * v->w_group / items;
    nd_parallel_for(v->groups * items, ND_GRAIN_REDUCE / (each + 1) + 1, (rows ? sum_rows : sum)[j.type], &j);
  }
  nd_free(j.parts);
  return err || j.failed ? ND_ENOMEM : ND_OK;
}
