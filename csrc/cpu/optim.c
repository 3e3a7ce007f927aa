/* optim.c - the driver of the optimiser steps: all parameters, one after the other, are one long row for the threads.
 *
 * So a network of fifty small layers costs one call, and its threads share what none of its layers is worth sharing.
 */
#include "errors.h"
#include "optim.h"
#include "parallel.h"

typedef struct {
  int type;
  const nd_step *steps;
} job;

static void piece(void *ctx, int64_t lo, int64_t hi) {
  const job *j = ctx;
  const nd_optim_table *table = nd_current_isa()->optim;
  int64_t first = 0; /* where in the long row the parameter begins */
  for (const nd_step *step = j->steps; first < hi; first += step->n, step++) {
    const int64_t from = lo > first ? lo - first : 0, to = hi - first < step->n ? hi - first : step->n;
    if (from < to) table->row[step->kind][j->type](step, from, to);
  }
}

int nd_optimizer_steps(int dtype, int count, const nd_step *steps) {
  if (dtype != ND_F32 && dtype != ND_F64) return ND_EDTYPE;
  int64_t all = 0;
  for (int k = 0; k < count; k++) {
    if (steps[k].kind < 0 || steps[k].kind >= ND_STEP_KINDS || steps[k].n < 0) return ND_EPLAN;
    all += steps[k].n;
  }
  job j = {.type = dtype, .steps = steps};
  nd_parallel_for(all, ND_GRAIN_CHEAP / 2, piece, &j);
  return ND_OK;
}
