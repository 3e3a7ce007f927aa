/* check.h - the few helpers all C tests share.
 *
 * A test is a program. CHECK(condition, format, ...) prints what failed and where and counts it; finish() at the end
 * of main makes the count the exit status. for_every_isa runs a function under each instruction set that is compiled in
 * and that this processor has. Random numbers come from one generator with a fixed seed.
 */
#ifndef CHECK_H
#define CHECK_H
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "needle_kernels.h"

static int failures;

#define CHECK(condition, ...)                                              \
  do {                                                                     \
    if (!(condition) && failures++ < 20) {                                 \
      printf("  FAIL %s:%d [%s] ", __FILE__, __LINE__, nd_get_isa());      \
      printf(__VA_ARGS__);                                                 \
      printf("\n");                                                        \
    }                                                                      \
  } while (0)

static inline void for_every_isa(void (*test)(void)) {
  char names[64], *rest = names;
  snprintf(names, sizeof names, "%s", nd_isa_names());
  for (char *name; (name = strtok_r(rest, " ", &rest));) {
    if (!nd_isa_supported(name)) {
      printf("  (this processor has no %s)\n", name);
      continue;
    }
    CHECK(nd_set_isa(name) == ND_OK && strcmp(nd_get_isa(), name) == 0, "nd_set_isa(%s)", name);
    test();
  }
}

static inline int finish(const char *name) {
  printf("%s: %s\n", name, failures ? "FAILED" : "ok");
  return failures != 0;
}

/* xorshift64*: uniform in [0, 1) and in [0, n) */
static uint64_t random_state = 88172645463325252ull;
static inline uint64_t random_bits(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * 2685821657736338717ull;
}
static inline double uniform(double lo, double hi) { return lo + (hi - lo) * (double)(random_bits() >> 11) * 0x1p-53; }
static inline int64_t below(int64_t n) { return (int64_t)(random_bits() % (uint64_t)n); }

/* ---- plans -------------------------------------------------------------------------------------------------- */
static inline void set_extents(nd_plan *p, int ndim, const int64_t *shape) {
  memset(p, 0, sizeof *p);
  p->ndim = ndim;
  p->size = 1;
  for (int d = 0; d < ndim; d++) p->size *= p->shape[d] = shape[d];
}

/* Element number of operand k at row-major point i. */
static inline int64_t element(const nd_plan *p, int k, int64_t i) {
  int64_t at = p->offset[k];
  for (int d = p->ndim - 1; d >= 0; d--) {
    at += i % p->shape[d] * p->stride[k][d];
    i /= p->shape[d];
  }
  return at;
}

/* Gives operand k a random layout: the dimensions in any order, gaps, reversed, and (if allowed) repeated. Returns how
 * many elements its storage must have. */
static inline int64_t random_layout(nd_plan *p, int k, int may_repeat) {
  int order[8];
  for (int d = 0; d < p->ndim; d++) order[d] = d;
  if (below(2))
    for (int d = p->ndim - 1; d > 0; d--) {
      const int other = (int)below(d + 1), keep = order[d];
      order[d] = order[other];
      order[other] = keep;
    }
  int64_t stride = below(4) ? 1 : 1 + below(3);
  p->offset[k] = below(3);
  int64_t needed = p->offset[k] + 1;
  for (int i = p->ndim - 1; i >= 0; i--) {
    const int d = order[i];
    if (may_repeat && below(4) == 0) {
      p->stride[k][d] = 0;
      continue;
    }
    p->stride[k][d] = stride;
    needed += (p->shape[d] - 1) * stride;
    if (below(6) == 0) { /* reversed: start at the other end */
      p->offset[k] += (p->shape[d] - 1) * stride;
      p->stride[k][d] = -stride;
    }
    stride *= p->shape[d];
    if (below(5) == 0) stride += below(3);
  }
  return needed;
}
#endif
