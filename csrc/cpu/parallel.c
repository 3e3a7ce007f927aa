/* parallel.c - one parallel-for over OpenMP, or a serial loop where there is none (Apple's clang).
 *
 * fork: libgomp's worker threads do not exist in a forked child, but its bookkeeping does, so the first parallel
 * region of the child waits for ever. A child (Python's multiprocessing makes them) therefore stays serial.
 */
#include <pthread.h>
#include <stdlib.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include "needle_kernels.h"
#include "parallel.h"

static int threads = 1; /* at load: as OMP_NUM_THREADS says, else one for each processor this process may use */
static int in_forked_child = 0;

static void after_fork_in_child(void) { in_forked_child = 1; }

__attribute__((constructor)) static void at_load(void) {
  pthread_atfork(NULL, NULL, after_fork_in_child);
#ifdef _OPENMP
  /* Asks the system: once, not at every kernel. Without the variable, omp_get_max_threads() would be what another
   * library of this process has chosen for itself. */
  threads = getenv("OMP_NUM_THREADS") ? omp_get_max_threads() : omp_get_num_procs();
#endif
}

int nd_has_openmp(void) {
#ifdef _OPENMP
  return 1;
#else
  return 0;
#endif
}

int nd_get_num_threads(void) {
#ifdef _OPENMP
  return in_forked_child ? 1 : __atomic_load_n(&threads, __ATOMIC_RELAXED);
#else
  return 1;
#endif
}

int nd_set_num_threads(int n) {
  if (n < 1) return ND_EPLAN;
  __atomic_store_n(&threads, n, __ATOMIC_RELAXED);
  return ND_OK;
}

#ifdef _OPENMP
/* Piece i of `pieces`: the first n % pieces pieces are one item longer. */
static int64_t piece_start(int64_t n, int64_t pieces, int64_t i) {
  const int64_t rest = n % pieces;
  return n / pieces * i + (i < rest ? i : rest);
}
#endif

void nd_parallel_for(int64_t n, int64_t grain, nd_body body, void *ctx) {
  if (n <= 0) return;
#ifdef _OPENMP
  if (n >= 2 * grain && !in_forked_child && !omp_in_parallel()) {
    int64_t pieces = n / (grain < 1 ? 1 : grain);
    if (pieces > nd_get_num_threads()) pieces = nd_get_num_threads();
    if (pieces > 1) {
      /* Were OpenMP to grant fewer threads than asked, a thread takes several pieces: the cut stays the same. */
#pragma omp parallel num_threads((int)pieces)
      for (int64_t i = omp_get_thread_num(); i < pieces; i += omp_get_num_threads())
        body(ctx, piece_start(n, pieces, i), piece_start(n, pieces, i + 1));
      return;
    }
  }
#endif
  (void)grain;
  body(ctx, 0, n);
}
