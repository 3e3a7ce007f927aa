/* test_attention.c - attention and its adjoints against the definition in double: heads of all extents and layouts, masks
 * that blind, diagonals, and more keys than a block has. */
#include "check.h"

enum { MOST = 700 };

/* A layout for operand k along some of the plan's dimensions, and memory for it filled with small numbers. */
static float *along(nd_plan *p, int k, int first, int second) {
  nd_plan own;
  int64_t extents[3] = {p->shape[0], p->shape[first], second < 0 ? 1 : p->shape[second]};
  for (int d = 0; d < 3; d++) extents[d] += extents[d] == 0; /* nothing is laid out like one */
  set_extents(&own, 3, extents);
  const int64_t size = random_layout(&own, 0, 0);
  p->offset[k] = own.offset[0];
  p->stride[k][0] = own.stride[0][0], p->stride[k][first] = own.stride[0][1];
  if (second >= 0) p->stride[k][second] = own.stride[0][2];
  float *const memory = malloc(sizeof(float) * (size_t)(size + 1));
  for (int64_t i = 0; i < size; i++) memory[i] = (float)uniform(-1, 1);
  return memory;
}

static float *find(const nd_plan *p, int k, float *memory, int64_t b, int first, int64_t i, int second, int64_t j) {
  return memory + p->offset[k] + b * p->stride[k][0] + i * p->stride[k][first] + j * p->stride[k][second];
}

static void one(int64_t batch, int64_t queries, int64_t keys, int64_t e, int64_t d, int masked, int64_t diagonal) {
  enum { L = 1, S = 2, E = 3, D = 4 };
  nd_plan p, q;
  set_extents(&p, 5, (int64_t[]){batch, queries, keys, e, d});
  q = p;
  float *out = along(&p, 0, L, D), *lse = along(&p, 1, L, -1), *x = along(&p, 2, L, E), *y = along(&p, 3, S, E);
  float *v = along(&p, 4, S, D), *mask = along(&p, 5, L, S);
  float *to_q = along(&q, 0, L, E), *to_k = along(&q, 1, S, E), *to_v = along(&q, 2, S, D), *g = along(&q, 3, L, D);
  for (int k = 0; k < 6; k++) { /* operands 4 .. 9 of the backward plan are those of the forward one */
    q.offset[4 + k] = p.offset[k];
    memcpy(q.stride[4 + k], p.stride[k], sizeof p.stride[k]);
  }
  for (int64_t b = 0; b < batch; b++)
    for (int64_t i = 0; i < queries; i++)
      for (int64_t j = 0; j < keys; j++)
        if (below(4) == 0) *find(&p, 5, mask, b, L, i, S, j) = -INFINITY;
  const double scale = 0.7;
  float *const m = masked ? mask : NULL;
  CHECK(nd_attention(&p, out, lse, x, y, v, m, scale, diagonal, 0, 0) == ND_OK, "attention");
  CHECK(nd_attention_backward(&q, to_q, to_k, to_v, g, out, lse, x, y, v, m, scale, diagonal, 0, 0) == ND_OK, "backward");
  double *want_k = calloc((size_t)(keys * e + 1), sizeof(double)), *want_v = calloc((size_t)(keys * d + 1), sizeof(double));
  for (int64_t b = 0; b < batch; b++) {
    memset(want_k, 0, (size_t)(keys * e) * sizeof(double));
    memset(want_v, 0, (size_t)(keys * d) * sizeof(double));
    for (int64_t i = 0; i < queries; i++) {
      double w[MOST], total = 0, delta = 0;
      for (int64_t j = 0; j < keys; j++) {
        double s = 0;
        for (int64_t c = 0; c < e; c++) s += *find(&p, 2, x, b, L, i, E, c) * (double)*find(&p, 3, y, b, S, j, E, c);
        s = s * scale + (m ? *find(&p, 5, mask, b, L, i, S, j) : 0);
        w[j] = j <= i + diagonal || diagonal >= keys ? exp(s) : 0;
        total += w[j];
      }
      for (int64_t j = 0; j < keys; j++) w[j] = total > 0 ? w[j] / total : 0;
      for (int64_t c = 0; c < d; c++) {
        double want = 0;
        for (int64_t j = 0; j < keys; j++) want += w[j] * *find(&p, 4, v, b, S, j, D, c);
        const double got = *find(&p, 0, out, b, L, i, D, c), gc = *find(&q, 3, g, b, L, i, D, c);
        CHECK(fabs(got - want) < 1e-5, "%d keys, query %d: %g, not %g", (int)keys, (int)i, got, want);
        delta += want * gc;
        for (int64_t j = 0; j < keys; j++) want_v[j * d + c] += w[j] * gc;
      }
      const double sum = *find(&p, 1, lse, b, L, i, L, 0);
      CHECK(total > 0 ? fabs(sum - log(total)) < 1e-5 * (1 + fabs(sum)) : sum == -INFINITY, "lse %g of %g", sum, total);
      for (int64_t j = 0; j < keys; j++) {
        double wp = 0;
        for (int64_t c = 0; c < d; c++) wp += *find(&q, 3, g, b, L, i, D, c) * (double)*find(&p, 4, v, b, S, j, D, c);
        w[j] *= (wp - delta) * scale;
      }
      for (int64_t c = 0; c < e; c++) {
        double want = 0;
        for (int64_t j = 0; j < keys; j++) {
          want += w[j] * *find(&p, 3, y, b, S, j, E, c);
          want_k[j * e + c] += w[j] * *find(&p, 2, x, b, L, i, E, c);
        }
        const double got = *find(&q, 0, to_q, b, L, i, E, c);
        CHECK(fabs(got - want) < 1e-5 * (1 + (double)d), "to_q %g, not %g", got, want);
      }
    }
    for (int64_t j = 0; j < keys; j++) {
      for (int64_t c = 0; c < e; c++) {
        const double got = *find(&q, 1, to_k, b, S, j, E, c);
        CHECK(fabs(got - want_k[j * e + c]) < 2e-5 * (1 + (double)d), "to_k %g, not %g", got, want_k[j * e + c]);
      }
      for (int64_t c = 0; c < d; c++) {
        const double got = *find(&q, 2, to_v, b, S, j, D, c);
        CHECK(fabs(got - want_v[j * d + c]) < 2e-5, "to_v %g, not %g", got, want_v[j * d + c]);
      }
    }
  }
  float *const all[] = {out, lse, x, y, v, mask, to_q, to_k, to_v, g};
  for (int k = 0; k < 10; k++) free(all[k]);
  free(want_k), free(want_v);
}

static void all(void) {
  static const int64_t keys[] = {0, 1, 2, 15, 16, 45, 130, 256, 257, 600};
  static const int64_t queries[] = {1, 3, 45, 60, 130};
  for (int k = 0; k < 10; k++)
    for (int l = 0; l < 5; l++) {
      const int64_t diagonals[] = {0, keys[k] - queries[l], -3, 1 << 30};
      for (int trial = 0; trial < 2; trial++)
        one(1 + below(keys[k] > 100 ? 2 : 4), queries[l], keys[k], below(20), 1 + below(20), trial, diagonals[below(4)]);
    }
  nd_plan p;
  set_extents(&p, 3, (int64_t[]){1, 1, 1});
  float one[4] = {0};
  CHECK(nd_attention(&p, one, one, one, one, one, NULL, 1, 0, 0, 0) == ND_EPLAN, "three dimensions");
  set_extents(&p, 4, (int64_t[]){1, 1, 1, 1});
  for (int k = 0; k < 6; k++) p.dtype[k] = ND_I32;
  CHECK(nd_attention(&p, one, one, one, one, one, NULL, 1, 0, 0, 0) == ND_EDTYPE, "integers");
}

int main(void) {
  nd_set_num_threads(2);
  for_every_isa(all);
  return finish("attention");
}
