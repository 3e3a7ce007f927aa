/* pooling.c - pooling and its adjoint: planes are shared out to the threads, isa/pooling.c works on some of them. Each
 * element of a result is computed by one thread, in an order that depends on the shapes alone: the same bits each time.
 */
#include <string.h>
#include "parallel.h"
#include "pool.h"
#include "pooling.h"

enum {
  CHANNELS = 32,  /* of a plane, at most, where they come last */
  COLUMNS = 4096, /* windows of a row worked on at once, at most */
  LANES = 512     /* of rows worked on at once, about: they and what they see stay in the first-level cache */
};

typedef struct {
  nd_pool v;
  int type, failed;
  int64_t blocks, channels;             /* planes of an image; channels of all of them */
  int64_t xn, yn, pn, x_at, y_at, p_at; /* from image to image; where the arrays begin */
  char *x, *y;
  i32 *places;
  int backward, even;                   /* whether x is the result; whether images follow each other as planes do */
} job;

/* Whether windows of two elements cover an axis exactly. */
static int in_pairs(axis a, int64_t kernel, int64_t windows) {
  return kernel == 2 && a.dilation == 1 && a.step == 2 && a.start == 0 && a.extent == 2 * windows;
}

/* Whether planes of h x w elements follow each other without gaps. */
static int compact(const int64_t *stride, int64_t h, int64_t w) {
  return stride[1] == h * w && stride[2] == w && stride[3] == 1;
}

/* x, y and places are numbers of operands; places: of no operand if below 0. */
static int prepare(const nd_plan *p, int x, int y, int places, const int64_t *window, job *j) {
  if (p->ndim != 4) return ND_EPLAN;
  for (int d = 0; d < 4; d++)
    if (p->shape[d] < 0) return ND_EPLAN;
  for (int a = 0; a < 10; a += 5)
    if (window[a + 1] < 1 || window[a + 2] < 1 || window[a + 3] < 0 || window[a + 4] < 1) return ND_EPLAN;
  if (window[3] && window[8] > INT32_MAX / window[3]) return ND_EPLAN;
  const int type = p->dtype[x];
  if ((type != ND_F32 && type != ND_F64) || p->dtype[y] != type || (places >= 0 && p->dtype[places] != ND_I32))
    return ND_EDTYPE;
  const int64_t *xs = p->stride[x], *ys = p->stride[y], none[4] = {0, 1, 1, 1}, *ps = places < 0 ? none : p->stride[places];
  const int last = xs[1] == 1 && ys[1] == 1 && ps[1] == 1 && p->shape[1] > 1 && window[8] > 1 && xs[3] != 1;
  *j = (job){.type = type, .channels = p->shape[1], .xn = xs[0], .yn = ys[0], .pn = ps[0], .x_at = p->offset[x],
             .y_at = p->offset[y], .p_at = places < 0 ? 0 : p->offset[places]};
  j->v = (nd_pool){.down = {window[0], window[1], window[2], window[3]}, .kh = window[4],
                   .across = {window[5], window[6], window[7], window[8]}, .kw = window[9],
                   .h = p->shape[2], .w = p->shape[3], .c = last ? CHANNELS : 1, .xp = xs[1], .xc = xs[1], .xh = xs[2],
                   .xw = xs[3], .yp = ys[1], .yc = ys[1], .yh = ys[2], .yw = ys[3], .pp = ps[1], .pc = ps[1], .ph = ps[2],
                   .pw = ps[3]};
  j->v.apart = !last && j->v.across.step > (j->v.kw - 1) * j->v.across.dilation &&
               j->v.down.step > (j->v.kh - 1) * j->v.down.dilation;
  j->v.pairs = in_pairs(j->v.down, j->v.kh, j->v.h) && in_pairs(j->v.across, j->v.kw, j->v.w) &&
               compact(xs, window[3], window[8]) && compact(ys, j->v.h, j->v.w) &&
               (places < 0 || compact(ps, j->v.h, j->v.w));
  j->blocks = (j->channels + j->v.c - 1) / j->v.c;
  j->even = xs[0] == j->blocks * xs[1] && ys[0] == j->blocks * ys[1] && (places < 0 || ps[0] == j->blocks * ps[1]);
  return ND_OK;
}

/* How many windows of how many rows become lanes at once (isa/pooling_lanes.h). */
static void arrange(nd_pool *v, int64_t windows) {
  const int64_t reach = (v->kw - 1) * v->across.dilation + 1, more = (reach - 1) / v->across.step;
  v->w = windows;
  v->pitch = windows + more;
  v->rows = most(1, LANES / (v->pitch * v->c));
  v->phases = least(v->across.step, reach);
  v->lanes = ((v->rows * v->pitch + more) * v->c / ND_POOL_LANES + 2) * ND_POOL_LANES;
}

/* Working space, for the last columns and channels too, of which more rows fit. */
static void *room_for(job *j) {
  nd_pool v = j->v;
  arrange(&v, least(v.w, COLUMNS));
  const int64_t lanes = v.lanes + LANES;
  void *room = nd_scratch(ND_SCRATCH_POOLING, (v.across.step + v.phases + 1) * lanes * 8 + lanes * 4);
  if (!room) __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
  return room;
}

/* Whether windows that lie side by side see the whole axis. */
static int covers(axis a, int64_t kernel, int64_t windows) {
  return a.step == kernel && a.dilation == 1 && a.start <= 0 && a.start + windows * a.step >= a.extent;
}

/* Zeros for all of x. */
static void clear(const nd_pool *v, int64_t planes, int64_t bytes, char *x) {
  const int64_t h = v->down.extent, w = v->across.extent;
  for (int64_t p = 0; p < planes; p++)
    for (int64_t r = 0; r < h; r++) {
      char *row = x + (p * v->xp + r * v->xh) * bytes;
      if (v->c == 1 && v->xw == 1) memset(row, 0, (size_t)(w * bytes));
      else /* several channels lie side by side */
        for (int64_t k = 0; k < w; k++) memset(row + k * v->xw * bytes, 0, (size_t)(v->c * bytes));
    }
}

typedef void some_planes(const job *j, const nd_pool *v, int64_t planes, char *x, char *y, i32 *places, void *room);

/* Calls f for the planes low .. high-1, for many at once. */
static void each(job *j, int64_t low, int64_t high, some_planes *f) {
  void *room = room_for(j);
  if (!room) return;
  const int64_t bytes = nd_item_size(j->type);
  for (int64_t item = low, planes; item < high; item += planes) {
    const int64_t n = item / j->blocks, block = item % j->blocks, c = block * j->v.c;
    nd_pool v = j->v;
    planes = v.c > 1 ? 1 : j->even ? high - item : least(j->blocks - block, high - item);
    v.c = least(v.c, j->channels - c);
    char *x = j->x + (j->x_at + n * j->xn + c * v.xc) * bytes, *y = j->y + (j->y_at + n * j->yn + c * v.yc) * bytes;
    i32 *places = j->places ? j->places + j->p_at + n * j->pn + c * v.pc : NULL;
    if (j->backward && !(v.apart && covers(v.down, v.kh, v.h) && covers(v.across, v.kw, v.w))) clear(&v, planes, bytes, x);
    if (v.pairs) f(j, &v, planes, x, y, places, room);
    for (int64_t first = 0; first < j->v.w && !v.pairs; first += COLUMNS) {
      arrange(&v, least(j->v.w - first, COLUMNS));
      f(j, &v, planes, x, y + first * v.yw * bytes, places ? places + first * v.pw : NULL, room);
      v.across.start += COLUMNS * v.across.step;
    }
  }
}

static void share(const nd_plan *p, job *j, nd_body body) {
  const nd_pool *v = &j->v;
  const int64_t work = v->c * (v->down.extent * v->across.extent + v->h * v->w);
  nd_parallel_for(p->shape[0] * j->blocks, ND_GRAIN_CHEAP / (work + 1) + 1, body, j);
}

static void max_planes(const job *j, const nd_pool *v, int64_t planes, char *x, char *y, i32 *places, void *room) {
  nd_current_isa()->pooling->max[j->type](v, planes, x, y, places, room);
}
static void max_piece(void *j, int64_t low, int64_t high) { each(j, low, high, max_planes); }

int nd_max_pool(const nd_plan *p, void *out, void *places, const void *x, const int64_t *window) {
  job j;
  const int bad = prepare(p, 2, 0, places ? 1 : -1, window, &j);
  if (bad) return bad;
  j.x = (char *)x, j.y = out, j.places = places;
  share(p, &j, max_piece);
  return j.failed ? ND_ENOMEM : ND_OK;
}

static void max_backward_planes(const job *j, const nd_pool *v, int64_t planes, char *x, char *y, i32 *places, void *room) {
  nd_current_isa()->pooling->max_backward[j->type](v, planes, x, y, places, room);
}
static void max_backward_piece(void *j, int64_t low, int64_t high) { each(j, low, high, max_backward_planes); }

int nd_max_pool_backward(const nd_plan *p, void *out, const void *g, const void *places, const int64_t *window) {
  job j;
  const int bad = prepare(p, 0, 1, 2, window, &j);
  if (bad) return bad;
  j.x = out, j.y = (char *)g, j.places = (i32 *)places, j.backward = 1;
  share(p, &j, max_backward_piece);
  return j.failed ? ND_ENOMEM : ND_OK;
}

static void mean_planes(const job *j, const nd_pool *v, int64_t planes, char *x, char *y, i32 *places, void *room) {
  (void)places;
  if (j->backward) nd_current_isa()->pooling->mean_backward[j->type](v, planes, x, y, room);
  else nd_current_isa()->pooling->mean[j->type](v, planes, x, y, room);
}
static void mean_piece(void *j, int64_t low, int64_t high) { each(j, low, high, mean_planes); }

static int mean(const nd_plan *p, int x, int y, void *at_x, void *at_y, const int64_t *window, int64_t divide) {
  job j;
  const int bad = prepare(p, x, y, -1, window, &j);
  if (bad) return bad;
  if (divide < ND_SEEN || window[2] != 1 || window[7] != 1) return ND_EPLAN;
  j.x = at_x, j.y = at_y, j.backward = x == 0, j.v.divide = divide, j.v.pairs = 0;
  j.v.pad_down = -window[0], j.v.pad_across = -window[5];
  share(p, &j, mean_piece);
  return j.failed ? ND_ENOMEM : ND_OK;
}

int nd_avg_pool(const nd_plan *p, void *out, const void *x, const int64_t *window, int64_t divide) {
  return mean(p, 1, 0, (void *)x, out, window, divide);
}

int nd_avg_pool_backward(const nd_plan *p, void *out, const void *g, const int64_t *window, int64_t divide) {
  return mean(p, 0, 1, out, (void *)g, window, divide);
}
