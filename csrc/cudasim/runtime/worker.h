// worker.h - one thread of the system that runs blocks, one block after the other, and the CUDA threads in it.
//
// Lazy fibers. A CUDA thread runs on the stack that is at hand until it returns, and the next one takes over that stack
// without any switch: a kernel without barriers is a plain loop. Only a thread that has to wait keeps its stack, and the
// next one gets another from the pool.
//
// Who runs next. The scheduler sweeps over the warps; in a warp it takes the lanes that can run, in the order asked for,
// until all of them wait or are done. When nobody can run, and all threads that have not returned wait at the barrier,
// the barrier opens and a new sweep begins. If some of them wait elsewhere, nobody will ever come: a deadlock.
#pragma once
#include <stdint.h>
#include "../include/cudasim/device.h"
#include "fibers.h"

namespace cudasim {
enum : int { MAX_THREADS = 1024, LANES = 32, MAX_WARPS = MAX_THREADS / LANES, SHARED_LIMIT = 227 << 10, SHARED_FRONT = 4096 };

struct Launch {
  const cudasim_launch_site *site;
  const cudasim_launch_config *config;
  void (*thread)(void *);
  void *closure;
  unsigned number;
  int64_t blocks;
  int threads; // of a block
};

// What a lane brought to a rendezvous of its warp, and what it takes away.
struct Together {
  uint64_t value, result;
  unsigned mask;
  int what, source;
  const void *from; // the call
};

struct Worker {
  const Launch *launch = nullptr;
  int current = 0; // the CUDA thread that runs
  int living = 0, arrived = 0, dropped = 0; // dropped: ended by the checker; what follows from that is no finding
  int warps = 0, sweep = 0; // `sweep`: how many warps of this sweep lie behind
  int warp = 0, lane = 0;   // that run now
  unsigned ready[MAX_WARPS], alive[MAX_WARPS], waiting[MAX_WARPS]; // lanes that can run; not returned; in a rendezvous
  Fiber *fiber[MAX_THREADS];           // of the threads that wait; null: not begun
  Stopped stopped[MAX_THREADS + 1] = {}; // and where; all in one place, so that a switch needs no more than the stack itself
  Together together[MAX_THREADS];
  int votes = 0, vote_result = 0, vote_kind = 0;
  const void *barrier = nullptr; // where the first thread waits
  int barrier_thread = 0, barrier_which = 0;
  int64_t block = 0;
  volatile int running = 0;    // a CUDA thread runs: faults are its own
  volatile int expired = 0;    // the watchdog came while the runtime was busy
  int spinner = 0, spun = 0;   // who made how many atomics in a row
  unsigned turns = 0;          // of lanes in lockstep
  int error = 0;               // why the block was given up
  uint64_t random = 1;
  int kind = 0;                // enum cudasim_order
  int order[MAX_WARPS];        // of the warps
  Fiber main{}, *now = nullptr;
  FiberPool pool;
  uint3 index[MAX_THREADS]; // threadIdx of each thread
  dim3 index_of{0, 0, 0};   // of blocks of this shape
  char *shared = nullptr;   // SHARED_LIMIT bytes, red zones between them, and SHARED_FRONT bytes in front

  void run_block(int64_t number);       // all of it, or until it is given up (error)
  bool meet(int warp, unsigned mask, int what); // a rendezvous, if all lanes are there
  void wait();                          // this thread cannot run: others do, until it can
  void let_others_run();                // the same where it has to be fast, as the two that follow: switching.h
  void resume(int thread, Stopped &here);
  void yield();                         // let another lane, or another warp, run first
  [[noreturn]] void give_up(int code);  // the whole block; called on a fiber
  [[noreturn]] void drop_thread();      // this thread counts as returned
  int next_lane();                      // that runs next, -1: ask next()
  [[noreturn]] void loop();             // of a fiber

private:
  void begin_block();
  void begin_on_new_stack(int thread);
  int pick(unsigned bits);
  int next();
  void open_barrier();
  void finish_thread();
  void settle_warp(int warp);
  bool settle_active(int warp);
  [[noreturn]] void deadlock();
  void warp_result(int warp, unsigned mask, int what);
};

extern __thread Worker *this_worker; // of this thread of the system; null where none has run here
Worker *worker_of_this_thread();
void poison_shared(Worker &w); // nobody has written it yet: nan, or -1
int run_blocks(const Launch &launch, int workers); // all blocks; an error of one ends the others
int thread_order();
uint64_t order_seed();
} // namespace cudasim
