/* lines.h - walking arrays line by line, for kernels in which elements along ONE dimension depend on each other:
 * scan.c (running sums and their kin) and sort.c (sort, argsort). The last dimension of the plan is the line.
 *
 * A kernel is handed several neighbouring lines at once: what depends on the element before it waits for it, and the
 * wait is filled with the other lines. */
#ifndef ND_LINES_H
#define ND_LINES_H
#include "kernel_types.h"

enum { ND_LINE_OPERANDS = 3 };

/* `count` lines of n elements. Operand k (0 is the output) of the first line begins at data[k]; along[k] elements lead
 * from one element of a line to the next, across[k] from one line to the next. `scratch` is the thread's own. */
typedef struct {
  int64_t n, count;
  void *data[ND_LINE_OPERANDS];
  int64_t along[ND_LINE_OPERANDS], across[ND_LINE_OPERANDS];
  const int64_t *numbers; /* what the caller of the driver gave */
  void *scratch;
} nd_lines;
typedef void nd_line(const nd_lines *lines);

/* Runs `line` on all lines of the plan, at most `together` at once; `scratch` bytes are handed to each call, `numbers`
 * as they are. `data` holds the memories of the plan's first `operands` operands. */
int nd_run_lines(const nd_plan *p, int operands, nd_line *line, int64_t together, int64_t grain, int64_t scratch,
                 const int64_t *numbers, void *const *data);
#endif
