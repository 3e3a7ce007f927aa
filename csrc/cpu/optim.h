/* optim.h - the family of optimiser steps, f32 and f64: SGD and Adam. */
#ifndef ND_OPTIM_H
#define ND_OPTIM_H
#include "kernel_types.h"

typedef struct nd_optim_table {
  void (*sgd[2])(int64_t n, void *out, const void *p, const void *g, void *u, double lr, double momentum,
                 double fresh, double weight_decay, int nesterov);
  void (*adam[2])(int64_t n, void *out, const void *p, const void *g, void *m, void *v, void *top, double lr,
                  double b1, double b2, double eps, double weight_decay, double shrink, double correct1,
                  double correct2);
} nd_optim_table;
#endif
