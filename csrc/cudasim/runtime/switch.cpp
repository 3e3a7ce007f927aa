// switch.cpp - how a fiber begins; and changing the stack by the system's ucontext, 50 times slower, where fibers.h has no
// assembly for the processor.
#include "fibers.h"
#include <stdint.h>
#include <stdlib.h>
#ifdef CUDASIM_UCONTEXT
#include <ucontext.h>
#endif
#include "../include/cudasim.h"

namespace cudasim {
#ifndef CUDASIM_UCONTEXT
void prepare(Fiber *fiber) {
  fiber->fresh = false;
  void **top = reinterpret_cast<void **>(reinterpret_cast<uintptr_t>(fiber) & ~uintptr_t(15));
#ifdef __x86_64__
  *--top = nullptr; // the return address of fiber_entry, which has none
#endif
  fiber->at = {top, nullptr, reinterpret_cast<void *>(fiber_entry)};
}
#ifdef __x86_64__
CUDASIM_API const char *cudasim_switch_name(void) { return "x86-64"; }
#else
CUDASIM_API const char *cudasim_switch_name(void) { return "arm64"; }
#endif
#else
static ucontext_t *context_of(Fiber *fiber) {
  if (!fiber->at.stack) fiber->at.stack = calloc(1, sizeof(ucontext_t));
  return static_cast<ucontext_t *>(fiber->at.stack);
}
void prepare(Fiber *fiber) {
  fiber->fresh = false;
  ucontext_t *const context = context_of(fiber);
  getcontext(context);
  context->uc_stack.ss_sp = fiber->low;
  context->uc_stack.ss_size = size_t(reinterpret_cast<char *>(fiber) - fiber->low) & ~size_t(15);
  context->uc_link = nullptr;
  makecontext(context, fiber_entry, 0);
}
void switch_fiber(Fiber *from, Stopped &here, const Stopped &there) {
  ucontext_t *const context = context_of(from);
  here.stack = context;
  swapcontext(context, static_cast<ucontext_t *>(there.stack));
}
CUDASIM_API const char *cudasim_switch_name(void) { return "ucontext"; }
#endif
} // namespace cudasim
