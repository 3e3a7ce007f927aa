/* pooling.c - pooling of one plane: one number for every window. pooling_lanes.h says how windows become lanes. */
#include <math.h>
#include <stddef.h>
#include "isa.h"
#include "pooling.h"
#include "unroll.h"

#define INLINE static inline __attribute__((always_inline))

enum { MOST = ND_POOL_LANES };
static inline int64_t whole_groups(int64_t lanes) { return (lanes + ND_POOL_LANES - 1) / ND_POOL_LANES * ND_POOL_LANES; }

#define NAME(name) ND_JOIN(name, TYPE)
#define T f32
#define TYPE f32
#include "pooling_lanes.h"
#include "pooling_pairs.h"
#include "pooling_max.h"
#include "pooling_mean.h"
#undef T
#undef TYPE
#define T f64
#define TYPE f64
#include "pooling_lanes.h"
#include "pooling_pairs.h"
#include "pooling_max.h"
#include "pooling_mean.h"

const nd_pooling_table ND_TABLE(pooling) = {
    .max = {max_f32, max_f64},
    .max_backward = {max_backward_f32, max_backward_f64},
    .mean = {mean_f32, mean_f64},
    .mean_backward = {mean_backward_f32, mean_backward_f64},
};
