// scheduler.cpp - the threads of a block: who runs next, barriers, and giving up. See worker.h for the idea.
#include "worker.h"
#include <string.h>
#include "../check/check.h"
#include "../profile/log.h"
#include "messages.h"
#include "switching.h"

namespace cudasim {
// xorshift64 (Marsaglia 2003): the seeded order must be the same wherever it is repeated.
static uint64_t random_of(uint64_t &state) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

void Worker::begin_block() {
  const dim3 d = launch->config->block;
  if (index_of.x != d.x || index_of.y != d.y || index_of.z != d.z) {
    for (unsigned z = 0, t = 0; z < d.z; z++)
      for (unsigned y = 0; y < d.y; y++)
        for (unsigned x = 0; x < d.x; x++) index[t++] = {x, y, z};
    index_of = d;
  }
  const int n = launch->threads;
  kind = thread_order();
  warps = (n + LANES - 1) / LANES;
  living = n;
  arrived = votes = sweep = error = 0;
  turns = 0;
  barrier = nullptr;
  for (int w = 0; w < warps; w++) {
    const int lanes = n - w * LANES < LANES ? n - w * LANES : LANES;
    ready[w] = alive[w] = lanes == LANES ? ~0u : (1u << lanes) - 1;
    waiting[w] = 0;
    order[w] = kind == CUDASIM_REVERSE ? warps - 1 - w : w;
  }
  if (kind == CUDASIM_SEEDED) {
    random = (order_seed() + 1) * 0x9E3779B97F4A7C15u + uint64_t(block) * 0xD1B54A32D192ED03u;
    if (!random) random = 1;
    for (int w = warps - 1; w > 0; w--) {
      const int other = int(random_of(random) % unsigned(w + 1)), kept = order[w];
      order[w] = order[other];
      order[other] = kept;
    }
  }
  warp = order[0];
  lane = -1;
  dropped = 0;
  memset(fiber, 0, sizeof fiber[0] * unsigned(n));
  const dim3 g = launch->config->grid;
  const uint64_t b = uint64_t(block);
  cudasim_here.block = {unsigned(b % g.x), unsigned(b / g.x % g.y), unsigned(b / g.x / g.y)};
  cudasim_here.block_dim = d;
  cudasim_here.grid_dim = g;
  cudasim_here.shared = shared;
  cudasim_here.launch = launch->number;
  poison_shared(*this);
  if (checking()) check_block(*this);
  if (profiling()) profile_block(*this);
}

void Worker::run_block(int64_t number) {
  block = number;
  begin_block();
  current = next();
  cudasim_here.thread = &index[current];
  now = pool.take();
  if (!now) {
    error = 2; // no memory for a stack
    return;
  }
  running = 1;
  switch_fiber(&main, main.at, now->at); // until loop() or give_up() comes back
  running = 0;
  if (checking()) check_block_ended();
}

// What a fiber does: run threads that have not begun, until one that waits has its turn. Then this fiber is free; who
// takes it from the pool later comes back out of resume(), to run another thread from its beginning.
void Worker::loop() {
  for (;;) {
    bool threw = false;
    try {
      launch->thread(launch->closure);
    } catch (...) { // kernels have no exceptions; nobody above this would catch one, and the process would end
      threw = true;
    }
    if (threw) exception_left(*this);
    finish_thread();
  }
}

void fiber_entry() { this_worker->loop(); }

void Worker::begin_on_new_stack(int thread) {
  Fiber *const taken = pool.take();
  if (!taken) give_up(2); // no memory for a stack
  fiber[thread] = taken;
  stopped[thread] = taken->at;
}

void Worker::finish_thread() {
  const unsigned bit = 1u << lane;
  ready[warp] &= ~bit;
  alive[warp] &= ~bit;
  living--;
  if (waiting[warp]) settle_warp(warp); // they need not wait for this lane
  int n = next_lane();
  if (n < 0) n = next();
  if (n < 0) { // the block is done
    pool.give(now);
    switch_fiber(now, now->at, main.at);
    return; // with the first thread of another block
  }
  if (!fiber[n]) { // not begun: it takes over this stack
    current = n;
    cudasim_here.thread = &index[n];
    return;
  }
  pool.give(now);
  resume(n, now->at);
}

int Worker::pick(unsigned bits) {
  switch (kind) {
  case CUDASIM_REVERSE: return 31 - __builtin_clz(bits);
  case CUDASIM_LOCKSTEP: { // round the lanes
    const unsigned above = lane < 0 || lane == 31 ? bits : bits & ~((2u << lane) - 1);
    return __builtin_ctz(above ? above : bits);
  }
  case CUDASIM_SEEDED: {
    for (int skip = int(random_of(random) % unsigned(__builtin_popcount(bits))); skip > 0; skip--) bits &= bits - 1;
    return __builtin_ctz(bits);
  }
  default: return __builtin_ctz(bits);
  }
}

// The thread that runs next; -1 if all have returned.
int Worker::next() {
  for (;;) {
    if (ready[warp]) return warp * LANES + (lane = pick(ready[warp]));
    if (waiting[warp] && settle_active(warp)) continue;
    if (profiling()) profile_warp(*this, warp);
    if (living && arrived == living) {
      open_barrier();
      continue;
    }
    int left = warps;
    do {
      if (++sweep >= warps) sweep = 0;
      warp = order[sweep];
      lane = -1;
    } while (!ready[warp] && !waiting[warp] && --left > 0);
    if (ready[warp]) continue;
    bool any = false;
    for (int w = 0; w < warps; w++) any |= ready[w] || (waiting[w] && settle_active(w));
    if (any) continue;
    if (!living) return -1;
    deadlock();
  }
}

void Worker::wait() {
  const int me = current;
  int n = next_lane();
  if (n < 0) n = next();
  if (n == me) return;
  fiber[me] = now;
  resume(n, stopped[me]);
}

// Any of the others may hold what this thread spins for. So all of them must have their turn: the lanes that come after
// this one, then those of the next warp, and so on round the block. In lockstep the lanes of a warp go round by themselves,
// and another warp has its turn now and then.
void Worker::yield() {
  const int w = current / LANES, l = current % LANES, me = current;
  const unsigned before = (1u << l) - 1, self = 1u << l;
  unsigned after = ready[w] & (kind == CUDASIM_REVERSE ? before : ~before & ~self);
  if (kind == CUDASIM_LOCKSTEP) after = ++turns % 1024 ? ready[w] & ~self : 0;
  if (after) {
    const int n = w * LANES + pick(after);
    lane = n % LANES;
    fiber[me] = now;
    resume(n, stopped[me]);
    return;
  }
  for (int i = 1; i <= warps; i++) {
    const int at = (sweep + i) % warps, other = order[at];
    if (!ready[other] || (other == w && ready[w] == self)) continue;
    sweep = at;
    warp = other;
    lane = -1;
    const int n = next();
    if (n == me) return;
    fiber[me] = now;
    resume(n, stopped[me]);
    return;
  }
}

CUDASIM_API int cudasim_barrier(int vote, int predicate, int which, const void *from) {
  Worker &w = *this_worker;
  if (!from) from = __builtin_return_address(0);
  if (!w.arrived++) {
    w.barrier = from;
    w.barrier_thread = w.current;
    w.barrier_which = which;
    w.vote_kind = vote;
  } else if (w.barrier_which != which) {
    diverged(w, from);
  }
  w.votes += predicate;
  w.ready[w.warp] &= ~(1u << w.lane);
  w.let_others_run();
  return this_worker->vote_result;
}

void Worker::open_barrier() {
  vote_result = vote_kind == CUDASIM_COUNT ? votes : vote_kind == CUDASIM_AND ? votes == arrived : votes != 0;
  if (living < launch->threads) exited_before(*this);
  arrived = votes = 0;
  for (int w = 0; w < warps; w++) ready[w] = alive[w] & ~waiting[w];
  sweep = 0;
  warp = order[0];
  lane = -1;
  if (checking()) check_barrier_opened();
}

void Worker::deadlock() {
  stuck(*this);
  give_up(719);
}

void Worker::give_up(int code) {
  error = code;
  running = 0;
  pool.renew_all(); // nobody comes back to where they stand, this fiber neither
  Fiber nowhere{};
  switch_fiber(&nowhere, nowhere.at, main.at);
  __builtin_unreachable();
}

void Worker::drop_thread() {
  dropped++;
  Fiber *mine = now;
  const int w = current / LANES;
  const unsigned bit = 1u << current % LANES;
  ready[w] &= ~bit;
  alive[w] &= ~bit;
  living--;
  if (waiting[w]) settle_warp(w);
  const int n = next();
  mine->fresh = true; // the next to take it begins anew
  if (n < 0) {
    pool.give(mine);
    Fiber nowhere{};
    switch_fiber(&nowhere, nowhere.at, main.at);
  }
  if (!fiber[n]) begin_on_new_stack(n); // before this one is given back: we still stand on it
  pool.give(mine);
  current = n;
  cudasim_here.thread = &index[n];
  now = fiber[n];
  Fiber nowhere{};
  switch_fiber(&nowhere, nowhere.at, stopped[n]);
  __builtin_unreachable();
}
} // namespace cudasim
