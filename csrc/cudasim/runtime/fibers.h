// fibers.h - stacks that a processor can leave and come back to.
//
// A CUDA thread that waits at a barrier must stop in the middle of its kernel while another one goes on. So each waiting
// thread keeps a stack of its own, a fiber, and waiting is: save the registers that a function must preserve, change
// the stack pointer, restore. That takes a few nanoseconds where a switch of the system's threads takes microseconds.
#pragma once
#include <stddef.h>
#if !defined(CUDASIM_UCONTEXT) && !defined(__x86_64__)
#define CUDASIM_UCONTEXT
#endif

namespace cudasim {
enum : size_t { STACK = 64 << 10, GUARD = 64 << 10 }; // bytes of a fiber's stack, and of the forbidden part below that catches overflows

// Lies at the top of its own stack, so that one page has all that a switch reads.
struct Fiber {
  void *stack_pointer; // where it stopped (ucontext: its context)
  char *low;           // the lowest byte of its stack
  bool fresh;          // begins at the beginning
  Fiber *next;         // in the list of free ones
};

// What runs in a fresh fiber; it never returns.
[[noreturn]] void fiber_entry();
void prepare(Fiber *fiber); // a fresh one, so that switching to it begins fiber_entry()

// Leave `from` and go on with `to`.
#ifndef CUDASIM_UCONTEXT
// The compiler saves what it needs of the registers named at the end; rbp it may not name. Nothing here is a call or a
// return: the processor predicts returns from the calls it has seen, and a stray one would spoil all that follow. 128
// bytes below the stack pointer may be in use (the red zone of the System V ABI).
static inline __attribute__((always_inline)) void switch_fiber(Fiber *from, Fiber *to) {
  if (__builtin_expect(to->fresh, 0)) prepare(to);
  void **save = &from->stack_pointer, *stack = to->stack_pointer;
  asm volatile("leaq -128(%%rsp), %%rsp\n\t"
               "pushq %%rbp\n\t"
               "leaq 1f(%%rip), %%rax\n\t"
               "pushq %%rax\n\t"
               "movq %%rsp, (%0)\n\t"
               "movq %1, %%rsp\n\t"
               "popq %%rax\n\t"
               "jmp *%%rax\n"
               "1:\tpopq %%rbp\n\t"
               "leaq 128(%%rsp), %%rsp"
               : "+r"(save), "+r"(stack)
               :
               : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
}
#else
void switch_fiber(Fiber *from, Fiber *to);
#endif

// A pool of one worker. take() gives a fiber that is free; a fiber given back may be fresh or stand in fiber_entry().
class FiberPool {
public:
  Fiber *take();
  void give(Fiber *fiber) {
    fiber->next = free_;
    free_ = fiber;
  }
  void renew_all(); // every fiber is free and fresh again, wherever it stood

private:
  Fiber *free_ = nullptr;
  Fiber **all_ = nullptr;
  size_t count_ = 0;
};
} // namespace cudasim
