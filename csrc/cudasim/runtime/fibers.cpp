// fibers.cpp - where the stacks come from: the system gives memory only to the pages that are touched.
#include "fibers.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <new>

namespace cudasim {
Fiber *FiberPool::take() {
  if (Fiber *fiber = free_) {
    free_ = fiber->next;
    if (fiber->fresh) prepare(fiber);
    return fiber;
  }
  char *block = static_cast<char *>(
      mmap(nullptr, GUARD + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (block == MAP_FAILED) return nullptr;
  mprotect(block, GUARD, PROT_NONE);
  all_ = static_cast<Fiber **>(realloc(all_, (count_ + 1) * sizeof *all_));
  // Were they all at the same place of a page, they would share a few sets of the cache: each begins a little lower.
  char *top = block + GUARD + STACK - sizeof(Fiber) - count_ % 32 * 128;
  Fiber *const made = all_[count_++] = new (top) Fiber{{}, block + GUARD, true, nullptr};
  prepare(made);
  return made;
}

void FiberPool::renew_all() {
  free_ = nullptr;
  for (size_t i = count_; i-- > 0;) {
    all_[i]->fresh = true;
    give(all_[i]);
  }
}
} // namespace cudasim
