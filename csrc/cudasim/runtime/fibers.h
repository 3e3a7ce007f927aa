// fibers.h - stacks that a processor can leave and come back to.
//
// A CUDA thread that waits at a barrier must stop in the middle of its kernel while another one goes on. So each waiting
// thread keeps a stack of its own, a fiber, and waiting is: save the registers that a function must preserve, change
// the stack pointer, restore. That takes a few nanoseconds where a switch of the system's threads takes microseconds.
#pragma once
#include <stddef.h>
#if !defined(__x86_64__) && !(defined(__aarch64__) && defined(__linux__))
#undef CUDASIM_UCONTEXT
#define CUDASIM_UCONTEXT
#endif

namespace cudasim {
enum : size_t { STACK = 64 << 10, GUARD = 64 << 10 }; // bytes of a fiber's stack, and of the forbidden part below that catches overflows

// Where a stack was left: all that has to be remembered, for the compiler keeps its registers on the stack itself.
struct Stopped {
  void *stack, *frame, *instruction; // ucontext: the first is its context
};

// Lies at the top of its own stack.
struct Fiber {
  Stopped at;  // while no thread has it
  char *low;   // the lowest byte of its stack
  bool fresh;  // begins at the beginning
  Fiber *next; // in the list of free ones
};

// What runs in a fresh fiber; it never returns.
[[noreturn]] void fiber_entry();
void prepare(Fiber *fiber); // a fresh one, so that switching to it begins fiber_entry()

// Leave the fiber `from`, noting where in `here`, and go on where `to` says.
#ifndef CUDASIM_UCONTEXT
// The compiler saves what it needs of the registers named at the end; the frame pointer it may not name. Nothing here is a
// call or a return: the processor predicts returns from the calls it has seen, and a stray one would spoil all that follow.
#ifdef __x86_64__
static inline __attribute__((always_inline)) void switch_fiber(Fiber *, Stopped &here, const Stopped &there) {
  Stopped *save = &here;
  const Stopped *to = &there;
  asm volatile("movq %%rsp, (%0)\n\t"
               "movq %%rbp, 8(%0)\n\t"
               "leaq 1f(%%rip), %%rax\n\t"
               "movq %%rax, 16(%0)\n\t"
               "movq (%1), %%rsp\n\t"
               "movq 8(%1), %%rbp\n\t"
               "jmp *16(%1)\n"
               "1:"
               : "+D"(save), "+S"(to)
               :
               : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
}
#else
// hint 36 ("bti j") lets a processor that guards jumps land there; x16 may jump to functions, too.
static inline __attribute__((always_inline)) void switch_fiber(Fiber *, Stopped &here, const Stopped &there) {
  register Stopped *save asm("x0") = &here; // of x0 and x1 nothing is saved: so nothing else may be in them
  register const Stopped *to asm("x1") = &there;
  asm volatile("mov x16, sp\n\t"
               "stp x16, x29, [%0]\n\t"
               "adr x16, 1f\n\t"
               "str x16, [%0, #16]\n\t"
               "ldp x16, x29, [%1]\n\t"
               "mov sp, x16\n\t"
               "ldr x16, [%1, #16]\n\t"
               "br x16\n"
               "1:\thint #36"
               : "+r"(save), "+r"(to)
               :
               : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
                 "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5",
                 "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21",
                 "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory", "cc");
}
#endif
#else
void switch_fiber(Fiber *from, Stopped &here, const Stopped &there);
#endif

// A pool of one worker. take() gives a fiber that is free, and stands in fiber_entry() or at its beginning.
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
