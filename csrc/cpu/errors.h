/* errors.h - the number that belongs to the last error of this thread (see nd_error_detail). */
#ifndef ND_ERRORS_H
#define ND_ERRORS_H
#include <stdint.h>
#include "needle_kernels.h"

/* Remembers `detail` and returns `code`: `return nd_fail(ND_EINDEX, i);` */
int nd_fail(int code, int64_t detail);

/* ND_OK if the plan can be walked: 0..ND_MAX_NDIM dimensions, no negative extent. */
int nd_check_plan(const nd_plan *p);
#endif
