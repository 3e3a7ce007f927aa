/* drivers.h - the drivers: they walk plans, share the work out to threads and call rows. */
#ifndef ND_DRIVERS_H
#define ND_DRIVERS_H
#include "kernel_types.h"

/* elementwise.c: out = f(operands), `operands` counting the output; grain as in parallel.h. */
int nd_run_elementwise(const nd_plan *p, int operands, nd_row *row, int64_t grain, void *const *data, double scalar);
int nd_run_dense(int64_t n, int operands, const int *item_size, nd_row *row, int64_t grain, void *const *data,
                 double scalar);
/* reduce.c */
int nd_run_reduce(const nd_plan *p, const nd_reducer *reducer, void *out, const void *a);
/* reduce_slices.c: reductions that need their whole slice; `result` is the element type of the output */
int nd_run_slices(const nd_plan *p, nd_slice *kernel, int result, int64_t grain, void *out, const void *a);
#endif
