// wrong_places.cpp - accesses to memory that is not there, not the device's, or not written yet.
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include <algorithm>
#include "check.h"
#include "findings.h"

namespace cudasim {
namespace {
const char *verb(Access access) { return access == READ ? "read" : access == WRITE ? "write" : "atomic update"; }

[[noreturn]] void drop(int error, const char *kind, const std::string &what, const void *pc) {
  Worker &w = *checker.worker;
  found(kind, pc, w.current, what);
  if (!w.error) set_message(format("kernel %s, block (%u, %u, %u), thread (%u, %u, %u): ", w.launch->site->kernel, cudasim_here.block.x,
                     cudasim_here.block.y, cudasim_here.block.z, cudasim_here.thread->x, cudasim_here.thread->y,
                     cudasim_here.thread->z) + what);
  w.error = error; // the thread ends here, others of its block go on, and the launch fails
  w.drop_thread();
}

// Where a shared address is: "128 bytes past the end of the __shared__ variable s of 128 bytes".
struct Nearest { size_t offset, bytes, distance; const char *name; } nearest;
size_t searched = 0;
void consider(const char *name, size_t offset, size_t bytes) {
  const size_t distance = searched < offset ? offset - searched : searched >= offset + bytes ? searched - offset - bytes : 0;
  if (!nearest.name || distance < nearest.distance) nearest = {offset, bytes, distance, name};
}
// Whether an address is neither the host's nor the device's. What the checker remembers lies behind the device's memory.
bool is_nobodys(uintptr_t address) {
  const auto within = [address](const void *from, size_t bytes) { return address - uintptr_t(from) < bytes; };
  const Region &r = checker.global;
  if (within(r.state, r.bytes / 4) || within(r.slots, r.bytes / 4 * sizeof(Slots))) return true;
  const uintptr_t page = uintptr_t(sysconf(_SC_PAGESIZE));
  return msync(reinterpret_cast<void *>(address / page * page), page, MS_ASYNC) && errno == ENOMEM;
}
struct Unwritten { uintptr_t address; const void *pc; int thread; std::string what; };
std::vector<Unwritten> unwritten;
} // namespace

std::string describe_shared(size_t at) {
  searched = at;
  nearest = {};
  const size_t dynamic = checker.worker->launch->config->shared;
  if (dynamic) consider("", SHARED_FRONT, dynamic);
  each_shared_variable([](cudasim_shared_variable *v) { consider(v->name, SHARED_FRONT + v->offset, v->bytes); });
  if (!nearest.name) return "in shared memory, of which this launch has none; the third number of kernel<<<grid, block, bytes>>> is its size";
  const std::string which = *nearest.name ? format("the __shared__ variable %s of %zu bytes", nearest.name, nearest.bytes)
                                          : format("the dynamic shared memory of %zu bytes", nearest.bytes);
  if (at >= nearest.offset && at < nearest.offset + nearest.bytes) return format("%zu bytes into ", at - nearest.offset) + which;
  return format("%zu bytes %s ", nearest.distance, at < nearest.offset ? "before" : "past the end of") + which;
}

void not_allowed(const Region &region, uintptr_t address, unsigned bytes, Access access, const void *pc) {
  const bool shared = &region == &checker.shared;
  const void *p = reinterpret_cast<void *>(address);
  const Allocation *near = &region == &checker.global ? nearest_allocation(p) : nullptr;
  const char *a = static_cast<const char *>(p);
  const bool freed = near && !near->live && a >= near->start && a < near->start + near->bytes;
  const std::string where = shared                       ? describe_shared(address - region.base)
                            : &region == &checker.global ? describe_address(p, bytes)
                                                         : describe_variable(region, address, bytes);
  drop(ILLEGAL_ADDRESS, freed ? "use-after-free" : "out-of-bounds", format("a %s of %u bytes, ", verb(access), bytes) + where, pc);
}

void misaligned(uintptr_t address, unsigned bytes, Access access, const void *pc) {
  drop(MISALIGNED, "misaligned", format("a %s of %u bytes at an address that is no multiple of %u", verb(access), bytes, bytes) +
       (in_arena(reinterpret_cast<void *>(address)) ? ": " + describe_address(reinterpret_cast<void *>(address), bytes) : ""), pc);
}

void elsewhere(uintptr_t address, unsigned bytes, Access access, const void *pc) {
  if (in_kernel_library(address)) {
    const std::string where = describe_gap(address, bytes);
    if (where.empty()) return; // a constant of its code
    drop(ILLEGAL_ADDRESS, "out-of-bounds", format("a %s of %u bytes, ", verb(access), bytes) + where, pc);
  }
  if (address < 1 << 16) drop(ILLEGAL_ADDRESS, "null-pointer", format("a %s of %u bytes through a null pointer", verb(access), bytes), pc);
  for (unsigned size = 1; size <= 16; size *= 2) { // base[i] with an unsigned i below 0: 2^32 elements too far
    const uintptr_t meant = address - (uintptr_t(size) << 32);
    const Allocation *near = in_arena(reinterpret_cast<void *>(meant)) ? nearest_allocation(reinterpret_cast<void *>(meant)) : nullptr;
    if (near && near->live && meant + 4096 - uintptr_t(near->start) < near->bytes + 8192)
      drop(ILLEGAL_ADDRESS, "out-of-bounds", format("a %s of %u bytes, 2^32 elements of %u bytes further than ", verb(access), bytes, size) +
           describe_address(reinterpret_cast<void *>(meant), bytes) + ": an unsigned index has gone below 0", pc);
  }
  if (is_nobodys(address))
    drop(ILLEGAL_ADDRESS, "out-of-bounds", format("a %s of %u bytes where there is no memory at all: an index below 0 (an unsigned one is "
         "very large then), or a pointer that was never set", verb(access), bytes), pc);
  drop(ILLEGAL_ADDRESS, "host-pointer",
       format("a %s of %u bytes through a pointer to the host's memory, which a kernel cannot reach", verb(access), bytes), pc);
}

// Kernels have run when a launch returns here; on a GPU they may run on until the host waits.
void host_access(uintptr_t address, unsigned bytes, Access access, const void *pc) {
  if (managed_allocation(reinterpret_cast<void *>(address))) {
    if (not_waited_for)
      found("host-dereference", pc, -1, format("the host's code makes a %s of %u bytes of managed memory, while the kernel %s, launched in line "
            "%d, may still run; call cudaDeviceSynchronize() first", verb(access), bytes, not_waited_for->kernel, not_waited_for->line));
    return;
  }
  found("host-dereference", pc, -1, format("the host's code makes a %s of %u bytes of device memory, ", verb(access), bytes) +
        describe_address(reinterpret_cast<void *>(address), bytes) + "; copy it with cudaMemcpy");
}

// A missing barrier lets a thread read what another one has yet to write: then the race is the finding, and it may show
// only later. So these wait until the next barrier or the end of the block.
void not_written(Region &region, uintptr_t address, unsigned bytes, const void *pc) {
  const void *p = reinterpret_cast<void *>(address);
  const bool shared = &region == &checker.shared;
  if (!shared) {
    const Allocation *one = nearest_allocation(p);
    if (written_by_plain_kernels(one)) return region.written(size_t(one->start - arena), one->bytes);
  }
  if (unwritten.size() >= 1024 || checker.worker->dropped) return;
  const std::string what = shared ? describe_shared(address - region.base) : describe_address(p, bytes);
  unwritten.push_back({address, pc, checker.worker->current, what});
}

void settle_unwritten() {
  for (const Unwritten &one : unwritten)
    if (!found_race_at(one.pc)) found("uninitialised", one.pc, one.thread, "a read of what nobody has written, " + one.what);
  unwritten.clear();
}
} // namespace cudasim
