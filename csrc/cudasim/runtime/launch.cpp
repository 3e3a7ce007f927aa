// launch.cpp - K<<<grid, block, shared>>>(...): is this a launch at all, then all its blocks, then its error.
#include "../check/check.h"
#include "../check/findings.h"
#include "../profile/log.h"
#include "state.h"
#include "signals.h"
#include "worker.h"
#include <map>

namespace cudasim {
namespace {
unsigned launches = 0;
int order = CUDASIM_FORWARD;
uint64_t seed = 0;
double timeout = 10;

// What cudaFuncSetAttribute has allowed: kernel → bytes of dynamic shared memory.
std::map<const void *, size_t> allowed_shared;

// A launch whose kernel has no known address (cudasim::address_of) may have what any kernel was allowed.
size_t allowed_for(const void *kernel) {
  size_t bytes = SHARED_UNASKED;
  for (const auto &one : allowed_shared)
    if (!kernel || one.first == kernel) bytes = one.second > bytes ? one.second : bytes;
  return bytes;
}

// What is wrong with the configuration; empty if nothing is.
std::string wrong(const cudasim_launch_config &c) {
  const dim3 g = c.grid, b = c.block;
  const uint64_t threads = uint64_t(b.x) * b.y * b.z;
  if (!threads) return format("a block of (%u, %u, %u) threads is empty", b.x, b.y, b.z);
  if (threads > MAX_THREADS)
    return format("a block of (%u, %u, %u) = %llu threads, and at most 1024 are allowed", b.x, b.y, b.z, (unsigned long long)threads);
  if (b.z > 64) return format("the z extent of a block is %u, and at most 64 is allowed", b.z);
  if (!g.x || !g.y || !g.z) return format("a grid of (%u, %u, %u) blocks is empty", g.x, g.y, g.z);
  if (g.x > 0x7fffffffu || g.y > 65535 || g.z > 65535)
    return format("a grid of (%u, %u, %u) blocks; the limits are (2147483647, 65535, 65535)", g.x, g.y, g.z);
  if (c.shared > allowed_for(c.function))
    return format("%zu bytes of dynamic shared memory; %zu are allowed%s", c.shared, allowed_for(c.function),
                  c.shared <= SHARED_LIMIT ? " until cudaFuncSetAttribute asks for more, for this kernel" : "");
  return "";
}
} // namespace

const cudasim_launch_site *not_waited_for = nullptr;

void forget_allowed_shared() { allowed_shared.clear(); }
CUDASIM_API int cudasim_allow_shared(const void *kernel, int bytes) {
  if (bytes < 0 || bytes > SHARED_LIMIT)
    return fail(INVALID_VALUE, format("%d bytes of shared memory were asked for, there are %d", bytes, SHARED_LIMIT));
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  allowed_shared[kernel] = size_t(bytes);
  return 0;
}
CUDASIM_API size_t cudasim_allowed_shared(const void *kernel) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  return allowed_for(kernel);
}

int thread_order() { return order; }
uint64_t order_seed() { return seed; }

CUDASIM_API int cudasim_launch(const cudasim_launch_site *site, const cudasim_launch_config *config,
                               void (*thread)(void *), void *closure) {
  if (cudasim_in_kernel()) return fail(801, format("kernel %s is launched by a kernel, which the simulator cannot do", site->kernel));
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  if (sticky_error()) return sticky_error();
  const std::string where = format("kernel %s, launched at %s:%d: ", site->kernel, site->file, site->line);
  const std::string trouble = wrong(*config);
  if (site->flavour == 1) checked_launch(*site);
  if (!trouble.empty() && site->flavour == 1) found_launch(*site, trouble);
  if (!trouble.empty()) return fail(INVALID_CONFIGURATION, where + trouble);
  Launch launch{site, config, thread, closure, ++launches, 0, 0};
  launch.blocks = int64_t(config->grid.x) * config->grid.y * config->grid.z;
  launch.threads = int(config->block.x * config->block.y * config->block.z);
  Worker *worker = worker_of_this_thread();
  if (!worker) return fail(NO_MEMORY, where + "no memory for the stacks and the shared memory of a block");
  start_watch(launch, timeout);
  check_launch(*worker, site->flavour == 1);
  worker->launch = &launch;
  if (site->flavour == 2) profile_launch(*worker);
  const int error = run_blocks(launch, cudasim_get_workers());
  check_launched();
  profile_launched();
  stop_watch();
  not_waited_for = site; // on a GPU it may still be running
  if (!error) return SUCCESS;
  const std::string why = *cudasim_last_message() ? cudasim_last_message() : cudasim_error_text(error);
  return fail(error, why);
}

CUDASIM_API int cudasim_set_order(int value, uint64_t number) {
  if (value < CUDASIM_FORWARD || value > CUDASIM_SEEDED) return fail(INVALID_VALUE, format("there is no thread order %d", value));
  order = value;
  seed = number;
  return 0;
}
CUDASIM_API int cudasim_get_order(void) { return order; }
CUDASIM_API void cudasim_set_timeout(double seconds) { timeout = seconds; }
CUDASIM_API double cudasim_get_timeout(void) { return timeout; }
CUDASIM_API int64_t cudasim_launches(void) { return launches; }
} // namespace cudasim
