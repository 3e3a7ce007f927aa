/* dropout.c - out = a / (1 - p), or 0 times a where the number drawn is below the limit. */
#include "dropout.h"
#include "isa.h"
#include "philox.h"

#define DROPOUT(T)                                                                                          \
  static void dropout_##T(int64_t lo, int64_t hi, void *out_, const void *a_, double p, uint64_t key) {     \
    const uint64_t limit = philox_limit(p);                                                                 \
    const uint32_t least = (uint32_t)limit;                                                                 \
    const T scale = limit >> 32 ? 0 : (T)(1 / (1 - p));                                                     \
    enum { TURN = PHILOX_RUNS * PHILOX_NUMBERS };                                                           \
    uint32_t of_runs[PHILOX_RUNS][PHILOX_NUMBERS], *const number = of_runs[0];                              \
    for (int64_t i = lo; i < hi; i += TURN) {                                                               \
      const int64_t n = hi - i < TURN ? hi - i : TURN;                                                      \
      T *const out = (T *)out_ + i;                                                                         \
      const T *const a = (const T *)a_ + i;                                                                 \
      philox((uint64_t)i / PHILOX_NUMBERS, 1, 0, 0, key, of_runs);                                          \
      if (n == TURN)                                                                                        \
        ND_INDEPENDENT for (int k = 0; k < TURN; k++) out[k] = a[k] * (number[k] >= least ? scale : 0);     \
      else                                                                                                  \
        for (int64_t k = 0; k < n; k++) out[k] = a[k] * (number[k] >= least ? scale : 0);                   \
    }                                                                                                       \
  }
DROPOUT(f32)
DROPOUT(f64)

const nd_dropout_table ND_TABLE(dropout) = {.dropout = {dropout_f32, dropout_f64}};
