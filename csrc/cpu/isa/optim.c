/* optim.c - optimiser steps: one pass over parameter, gradient and memories instead of a dozen small ones. */
#include <math.h>
#include "isa.h"
#include "optim.h"
#include "unroll.h"

#define T f32
#define ROOT sqrtf
#define MAGNITUDE fabsf
#include "optim_steps.h"
#undef T
#undef ROOT
#undef MAGNITUDE

#define T f64
#define ROOT sqrt
#define MAGNITUDE fabs
#include "optim_steps.h"

#define ENTRY(kind, name, memories) [ND_STEP_##kind] = {name##_f32, name##_f64},
const nd_optim_table ND_TABLE(optim) = {.row = {ND_OPTIMISER_STEPS(ENTRY)}};
