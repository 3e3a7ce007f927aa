// program.cpp - linked into a library whose source has a main() of its own: runs it, and leaves what was found in a file.
//
// The process is the program's, and may end in any way: main() returns, exit() is called, a signal comes. Each of them
// leads to cudasim_program_ends(). The file's first line is the error that the device ends with, the rest is the JSON of
// the checker or of the profiler.
#include <atomic>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>
#include "../include/cudasim.h"

extern "C" __attribute__((visibility("hidden"))) void cudasim_program_ends();

namespace {
const char *report = nullptr;
std::atomic_flag reported = ATOMIC_FLAG_INIT;

std::string found() {
  int64_t (*ask)(char *, int64_t) = CUDASIM_FLAVOUR == 1 ? cudasim_findings : cudasim_counters;
  if (CUDASIM_FLAVOUR == 0) return "";
  std::string json(size_t(ask(nullptr, 0)) + 1, '\0');
  json.resize(size_t(ask(&json[0], int64_t(json.size()))));
  return json;
}

void on_signal(int signal) {
  alarm(5); // what the signal interrupted may hold a lock that the report needs
  cudasim_program_ends();
  ::signal(signal, SIG_DFL);
  raise(signal); // and now it ends as it would have ended
}
} // namespace

void cudasim_program_ends() {
  if (!report || reported.test_and_set()) return;
  FILE *file = fopen(report, "w");
  if (!file) return;
  if (const int error = cudasim_peek_last_error()) {
    const char *sentence = cudasim_last_message();
    fprintf(file, "%s: %s", cudasim_error_name(error), *sentence ? sentence : cudasim_error_text(error));
  }
  fprintf(file, "\n%s", found().c_str());
  fclose(file);
}

// Runs main() and ends the process.
CUDASIM_API void cudasim_run_program(int (*program)(int, char **, char **), int argc, char **argv, const char *path) {
  report = path;
  prctl(PR_SET_PDEATHSIG, SIGKILL); // it does not outlive the command that started it
  setvbuf(stdout, nullptr, _IOLBF, 0); // whole lines go out at once, into a pipe, too
  for (int one : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM}) signal(one, on_signal);
  atexit(cudasim_program_ends);
  exit(program(argc, argv, environ));
}
