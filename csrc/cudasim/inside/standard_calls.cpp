// standard_calls.cpp - linked into every library of kernels: printf, assert, exit and abort as kernels have them.
//
// What is printed must reach the notebook's cell, which does not see the process's standard output, and a failed
// assertion in a kernel ends the launch, not the notebook. The names are hidden: only this library's calls come here.
// With CUDASIM_PROGRAM the process is the program's (program.cpp): it prints to the standard output, and may end.
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../include/cudasim.h"

#define HIDDEN extern "C" __attribute__((visibility("hidden")))
CUDASIM_API void cudasim_print(const char *text, int64_t bytes);
CUDASIM_API void cudasim_assertion(const char *condition, const char *file, unsigned line);
CUDASIM_API int cudasim_in_kernel(void);
CUDASIM_API void cudasim_leaves(const char *function);

#ifdef CUDASIM_PROGRAM
HIDDEN void cudasim_program_ends();
static void print(const char *text, int64_t bytes) { fwrite(text, 1, size_t(bytes), stdout); }
#else
static void cudasim_program_ends() {}
static void print(const char *text, int64_t bytes) { cudasim_print(text, bytes); }
#endif

HIDDEN int vprintf(const char *pattern, va_list arguments) {
#ifdef CUDASIM_PROGRAM
  if (!cudasim_in_kernel()) return vfprintf(stdout, pattern, arguments); // of any length
#endif
  char text[2048];
  const int n = vsnprintf(text, sizeof text, pattern, arguments);
  if (n > 0) print(text, n < int(sizeof text) ? n : int(sizeof text) - 1);
  return n;
}
HIDDEN int printf(const char *pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  const int n = vprintf(pattern, arguments);
  va_end(arguments);
  return n;
}
HIDDEN int puts(const char *text) { return printf("%s\n", text); }
HIDDEN int putchar(int c) {
  const char text = char(c);
  print(&text, 1);
  return c;
}
HIDDEN void __assert_fail(const char *condition, const char *file, unsigned line, const char *) {
  if (cudasim_in_kernel()) cudasim_assertion(condition, file, line);
  fprintf(stderr, "%s:%u: assertion `%s` failed\n", file, line, condition);
  abort();
}

// A kernel that ends the process, which nvcc would not compile: the launch ends, and the process does not.
#define LEAVES __attribute__((noreturn)) void
namespace {
LEAVES leave(const char *function, int status) {
  if (cudasim_in_kernel()) cudasim_leaves(function);
  cudasim_program_ends();
  reinterpret_cast<LEAVES (*)(int)>(dlsym(RTLD_NEXT, function))(status);
}
} // namespace
HIDDEN LEAVES exit(int status) noexcept { leave("exit", status); }
HIDDEN LEAVES _exit(int status) { leave("_exit", status); }
HIDDEN LEAVES _Exit(int status) noexcept { leave("_Exit", status); }
HIDDEN LEAVES quick_exit(int status) noexcept { leave("quick_exit", status); }
HIDDEN LEAVES abort() noexcept { leave("abort", 0); }
