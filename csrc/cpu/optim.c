/* optim.c - the drivers of the optimiser steps: share one long row out to threads. */
#include <stddef.h>
#include "errors.h"
#include "optim.h"
#include "parallel.h"

typedef struct {
  int type, size;
  char *out, *first, *second, *third; /* adam's m, v and top */
  const char *p, *g;
  double lr, momentum, fresh, b1, b2, eps, weight_decay, shrink, correct1, correct2;
  int nesterov;
} job;

static char *shifted(const char *data, int64_t bytes) { return data ? (char *)data + bytes : NULL; }

static void sgd_piece(void *ctx, int64_t lo, int64_t hi) {
  const job *j = ctx;
  const int64_t at = lo * j->size;
  nd_current_isa()->optim->sgd[j->type](hi - lo, j->out + at, j->p + at, j->g + at, shifted(j->first, at), j->lr,
                                        j->momentum, j->fresh, j->weight_decay, j->nesterov);
}

static void adam_piece(void *ctx, int64_t lo, int64_t hi) {
  const job *j = ctx;
  const int64_t at = lo * j->size;
  nd_current_isa()->optim->adam[j->type](hi - lo, j->out + at, j->p + at, j->g + at, j->first + at, j->second + at,
                                         shifted(j->third, at), j->lr, j->b1, j->b2, j->eps, j->weight_decay, j->shrink, j->correct1,
                                         j->correct2);
}

int nd_sgd_step_dense(int dtype, int64_t n, void *out, const void *p, const void *g, void *u, double lr,
                      double momentum, double fresh, double weight_decay, int nesterov) {
  if (dtype != ND_F32 && dtype != ND_F64) return ND_EDTYPE;
  job j = {.type = dtype, .size = nd_item_size(dtype), .out = out, .first = u, .p = p, .g = g, .lr = lr,
           .momentum = momentum, .fresh = fresh, .weight_decay = weight_decay, .nesterov = nesterov};
  nd_parallel_for(n, ND_GRAIN_CHEAP, sgd_piece, &j);
  return ND_OK;
}

int nd_adam_step_dense(int dtype, int64_t n, void *out, const void *p, const void *g, void *m, void *v, void *top,
                       double lr, double b1, double b2, double eps, double weight_decay, double shrink,
                       double correct1, double correct2) {
  if (dtype != ND_F32 && dtype != ND_F64) return ND_EDTYPE;
  job j = {.type = dtype, .size = nd_item_size(dtype), .out = out, .first = m, .second = v, .third = top, .p = p,
           .g = g, .lr = lr, .b1 = b1, .b2 = b2, .eps = eps, .weight_decay = weight_decay, .shrink = shrink,
           .correct1 = correct1, .correct2 = correct2};
  nd_parallel_for(n, ND_GRAIN_CHEAP / 2, adam_piece, &j);
  return ND_OK;
}
