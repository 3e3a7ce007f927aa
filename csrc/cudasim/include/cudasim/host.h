// host.h - the host's code of a cell or a module runs inside of Python, which it must not end. That of a whole program
// (CUDASIM_PROGRAM) has a process of its own, and may.
#ifndef CUDASIM_HOST_H
#define CUDASIM_HOST_H
#include <exception>
#include <stdlib.h>
#include "device.h"

CUDASIM_API void cudasim_leaves(const char *function);   // in a kernel: the launch ends
CUDASIM_API void cudasim_host_threw(const char *what);   // becomes the last error, with a sentence
#ifdef CUDASIM_PROGRAM
extern "C" [[noreturn]] void _exit(int); // <unistd.h> would bring too many names
#endif

namespace cudasim {
// What exit() and abort() are in a rewritten source: an exception, which unwinds the stack up to Python.
class EndsProcess : public std::exception {
  const char *what_;

public:
  explicit EndsProcess(const char *what) : what_(what) {}
  const char *what() const noexcept override { return what_; }
};
#ifdef CUDASIM_PROGRAM
#define CUDASIM_END(name, ...) ::name(__VA_ARGS__)
#else
#define CUDASIM_END(name, ...) throw EndsProcess("it called " #name "(), which would have ended Python")
#endif
#define CUDASIM_ENDS(name, ...)                                                                   \
  [[noreturn, maybe_unused]] CUDASIM_INLINE void name##_of_host([[maybe_unused]] int status = 0) { \
    if (cudasim_in_kernel()) cudasim_leaves(#name);                                               \
    CUDASIM_END(name, __VA_ARGS__);                                                               \
  }
CUDASIM_ENDS(exit, status)
CUDASIM_ENDS(_exit, status)
CUDASIM_ENDS(_Exit, status)
CUDASIM_ENDS(quick_exit, status)
CUDASIM_ENDS(abort)
#undef CUDASIM_END
#undef CUDASIM_ENDS

// An extern "C" function as Python calls it: an exception ends the call, and is told.
template <auto FUNCTION> struct Guarded;
template <class Result, class... Arguments, Result (*FUNCTION)(Arguments...)> struct Guarded<FUNCTION> {
  static Result call(Arguments... arguments) {
    try {
      return FUNCTION(arguments...);
    } catch (const std::exception &error) {
      cudasim_host_threw(error.what());
    } catch (...) {
      cudasim_host_threw("it threw what is no std::exception");
    }
    return Result();
  }
};
} // namespace cudasim
#define CUDASIM_GUARDED(name) \
  __attribute__((visibility("default"))) decltype(&name) cudasim_guarded_##name = &cudasim::Guarded<&name>::call;
#endif
