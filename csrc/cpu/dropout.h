/* dropout.h - the family of dropout, f32 and f64. */
#ifndef ND_DROPOUT_H
#define ND_DROPOUT_H
#include "kernel_types.h"

typedef struct nd_dropout_table {
  /* elements lo .. hi-1, lo a multiple of 64 */
  void (*dropout[2])(int64_t lo, int64_t hi, void *out, const void *a, double p, uint64_t key);
} nd_dropout_table;
#endif
