// shadow.cpp - the checker's memory, and what launches, blocks, barriers and cudaMalloc have to tell it.
#include "shadow.h"
#include <string.h>
#include <sys/mman.h>
#include "check.h"
#include "findings.h"

namespace cudasim {
namespace {
int64_t plain_launches = 0;

template <class T> T *reserve(size_t count) { // zeros, which cost memory only once they are written
  void *got = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return got == MAP_FAILED ? nullptr : static_cast<T *>(got);
}

// For each cell of [offset, offset + bytes): the bits of its bytes that lie inside.
template <class Change> void each_cell(Region &r, size_t offset, size_t bytes, Change change) {
  const size_t end = offset + bytes;
  for (size_t cell = offset / 4; cell * 4 < end; cell++) {
    const size_t from = offset > cell * 4 ? offset - cell * 4 : 0, to = end - cell * 4 < 4 ? end - cell * 4 : 4;
    if (from == 0 && to == 4) {
      const size_t whole = end / 4 - cell; // all of the whole cells at once
      change(&r.state[cell], whole, 15u);
      cell += whole - 1;
    } else {
      change(&r.state[cell], size_t(1), ((1u << (to - from)) - 1) << from);
    }
  }
}
} // namespace

void Region::allow(size_t offset, size_t n) {
  each_cell(*this, offset, n, [](uint8_t *s, size_t count, unsigned bits) {
    if (bits == 15) memset(s, ALLOWED, count);
    else *s = uint8_t((*s & ~(bits * 17)) | bits << 4);
  });
}
void Region::forbid(size_t offset, size_t n) {
  each_cell(*this, offset, n, [](uint8_t *s, size_t count, unsigned) { memset(s, 0, count); });
}
void Region::written(size_t offset, size_t n) {
  each_cell(*this, offset, n, [](uint8_t *s, size_t count, unsigned bits) {
    for (size_t i = 0; i < count; i++) s[i] |= uint8_t(bits);
  });
}

uint32_t Checker::next_moment() {
  if (now == LAST_MOMENT) forget();
  return now += A_MOMENT;
}

unsigned Checker::new_site(unsigned i, const void *pc) {
  if (known_sites > SITES / 2) {
    forget();
    i = unsigned(uintptr_t(pc) * 0x9E3779B97F4A7C15u >> 52);
  }
  known_sites++;
  sites[i] = pc;
  return i;
}

// Moments and places are numbers of few bits. When they run out, all accesses so far are forgotten: races with them will
// be missed, and none will be made up.
void Checker::forget() {
  madvise(global.slots, global.bytes / 4 * sizeof(Slots), MADV_DONTNEED);
  madvise(shared.slots, shared.bytes / 4 * sizeof(Slots), MADV_DONTNEED);
  memset(sites, 0, sizeof sites);
  memset(met, 0, sizeof met);
  for (uint32_t &begin : blocks) begin = 0;
  known_sites = 0;
  now = launch = block = interval = A_MOMENT;
  global.floor = shared.floor = A_MOMENT;
  each_variable([](Region &r) {
    memset(static_cast<void *>(r.slots), 0, r.bytes / 4 * sizeof(Slots));
    r.floor = A_MOMENT;
  });
  forget_releases();
  forget_readers_aside();
}

CUDASIM_API int cudasim_enter_check(void) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  if (checker.ready) return SUCCESS;
  size_t free_bytes, total;
  if (int error = cudasim_mem_info(&free_bytes, &total)) return error;
  checker.global = {uintptr_t(arena), total, reserve<uint8_t>(total / 4), reserve<Slots>(total / 4), A_MOMENT};
  const size_t shared = SHARED_FRONT + 2 * SHARED_LIMIT;
  checker.shared = {0, shared, reserve<uint8_t>(shared / 4), reserve<Slots>(shared / 4), A_MOMENT};
  if (!checker.global.state || !checker.global.slots || !checker.shared.state || !checker.shared.slots)
    return fail(NO_MEMORY, "no addresses are left for what the checker remembers about each byte");
  checker.ready = true;
  each_allocation([](Allocation &one) { // who wrote them before is unknown: they count as written
    if (!one.live) return;
    const size_t at = size_t(one.start - arena);
    checker.global.allow(at, one.bytes);
    checker.global.written(at, one.bytes);
  });
  return SUCCESS;
}

void check_allocated(Allocation &one) {
  one.since = plain_launches;
  if (!checker.ready) return;
  checker.global.allow(size_t(one.start - arena), one.bytes);
  if (one.managed) checker.global.written(size_t(one.start - arena), one.bytes); // memset of the host's would not be seen
}
void check_freed(Allocation &one) {
  if (checker.ready) checker.global.forbid(size_t(one.start - arena), one.bytes);
}
void check_written(const void *to, size_t bytes) {
  if (checker.ready) checker.global.written(size_t(static_cast<const char *>(to) - arena), bytes);
}
void check_copied(const void *from, size_t bytes, const void *to) { // a copy is written where the original was
  if (!checker.ready) return;
  const size_t source = size_t(static_cast<const char *>(from) - arena), target = size_t(static_cast<const char *>(to) - arena);
  for (size_t i = 0; i < bytes; i++)
    if (checker.global.state[(source + i) / 4] >> (source + i) % 4 & 1) checker.global.state[(target + i) / 4] |= uint8_t(1u << (target + i) % 4);
}

// Kernels of the plain flavour tell nobody what they write: an allocation that lived through one counts as written.
bool written_by_plain_kernels(const Allocation *one) { return one && one->since < plain_launches; }

void check_launch(Worker &w, bool checked) {
  if (!checked) {
    plain_launches++;
    return;
  }
  checker.worker = &w;
  checker.quick = thread_order() != CUDASIM_LOCKSTEP;
  if (checker.now > LAST_MOMENT / 2) checker.forget();
  checker.launch = checker.global.floor = checker.next_moment();
  each_variable([](Region &r) { r.floor = checker.launch; });
  checker.shared.base = uintptr_t(w.shared) - SHARED_FRONT;
  checker.blocks.clear();
  forget_releases();
}

void check_launched() {
  checker.worker = nullptr;
  checker.quick = false;
}

void check_block_ended() {
  settle_guesses();
  forget_readers_aside();
  settle_unwritten();
}

void check_block(Worker &w) {
  checker.block = checker.interval = checker.shared.floor = checker.next_moment();
  checker.blocks.push_back(checker.block);
  memset(checker.met, 0, sizeof(uint32_t) * unsigned(w.launch->threads));
  checker.shared.forbid(0, checker.shared_used);
  checker.shared_used = 0;
  check_shared(0, w.launch->config->shared);
  each_shared_variable([](cudasim_shared_variable *v) { check_shared(v->offset, v->bytes); });
}

void check_shared(size_t offset, size_t bytes) {
  if (!checker.worker) return;
  checker.shared.allow(SHARED_FRONT + offset, bytes);
  if (SHARED_FRONT + offset + bytes > checker.shared_used) checker.shared_used = SHARED_FRONT + offset + bytes;
}

void check_barrier_opened() {
  check_block_ended();
  checker.interval = checker.next_moment();
}

void check_warp_met(Worker &, int warp, unsigned lanes) {
  const uint32_t moment = checker.next_moment();
  for (unsigned left = lanes; left; left &= left - 1) {
    const int t = warp * LANES + __builtin_ctz(left);
    checker.met[t] = moment;
    checker.met_lanes[t] = lanes;
  }
}
} // namespace cudasim
