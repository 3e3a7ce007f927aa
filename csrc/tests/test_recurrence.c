/* test_recurrence.c - recurrent networks against their definition, in buffers that end where the arrays do, so that the
 * address sanitizer sees every step beyond; the adjoints against slopes. */
#include "check.h"
#include "kernel_types.h"

enum { STEPS = 4, KINDS = ND_RECURRENCE_KINDS };
static const int gates_of[KINDS] = {1, 1, 4, 3};

typedef struct {
  int type, kind, reverse;
  int64_t hidden, sizes[STEPS];
} net;

typedef struct {
  void *x, *weight, *bias, *h0, *c0, *h, *c, *h_end, *c_end, *gates;
} arrays;

static double get(int type, const void *p, int64_t i) { return type == ND_F32 ? ((const f32 *)p)[i] : ((const f64 *)p)[i]; }

static void put(int type, void *p, int64_t i, double value) {
  if (type == ND_F32) ((f32 *)p)[i] = (f32)value;
  else ((f64 *)p)[i] = value;
}

static void *numbers(int type, int64_t n) {
  void *p = malloc((size_t)(n * nd_item_size(type)));
  for (int64_t i = 0; i < n; i++) put(type, p, i, uniform(-1, 1));
  return p;
}

static int64_t rows_of(const net *s) {
  int64_t n = 0;
  for (int t = 0; t < STEPS; t++) n += s->sizes[t];
  return n;
}

static int run(const net *s, arrays *a) {
  const int64_t wide = gates_of[s->kind] * s->hidden, n = rows_of(s);
  for (int64_t i = 0; i < n * wide; i++) put(s->type, a->gates, i, get(s->type, a->x, i));
  return nd_recurrence_dense(s->type, n, a->gates, a->weight, a->bias, a->h0, a->c0, a->h, a->c, a->h_end, a->c_end,
                             s->sizes, STEPS, s->hidden, s->kind, s->reverse);
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* The state of one sequence after a step from h, c with the row x. */
static void step(const net *s, const arrays *a, int64_t row, double *h, double *c) {
  const int64_t m = s->hidden, wide = gates_of[s->kind] * m;
  double *sum = calloc((size_t)(2 * wide + m), sizeof(double)), *x = sum + wide, *next = x + wide;
  for (int64_t k = 0; k < wide; k++) {
    x[k] = get(s->type, a->x, row * wide + k);
    sum[k] = s->kind == ND_GRU ? get(s->type, a->bias, k) : 0;
    for (int64_t l = 0; l < m; l++) sum[k] += h[l] * get(s->type, a->weight, l * wide + k);
  }
  for (int64_t k = 0; k < m; k++) {
    if (s->kind == ND_LSTM) {
      c[k] = sigmoid(x[m + k] + sum[m + k]) * c[k] + sigmoid(x[k] + sum[k]) * tanh(x[2 * m + k] + sum[2 * m + k]);
      next[k] = sigmoid(x[3 * m + k] + sum[3 * m + k]) * tanh(c[k]);
    } else if (s->kind == ND_GRU) {
      const double r = sigmoid(x[k] + sum[k]), z = sigmoid(x[m + k] + sum[m + k]);
      next[k] = (1 - z) * tanh(x[2 * m + k] + r * sum[2 * m + k]) + z * h[k];
    } else {
      next[k] = s->kind == ND_RNN_TANH ? tanh(x[k] + sum[k]) : fmax(x[k] + sum[k], 0);
    }
  }
  for (int64_t k = 0; k < m; k++) h[k] = next[k];
  free(sum);
}

static void near(const net *s, const char *what, int64_t i, double got, double wanted) {
  const double allowed = (s->type == ND_F32 ? 1e-4 : 1e-11) * (1 + fabs(wanted));
  CHECK(fabs(got - wanted) <= allowed, "%s of kind %d, type %d, %d hidden, reverse %d: [%d] is %g, wanted %g", what, s->kind,
        s->type, (int)s->hidden, s->reverse, (int)i, got, wanted);
}

static void check_values(const net *s, const arrays *a) {
  const int64_t m = s->hidden;
  double *h = malloc((size_t)(2 * m + 1) * sizeof(double)), *c = h + m;
  for (int64_t k = 0; k < s->sizes[0]; k++) {
    for (int64_t l = 0; l < m; l++) h[l] = get(s->type, a->h0, k * m + l), c[l] = get(s->type, a->c0, k * m + l);
    for (int i = 0; i < STEPS; i++) {
      const int t = s->reverse ? STEPS - 1 - i : i;
      if (k >= s->sizes[t]) continue;
      int64_t row = k;
      for (int u = 0; u < t; u++) row += s->sizes[u];
      step(s, a, row, h, c);
      for (int64_t l = 0; l < m; l++) near(s, "h", row * m + l, get(s->type, a->h, row * m + l), h[l]);
    }
    for (int64_t l = 0; l < m; l++) {
      near(s, "h at the end", k * m + l, get(s->type, a->h_end, k * m + l), h[l]);
      if (s->kind == ND_LSTM) near(s, "c at the end", k * m + l, get(s->type, a->c_end, k * m + l), c[l]);
    }
  }
  free(h);
}

/* The sum of all results, each times its adjoint. */
static double weighted(const net *s, arrays *a, const void *g, const void *of_h, const void *of_c) {
  const int64_t states = s->sizes[0] * s->hidden;
  double sum = 0;
  run(s, a);
  for (int64_t i = 0; i < rows_of(s) * s->hidden; i++) sum += get(s->type, g, i) * get(s->type, a->h, i);
  for (int64_t i = 0; i < states; i++) {
    sum += get(s->type, of_h, i) * get(s->type, a->h_end, i);
    if (s->kind == ND_LSTM) sum += get(s->type, of_c, i) * get(s->type, a->c_end, i);
  }
  return sum;
}

/* Doubles: beside slopes, at a few places. */
static void check_slopes(const net *s, arrays *a, void *data, const void *adjoint, int64_t n, const void *g,
                         const void *of_h, const void *of_c, const char *what) {
  for (int trial = 0; trial < 3 && n; trial++) {
    const int64_t i = (int64_t)below((int)n);
    const double middle = get(s->type, data, i), eps = 1e-5;
    put(s->type, data, i, middle + eps);
    const double above = weighted(s, a, g, of_h, of_c);
    put(s->type, data, i, middle - eps);
    const double slope = (above - weighted(s, a, g, of_h, of_c)) / (2 * eps);
    put(s->type, data, i, middle);
    CHECK(fabs(slope - get(s->type, adjoint, i)) <= 1e-6 * (1 + fabs(slope)), "adjoint of %s, kind %d: %g, slope %g", what,
          s->kind, get(s->type, adjoint, i), slope);
  }
}

static void check_one(const net *s) {
  const int64_t m = s->hidden, wide = gates_of[s->kind] * m, n = rows_of(s), states = s->sizes[0] * m;
  const int with_c = s->kind >= ND_LSTM, type = s->type;
  arrays a = {numbers(type, n * wide), numbers(type, m * wide), numbers(type, wide), numbers(type, states), numbers(type, states),
              numbers(type, n * m), numbers(type, with_c ? n * m : 0), numbers(type, states), numbers(type, states),
              numbers(type, n * wide)};
  void *out = numbers(type, n * wide), *of_state = numbers(type, s->kind == ND_GRU ? n * wide : 0), *g = numbers(type, n * m);
  void *of_h = numbers(type, states), *of_c = numbers(type, states), *g_h = numbers(type, states), *g_c = numbers(type, states);
  CHECK(run(s, &a) == ND_OK, "forward");
  check_values(s, &a);
  for (int64_t i = 0; i < states; i++) put(type, g_h, i, get(type, of_h, i)), put(type, g_c, i, get(type, of_c, i));
  void *transposed = numbers(type, m * wide);
  for (int64_t i = 0; i < m * wide; i++) put(type, transposed, i % wide * m + i / wide, get(type, a.weight, i));
  CHECK(nd_recurrence_backward_dense(type, n, out, a.gates, transposed, a.h0, a.c0, a.h, a.c, g, g_h, g_c, of_state, s->sizes,
                                     STEPS, m, s->kind, s->reverse) == ND_OK, "backward");
  if (type == ND_F64) {
    check_slopes(s, &a, a.x, out, n * wide, g, of_h, of_c, "x");
    check_slopes(s, &a, a.h0, g_h, states, g, of_h, of_c, "h0");
    if (s->kind == ND_LSTM) check_slopes(s, &a, a.c0, g_c, states, g, of_h, of_c, "c0");
  }
  void *all[] = {a.x, a.weight, a.bias, a.h0, a.c0, a.h, a.c, a.h_end, a.c_end, a.gates, out, of_state, g, of_h, of_c, g_h, g_c, transposed};
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
}

static void all_nets(void) {
  static const int64_t widths[] = {1, 2, 7, 16, 17, 33, 100};
  static const int64_t lengths[][STEPS] = {{3, 3, 3, 3}, {5, 2, 1, 1}, {4, 0, 0, 0}, {0, 0, 0, 0}, {35, 35, 20, 1}};
  for (int type = ND_F32; type <= ND_F64; type++)
    for (int kind = 0; kind < KINDS; kind++)
      for (int k = 0; k < 7; k++)
        for (int l = 0; l < 5; l++) {
          net s = {.type = type, .kind = kind, .reverse = (k + l) % 2, .hidden = widths[k]};
          for (int t = 0; t < STEPS; t++) s.sizes[t] = lengths[l][t];
          check_one(&s);
        }
}

static int refused(int type, int64_t n, int64_t hidden, int kind, int64_t first, int64_t second) {
  double x[64] = {0};
  const int64_t sizes[] = {first, second};
  return nd_recurrence_dense(type, n, x, x, x, x, x, x, x, x, x, sizes, 2, hidden, kind, 0);
}

static void refuses(void) {
  CHECK(refused(ND_I32, 2, 1, ND_LSTM, 1, 1) == ND_EDTYPE, "type");
  CHECK(refused(ND_F64, 3, 1, ND_LSTM, 1, 1) == ND_EPLAN, "3 rows of 2");
  CHECK(refused(ND_F64, 3, 1, ND_LSTM, 1, 2) == ND_EPLAN, "sizes that grow");
  CHECK(refused(ND_F64, 1, 1, ND_LSTM, 2, -1) == ND_EPLAN, "negative size");
  CHECK(refused(ND_F64, 2, 0, ND_LSTM, 1, 1) == ND_EPLAN, "nothing hidden");
  CHECK(refused(ND_F64, 2, 1, 4, 1, 1) == ND_EPLAN, "kind");
}

int main(void) {
  for (int threads = 1; threads <= 2; threads++) {
    nd_set_num_threads(threads);
    for_every_isa(all_nets);
  }
  refuses();
  return finish("recurrence");
}
