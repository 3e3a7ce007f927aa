/* gemm_help.h - threads that finish early help the others, so that a product does not wait for its slowest thread.
 *
 * Each thread computes a piece of out of its own (gemm.c), which needs no word with the others, but cores are never
 * equally fast: another program runs on one of them, or one is made for saving power. So the owner of a piece opens its
 * last block of depth to all. Its packed panels of b lie ready and only rows are left to take: large parts first, small
 * ones at the end. A part is the same rows whoever takes it, and each element of out is summed in the same order: the
 * bits of the result do not depend on who was faster.
 *
 * An owner returns when all rows of its block are done, and not before: until then others read its panels.
 */
#ifndef GEMM_HELP_H
#define GEMM_HELP_H
#include <sched.h>
#include <stdint.h>

enum { MAX_HELPERS = 64 };                         /* with more threads than this nobody helps */
enum { NOT_YET = 0, OPEN = 1, NOTHING_TO_SHARE = 2 };

/* The last block of a piece: c[m][n] (+)= a[m][k] b[k][n] with b packed. */
typedef struct last_block {
  int64_t m, n, k, a_row, a_col, c_row, c_col;
  const void *a, *packed_b;
  void *c;
  int accumulate;
  int state;          /* written by the owner, once */
  int64_t next, done; /* rows taken, rows finished */
} __attribute__((aligned(64))) last_block;

/* Takes the next rows of the block: returns the first, their number in `rows`, 0 when none are left. A quarter of what
 * is left, at most `most`, at least `least`, is a size that depends on the rows alone. */
static inline int64_t take_rows(last_block *s, int64_t least, int64_t most, int64_t unit, int64_t *rows) {
  int64_t first = __atomic_load_n(&s->next, __ATOMIC_RELAXED), count;
  do {
    const int64_t left = s->m - first;
    count = left / 4 / unit * unit;
    count = count > most ? most : count < least ? least : count;
    if (count > left) count = left;
    if (count <= 0) return *rows = 0, first;
  } while (!__atomic_compare_exchange_n(&s->next, &first, first + count, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  *rows = count;
  return first;
}

static inline void finished_rows(last_block *s, int64_t rows) { __atomic_fetch_add(&s->done, rows, __ATOMIC_RELEASE); }

static inline void open_block(last_block *s, int state) { __atomic_store_n(&s->state, state, __ATOMIC_RELEASE); }

static inline void await_helpers(const last_block *s) {
  while (__atomic_load_n(&s->done, __ATOMIC_ACQUIRE) < s->m) sched_yield();
}
#endif
