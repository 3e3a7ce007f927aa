// library.cu - what is no kernel: errors and settings.
//
// Kernels run on the default stream, one after the other, while the host goes on. What one meets while it runs is known
// when somebody waits for it: ndc_to_host and ndc_synchronize do, and with ndc_set_blocking(1) every call.
#include <cstring>
#include "faults.cuh"
#include "error_texts.h"
#include "needle_cuda.h"

namespace nd {
namespace {
bool blocking = false;
Fault *place = nullptr; // in the device's memory
int64_t detail = 0;     // the index that was out of range
char suspects[512];     // kernels that may have met one since the last look

const Fault NONE = {NOWHERE, 0, 0};
} // namespace

Fault *fault_for(const char *kernel) {
  if (!place) {
    if (cudaMalloc(&place, sizeof(Fault)) != cudaSuccess) return place = nullptr;
    if (cudaMemcpy(place, &NONE, sizeof(Fault), cudaMemcpyHostToDevice) != cudaSuccess) return nullptr;
  }
  if (!strstr(suspects, kernel) && strlen(suspects) + strlen(kernel) + 3 <= sizeof suspects) {
    if (suspects[0]) strcat(suspects, ", ");
    strcat(suspects, kernel);
  }
  return place;
}

// The way from "it has been launched" to "it has run".
static int look_for_faults() {
  if (!suspects[0]) return ND_OK;
  Fault found;
  cudaError_t error = cudaMemcpy(&found, place, sizeof(Fault), cudaMemcpyDeviceToHost);
  if (!error && found.point == NOWHERE) suspects[0] = 0;
  if (error || found.point == NOWHERE) return -int(error);
  detail = found.index;
  error = cudaMemcpy(place, &NONE, sizeof(Fault), cudaMemcpyHostToDevice);
  return error ? -int(error) : int(ND_EINDEX);
}

int launched() {
  const cudaError_t error = cudaGetLastError();
  return -int(error || !blocking ? error : cudaDeviceSynchronize());
}
int launched_with_faults() {
  const int error = launched();
  return error || !blocking ? error : look_for_faults();
}
} // namespace nd

ND_API int ndc_set_blocking(int on) {
  nd::blocking = on != 0;
  return ND_OK;
}
ND_API int ndc_synchronize(void) {
  const cudaError_t error = cudaDeviceSynchronize();
  return error ? -int(error) : nd::look_for_faults();
}
ND_API int ndc_busy(void) {
  const cudaError_t state = cudaStreamQuery(0);
  return state == cudaErrorNotReady ? 1 : -int(state);
}
ND_API const char *ndc_suspects(void) {
  static char names[sizeof nd::suspects];
  memcpy(names, nd::suspects, sizeof names);
  nd::suspects[0] = 0;
  return names;
}

ND_API const char *nd_error_text(int code) {
  return code < 0 ? cudaGetErrorString(static_cast<cudaError_t>(-code)) : nd_text_of_code(code);
}
ND_API const char *ndc_error_name(int number) { return cudaGetErrorName(static_cast<cudaError_t>(number)); }
ND_API int64_t nd_error_detail(void) { return nd::detail; }

// A GPU has one instruction set, and its own idea of threads.
ND_API int nd_get_num_threads(void) { return 1; }
ND_API int nd_set_num_threads(int n) { return n < 1 ? ND_EPLAN : ND_OK; }
ND_API const char *nd_isa_names(void) { return "cuda"; }
ND_API int nd_isa_supported(const char *name) { return !strcmp(name, "cuda"); }
ND_API const char *nd_get_isa(void) { return "cuda"; }
ND_API int nd_set_isa(const char *name) { return strcmp(name, "cuda") ? ND_EISA : ND_OK; }

// Which card. Its memory stays where it is, so the card is chosen before there is any.
ND_API int ndc_device_count(void) {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : (cudaGetLastError(), 0);
}
ND_API int ndc_get_device(void) {
  int device = 0;
  return cudaGetDevice(&device) == cudaSuccess ? device : (cudaGetLastError(), -1);
}
ND_API int ndc_set_device(int device) {
  if (nd_pool_live_bytes()) return ND_EPLAN;
  nd_pool_trim();
  if (nd::place) cudaFree(nd::place);
  nd::place = nullptr;
  return -int(cudaSetDevice(device));
}
ND_API int ndc_device_name(int device, char *name, int room, int *capability) {
  cudaDeviceProp facts;
  const cudaError_t error = cudaGetDeviceProperties(&facts, device);
  if (error) return -int(error);
  strncpy(name, facts.name, size_t(room) - 1);
  name[room - 1] = 0;
  *capability = 10 * facts.major + facts.minor;
  return ND_OK;
}
