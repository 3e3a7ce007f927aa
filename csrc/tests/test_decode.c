/* test_decode.c - a token through a block of a GPT against its definition in double, in buffers that end where the arrays
 * do, so that the address sanitizer sees every step beyond. */
#include "check.h"
#include "kernel_types.h"

enum { PARTS = 15, X = 0, KEYS = 1, VALUES = 2, NORM_1 = 3, QKV = 5, PROJ = 7, NORM_2 = 9, FC = 11, OUT = 13 };

typedef struct {
  int type;
  int64_t n, dim, hidden, heads, most, length;
} net;

static double get(int type, const void *p, int64_t i) { return type == ND_F32 ? ((const f32 *)p)[i] : ((const f64 *)p)[i]; }

static void sizes_of(const net *s, int64_t *size) {
  const int64_t d = s->dim, h = s->hidden, memory = s->n * s->most * d;
  const int64_t all[PARTS] = {s->n * d, memory, memory, d, d, 3 * d * d, 3 * d, d * d, d, d, d, d * h, h, h * d, d};
  memcpy(size, all, sizeof all);
}

static int call(const net *s, void **p) {
  return nd_gpt_block_dense(s->type, s->n, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11], p[12],
                            p[13], p[14], s->dim, s->hidden, s->heads, s->most, s->length, 1e-5, 1e-3);
}

/* to = norm(x) weight + bias */
static void norm(const net *s, double *const *p, int k, double eps, const double *x, double *to) {
  double mean = 0, variance = 0;
  for (int64_t i = 0; i < s->dim; i++) mean += x[i] / (double)s->dim;
  for (int64_t i = 0; i < s->dim; i++) variance += (x[i] - mean) * (x[i] - mean) / (double)s->dim;
  for (int64_t i = 0; i < s->dim; i++) to[i] = (x[i] - mean) / sqrt(variance + eps) * p[k][i] + p[k + 1][i];
}

/* to = x W + b */
static void linear(int64_t inputs, int64_t outputs, double *const *p, int k, const double *x, double *to) {
  for (int64_t o = 0; o < outputs; o++) {
    to[o] = p[k + 1][o];
    for (int64_t i = 0; i < inputs; i++) to[o] += x[i] * p[k][i * outputs + o];
  }
}

static double gelu(double x) { return 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x))); }

/* What the header says, for the rows that p holds as doubles. */
static void defined(const net *s, double *const *p) {
  const int64_t d = s->dim, e = d / s->heads;
  double *y = calloc((size_t)(5 * d + s->hidden + s->most), sizeof(double)), *add = y + d, *qkv = add + d, *h = qkv + 3 * d;
  double *w = h + s->hidden;
  for (int64_t n = 0; n < s->n; n++) {
    double *const x = p[X] + n * d;
    norm(s, p, NORM_1, 1e-5, x, y);
    linear(d, 3 * d, p, QKV, y, qkv);
    for (int64_t c = 0; c < d; c++) {
      const int64_t k = c / e, at = ((n * s->heads + k) * s->most + s->length) * e + c % e;
      p[KEYS][at] = qkv[d + c];
      p[VALUES][at] = qkv[2 * d + c];
    }
    for (int64_t k = 0; k < s->heads; k++) {
      const double *keys = p[KEYS] + (n * s->heads + k) * s->most * e, *values = p[VALUES] + (n * s->heads + k) * s->most * e;
      double total = 0;
      for (int64_t j = 0; j <= s->length; j++) {
        double score = 0;
        for (int64_t c = 0; c < e; c++) score += qkv[k * e + c] * keys[j * e + c];
        total += w[j] = exp(score / sqrt((double)e));
      }
      for (int64_t c = 0; c < e; c++) {
        y[k * e + c] = 0;
        for (int64_t j = 0; j <= s->length; j++) y[k * e + c] += w[j] / total * values[j * e + c];
      }
    }
    linear(d, d, p, PROJ, y, add);
    for (int64_t c = 0; c < d; c++) x[c] += add[c];
    norm(s, p, NORM_2, 1e-3, x, y);
    linear(d, s->hidden, p, FC, y, h);
    for (int64_t c = 0; c < s->hidden; c++) h[c] = gelu(h[c]);
    linear(s->hidden, d, p, OUT, h, add);
    for (int64_t c = 0; c < d; c++) x[c] += add[c];
  }
  free(y);
}

static void check_one(const net *s) {
  int64_t size[PARTS];
  void *given[PARTS];
  double *exact[PARTS];
  sizes_of(s, size);
  for (int k = 0; k < PARTS; k++) {
    given[k] = malloc((size_t)(size[k] * nd_item_size(s->type)));
    exact[k] = malloc((size_t)size[k] * sizeof(double));
    for (int64_t i = 0; i < size[k]; i++) {
      const double value = uniform(-1, 1);
      if (s->type == ND_F32) ((f32 *)given[k])[i] = (f32)value;
      else ((f64 *)given[k])[i] = value;
      exact[k][i] = get(s->type, given[k], i);
    }
  }
  CHECK(call(s, given) == ND_OK, "gpt_block");
  defined(s, exact);
  for (int k = 0; k < PARTS; k++) {
    for (int64_t i = 0; i < size[k]; i++) {
      const double allowed = (s->type == ND_F32 ? 2e-4 : 1e-11) * (1 + fabs(exact[k][i]) + (double)s->hidden / 10);
      CHECK(fabs(get(s->type, given[k], i) - exact[k][i]) <= (k <= VALUES ? allowed : 0),
            "part %d of type %d, n %d, dim %d, %d heads, length %d of %d: [%d] is %g, wanted %g", k, s->type, (int)s->n, (int)s->dim,
            (int)s->heads, (int)s->length, (int)s->most, (int)i, get(s->type, given[k], i), exact[k][i]);
    }
    free(given[k]);
    free(exact[k]);
  }
}

static void all_blocks(void) {
  static const int64_t shapes[][6] = { /* n, dim, hidden, heads, most, length */
      {1, 1, 1, 1, 1, 0}, {1, 6, 5, 3, 4, 3}, {2, 8, 33, 2, 9, 0}, {3, 17, 16, 1, 40, 20},
      {1, 48, 70, 3, 300, 299}, {20, 32, 64, 4, 20, 11}, {0, 4, 4, 2, 3, 1}};
  for (int type = ND_F32; type <= ND_F64; type++)
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
      const int64_t *of = shapes[k];
      check_one(&(net){type, of[0], of[1], of[2], of[3], of[4], of[5]});
    }
}

static int refused(net s) {
  double x[64] = {0};
  void *p[PARTS];
  for (int k = 0; k < PARTS; k++) p[k] = x;
  return call(&s, p);
}

static void refuses(void) {
  CHECK(refused((net){ND_I32, 1, 2, 2, 1, 2, 0}) == ND_EDTYPE, "type");
  CHECK(refused((net){ND_F64, -1, 2, 2, 1, 2, 0}) == ND_EPLAN, "fewer than no sequences");
  CHECK(refused((net){ND_F64, 1, 3, 2, 2, 2, 0}) == ND_EPLAN, "heads that do not fit");
  CHECK(refused((net){ND_F64, 1, 2, 0, 1, 2, 0}) == ND_EPLAN, "nothing hidden");
  CHECK(refused((net){ND_F64, 1, 2, 2, 0, 2, 0}) == ND_EPLAN, "no heads");
  CHECK(refused((net){ND_F64, 1, 2, 2, 1, 2, 2}) == ND_EPLAN, "no room");
  CHECK(refused((net){ND_F64, 1, 2, 2, 1, 2, -1}) == ND_EPLAN, "negative length");
}

int main(void) {
  for (int threads = 1; threads <= 2; threads++) {
    nd_set_num_threads(threads);
    for_every_isa(all_blocks);
  }
  refuses();
  return finish("decode");
}
