/* test_parallel.c - the parallel-for itself: every item once, the cut, who works and who must not. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include "check.h"
#include "parallel.h"

enum { MOST = 64, LONG = 30 }; /* seconds that a thread waits for another: then the test has failed, but ends */

static int load(const int *x) { return __atomic_load_n(x, __ATOMIC_SEQ_CST); }
static void add(int *x, int by) { __atomic_fetch_add(x, by, __ATOMIC_SEQ_CST); }

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Waits until *x >= wanted, but no longer than `most` seconds: then it returns 0. */
static int await_for(double most, const int *x, int wanted) {
  for (const double end = seconds() + most; load(x) < wanted; sched_yield())
    if (seconds() > end) return 0;
  return 1;
}

static int await(const int *x, int wanted) { return await_for(LONG, x, wanted); }

/* ---- the items ---------------------------------------------------------------------------------------------- */
typedef struct {
  int times[3000]; /* plain: each item is written by one thread and read by the caller afterwards */
  char starts[3001];
  int pieces;
  int64_t shortest;
} items;

static void count_items(void *ctx, int64_t lo, int64_t hi) {
  items *x = ctx;
  for (int64_t i = lo; i < hi; i++) x->times[i]++;
  x->starts[lo] = 1;
  add(&x->pieces, 1);
  int64_t shortest = __atomic_load_n(&x->shortest, __ATOMIC_RELAXED);
  while (hi - lo < shortest && !__atomic_compare_exchange_n(&x->shortest, &shortest, hi - lo, 0, __ATOMIC_RELAXED,
                                                            __ATOMIC_RELAXED)) {}
}

static void every_item_once(void) {
  for (int threads = 1; threads <= 4; threads++) {
    nd_set_num_threads(threads);
    for (int turn = 0; turn < 300; turn++) {
      const int64_t n = below(3000), grain = 1 + below(turn % 2 ? 10 : 1500);
      items first = {.shortest = INT64_MAX}, again = {.shortest = INT64_MAX};
      nd_parallel_for(n, grain, count_items, &first);
      nd_parallel_for(n, grain, count_items, &again);
      int wrong = 0;
      for (int i = 0; i < 3000; i++) wrong += first.times[i] != (i < n) || again.times[i] != (i < n);
      CHECK(wrong == 0, "%d of %ld items not done once (grain %ld, %d threads)", wrong, (long)n, (long)grain, threads);
      CHECK(memcmp(first.starts, again.starts, sizeof first.starts) == 0, "the same job was cut in two ways");
      CHECK(n == 0 || first.pieces == 1 || first.shortest >= grain, "a piece shorter than the grain");
      CHECK(threads > 1 ? n < 2 * grain || first.pieces > 1 : first.pieces == (n > 0), "%d pieces", first.pieces);
    }
  }
}

static void count_slowly(void *ctx, int64_t lo, int64_t hi) {
  sched_yield(); /* the callers get in between each other */
  count_items(ctx, lo, hi);
}

static void *all_turns(void *unused) {
  for (int turn = 0; turn < 200; turn++) {
    items x = {.shortest = INT64_MAX};
    nd_parallel_for(3000, 10, count_slowly, &x);
    for (int i = 0; i < 3000; i++)
      if (x.times[i] != 1) return &failures;
  }
  return unused;
}

static void several_callers(void) {
  nd_set_num_threads(3);
  pthread_t thread[4];
  for (int i = 0; i < 4; i++) pthread_create(&thread[i], NULL, all_turns, NULL);
  for (int i = 0; i < 4; i++) {
    void *bad;
    pthread_join(thread[i], &bad);
    CHECK(bad == NULL, "caller %d: an item was not done once", i);
  }
}

/* ---- the threads -------------------------------------------------------------------------------------------- */
typedef struct {
  pthread_t caller, seen[MOST];
  pthread_mutex_t lock;
  int wanted;              /* pieces wait for so many different threads */
  int threads, pieces, by_caller, timed_out;
  int signals_wrong, nested_pieces, nested_elsewhere, stuck;
  int core, on_callers_core, confined; /* where the caller is; pieces of the worker there, or not free to run everywhere */
} meeting;

static void enter(meeting *m) {
  pthread_mutex_lock(&m->lock);
  int known = 0;
  while (known < m->threads && !pthread_equal(m->seen[known], pthread_self())) known++;
  if (known == m->threads) {
    m->seen[known] = pthread_self();
    add(&m->threads, 1);
  }
  m->pieces++;
  m->by_caller += pthread_equal(m->caller, pthread_self());
  pthread_mutex_unlock(&m->lock);
}

static void meet(void *ctx, int64_t lo, int64_t hi) {
  meeting *m = ctx;
  (void)lo, (void)hi;
  enter(m);
  if (!load(&m->timed_out) && !await(&m->threads, m->wanted)) add(&m->timed_out, 1);
}

static meeting run(nd_body body, int threads, int wanted) {
  meeting m = {.caller = pthread_self(), .lock = PTHREAD_MUTEX_INITIALIZER, .wanted = wanted};
  if (threads) nd_set_num_threads(threads);
  nd_parallel_for(1000, 1, body, &m);
  return m;
}

static void as_many_threads_as_set(void) {
  static const int settings[] = {2, 4, 3, 1, 2};
  for (int i = 0; i < 5; i++) {
    const int n = settings[i];
    const meeting m = run(meet, n, n);
    CHECK(m.threads == n && !m.timed_out, "%d threads were set, %d worked", n, m.threads);
  }
}

/* The worker's piece ends only when all others are done: so the caller has taken them. */
static void get_stuck(void *ctx, int64_t lo, int64_t hi) {
  meeting *m = ctx;
  (void)lo, (void)hi;
  enter(m);
  if (!await(&m->threads, 2)) add(&m->timed_out, 1);
  if (!pthread_equal(m->caller, pthread_self())) {
    if (!await(&m->stuck, m->wanted - 1)) add(&m->timed_out, 1);
  } else {
    add(&m->stuck, 1);
  }
}

static void a_stuck_worker_holds_one_piece(void) {
  items cut = {.shortest = INT64_MAX};
  nd_set_num_threads(2);
  nd_parallel_for(1000, 1, count_items, &cut);
  const meeting m = run(get_stuck, 2, cut.pieces);
  CHECK(cut.pieces > 2 && m.by_caller == cut.pieces - 1 && !m.timed_out, "the caller did %d of %d pieces", m.by_caller,
        cut.pieces);
}

static void sleep_elsewhere(void *ctx, int64_t lo, int64_t hi) {
  meeting *m = ctx;
  (void)lo, (void)hi;
  enter(m);
  await(&m->threads, 2);
  if (!pthread_equal(m->caller, pthread_self())) nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
}

static void linger(void *ctx, int64_t lo, int64_t hi) {
  meeting *m = ctx;
  (void)lo, (void)hi;
  enter(m);
  await_for(0.02, &m->threads, 2); /* a worker that may would come */
}

static void after_waiting_long_the_caller_works_alone(void) {
  int alone = 0;
  for (int attempt = 0; attempt < 10 && !alone; attempt++) { /* on a very busy machine that time may be over */
    run(sleep_elsewhere, 2, 0);
    const meeting m = run(linger, 0, 0);
    alone = m.by_caller == m.pieces && m.pieces > 1;
  }
  CHECK(alone, "the next job was shared out again");
  as_many_threads_as_set(); /* a new setting is a new beginning */
}

#ifdef __linux__
static cpu_set_t all_cores;

static void look_at_cores(void *ctx, int64_t lo, int64_t hi) {
  meeting *m = ctx;
  cpu_set_t own;
  if (!pthread_equal(m->caller, pthread_self())) {
    m->on_callers_core += sched_getcpu() == m->core;
    pthread_getaffinity_np(pthread_self(), sizeof own, &own);
    m->confined += !CPU_EQUAL(&own, &all_cores);
  }
  meet(ctx, lo, hi);
}

static void after_a_long_sleep_a_worker_comes_elsewhere(void) {
  sched_getaffinity(0, sizeof all_cores, &all_cores);
  if (CPU_COUNT(&all_cores) < 2) return;
  run(meet, 2, 2); /* the worker is made while the caller may run everywhere */
  enum { TIMES = 20 };
  int met = 0, confined = 0;
  for (int i = 0; i < TIMES; i++) {
    meeting m = {.caller = pthread_self(), .lock = PTHREAD_MUTEX_INITIALIZER, .wanted = 2, .core = sched_getcpu()};
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(m.core, &one);
    sched_setaffinity(0, sizeof one, &one); /* stay there */
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    nd_parallel_for(1000, 1, look_at_cores, &m);
    sched_setaffinity(0, sizeof all_cores, &all_cores);
    met += m.on_callers_core > 0;
    confined += m.confined;
  }
  CHECK(met <= TIMES / 2, "the worker was woken on the caller's core %d times of %d", met, TIMES);
  CHECK(confined == 0, "a worker that is awake may not run on all cores");
}
#else
static void after_a_long_sleep_a_worker_comes_elsewhere(void) {}
#endif

static void look_at_signals(void *ctx, int64_t lo, int64_t hi) {
  meeting *m = ctx;
  meet(ctx, lo, hi);
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, NULL, &now);
  const int worker = !pthread_equal(m->caller, pthread_self());
  if (sigismember(&now, SIGINT) != worker || sigismember(&now, SIGTERM) != worker || sigismember(&now, SIGSEGV))
    add(&m->signals_wrong, 1);
}

static void inner(void *ctx, int64_t lo, int64_t hi) {
  meeting *outer = ((void **)ctx)[0];
  add(&outer->nested_pieces, 1);
  if (!pthread_equal(*(pthread_t *)((void **)ctx)[1], pthread_self()) || lo != 0 || hi != 1000)
    add(&outer->nested_elsewhere, 1);
}

static void nest(void *ctx, int64_t lo, int64_t hi) {
  pthread_t self = pthread_self();
  meet(ctx, lo, hi);
  nd_parallel_for(1000, 1, inner, (void *[]){ctx, &self});
}

static void signals_and_nesting(void) {
  CHECK(run(look_at_signals, 3, 3).signals_wrong == 0, "workers take signals, or the caller no longer does");
  const meeting m = run(nest, 2, 2);
  CHECK(m.nested_pieces == m.pieces && m.nested_elsewhere == 0, "an inner job left its thread");
}

/* Threads whose stacks are larger than any address space cannot be made. */
static void without_threads(void) {
#ifdef __GLIBC__
  pthread_attr_t usual, impossible;
  pthread_getattr_default_np(&usual);
  pthread_attr_init(&impossible);
  pthread_attr_setstacksize(&impossible, (size_t)1 << 55);
  pthread_setattr_default_np(&impossible);
  meeting m = run(meet, 6, 1);
  CHECK(m.threads <= 4 && m.pieces > 6, "with the workers there are: %d threads, %d pieces", m.threads, m.pieces);
  items x = {.shortest = INT64_MAX};
  nd_parallel_for(3000, 10, count_items, &x);
  for (int i = 0; i < 3000; i++) CHECK(x.times[i] == 1, "item %d", i);
  pthread_setattr_default_np(&usual);
  m = run(meet, 6, 6);
  CHECK(m.threads == 6 && !m.timed_out, "threads are to be had again, but %d work", m.threads);
#endif
}

int main(void) {
  every_item_once();
  several_callers();
  as_many_threads_as_set();
  a_stuck_worker_holds_one_piece();
  after_waiting_long_the_caller_works_alone();
  after_a_long_sleep_a_worker_comes_elsewhere();
  signals_and_nesting();
  without_threads();
  return finish("parallel");
}
