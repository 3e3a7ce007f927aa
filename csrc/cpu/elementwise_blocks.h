/* elementwise_blocks.h - what the two halves of the elementwise driver share. */
#ifndef ND_ELEMENTWISE_BLOCKS_H
#define ND_ELEMENTWISE_BLOCKS_H
#include "elementwise.h"

typedef struct {
  const nd_plan *p;
  nd_row *row;
  int operands;
  int item_size[ND_MAX_OPERANDS];
  char *data[ND_MAX_OPERANDS]; /* at the element of point (0, 0, ...) */
  double scalar;
} nd_elementwise_job;

/* Smaller jobs are not worth the planning. */
#define ND_BLOCK_FROM 256

/* Decides whether blocks pay. If so, *reordered is the plan with its dimensions in the order the blocks want. */
int nd_wants_blocks(const nd_elementwise_job *j, nd_plan *reordered);
int nd_run_blocks(const nd_elementwise_job *j, const nd_plan *reordered, int64_t grain);
#endif
