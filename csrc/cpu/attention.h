/* attention.h - the family of attention, f32 and f64: one head at a time. */
#ifndef ND_ATTENTION_H
#define ND_ATTENTION_H
#include "kernel_types.h"

/* The matrices of a head; `lse` has a row for each query and no columns. */
enum nd_attention_operand {
  ATTENTION_OUT, ATTENTION_LSE, ATTENTION_Q, ATTENTION_K, ATTENTION_V, ATTENTION_MASK, /* forward */
  ATTENTION_TO_Q, ATTENTION_TO_K, ATTENTION_TO_V, ATTENTION_G,                         /* backward, besides */
  ATTENTION_OPERANDS
};

typedef struct nd_head {
  int64_t queries, keys, features, values; /* extents: L, S, E, D */
  int64_t diagonal;                        /* query i sees the keys j <= i + diagonal */
  double scale, drop;                      /* of the scores; share of the weights that are dropped */
  uint64_t key, first;                     /* of the numbers that decide it (isa/philox.h); the row of query 0 */
  char *data[ATTENTION_OPERANDS];          /* at the first element; no mask: NULL */
  int64_t row[ATTENTION_OPERANDS], col[ATTENTION_OPERANDS]; /* strides in elements */
} nd_head;

typedef struct nd_attention_table {
  int block[2];                                                     /* queries that are worked on at a time */
  int (*forward[2])(const nd_head *h, int64_t lo, int64_t hi);      /* the queries lo .. hi-1 */
  int (*backward[2])(const nd_head *h);
} nd_attention_table;
#endif
