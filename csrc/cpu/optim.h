/* optim.h - the family of optimiser steps, f32 and f64: one row function for each kind. */
#ifndef ND_OPTIM_H
#define ND_OPTIM_H
#include "kernel_types.h"

/* Each kind (enum nd_step_kind), and how many memories it has. */
#define ND_OPTIMISER_STEPS(X)                               \
  X(SGD, sgd, 0)                                            \
  X(MOMENTUM, momentum, 1)                                  \
  X(NESTEROV, nesterov, 1)                                  \
  X(ADAM, adam, 2)                                          \
  X(AMSGRAD, amsgrad, 3)                                    \
  X(NADAM, nadam, 2)                                        \
  X(RADAM_START, radam_start, 2)                            \
  X(ADAMAX, adamax, 2)                                      \
  X(ADAGRAD, adagrad, 1)                                    \
  X(RMSPROP, rmsprop, 1)                                    \
  X(RMSPROP_MOMENTUM, rmsprop_momentum, 2)                  \
  X(RMSPROP_CENTERED, rmsprop_centered, 2)                  \
  X(RMSPROP_CENTERED_MOMENTUM, rmsprop_centered_momentum, 3) \
  X(ADADELTA, adadelta, 2)                                  \
  X(ASGD, asgd, 1)                                          \
  X(RPROP, rprop, 2)                                        \
  X(LION, lion, 1)

/* The elements lo .. hi-1 of one parameter. */
typedef void nd_step_row(const nd_step *step, int64_t lo, int64_t hi);
typedef struct nd_optim_table {
  nd_step_row *row[ND_STEP_KINDS][2];
} nd_optim_table;
#endif
