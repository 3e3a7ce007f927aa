/* recurrence.h - the family of recurrent cells: what one row of one moment computes, forward and backward. */
#ifndef ND_RECURRENCE_H
#define ND_RECURRENCE_H
#include "kernel_types.h"

/* The rows that a cell reads and writes; those that its kind has no use for are arbitrary. */
typedef struct nd_moment {
  void *gates;              /* forward: the sum before the activations, then their results; backward: the results */
  const void *of_state;     /* gru, forward: h W + bias */
  const void *h_before, *c_before;
  void *h, *c;              /* c of gru: what the state contributes to n */
  const void *g;            /* backward: the adjoint of h as an output */
  void *g_h, *g_c;          /* backward: of h and c as a state; then c's before, and gru's h z */
  void *out, *out_of_state; /* backward: of the sum before the activations; gru's h W + bias */
} nd_moment;
typedef void nd_cell(int64_t hidden, const nd_moment *m);

typedef struct nd_recurrence_table {
  nd_cell *forward[ND_RECURRENCE_KINDS][ND_DTYPES];
  nd_cell *backward[ND_RECURRENCE_KINDS][ND_DTYPES];
} nd_recurrence_table;
#endif
