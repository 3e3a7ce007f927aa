// errors.cpp - the last error and the sticky one, and what their numbers mean.
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include "state.h"

namespace cudasim {
std::recursive_mutex device_mutex;

namespace {
int last = 0, sticky = 0;
std::string message, output;
std::mutex output_mutex;

struct Name { int code; const char *name, *text; };
const Name names[] = {
  {0, "cudaSuccess", "no error"},
  {1, "cudaErrorInvalidValue", "invalid argument"},
  {2, "cudaErrorMemoryAllocation", "out of memory"},
  {9, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
  {17, "cudaErrorInvalidDevicePointer", "invalid device pointer"},
  {21, "cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"},
  {101, "cudaErrorInvalidDevice", "invalid device ordinal"},
  {400, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
  {600, "cudaErrorNotReady", "device not ready"},
  {700, "cudaErrorIllegalAddress", "an illegal memory access was encountered"},
  {702, "cudaErrorLaunchTimeout", "the launch timed out and was terminated"},
  {710, "cudaErrorAssert", "device-side assert triggered"},
  {716, "cudaErrorMisalignedAddress", "misaligned address"},
  {719, "cudaErrorLaunchFailure", "unspecified launch failure"},
  {801, "cudaErrorNotSupported", "operation not supported"},
  {999, "cudaErrorUnknown", "unknown error"},
};
} // namespace

int fail(int error, const std::string &text) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  last = error;
  message = text;
  if (error >= 700 && error < 800 && !sticky) sticky = error; // the context is lost, as on a GPU
  return error;
}
int sticky_error() { return sticky; }
void set_message(const std::string &text) { message = text; }

double seconds_now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

std::string format(const char *pattern, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, pattern);
  vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

void print_text(const char *text, size_t bytes) {
  std::lock_guard<std::mutex> lock(output_mutex);
  if (output.size() < size_t(1) << 20) output.append(text, bytes); // a GPU's buffer holds 1 MiB, too
}

CUDASIM_API int64_t cudasim_take_output(char *to, int64_t room) {
  std::lock_guard<std::mutex> lock(output_mutex);
  const size_t n = output.size() < size_t(room) ? output.size() : size_t(room);
  output.copy(to, n);
  output.erase(0, n);
  return int64_t(n);
}

CUDASIM_API int cudasim_get_last_error(void) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  const int error = last;
  last = sticky;
  return error;
}
CUDASIM_API int cudasim_peek_last_error(void) { return last; }
CUDASIM_API int cudasim_set_last_error(int error) { return fail(error, cudasim_error_text(error)); }
CUDASIM_API int cudasim_synchronize(void) {
  not_waited_for = nullptr;
  return sticky;
}
CUDASIM_API const char *cudasim_last_message(void) { return message.c_str(); }
CUDASIM_API int cudasim_clear_error(void) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  last = sticky = 0;
  message.clear();
  return 0;
}
CUDASIM_API const char *cudasim_error_name(int error) {
  for (const Name &one : names)
    if (one.code == error) return one.name;
  return "unrecognized error code";
}
CUDASIM_API const char *cudasim_error_text(int error) {
  for (const Name &one : names)
    if (one.code == error) return one.text;
  return "unrecognized error code";
}
} // namespace cudasim
