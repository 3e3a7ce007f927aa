/* elementwise.h - the driver of all elementwise kernels: it walks plans, shares the work out to threads, calls rows. */
#ifndef ND_ELEMENTWISE_H
#define ND_ELEMENTWISE_H
#include "kernel_types.h"

/* out = f(operands): `operands` counts the output too, `data` are their storages; grain as in parallel.h. */
int nd_run_elementwise(const nd_plan *p, int operands, nd_row *row, int64_t grain, void *const *data, double scalar);

/* The same for compact operands of n elements. */
int nd_run_dense(int64_t n, int operands, const int *item_size, nd_row *row, int64_t grain, void *const *data,
                 double scalar);
#endif
