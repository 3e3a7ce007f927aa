// signals.cpp - the watchdog, and faults in kernels.
//
// A kernel that never ends, divides by zero or leaves all memory gets a signal. The handler lets the thread go on in
// give_up_now(), which gives up the block, and the launch returns an error. If the time is up while the thread is in the
// runtime or in the C library, which may hold a lock, or has not come to the kernel yet, the timer asks again 10 ms later. The
// time is the processor's.
#include "signals.h"
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include "state.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace cudasim {
namespace {
const Launch *watched = nullptr;
double limit = 0; // seconds of processor time that each thread of the system has for the launch; 0: no limit
uintptr_t code_low = 0, code_high = 0;       // the library of the kernel: its code,
uintptr_t library_low = 0, library_high = 0; // and all of it
struct sigaction previous[65];
int alarm_signal = 0;

struct Timer {
  timer_t id;
  pid_t process;
  char *stack;
  double deadline; // in this thread's processor time
};
__thread Timer timer{};
enum { ABORTED = -1, OVERFLOWN = -2 }; // by the C++ library; the stack
__thread int why = 0; // the error that give_up_now() reports

// Processor time: a launch on a busy machine, or in a process that was stopped for a while, is none that never ends.
double seconds_of_thread() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

[[noreturn]] void give_up_now() {
  Worker &w = *this_worker;
  const char *what = why == TIMEOUT ? "it ran longer than the time limit; does a loop never end?"
                     : why == ABORTED ? "the C++ library ended it (std::terminate), which is for the host's code"
                     : why == OVERFLOWN ? "the stack overflowed; does a recursion never end, or is an array in the kernel too large?"
                     : why == LAUNCH_FAILURE ? "an integer was divided by zero"
                                             : "it accessed memory that is nobody's";
  set_message(format("kernel %s, block (%u, %u, %u), thread (%u, %u, %u): ", w.launch->site->kernel, cudasim_here.block.x,
                     cudasim_here.block.y, cudasim_here.block.z, cudasim_here.thread->x, cudasim_here.thread->y,
                     cudasim_here.thread->z) + what);
  w.give_up(why < 0 ? LAUNCH_FAILURE : why);
}

// Where give_up_now() begins on the stack: below what is in use, or, if the stack has overflowed or is about to, anew.
uintptr_t stack_from(uintptr_t pointer) {
  const Fiber *now = this_worker->now;
  const uintptr_t left = pointer - uintptr_t(now->low);
  return left > STACK || left < 8192 ? uintptr_t(now) : pointer;
}

// Lets the interrupted thread go on in give_up_now(), on its own stack, as if it had called it.
bool divert(void *context, bool anywhere) {
  auto *c = static_cast<ucontext_t *>(context);
#if defined(__x86_64__)
  auto &registers = c->uc_mcontext.gregs;
  const uintptr_t at = uintptr_t(registers[REG_RIP]);
  if (!anywhere && (at < code_low || at >= code_high)) return false;
  const uintptr_t stack = stack_from(uintptr_t(registers[REG_RSP])) - 128; // below the red zone
  registers[REG_RSP] = greg_t((stack & ~uintptr_t(15)) - 8);
  registers[REG_RIP] = greg_t(&give_up_now);
#elif defined(__aarch64__)
  const uintptr_t at = c->uc_mcontext.pc;
  if (!anywhere && (at < code_low || at >= code_high)) return false;
  c->uc_mcontext.sp = stack_from(c->uc_mcontext.sp) & ~uint64_t(15);
  c->uc_mcontext.pc = uint64_t(&give_up_now);
#else
  return false;
#endif
  return true;
}

void arm(double seconds) {
  itimerspec spec{};
  spec.it_value.tv_sec = time_t(seconds);
  spec.it_value.tv_nsec = long((seconds - double(spec.it_value.tv_sec)) * 1e9);
  if (seconds > 0 && !spec.it_value.tv_sec && !spec.it_value.tv_nsec) spec.it_value.tv_nsec = 1;
  timer_settime(timer.id, 0, &spec, nullptr);
}

void pass_on(int signal, siginfo_t *info, void *context) { // to whoever handled it before
  struct sigaction &old = previous[signal];
  if (old.sa_flags & SA_SIGINFO) {
    old.sa_sigaction(signal, info, context);
  } else if (old.sa_handler == SIG_DFL || old.sa_handler == SIG_IGN) {
    sigaction(signal, &old, nullptr); // the fault comes again when this returns
    if (signal == SIGABRT) raise(signal);
  } else {
    old.sa_handler(signal);
  }
}

void on_signal(int signal, siginfo_t *info, void *context) {
  const int kept = errno;
  Worker *w = this_worker;
  const bool inside = w && w->running && watched;
  if (signal == alarm_signal) {
    const double left = limit ? timer.deadline - seconds_of_thread() : 0;
    why = TIMEOUT;
    if (left > 0) arm(left); // it was for a launch that has ended
    else if (watched && !(inside && divert(context, false))) arm(0.01);
  } else {
    why = signal == SIGABRT ? ABORTED : signal == SIGFPE ? LAUNCH_FAILURE : ILLEGAL_ADDRESS;
    if (inside && signal != SIGABRT) {
      const uintptr_t address = uintptr_t(info->si_addr), low = uintptr_t(w->now->low);
      if (address >= low - GUARD && address < low) why = OVERFLOWN; // below its stack
    }
    if (!inside || !divert(context, true)) pass_on(signal, info, context); // nothing can go on where it stands
  }
  errno = kept;
}

void install() {
  static bool done = false;
  if (done) return;
  done = true;
  alarm_signal = SIGRTMIN + 7;
  struct sigaction mine{};
  mine.sa_sigaction = on_signal;
  mine.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&mine.sa_mask);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, alarm_signal}) sigaction(signal, &mine, &previous[signal]);
}

int find_code(dl_phdr_info *info, size_t, void *wanted) {
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const auto &part = info->dlpi_phdr[i];
    const uintptr_t low = info->dlpi_addr + part.p_vaddr;
    if (part.p_type != PT_LOAD || !(part.p_flags & PF_X) || uintptr_t(wanted) - low >= part.p_memsz) continue;
    code_low = low;
    code_high = low + part.p_memsz;
    library_low = ~uintptr_t(0), library_high = 0;
    for (int k = 0; k < info->dlpi_phnum; k++) {
      const auto &other = info->dlpi_phdr[k];
      const uintptr_t begin = info->dlpi_addr + other.p_vaddr;
      if (other.p_type != PT_LOAD) continue;
      library_low = begin < library_low ? begin : library_low;
      library_high = begin + other.p_memsz > library_high ? begin + other.p_memsz : library_high;
    }
    return 1;
  }
  return 0;
}
} // namespace

bool in_kernel_library(uintptr_t address) { return address - library_low < library_high - library_low; }

void start_watch(const Launch &launch, double seconds) {
  install();
  const uintptr_t at = uintptr_t(launch.thread);
  if (at < code_low || at >= code_high) dl_iterate_phdr(find_code, reinterpret_cast<void *>(launch.thread));
  watched = &launch;
  limit = seconds > 0 ? seconds : 0;
  watch_this_thread();
}

void watch_this_thread() {
  if (!timer.stack) { // a signal on an overflown stack needs another one
    stack_t now;
    sigaltstack(nullptr, &now);
    timer.stack = static_cast<char *>(malloc(64 << 10));
    stack_t own{};
    own.ss_sp = timer.stack;
    own.ss_size = 64 << 10;
    if (now.ss_flags & SS_DISABLE) sigaltstack(&own, nullptr);
  }
  if (!limit) return;
  if (timer.process != getpid()) { // a forked child inherits no timers
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = alarm_signal;
    event.sigev_notify_thread_id = pid_t(syscall(SYS_gettid));
    timer.process = timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer.id) ? 0 : getpid();
    if (!timer.process) return; // no timers here: no limit
  }
  timer.deadline = seconds_of_thread() + limit;
  arm(limit > 1e-6 ? limit : 1e-6);
}

void unwatch_this_thread() {
  if (limit && timer.process == getpid()) arm(0);
}

void stop_watch() {
  unwatch_this_thread();
  watched = nullptr;
  limit = 0;
}
} // namespace cudasim
