/* normalise.c - the loops of batch, group and layer normalisation (normalise.h says what they are for). */
#include "isa.h"
#include "normalise.h"
#include "normalise_lanes.h"

enum { DEEP = 32 }; /* rows whose columns are summed up in the element type before doubles take over */

#define T f32
#define V V_f32
#define M M_f32
#define W ((int)(sizeof(V) / sizeof(T)))
#define NAME(name) name##_f32
#include "normalise_segments.h"
#include "normalise_columns.h"
#include "normalise_rows.h"
#undef T
#undef V
#undef M
#undef NAME

#define T f64
#define V V_f64
#define M M_f64
#define NAME(name) name##_f64
#include "normalise_segments.h"
#include "normalise_columns.h"
#include "normalise_rows.h"

#define FUNCTIONS(T)                                                                                        \
  {.moments = moments_##T, .scale = scale_##T, .dots = dots_##T, .slope = slope_##T,                        \
   .column_moments = column_moments_##T, .column_scale = column_scale_##T, .column_dots = column_dots_##T,  \
   .column_slope = column_slope_##T, .row_norm = row_norm_##T, .row_back = row_back_##T}

const nd_normalise_table ND_TABLE(normalise) = {.of = {FUNCTIONS(f32), FUNCTIONS(f64)}};
