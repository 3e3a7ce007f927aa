// arena.cpp - device memory: one range of addresses, so that a pointer tells at once whether it is the device's.
//
// The range is reserved when it is first needed, and gets memory as it is used. Blocks begin at multiples of 256
// bytes, as cudaMalloc's do, with a gap between two of them, so that running past an end never meets a neighbour. A
// freed block is not handed out again until 1,024 more have been freed: using it meanwhile is found out.
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <deque>
#include <map>
#include <unordered_map>
#include <vector>
#include "../check/check.h"
#include "state.h"

namespace cudasim {
char *arena = nullptr;
size_t arena_bytes = 0;

namespace {
enum : size_t { UNIT = 256, GAP = 256, STEP = 1 << 20, RESERVE = size_t(16) << 30, KEEP = 1024 };
size_t used = 0, committed = 0, live_bytes = 0;
int64_t live_count = 0;
int numbered = 0;
std::map<const char *, Allocation> table;                  // live and lately freed, by address
std::unordered_map<size_t, std::vector<char *>> free_lists; // by room
std::deque<char *> freed;

size_t room_for(size_t bytes) { return ((bytes ? bytes : 1) + GAP + UNIT - 1) / UNIT * UNIT; }

// A limit on addresses (RLIMIT_AS) leaves an eighth of itself for the arena, whose shadow takes five times as much.
bool reserve() {
  if (arena) return true;
  size_t want = RESERVE;
  rlimit limit;
  if (!getrlimit(RLIMIT_AS, &limit) && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur / 8 < want)
    want = limit.rlim_cur / 8 / STEP * STEP;
  for (; want >= STEP; want /= 2) {
    void *got = mmap(nullptr, want, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) continue;
    arena = static_cast<char *>(got);
    arena_bytes = want;
    return true;
  }
  return false;
}

// What has been freed is remembered for a while, so that who uses it is told: its addresses are taken again late.
void forget_oldest() {
  char *block = freed.front();
  freed.pop_front();
  free_lists[room_for(table[block].bytes)].push_back(block);
}

char *take(size_t room) {
  auto &list = free_lists[room];
  while (list.empty() && room > arena_bytes - used && !freed.empty()) forget_oldest();
  if (!list.empty()) {
    char *block = list.back();
    list.pop_back();
    table.erase(block);
    return block;
  }
  if (room > arena_bytes - used) return nullptr;
  if (used + room > committed) {
    const size_t more = (used + room - committed + STEP - 1) / STEP * STEP;
    const size_t fits = more < arena_bytes - committed ? more : arena_bytes - committed;
    if (mprotect(arena + committed, fits, PROT_READ | PROT_WRITE)) return nullptr;
    committed += fits;
  }
  char *block = arena + used;
  used += room;
  return block;
}

void release(Allocation &one) {
  one.live = false;
  live_bytes -= one.bytes;
  live_count--;
  check_freed(one);
  if (one.bytes >= STEP) { // the pages wholly inside go back to the system
    const size_t page = size_t(sysconf(_SC_PAGESIZE));
    char *low = reinterpret_cast<char *>((reinterpret_cast<uintptr_t>(one.start) + page - 1) / page * page);
    char *high = reinterpret_cast<char *>((reinterpret_cast<uintptr_t>(one.start) + one.bytes) / page * page);
    if (high > low) madvise(low, size_t(high - low), MADV_DONTNEED);
  }
  freed.push_back(one.start);
  while (freed.size() > KEEP) forget_oldest();
}
} // namespace

void each_allocation(void (*visit)(Allocation &)) {
  for (auto &entry : table) visit(entry.second);
}

const Allocation *nearest_allocation(const void *address) {
  if (table.empty()) return nullptr;
  const char *a = static_cast<const char *>(address);
  auto after = table.upper_bound(a);
  if (after == table.begin()) return &after->second;
  const Allocation &before = std::prev(after)->second;
  if (after == table.end() || a < before.start + before.bytes) return &before;
  return a - (before.start + before.bytes) <= after->first - a ? &before : &after->second;
}

std::string describe_address(const void *address, size_t bytes) {
  const Allocation *one = nearest_allocation(address);
  if (!one) return "there is no allocation";
  const char *a = static_cast<const char *>(address);
  const std::string which = format("%sallocation #%d of %zu bytes", one->live ? "" : "freed ", one->number, one->bytes);
  if (a < one->start) return format("%zu bytes before ", size_t(one->start - a)) + which;
  const size_t into = size_t(a - one->start);
  if (into >= one->bytes) return format("%zu bytes past the end of ", into - one->bytes) + which;
  if (into + bytes > one->bytes) return format("the last %zu of %zu bytes lie past the end of ", into + bytes - one->bytes, bytes) + which;
  return format("%zu bytes into ", into) + which;
}

const Allocation *managed_allocation(const void *address) {
  const Allocation *one = nearest_allocation(address);
  const char *a = static_cast<const char *>(address);
  return one && one->managed && one->live && a >= one->start && a < one->start + one->bytes ? one : nullptr;
}

static int allocate(const char *function, void **pointer, size_t bytes, bool managed) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  if (sticky_error()) return sticky_error();
  if (!pointer) return fail(INVALID_VALUE, format("%s: the place for the pointer is NULL", function));
  *pointer = nullptr;
  char *block = bytes < RESERVE && reserve() ? take(room_for(bytes)) : nullptr;
  if (!block) return fail(NO_MEMORY, format("%s: no %zu bytes are left of the simulated device's %zu", function, bytes, arena_bytes));
  memset(block, 0xFF, bytes); // nan, or -1: who reads before he writes sees it
  Allocation &one = table[block] = {block, bytes, ++numbered, true, 0, managed};
  live_bytes += bytes;
  live_count++;
  check_allocated(one);
  *pointer = block;
  return SUCCESS;
}

CUDASIM_API int cudasim_malloc(void **pointer, size_t bytes) { return allocate("cudaMalloc", pointer, bytes, false); }
CUDASIM_API int cudasim_malloc_managed(void **pointer, size_t bytes) {
  return allocate("cudaMallocManaged", pointer, bytes, true);
}

CUDASIM_API int cudasim_free(void *pointer) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  if (sticky_error() && !pointer) return sticky_error();
  not_waited_for = nullptr; // cudaFree waits
  if (!pointer) return SUCCESS;
  const auto found = table.find(static_cast<char *>(pointer));
  if (found == table.end())
    return fail(INVALID_VALUE, in_arena(pointer) ? "cudaFree: " + describe_address(pointer, 0) + ", not where an allocation begins"
                                                 : std::string("cudaFree: this pointer is not from cudaMalloc"));
  if (!found->second.live) return fail(INVALID_VALUE, format("cudaFree: allocation #%d has been freed before", found->second.number));
  release(found->second);
  return sticky_error();
}

// Whether [p, p + bytes) is memory of the device; a range that only begins there is an error.
static int side(const void *p, size_t bytes, const char *what, bool &device) {
  device = in_arena(p);
  if (!device) return SUCCESS;
  const Allocation *one = nearest_allocation(p);
  const char *a = static_cast<const char *>(p);
  if (one && one->live && a >= one->start && bytes <= one->bytes && size_t(a - one->start) <= one->bytes - bytes) return SUCCESS;
  return fail(INVALID_VALUE, format("cudaMemcpy or cudaMemset of %zu bytes: the %s is ", bytes, what) + describe_address(p, bytes));
}

CUDASIM_API int cudasim_memcpy(void *to, const void *from, size_t bytes, int kind) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  if (sticky_error()) return sticky_error();
  if (kind < 0 || kind > 4) return fail(INVALID_DIRECTION, format("cudaMemcpy: there is no kind %d", kind));
  if (!bytes) return SUCCESS;
  bool to_device = false, from_device = false;
  if (int error = side(to, bytes, "target", to_device)) return error;
  if (int error = side(from, bytes, "source", from_device)) return error;
  not_waited_for = nullptr; // cudaMemcpy waits
  if (to_device && managed_allocation(to)) to_device = kind == 4 || kind % 2; // it is on both sides
  if (from_device && managed_allocation(from)) from_device = kind == 4 || kind / 2;
  static const char *const names[] = {"host", "device"};
  if (kind < 4 && (kind % 2 != int(to_device) || kind / 2 != int(from_device)) && kind != 0)
    return fail(INVALID_VALUE, format("cudaMemcpy: the kind says %s to %s, but the source is memory of the %s and the target of the %s",
                                      names[kind / 2], names[kind % 2], names[from_device], names[to_device]));
  if (kind == 0 && (to_device || from_device))
    return fail(INVALID_VALUE, "cudaMemcpy: the kind says host to host, but a pointer is the device's");
  if (from_device && to_device) check_copied(from, bytes, to);
  memmove(to, from, bytes);
  if (to_device && !from_device) check_written(to, bytes);
  return SUCCESS;
}

CUDASIM_API int cudasim_memset(void *to, int value, size_t bytes) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  if (sticky_error()) return sticky_error();
  if (!bytes) return SUCCESS;
  bool device = false;
  if (int error = side(to, bytes, "target", device)) return error;
  if (!device) return fail(INVALID_VALUE, "cudaMemset: the target is memory of the host");
  memset(to, value, bytes);
  check_written(to, bytes);
  return SUCCESS;
}

CUDASIM_API int cudasim_mem_info(size_t *free_bytes, size_t *total_bytes) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  if (!reserve()) return fail(NO_MEMORY, "no addresses are left for the simulated device's memory");
  *free_bytes = arena_bytes - live_bytes;
  *total_bytes = arena_bytes;
  return SUCCESS;
}

CUDASIM_API int cudasim_memory_type(const void *pointer) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  return managed_allocation(pointer) ? 3 : in_arena(pointer) ? 2 : 0;
}
CUDASIM_API int64_t cudasim_live_allocations(void) { return live_count; }

CUDASIM_API int cudasim_device_reset(void) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  for (auto &entry : table)
    if (entry.second.live) release(entry.second);
  forget_allowed_shared();
  return cudasim_clear_error();
}
} // namespace cudasim
