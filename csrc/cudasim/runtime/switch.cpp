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
  *--top = reinterpret_cast<void *>(fiber_entry);
#else
  *--top = nullptr; // 32 bytes, as change_stack() leaves them
  *--top = reinterpret_cast<void *>(fiber_entry);
  *--top = nullptr;
  *--top = nullptr;
#endif
  fiber->stack_pointer = top;
}
#ifdef __x86_64__
CUDASIM_API const char *cudasim_switch_name(void) { return "x86-64"; }
#else
CUDASIM_API const char *cudasim_switch_name(void) { return "arm64"; }
#endif
#else
void prepare(Fiber *fiber) {
  fiber->fresh = false;
  if (!fiber->stack_pointer) fiber->stack_pointer = calloc(1, sizeof(ucontext_t));
  auto *context = static_cast<ucontext_t *>(fiber->stack_pointer);
  getcontext(context);
  context->uc_stack.ss_sp = fiber->low;
  context->uc_stack.ss_size = size_t(reinterpret_cast<char *>(fiber) - fiber->low) & ~size_t(15);
  context->uc_link = nullptr;
  makecontext(context, fiber_entry, 0);
}
void switch_fiber(Fiber *from, Fiber *to) {
  if (!from->stack_pointer) from->stack_pointer = calloc(1, sizeof(ucontext_t));
  if (to->fresh) prepare(to);
  swapcontext(static_cast<ucontext_t *>(from->stack_pointer), static_cast<ucontext_t *>(to->stack_pointer));
}
CUDASIM_API const char *cudasim_switch_name(void) { return "ucontext"; }
#endif
} // namespace cudasim
