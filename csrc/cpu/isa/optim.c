/* optim.c - optimiser steps: one pass over parameter, gradient and memories instead of a dozen small ones. */
#include <float.h>
#include <math.h>
#include "isa.h"
#include "optim.h"
#include "unroll.h"

#define T f32
#define ROOT sqrtf
#define MAGNITUDE fabsf
#define SMALLEST FLT_MIN
#include "optim_steps.h"
#undef T
#undef ROOT
#undef MAGNITUDE
#undef SMALLEST

#define T f64
#define ROOT sqrt
#define MAGNITUDE fabs
#define SMALLEST DBL_MIN
#include "optim_steps.h"

#define ENTRY(kind, name, memories) [ND_STEP_##kind] = {name##_f32, name##_f64},
const nd_optim_table ND_TABLE(optim) = {.row = {ND_OPTIMISER_STEPS(ENTRY)}};
