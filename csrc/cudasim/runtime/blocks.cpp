// blocks.cpp - the blocks of a launch, shared out among some threads of the system.
//
// Blocks are independent, so in the plain flavour several run at the same time. Whoever is free takes the next few; the
// caller does as the workers do, so a worker that the system does not let run holds nothing up. The checker and every
// order but `forward` have one thread run all blocks, one after the other, so that a run can be repeated exactly.
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <atomic>
#include <condition_variable>
#include <thread>
#include "signals.h"
#include "state.h"

namespace cudasim {
__thread Worker *this_worker = nullptr;

Worker *worker_of_this_thread() {
  if (this_worker) return this_worker;
  void *shared = mmap(nullptr, SHARED_FRONT + 2 * SHARED_LIMIT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (shared == MAP_FAILED) return nullptr;
  this_worker = new Worker;
  this_worker->shared = static_cast<char *>(shared) + SHARED_FRONT;
  return this_worker;
}

namespace {
// Never destroyed: helpers wait for work when the process ends, and a condition that somebody waits for has no end.
std::mutex &mutex = *new std::mutex;
std::condition_variable &work = *new std::condition_variable, &done = *new std::condition_variable;
const Launch *job = nullptr;
std::atomic<int64_t> next_block{0};
std::atomic<int> error{0};
int64_t chunk = 1;
int helping = 0, helpers = 0;
unsigned job_number = 0;
pid_t owner = 0; // the process that the helpers are in
int wanted = 0;

void take_blocks(const Launch &launch) {
  Worker *w = worker_of_this_thread();
  if (!w) {
    error = NO_MEMORY;
    return;
  }
  w->launch = &launch;
  while (!error) {
    const int64_t first = next_block.fetch_add(chunk);
    if (first >= launch.blocks) break;
    const int64_t end = first + chunk < launch.blocks ? first + chunk : launch.blocks;
    for (int64_t block = first; block < end && !error; block++) {
      w->run_block(block);
      if (w->error) error = w->error;
    }
  }
}

void help() {
  unsigned seen = 0;
  for (;;) {
    const Launch *mine;
    {
      std::unique_lock<std::mutex> lock(mutex);
      work.wait(lock, [&] { return job && job_number != seen; });
      seen = job_number;
      mine = job;
      helping++;
    }
    watch_this_thread();
    take_blocks(*mine);
    unwatch_this_thread();
    std::lock_guard<std::mutex> lock(mutex);
    if (--helping == 0) done.notify_all();
  }
}
} // namespace

int run_blocks(const Launch &launch, int workers) {
  next_block = 0;
  error = 0;
  set_message("");
  const int64_t work_items = launch.blocks * launch.threads;
  const bool child = owner && owner != getpid(); // without the helpers of its parent: it works alone
  const bool together = workers > 1 && !child && thread_order() == CUDASIM_FORWARD && launch.site->flavour == 0 &&
                        launch.blocks > 1 && work_items >= 4096;
  chunk = together ? 1 + launch.blocks / (8 * workers) : launch.blocks;
  if (!together) {
    take_blocks(launch);
    return error;
  }
  owner = getpid();
  for (; helpers < workers - 1; helpers++) std::thread(help).detach();
  {
    std::lock_guard<std::mutex> lock(mutex);
    job = &launch;
    job_number++;
  }
  work.notify_all();
  take_blocks(launch);
  std::unique_lock<std::mutex> lock(mutex);
  job = nullptr; // who has not begun by now need not
  done.wait(lock, [] { return helping == 0; });
  return error;
}

CUDASIM_API int cudasim_set_workers(int threads) {
  if (threads < 1) return fail(INVALID_VALUE, format("%d threads cannot run a kernel", threads));
  wanted = threads;
  return 0;
}
CUDASIM_API int cudasim_get_workers(void) {
  if (!wanted) {
    const char *chosen = getenv("NEEDLE_EDU_NUM_THREADS");
    const int number = chosen ? atoi(chosen) : int(sysconf(_SC_NPROCESSORS_ONLN));
    wanted = number < 1 ? 1 : number;
  }
  return wanted;
}
} // namespace cudasim
