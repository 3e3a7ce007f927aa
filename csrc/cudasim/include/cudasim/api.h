// api.h - the runtime API of CUDA under its own names. Kernels are run by the launch itself, so streams are always idle;
// that an error may be reported later, at the next call that synchronises, stays as on a GPU.
#ifndef CUDASIM_RUNTIME_API_H
#define CUDASIM_RUNTIME_API_H
#include <string.h>
#include "device.h"

enum cudaError {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInvalidDevicePointer = 17,
  cudaErrorInvalidMemcpyDirection = 21,
  cudaErrorInvalidDevice = 101,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchTimeout = 702,
  cudaErrorAssert = 710,
  cudaErrorMisalignedAddress = 716,
  cudaErrorLaunchFailure = 719,
  cudaErrorNotSupported = 801,
  cudaErrorUnknown = 999
};
typedef enum cudaError cudaError_t;
enum cudaMemcpyKind {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4
};
typedef struct CUstream_st *cudaStream_t;
typedef struct cudasim_event { double milliseconds; } *cudaEvent_t;
enum { cudaStreamDefault = 0, cudaStreamNonBlocking = 1, cudaEventDefault = 0, cudaEventDisableTiming = 2, cudaHostAllocDefault = 0 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8, cudaFuncAttributePreferredSharedMemoryCarveout = 9 };
enum cudaDeviceAttr {
  cudaDevAttrMaxThreadsPerBlock = 1,
  cudaDevAttrMaxSharedMemoryPerBlock = 8,
  cudaDevAttrWarpSize = 10,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76
};
struct cudaDeviceProp {
  char name[256];
  size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin, sharedMemPerMultiprocessor, totalConstMem;
  int regsPerBlock, warpSize, maxThreadsPerBlock, maxThreadsDim[3], maxGridSize[3], multiProcessorCount;
  int maxThreadsPerMultiProcessor, major, minor;
};

#define CUDASIM_CUDA __attribute__((unused)) CUDASIM_INLINE cudaError_t
CUDASIM_CUDA cudasim_as_error(int code) { return static_cast<cudaError_t>(code); }
CUDASIM_CUDA cudaMalloc(void **p, size_t bytes) { return cudasim_as_error(cudasim_malloc(p, bytes)); }
template <class T> CUDASIM_CUDA cudaMalloc(T **p, size_t bytes) { return cudaMalloc(reinterpret_cast<void **>(p), bytes); }
CUDASIM_CUDA cudaFree(void *p) { return cudasim_as_error(cudasim_free(p)); }
CUDASIM_CUDA cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
  return cudasim_as_error(cudasim_memcpy(to, from, bytes, kind));
}
CUDASIM_CUDA cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t = nullptr) {
  return cudaMemcpy(to, from, bytes, kind);
}
CUDASIM_CUDA cudaMemset(void *to, int value, size_t bytes) { return cudasim_as_error(cudasim_memset(to, value, bytes)); }
CUDASIM_CUDA cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t = nullptr) { return cudaMemset(to, value, bytes); }
CUDASIM_CUDA cudaMemGetInfo(size_t *left, size_t *total) { return cudasim_as_error(cudasim_mem_info(left, total)); }
template <class T> // __constant__ and __device__ variables are plain variables here
CUDASIM_CUDA cudaMemcpyToSymbol(T &symbol, const void *from, size_t bytes, size_t at = 0, cudaMemcpyKind = cudaMemcpyHostToDevice) {
  if (at + bytes > sizeof(T)) return cudasim_as_error(cudasim_set_last_error(cudaErrorInvalidValue));
  memcpy(reinterpret_cast<char *>(&symbol) + at, from, bytes);
  return cudaSuccess;
}
template <class T>
CUDASIM_CUDA cudaMemcpyFromSymbol(void *to, const T &symbol, size_t bytes, size_t at = 0, cudaMemcpyKind = cudaMemcpyDeviceToHost) {
  if (at + bytes > sizeof(T)) return cudasim_as_error(cudasim_set_last_error(cudaErrorInvalidValue));
  memcpy(to, reinterpret_cast<const char *>(&symbol) + at, bytes);
  return cudaSuccess;
}
CUDASIM_CUDA cudaMallocHost(void **p, size_t bytes) { return (*p = malloc(bytes ? bytes : 1)) ? cudaSuccess : cudaErrorMemoryAllocation; }
template <class T> CUDASIM_CUDA cudaMallocHost(T **p, size_t bytes) { return cudaMallocHost(reinterpret_cast<void **>(p), bytes); }
CUDASIM_CUDA cudaHostAlloc(void **p, size_t bytes, unsigned) { return cudaMallocHost(p, bytes); }
CUDASIM_CUDA cudaFreeHost(void *p) { free(p); return cudaSuccess; }

CUDASIM_CUDA cudaGetLastError() { return cudasim_as_error(cudasim_get_last_error()); }
CUDASIM_CUDA cudaPeekAtLastError() { return cudasim_as_error(cudasim_peek_last_error()); }
__attribute__((unused)) CUDASIM_INLINE const char *cudaGetErrorString(cudaError_t e) { return cudasim_error_text(e); }
__attribute__((unused)) CUDASIM_INLINE const char *cudaGetErrorName(cudaError_t e) { return cudasim_error_name(e); }
CUDASIM_CUDA cudaDeviceSynchronize() { return cudasim_as_error(cudasim_synchronize()); }
CUDASIM_CUDA cudaDeviceReset() { return cudasim_as_error(cudasim_device_reset()); }
CUDASIM_CUDA cudaGetDeviceCount(int *n) { *n = 1; return cudaSuccess; }
CUDASIM_CUDA cudaGetDevice(int *device) { *device = 0; return cudaSuccess; }
CUDASIM_CUDA cudaSetDevice(int device) { return device ? cudasim_as_error(cudasim_set_last_error(cudaErrorInvalidDevice)) : cudaSuccess; }
CUDASIM_CUDA cudaGetDeviceProperties(cudaDeviceProp *p, int device) {
  if (device) return cudasim_as_error(cudasim_set_last_error(cudaErrorInvalidDevice));
  *p = {"needle_edu CUDA simulator", 0, 48 << 10, 227 << 10, 228 << 10, 64 << 10, 65536, 32, 1024, {1024, 1024, 64},
        {INT_MAX, 65535, 65535}, 1, 2048, 9, 0};
  size_t left;
  return cudaMemGetInfo(&left, &p->totalGlobalMem);
}
CUDASIM_CUDA cudaDeviceGetAttribute(int *value, cudaDeviceAttr what, int device) {
  cudaDeviceProp p;
  const cudaError_t error = cudaGetDeviceProperties(&p, device);
  if (error) return error;
  switch (what) {
  case cudaDevAttrMaxThreadsPerBlock: *value = p.maxThreadsPerBlock; break;
  case cudaDevAttrMaxSharedMemoryPerBlock: *value = int(p.sharedMemPerBlock); break;
  case cudaDevAttrWarpSize: *value = p.warpSize; break;
  case cudaDevAttrMultiProcessorCount: *value = p.multiProcessorCount; break;
  case cudaDevAttrComputeCapabilityMajor: *value = p.major; break;
  case cudaDevAttrComputeCapabilityMinor: *value = p.minor; break;
  default: return cudasim_as_error(cudasim_set_last_error(cudaErrorInvalidValue));
  }
  return cudaSuccess;
}
// A block may have 48 KiB of shared memory, up to 227 if asked for (CUDA asks for each kernel, this once for all).
template <class Kernel> CUDASIM_CUDA cudaFuncSetAttribute(Kernel, cudaFuncAttribute what, int value) {
  return cudasim_as_error(what == cudaFuncAttributeMaxDynamicSharedMemorySize ? cudasim_allow_shared(value) : 0);
}

CUDASIM_CUDA cudaStreamCreate(cudaStream_t *s) { *s = reinterpret_cast<cudaStream_t>(new char); return cudaSuccess; }
CUDASIM_CUDA cudaStreamCreateWithFlags(cudaStream_t *s, unsigned) { return cudaStreamCreate(s); }
CUDASIM_CUDA cudaStreamDestroy(cudaStream_t s) { delete reinterpret_cast<char *>(s); return cudaSuccess; }
CUDASIM_CUDA cudaStreamSynchronize(cudaStream_t) { return cudaDeviceSynchronize(); }
CUDASIM_CUDA cudaStreamQuery(cudaStream_t) { return cudaDeviceSynchronize(); }
CUDASIM_CUDA cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned = 0) { return cudaSuccess; }
CUDASIM_CUDA cudaEventCreate(cudaEvent_t *e) { *e = new cudasim_event{-1}; return cudaSuccess; }
CUDASIM_CUDA cudaEventCreateWithFlags(cudaEvent_t *e, unsigned) { return cudaEventCreate(e); }
CUDASIM_CUDA cudaEventDestroy(cudaEvent_t e) { delete e; return cudaSuccess; }
CUDASIM_CUDA cudaEventRecord(cudaEvent_t e, cudaStream_t = nullptr) { e->milliseconds = double(cudasim_clock()) * 1e-6; return cudaSuccess; }
CUDASIM_CUDA cudaEventSynchronize(cudaEvent_t) { return cudaDeviceSynchronize(); }
CUDASIM_CUDA cudaEventQuery(cudaEvent_t) { return cudaDeviceSynchronize(); }
CUDASIM_CUDA cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to) {
  *ms = float(to->milliseconds - from->milliseconds);
  return cudaSuccess;
}
#endif
