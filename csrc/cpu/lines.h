/* lines.h - walking an array line by line, for kernels in which elements along ONE dimension depend on each other:
 * scan.c (cumsum, cumprod) and sort.c (sort, argsort). The last dimension of the plan is the line. */
#ifndef ND_LINES_H
#define ND_LINES_H
#include "kernel_types.h"

/* One line of n elements: `out` and `a` are its first elements, strides in elements. `scratch` is the thread's own. */
typedef void nd_line(int64_t n, void *out, int64_t s_out, const void *a, int64_t s_a, int flag, void *scratch);

/* Runs `line` on every line of the plan; `scratch` bytes are handed to each call, `flag` as it is. */
int nd_run_lines(const nd_plan *p, nd_line *line, int64_t grain, int64_t scratch, int flag, void *out, const void *a);
#endif
