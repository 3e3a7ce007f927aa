/* parallel.c - one parallel-for: the caller and its workers take pieces of a job until none is left.
 *
 * OpenMP gives each thread a share and returns when all threads have come. While another program runs on the core of
 * one of them, that is milliseconds away, for a job of microseconds. Here a piece belongs to nobody before it is begun:
 * `unbegun` counts those that are left, whoever lowers it by one has taken one, and the caller takes pieces like
 * everybody else. A worker that comes late finds nothing left, and nobody has waited for it. The caller waits only for
 * pieces that others have begun; if one of them was then taken off its core, that wait is long and may soon come again,
 * so for some time the caller works alone.
 *
 * Workers are made when there is work for them. One that finds none keeps looking for a moment after the job's end,
 * because kernels often follow each other closely, and then sleeps; after a long sleep it is woken on another core than
 * the caller's. One job at a time has them; meanwhile other threads of the program do their own jobs alone. No result
 * needs them: where the system gives no threads, the caller takes all pieces.
 *
 * fork: a forked child (Python's multiprocessing makes them) has no copies of the workers, so it works alone.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "needle_kernels.h"
#include "parallel.h"
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

enum {
  MOST_WORKERS = 1023,
  PIECES_EACH = 4,         /* for each thread */
  MOMENT = 50000,          /* ns: so long a worker looks out for the next job before it goes to sleep */
  LONG = 1000000,          /* ns: so long one looks out for the end of a job whose last pieces others have begun */
  ALONE = 16,              /* after waiting in vain the caller works alone, so many times as long as it waited, */
  LONGEST_ALONE = 1 << 30  /* but no longer than this (ns): it may have been a debugger that stopped us */
};

static atomic_int threads = 1;               /* how many may work, the caller among them */
static atomic_int workers, asleep;           /* how many there are, how many of them sleep */
static atomic_int available = MOST_WORKERS;  /* how many the system gives, as far as we know */
static atomic_int in_forked_child;
static __thread int inside;                  /* this thread is in a body: what it calls, it does alone */

static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER; /* held to fall asleep, to wake, and to come and go */
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;

static atomic_flag taken = ATOMIC_FLAG_INIT; /* some caller has the workers, for this job: */
static struct {
  int64_t n, pieces;
  nd_body body;
  void *ctx;
  unsigned rounding; /* the caller's mode, see below */
  _Alignas(64) _Atomic uint64_t unbegun; /* pieces nobody has taken: a span, on a cache line of its own: all look at it */
  _Alignas(64) _Atomic int64_t unfinished;
} job;
static _Atomic int64_t alone_until;          /* on the clock of now() */
static atomic_int callers_core = -1;         /* where the job's caller runs, if we know */

static int64_t now(void) { /* nanoseconds */
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

/* How a thread rounds, and whether it takes numbers below the smallest normal one for 0, is in a register of its own. A
 * program may change it (torch.set_flush_denormal); a worker follows its caller, so that all pieces are computed alike. */
#ifdef __SSE2__
enum { EXCEPTIONS = 0x3f }; /* of the register: what has happened, not what shall */
static unsigned own_rounding(void) { return _mm_getcsr() & ~EXCEPTIONS; }
static void round_like(unsigned caller) {
  if (own_rounding() != caller) _mm_setcsr(caller);
}
#else
static unsigned own_rounding(void) { return 0; }
static void round_like(unsigned caller) { (void)caller; }
#endif

/* ---- pieces ------------------------------------------------------------------------------------------------- */

/* Piece i of `pieces`: the first n % pieces pieces are one item longer. */
static int64_t piece_start(int64_t n, int64_t pieces, int64_t i) {
  const int64_t rest = n % pieces;
  return n / pieces * i + (i < rest ? i : rest);
}

/* Pieces first .. end-1, in one word. */
static uint64_t span(uint32_t first, uint32_t end) { return (uint64_t)end << 32 | first; }
static uint32_t first_of(uint64_t s) { return (uint32_t)s; }
static uint32_t end_of(uint64_t s) { return (uint32_t)(s >> 32); }

/* Takes a piece and does it; returns 0 if all have been taken. What the job is may be read only after a piece of it was
 * taken: until that piece is finished, the job stays. A moment before, it may have been another one.
 *
 * The caller takes the first, a worker the last: so, when one kernel follows another over the same arrays, each of two
 * threads finds in its own core's cache most of what it will work on. */
static int take_piece(int is_caller) {
  uint64_t left = atomic_load_explicit(&job.unbegun, memory_order_relaxed), rest;
  do {
    if (first_of(left) == end_of(left)) return 0;
    rest = is_caller ? span(first_of(left) + 1, end_of(left)) : span(first_of(left), end_of(left) - 1);
  } while (!atomic_compare_exchange_weak_explicit(&job.unbegun, &left, rest, memory_order_acquire, memory_order_relaxed));
  const int64_t i = is_caller ? first_of(left) : end_of(left) - 1;
  if (!is_caller) round_like(job.rounding);
  job.body(job.ctx, piece_start(job.n, job.pieces, i), piece_start(job.n, job.pieces, i + 1));
  if (atomic_fetch_sub_explicit(&job.unfinished, 1, memory_order_acq_rel) == 1) {
    pthread_mutex_lock(&door);
    pthread_cond_signal(&done);
    pthread_mutex_unlock(&door);
  }
  return 1;
}

static int64_t unbegun(void) {
  const uint64_t left = atomic_load_explicit(&job.unbegun, memory_order_relaxed);
  return end_of(left) - first_of(left);
}
static int finished(void) { return atomic_load_explicit(&job.unfinished, memory_order_acquire) == 0; }

/* ---- workers ------------------------------------------------------------------------------------------------ */

static int too_many(void) { return atomic_load(&workers) >= atomic_load(&threads); }

/* A worker asleep. The last to fall asleep is the first to be woken. */
static struct sleeper {
  pthread_cond_t wake;
  pthread_t thread;
  struct sleeper *next;
  int64_t since;
  int woken, kept_off; /* kept off a core until it is awake? */
#ifdef __linux__
  cpu_set_t cores; /* then: all that it may run on */
#endif
} *sleepers;

/* Linux often wakes a worker on the core of whoever wakes it, although another one is idle: in a virtual machine an idle core
 * looks as if somebody else had it (measured; see docs/kernels.md). There the worker would come to run only when the caller
 * has done all pieces itself. So one that slept long is kept off that core until it is awake: two system calls. */
#ifdef __linux__
static int own_core(void) { return sched_getcpu(); }
static void keep_off(int core, struct sleeper *s) {
  if (core < 0 || core >= CPU_SETSIZE || pthread_getaffinity_np(s->thread, sizeof s->cores, &s->cores)) return;
  cpu_set_t others = s->cores;
  CPU_CLR(core, &others);
  s->kept_off = CPU_COUNT(&others) && !pthread_setaffinity_np(s->thread, sizeof others, &others);
}
static void let_on(const struct sleeper *s) {
  if (s->kept_off) pthread_setaffinity_np(s->thread, sizeof s->cores, &s->cores);
}
#else
static int own_core(void) { return -1; }
static void keep_off(int core, struct sleeper *s) { (void)core, (void)s; }
static void let_on(const struct sleeper *s) { (void)s; }
#endif

static void sleep_until_woken(void) { /* the door is held */
  struct sleeper me = {.wake = PTHREAD_COND_INITIALIZER, .thread = pthread_self(), .next = sleepers, .since = now()};
  sleepers = &me;
  atomic_fetch_add(&asleep, 1);
  while (!me.woken) pthread_cond_wait(&me.wake, &door);
  let_on(&me);
  pthread_cond_destroy(&me.wake);
}

static void wake_next(void) { /* the door is held */
  struct sleeper *s = sleepers;
  sleepers = s->next;
  atomic_fetch_sub(&asleep, 1);
  s->woken = 1;
  pthread_cond_signal(&s->wake);
}

/* Wakes two sleepers, or fewer if there is less to do; each of them then wakes two more. Where nobody sleeps it takes no
 * lock: who is just falling asleep may miss it, and that costs time, but no result. */
static void wake_two(void) {
  if (!atomic_load(&asleep)) return;
  pthread_mutex_lock(&door);
  const int awake = 1 + atomic_load(&workers) - atomic_load(&asleep);
  const int64_t useful = unbegun() - awake;
  for (int i = 0; i < 2 && i < useful && sleepers; i++) {
    if (now() - sleepers->since > LONG) keep_off(atomic_load(&callers_core), sleepers);
    wake_next();
  }
  pthread_mutex_unlock(&door);
}

/* Takes pieces until there have been none for a moment. While others are still at work on the last ones the caller may soon
 * come with the next job: the moment begins when they are done, unless that takes long. */
static void take_pieces(void) {
  for (int64_t idle = now(), since = idle; !too_many() && now() - since < MOMENT; sched_yield()) {
    while (!too_many() && take_piece(0)) idle = since = now();
    if (!finished() && now() - idle < LONG) since = now();
  }
}

static void *work_for_ever(void *unused) {
  inside = 1;
  for (;;) {
    take_pieces();
    pthread_mutex_lock(&door);
    if (!unbegun() && !too_many()) sleep_until_woken();
    const int leave = too_many();
    if (leave) atomic_fetch_sub(&workers, 1);
    pthread_mutex_unlock(&door);
    if (leave) return unused;
    wake_two();
  }
}

/* Makes workers until there are `wanted`. They leave signals to the program: a Ctrl-C that a worker took would not
 * interrupt what Python waits for. Only those stay that tell of a thread's own mistakes. */
static void hire(int wanted) {
  sigset_t others, before;
  sigfillset(&others);
  sigdelset(&others, SIGSEGV), sigdelset(&others, SIGBUS), sigdelset(&others, SIGFPE), sigdelset(&others, SIGILL);
  pthread_sigmask(SIG_SETMASK, &others, &before);
  pthread_mutex_lock(&door);
  while (atomic_load(&workers) < wanted && wanted <= atomic_load(&available)) {
    pthread_t id;
    if (pthread_create(&id, NULL, work_for_ever, NULL)) {
      atomic_store(&available, atomic_load(&workers));
    } else {
      pthread_detach(id);
      atomic_fetch_add(&workers, 1);
    }
  }
  pthread_mutex_unlock(&door);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- the caller --------------------------------------------------------------------------------------------- */

static void await_others(void) {
  for (const int64_t since = now(); now() - since < LONG; sched_yield())
    if (finished()) return;
  pthread_mutex_lock(&door);
  while (!finished()) pthread_cond_wait(&done, &door);
  pthread_mutex_unlock(&door);
}

static void do_together(int wanted) {
  if (wanted > atomic_load(&available)) wanted = atomic_load(&available);
  if (atomic_load(&workers) < wanted) hire(wanted);
  atomic_store_explicit(&job.unfinished, job.pieces, memory_order_relaxed);
  atomic_store_explicit(&job.unbegun, span(0, (uint32_t)job.pieces), memory_order_release);
  atomic_store_explicit(&callers_core, own_core(), memory_order_relaxed);
  wake_two();
  int64_t begin = now(), quickest = INT64_MAX; /* of the caller's own pieces */
  while (take_piece(1)) {
    const int64_t end = now();
    if (end - begin < quickest) quickest = end - begin;
    begin = end;
  }
  if (finished()) return;
  await_others();
  /* Pieces are alike and the others were begun earlier: a worker that runs, even on a slow core, is done by now. */
  const int64_t end = now(), waited = end - begin;
  if (quickest < INT64_MAX && waited > 2 * quickest + MOMENT)
    atomic_store(&alone_until, end + (waited < LONGEST_ALONE / ALONE ? ALONE * waited : LONGEST_ALONE));
}

void nd_parallel_for(int64_t n, int64_t grain, nd_body body, void *ctx) {
  if (n <= 0) return;
  const int64_t most = inside ? 1 : nd_get_num_threads();
  int64_t pieces = most == 1 ? 1 : n / (grain < 1 ? 1 : grain);
  if (pieces > most * PIECES_EACH) pieces = most * PIECES_EACH;
  if (pieces < 2) {
    body(ctx, 0, n);
    return;
  }
  inside = 1;
  const int mine = !atomic_flag_test_and_set_explicit(&taken, memory_order_acquire);
  if (mine && now() >= atomic_load(&alone_until)) {
    job.n = n, job.pieces = pieces, job.body = body, job.ctx = ctx, job.rounding = own_rounding();
    do_together((int)(pieces < most ? pieces : most) - 1);
  } else {
    for (int64_t i = 0; i < pieces; i++) body(ctx, piece_start(n, pieces, i), piece_start(n, pieces, i + 1));
  }
  if (mine) atomic_flag_clear_explicit(&taken, memory_order_release);
  inside = 0;
}

/* ---- how many threads --------------------------------------------------------------------------------------- */

int nd_get_num_threads(void) { return in_forked_child ? 1 : atomic_load_explicit(&threads, memory_order_relaxed); }

int nd_set_num_threads(int n) {
  if (n < 1) return ND_EPLAN;
  atomic_store(&threads, n);
  atomic_store(&alone_until, 0);
  if (in_forked_child) return ND_OK;
  pthread_mutex_lock(&door);
  atomic_store(&available, MOST_WORKERS);
  while (sleepers) wake_next(); /* who is too many leaves */
  pthread_mutex_unlock(&door);
  return ND_OK;
}

static void after_fork_in_child(void) { in_forked_child = 1; }

/* As many as OMP_NUM_THREADS says, which numerical libraries agree on, else one for each processor we may use. */
__attribute__((constructor)) static void at_load(void) {
  pthread_atfork(NULL, NULL, after_fork_in_child);
  const char *wish = getenv("OMP_NUM_THREADS");
  long n = wish ? strtol(wish, NULL, 10) : 0;
#ifdef __linux__
  cpu_set_t allowed;
  if (n < 1 && sched_getaffinity(0, sizeof allowed, &allowed) == 0) n = CPU_COUNT(&allowed);
#endif
  if (n < 1) n = sysconf(_SC_NPROCESSORS_ONLN);
  threads = n < 1 ? 1 : n > MOST_WORKERS ? MOST_WORKERS + 1 : (int)n;
}
