/* test_optim.c - steps of optimisers: their formulas, how several parameters share one call, the threads' pieces.
 *
 * Every array is a block of its own and of just its size, so that the sanitizers see a read beyond it.
 */
#include <float.h>
#include "check.h"

enum { PARAMETERS = 5 };
static const int64_t length[PARAMETERS] = {70001, 3, 0, 1, 33};
typedef struct {
  double *out, *p, *g, *memory[3];
} parameter;

static double *numbers(int64_t n, double lo, double hi) {
  double *a = malloc((size_t)(n ? n : 1) * sizeof *a);
  for (int64_t i = 0; i < n; i++) a[i] = uniform(lo, hi);
  return a;
}
static double *copy_of(const double *a, int64_t n) {
  return memcpy(malloc((size_t)(n ? n : 1) * sizeof *a), a, (size_t)n * sizeof *a);
}

static const nd_step_numbers s = {-1, 0.01, 0.9, 0.1, 0.8, 0.3, 0.95, 0.2, 0.7, 1e-3, 0.05};

static nd_step step_of(int kind, int64_t n, const parameter *a, int64_t from) {
  return (nd_step){.kind = kind, .n = n, .out = a->out + from, .p = a->p + from, .g = a->g + from, .s = s,
                   .memory = {a->memory[0] + from, a->memory[1] + from, a->memory[2] + from}};
}

/* All parameters in one call against calls for single elements; and into p itself. */
static void calls(void) {
  for (int kind = 0; kind < ND_STEP_KINDS; kind++) {
    parameter a[PARAMETERS], b[PARAMETERS];
    nd_step steps[PARAMETERS];
    for (int k = 0; k < PARAMETERS; k++) {
      const int64_t n = length[k];
      a[k] = (parameter){numbers(n, 0, 0), numbers(n, -1, 1), numbers(n, -1, 1),
                         {numbers(n, 2, 3), numbers(n, 0.1, 1), numbers(n, 0.1, 1)}};
      b[k] = (parameter){.p = copy_of(a[k].p, n), .g = a[k].g};
      b[k].out = b[k].p;
      for (int m = 0; m < 3; m++) b[k].memory[m] = copy_of(a[k].memory[m], n);
      steps[k] = step_of(kind, n, &a[k], 0);
    }
    CHECK(nd_optimizer_steps(ND_F64, PARAMETERS, steps) == ND_OK, "kind %d", kind);
    for (int k = 0; k < PARAMETERS; k++)
      for (int64_t i = 0; i < length[k]; i += 1 + (i % 97 == 50) * 50) {
        const nd_step one = step_of(kind, 1, &b[k], i);
        CHECK(nd_optimizer_steps(ND_F64, 1, &one) == ND_OK && fabs(b[k].out[i] - a[k].out[i]) < 1e-12,
              "kind %d, parameter %d at %d", kind, k, (int)i);
        for (int m = 0; m < 3; m++)
          CHECK(fabs(b[k].memory[m][i] - a[k].memory[m][i]) < 1e-12, "kind %d, memory %d of %d at %d", kind, m, k, (int)i);
      }
    for (int k = 0; k < PARAMETERS; k++) {
      free(a[k].out), free(a[k].p), free(a[k].g), free(b[k].p);
      for (int m = 0; m < 3; m++) free(a[k].memory[m]), free(b[k].memory[m]);
    }
  }
}

/* Without a gradient Adam's averages end at 0, not among the numbers below 1e-38, for which processors take their time. */
static void averages_end(void) {
  float p[40], g[40] = {0}, m[40], v[40];
  for (int i = 0; i < 40; i++) p[i] = 1, m[i] = (i % 2 ? 1 : -1) * 2e-38f, v[i] = i == 7 ? NAN : 1.2e-38f;
  const nd_step step = {.kind = ND_STEP_ADAM, .n = 40, .out = p, .p = p, .g = g, .memory = {m, v},
                        .s = {.sign = 1, .shrink = 1, .rate = 1e-3, .keep1 = 0.9, .keep2 = 0.999, .scale = 1, .eps = 1e-8}};
  for (int k = 0; k < 40; k++) {
    CHECK(nd_optimizer_steps(ND_F32, 1, &step) == ND_OK, "step %d", k);
    for (int i = 0; i < 40; i++)
      CHECK(i == 7 ? isnan(v[i]) : (m[i] == 0 || fabsf(m[i]) >= FLT_MIN) && (v[i] == 0 || v[i] >= FLT_MIN),
            "step %d: m %g, v %g", k, m[i], v[i]);
  }
  CHECK(m[0] == 0 && m[1] == 0 && v[0] == 0, "m %g, %g, v %g", m[0], m[1], v[0]);
}

/* The two that everybody uses, written out; any number of threads gives the same bits. */
static void formulas(void) {
  enum { N = 40003 };
  static float p[N], g[N], m[N], v[N], out[2][N], m0[N], v0[N];
  for (int i = 0; i < N; i++)
    p[i] = (float)uniform(-1, 1), g[i] = (float)uniform(-1, 1), m0[i] = (float)uniform(-1, 1), v0[i] = (float)uniform(0.1, 1);
  for (int kind = ND_STEP_MOMENTUM; kind <= ND_STEP_ADAM; kind += ND_STEP_ADAM - ND_STEP_MOMENTUM) {
    for (int threads = 1; threads <= 3; threads += 2) {
      memcpy(m, m0, sizeof m), memcpy(v, v0, sizeof v);
      nd_set_num_threads(threads);
      const nd_step step = {.kind = kind, .n = N, .out = out[threads / 2], .p = p, .g = g, .memory = {m, v}, .s = s};
      CHECK(nd_optimizer_steps(ND_F32, 1, &step) == ND_OK, "%d threads", threads);
    }
    CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0, "kind %d: other bits with three threads", kind);
    for (int i = 0; i < N; i++) {
      const double d = -g[i] + 0.01 * p[i], mean = 0.8 * m0[i] + 0.3 * d, square = 0.95 * v0[i] + 0.2 * d * d;
      const double want = kind == ND_STEP_ADAM ? 0.9 * p[i] - 0.1 * mean / (sqrt(0.7 * square) + 1e-3) : p[i] - 0.1 * mean;
      CHECK(fabs(m[i] - mean) < 1e-6 && fabs(out[0][i] - want) < 2e-6, "kind %d at %d", kind, i);
    }
  }
  nd_set_num_threads(3);
}

int main(void) {
  nd_set_num_threads(3);
  for_every_isa(calls);
  for_every_isa(formulas);
  for_every_isa(averages_end);
  double x = 1;
  nd_step step = {.kind = ND_STEP_SGD, .n = 1, .out = &x, .p = &x, .g = &x, .s = s};
  CHECK(nd_optimizer_steps(ND_I32, 1, &step) == ND_EDTYPE && x == 1, "integers");
  CHECK(nd_optimizer_steps(ND_F64, 0, NULL) == ND_OK, "no parameters");
  step.kind = ND_STEP_KINDS;
  CHECK(nd_optimizer_steps(ND_F64, 1, &step) == ND_EPLAN && x == 1, "a kind that there is not");
  step.kind = -1;
  CHECK(nd_optimizer_steps(ND_F64, 1, &step) == ND_EPLAN && x == 1, "a kind below all");
  return finish("optim");
}
