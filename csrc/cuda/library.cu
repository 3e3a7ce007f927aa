// library.cu - what is no kernel: errors, settings, memory, and the way from and to the host.
#include <cuda_runtime.h>
#include <cstdint>
#include <cstring>
#include "launch.cuh"
#include "needle_cuda.h"

ND_API const char *nd_error_text(int code) {
  if (code < 0) return cudaGetErrorString(static_cast<cudaError_t>(-code));
  switch (code) {
  case ND_OK: return "no error";
  case ND_EDTYPE: return "this kernel does not know this combination of element types";
  case ND_ENOMEM: return "out of memory: a working buffer could not be allocated";
  case ND_EINDEX: return "an index is out of range";
  case ND_EPLAN: return "malformed plan: too many dimensions, a negative extent or a bad argument";
  case ND_EISA: return "unknown instruction set, or one this processor lacks";
  default: return "unknown error code";
  }
}
ND_API int64_t nd_error_detail(void) { return 0; }

// A GPU has one instruction set, and its own idea of threads.
ND_API int nd_get_num_threads(void) { return 1; }
ND_API int nd_set_num_threads(int n) { return n < 1 ? ND_EPLAN : ND_OK; }
ND_API const char *nd_isa_names(void) { return "cuda"; }
ND_API int nd_isa_supported(const char *name) { return !strcmp(name, "cuda"); }
ND_API const char *nd_get_isa(void) { return "cuda"; }
ND_API int nd_set_isa(const char *name) { return strcmp(name, "cuda") ? ND_EISA : ND_OK; }

ND_API void *nd_alloc(int64_t nbytes) {
  void *block = nullptr;
  return nbytes >= 0 && cudaMalloc(&block, size_t(nbytes)) == cudaSuccess ? block : nullptr;
}
ND_API void nd_free(void *block) { cudaFree(block); }
ND_API int64_t nd_pool_cached_bytes(void) { return 0; }
ND_API void nd_pool_trim(void) {}

ND_API int ndc_from_host(void *to, const void *from, int64_t nbytes) {
  return -int(cudaMemcpy(to, from, size_t(nbytes), cudaMemcpyHostToDevice));
}
ND_API int ndc_to_host(void *to, const void *from, int64_t nbytes) {
  return -int(cudaMemcpy(to, from, size_t(nbytes), cudaMemcpyDeviceToHost));
}
ND_API int ndc_synchronize(void) { return -int(cudaDeviceSynchronize()); }
