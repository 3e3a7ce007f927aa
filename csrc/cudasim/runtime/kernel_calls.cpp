// kernel_calls.cpp - what kernels call (include/cudasim/device.h), each a step into the worker that runs them.
#include <string.h>
#include <vector>
#include "../check/check.h"
#include "../profile/log.h"
#include "state.h"
#include "worker.h"

namespace cudasim {
namespace {
std::mutex layout_mutex;
unsigned layout_launch = 0;
size_t layout_end = 0;
std::vector<cudasim_shared_variable *> placed; // in this launch
enum : size_t { RED_ZONE = 128 }; // bytes between two variables, so that running past one never meets the next
} // namespace

void each_shared_variable(void (*visit)(cudasim_shared_variable *)) {
  if (layout_launch == this_worker->launch->number)
    for (cudasim_shared_variable *v : placed) visit(v);
}

void poison_shared(Worker &w) {
  std::lock_guard<std::mutex> lock(layout_mutex);
  memset(w.shared, 0xFF, layout_launch == w.launch->number ? layout_end : w.launch->config->shared);
}

// Places a __shared__ variable behind those that this launch has met before: the same place in every block.
CUDASIM_API void *cudasim_shared_address(cudasim_shared_variable *v) {
  Worker &w = *this_worker;
  std::unique_lock<std::mutex> lock(layout_mutex);
  if (layout_launch != w.launch->number) {
    layout_launch = w.launch->number;
    layout_end = w.launch->config->shared;
    placed.clear();
  }
  if (v->launch != layout_launch) {
    const size_t align = v->align < 16 ? 16 : v->align;
    const size_t at = (layout_end + RED_ZONE + align - 1) / align * align;
    if (v->bytes > SHARED_LIMIT || at + v->bytes > 2 * SHARED_LIMIT - RED_ZONE) {
      lock.unlock();
      set_message(format("kernel %s: the __shared__ variable %s (%s:%d) of %zu bytes does not fit", w.launch->site->kernel,
                         v->name, v->file, v->line, v->bytes));
      w.give_up(INVALID_CONFIGURATION);
    }
    v->offset = unsigned(at);
    layout_end = at + v->bytes;
    placed.push_back(v);
    memset(w.shared + at, 0xFF, v->bytes);
    check_shared(at, v->bytes);
    __atomic_store_n(&v->launch, layout_launch, __ATOMIC_RELEASE);
  }
  return w.shared + v->offset;
}

CUDASIM_API void cudasim_fence(void) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (checking()) check_fence();
}

// A thread that spins on an atomic must let the others run: it does after 256 of them in a row.
CUDASIM_API void cudasim_atomic(void *address, int bytes, const void *from) {
  if (!cudasim_in_kernel()) return;
  Worker &w = *this_worker;
  if (w.spinner != w.current) w.spinner = w.current, w.spun = 0;
  if (bytes == 0 || ++w.spun % 256 == 0 || w.kind == CUDASIM_LOCKSTEP) w.yield();
  if (bytes && checking()) check_atomic(address, bytes, from);
  if (bytes && profiling()) profile_atomic(address, bytes, from);
}

CUDASIM_API void cudasim_compares(const void *address, int bytes) {
  if (cudasim_in_kernel() && checking()) check_compares(address, bytes);
}

CUDASIM_API void cudasim_trap(void) {
  set_message(format("kernel %s: __trap() was called", this_worker->launch->site->kernel));
  this_worker->give_up(LAUNCH_FAILURE);
}

CUDASIM_API void cudasim_leaves(const char *function) {
  set_message(format("kernel %s, block (%u, %u, %u), thread (%u, %u, %u): it called %s(), which no kernel can",
                     this_worker->launch->site->kernel, cudasim_here.block.x, cudasim_here.block.y, cudasim_here.block.z,
                     cudasim_here.thread->x, cudasim_here.thread->y, cudasim_here.thread->z, function));
  this_worker->give_up(LAUNCH_FAILURE);
}

CUDASIM_API void cudasim_host_threw(const char *what) { fail(UNKNOWN, format("the host's code ended early: %s", what)); }

CUDASIM_API long long cudasim_clock(void) { return (long long)(seconds_now() * 1e9); }
CUDASIM_API int cudasim_in_kernel(void) { return this_worker && this_worker->running; }
CUDASIM_API uint3 cudasim_thread_idx(void) { return *cudasim_here.thread; }
CUDASIM_API uint3 cudasim_block_idx(void) { return cudasim_here.block; }
CUDASIM_API uint3 cudasim_block_dim(void) { return cudasim_here.block_dim; }
CUDASIM_API uint3 cudasim_grid_dim(void) { return cudasim_here.grid_dim; }

// printf in a kernel, or in the host code of a .cu file: kept until somebody asks for it.
CUDASIM_API void cudasim_print(const char *text, int64_t bytes) { print_text(text, size_t(bytes)); }

CUDASIM_API void cudasim_assertion(const char *condition, const char *file, unsigned line) {
  Worker &w = *this_worker;
  set_message(format("%s:%u: kernel %s, block (%u, %u, %u), thread (%u, %u, %u): assertion `%s` failed", file, line,
                     w.launch->site->kernel, cudasim_here.block.x, cudasim_here.block.y, cudasim_here.block.z,
                     cudasim_here.thread->x, cudasim_here.thread->y, cudasim_here.thread->z, condition));
  w.give_up(ASSERTION);
}
} // namespace cudasim

__attribute__((visibility("default"), tls_model("initial-exec"))) __thread cudasim_place cudasim_here =
    {nullptr, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}, nullptr, 0};
