/* gemm_help.h - threads that finish early help the others, so that a product does not wait for its slowest thread.
 *
 * Each thread computes a piece of out of its own (gemm.c), which needs no word with the others, but cores are never
 * equally fast: another program runs on one of them, or one is made for saving power. So the owner of a piece opens its
 * last block of depth to all. Its packed panels of b lie ready and only rows are left to take: large parts first, small
 * ones at the end. A part is the same rows whoever takes it, and each element of out is summed in the same order: the
 * bits of the result do not depend on who was faster.
 *
 * Nobody waits for a block to be opened. An owner returns when all rows of its block are finished, and not before:
 * until then others read its panels.
 */
#ifndef GEMM_HELP_H
#define GEMM_HELP_H
#include <sched.h>
#include <stdint.h>
#include "block_product.h"

enum { MAX_HELPERS = 64 }; /* with more threads than this nobody helps */

/* The last block of a piece, b packed. Its product may be read by who has taken rows of it. */
typedef struct last_block {
  block_product whole;
  int64_t unbegun;    /* rows that nobody has taken; 0 before the block is open */
  int64_t unfinished; /* rows that are not written yet */
} __attribute__((aligned(64))) last_block;

static inline void open_block(last_block *s, block_product whole) {
  s->whole = whole;
  s->unfinished = whole.m;
  __atomic_store_n(&s->unbegun, whole.m, __ATOMIC_RELEASE);
}

static inline int is_open(const last_block *s) { return __atomic_load_n(&s->unbegun, __ATOMIC_RELAXED) > 0; }

/* Takes the next rows of the block: returns their number, 0 if none are left, the first in `first`. A quarter of what
 * is left, at most `most`, at least `least`, is a size that depends on the rows alone. */
static inline int64_t take_rows(last_block *s, int64_t least, int64_t most, int64_t unit, int64_t *first) {
  int64_t left = __atomic_load_n(&s->unbegun, __ATOMIC_RELAXED), count;
  do {
    count = left / 4 / unit * unit;
    count = count > most ? most : count < least ? least : count;
    if (count > left) count = left;
    if (count == 0) return 0;
  } while (!__atomic_compare_exchange_n(&s->unbegun, &left, left - count, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
  *first = s->whole.m - left;
  return count;
}

static inline void finished_rows(last_block *s, int64_t rows) {
  __atomic_fetch_sub(&s->unfinished, rows, __ATOMIC_RELEASE);
}

static inline void await_helpers(const last_block *s) {
  while (__atomic_load_n(&s->unfinished, __ATOMIC_ACQUIRE)) sched_yield();
}
#endif
