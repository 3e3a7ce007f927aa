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
  cudaErrorInitializationError = 3,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInvalidPitchValue = 12,
  cudaErrorInvalidSymbol = 13,
  cudaErrorInvalidDevicePointer = 17,
  cudaErrorInvalidMemcpyDirection = 21,
  cudaErrorInsufficientDriver = 35,
  cudaErrorInvalidDeviceFunction = 98,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchOutOfResources = 701,
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
#define cudaStreamLegacy (reinterpret_cast<cudaStream_t>(1))
#define cudaStreamPerThread (reinterpret_cast<cudaStream_t>(2))
typedef struct cudasim_event { double milliseconds; } *cudaEvent_t;
enum { cudaStreamDefault = 0, cudaStreamNonBlocking = 1, cudaEventDefault = 0, cudaEventBlockingSync = 1, cudaEventDisableTiming = 2 };
enum { cudaHostAllocDefault = 0, cudaHostAllocPortable = 1, cudaHostAllocMapped = 2, cudaHostAllocWriteCombined = 4, cudaHostRegisterDefault = 0 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8, cudaFuncAttributePreferredSharedMemoryCarveout = 9 };
#define CUDASIM_CUDA __attribute__((unused)) CUDASIM_INLINE cudaError_t
CUDASIM_CUDA cudasim_as_error(int code) { return static_cast<cudaError_t>(code); }
CUDASIM_CUDA cudaMalloc(void **p, size_t bytes) { return cudasim_as_error(cudasim_malloc(p, bytes)); }
template <class T> CUDASIM_CUDA cudaMalloc(T **p, size_t bytes) { return cudaMalloc(reinterpret_cast<void **>(p), bytes); }
enum { cudaMemAttachGlobal = 1, cudaMemAttachHost = 2, cudaCpuDeviceId = -1 };
CUDASIM_CUDA cudaMallocManaged(void **p, size_t bytes, unsigned = cudaMemAttachGlobal) {
  return cudasim_as_error(cudasim_malloc_managed(p, bytes));
}
template <class T> CUDASIM_CUDA cudaMallocManaged(T **p, size_t bytes, unsigned flags = cudaMemAttachGlobal) {
  return cudaMallocManaged(reinterpret_cast<void **>(p), bytes, flags);
}
// Where managed memory should lie: here there is one place only.
enum cudaMemoryAdvise {
  cudaMemAdviseSetReadMostly = 1,
  cudaMemAdviseUnsetReadMostly = 2,
  cudaMemAdviseSetPreferredLocation = 3,
  cudaMemAdviseUnsetPreferredLocation = 4,
  cudaMemAdviseSetAccessedBy = 5,
  cudaMemAdviseUnsetAccessedBy = 6
};
CUDASIM_CUDA cudaMemPrefetchAsync(const void *, size_t, int, cudaStream_t = nullptr) { return cudaSuccess; }
CUDASIM_CUDA cudaMemAdvise(const void *, size_t, cudaMemoryAdvise, int) { return cudaSuccess; }
CUDASIM_CUDA cudaFree(void *p) { return cudasim_as_error(cudasim_free(p)); }
CUDASIM_CUDA cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
  return cudasim_as_error(cudasim_memcpy(to, from, bytes, kind));
}
CUDASIM_CUDA cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t = nullptr) {
  return cudaMemcpy(to, from, bytes, kind);
}
CUDASIM_CUDA cudaMemset(void *to, int value, size_t bytes) { return cudasim_as_error(cudasim_memset(to, value, bytes)); }
CUDASIM_CUDA cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t = nullptr) { return cudaMemset(to, value, bytes); }
template <class T> CUDASIM_CUDA cudaMallocAsync(T **p, size_t bytes, cudaStream_t) { return cudaMalloc(p, bytes); }
CUDASIM_CUDA cudaFreeAsync(void *p, cudaStream_t) { return cudaFree(p); }
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
template <class T>
CUDASIM_CUDA cudaMemcpyToSymbolAsync(T &symbol, const void *from, size_t bytes, size_t at, cudaMemcpyKind kind, cudaStream_t = nullptr) {
  return cudaMemcpyToSymbol(symbol, from, bytes, at, kind);
}
template <class T>
CUDASIM_CUDA cudaMemcpyFromSymbolAsync(void *to, const T &symbol, size_t bytes, size_t at, cudaMemcpyKind kind, cudaStream_t = nullptr) {
  return cudaMemcpyFromSymbol(to, symbol, bytes, at, kind);
}
template <class T> CUDASIM_CUDA cudaGetSymbolSize(size_t *bytes, const T &) { return *bytes = sizeof(T), cudaSuccess; }
template <class T> CUDASIM_CUDA cudaGetSymbolAddress(void **p, T &symbol) { return *p = (void *)&symbol, cudaSuccess; }
CUDASIM_CUDA cudaMallocHost(void **p, size_t bytes) { return (*p = malloc(bytes ? bytes : 1)) ? cudaSuccess : cudaErrorMemoryAllocation; }
template <class T> CUDASIM_CUDA cudaMallocHost(T **p, size_t bytes) { return cudaMallocHost(reinterpret_cast<void **>(p), bytes); }
CUDASIM_CUDA cudaHostAlloc(void **p, size_t bytes, unsigned) { return cudaMallocHost(p, bytes); }
template <class T> CUDASIM_CUDA cudaHostAlloc(T **p, size_t bytes, unsigned) { return cudaMallocHost(p, bytes); }
CUDASIM_CUDA cudaFreeHost(void *p) { free(p); return cudaSuccess; }
CUDASIM_CUDA cudaHostRegister(void *, size_t, unsigned) { return cudaSuccess; }
CUDASIM_CUDA cudaHostUnregister(void *) { return cudaSuccess; }

// Rows of `width` bytes, `pitch` bytes apart: the device's rows begin at multiples of 512 bytes.
CUDASIM_CUDA cudaMallocPitch(void **p, size_t *pitch, size_t width, size_t height) { return *pitch = (width + 511) / 512 * 512, cudaMalloc(p, *pitch * height); }
template <class T> CUDASIM_CUDA cudaMallocPitch(T **p, size_t *pitch, size_t width, size_t height) {
  return cudaMallocPitch(reinterpret_cast<void **>(p), pitch, width, height);
}
CUDASIM_CUDA cudaMemcpy2D(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height, cudaMemcpyKind kind) {
  if (width > to_pitch || width > from_pitch) return cudasim_as_error(cudasim_set_last_error(cudaErrorInvalidPitchValue));
  cudaError_t error = cudaSuccess;
  for (size_t row = 0; row < height && !error; row++)
    error = cudaMemcpy(static_cast<char *>(to) + row * to_pitch, static_cast<const char *>(from) + row * from_pitch, width, kind);
  return error;
}
CUDASIM_CUDA cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                               cudaMemcpyKind kind, cudaStream_t = nullptr) {
  return cudaMemcpy2D(to, to_pitch, from, from_pitch, width, height, kind);
}
CUDASIM_CUDA cudaMemset2D(void *to, size_t pitch, int value, size_t width, size_t height) {
  if (width > pitch) return cudasim_as_error(cudasim_set_last_error(cudaErrorInvalidPitchValue));
  cudaError_t error = cudaSuccess;
  for (size_t row = 0; row < height && !error; row++) error = cudaMemset(static_cast<char *>(to) + row * pitch, value, width);
  return error;
}
CUDASIM_CUDA cudaMemset2DAsync(void *to, size_t pitch, int value, size_t width, size_t height, cudaStream_t = nullptr) {
  return cudaMemset2D(to, pitch, value, width, height);
}

CUDASIM_CUDA cudaGetLastError() { return cudasim_as_error(cudasim_get_last_error()); }
CUDASIM_CUDA cudaPeekAtLastError() { return cudasim_as_error(cudasim_peek_last_error()); }
__attribute__((unused)) CUDASIM_INLINE const char *cudaGetErrorString(cudaError_t e) { return cudasim_error_text(e); }
__attribute__((unused)) CUDASIM_INLINE const char *cudaGetErrorName(cudaError_t e) { return cudasim_error_name(e); }
CUDASIM_CUDA cudaDeviceSynchronize() { return cudasim_as_error(cudasim_synchronize()); }
CUDASIM_CUDA cudaThreadSynchronize() { return cudaDeviceSynchronize(); } // its name before CUDA 4
CUDASIM_CUDA cudaDeviceReset() { return cudasim_as_error(cudasim_device_reset()); }
#include "devices.h"

// A block may have 48 KiB of dynamic shared memory, up to 227 if that is asked for this kernel.
template <class Kernel> CUDASIM_CUDA cudaFuncSetAttribute(Kernel *kernel, cudaFuncAttribute what, int value) {
  if (what != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  return cudasim_as_error(cudasim_allow_shared(reinterpret_cast<const void *>(kernel), value));
}

// What is asked about a kernel or a pointer. Registers g++ does not know.
struct cudaFuncAttributes {
  size_t sharedSizeBytes, constSizeBytes, localSizeBytes;
  int maxThreadsPerBlock, numRegs, ptxVersion, binaryVersion, maxDynamicSharedSizeBytes;
};
template <class Kernel> CUDASIM_CUDA cudaFuncGetAttributes(cudaFuncAttributes *a, Kernel *kernel) {
  *a = {0, 0, 0, 1024, 0, 90, 90, int(cudasim_allowed_shared(reinterpret_cast<const void *>(kernel)))};
  return cudaSuccess;
}
enum cudaMemoryType { cudaMemoryTypeUnregistered = 0, cudaMemoryTypeHost = 1, cudaMemoryTypeDevice = 2, cudaMemoryTypeManaged = 3 };
struct cudaPointerAttributes {
  cudaMemoryType type;
  int device;
  void *devicePointer, *hostPointer;
};
CUDASIM_CUDA cudaPointerGetAttributes(cudaPointerAttributes *a, const void *p) {
  const int type = cudasim_memory_type(p);
  void *const address = const_cast<void *>(p);
  *a = {static_cast<cudaMemoryType>(type), type ? 0 : -1, type ? address : nullptr, type == cudaMemoryTypeManaged ? address : nullptr};
  return cudaSuccess;
}

CUDASIM_CUDA cudaStreamCreate(cudaStream_t *s) { *s = reinterpret_cast<cudaStream_t>(new char); return cudaSuccess; }
CUDASIM_CUDA cudaStreamCreateWithFlags(cudaStream_t *s, unsigned) { return cudaStreamCreate(s); }
CUDASIM_CUDA cudaStreamCreateWithPriority(cudaStream_t *s, unsigned, int) { return cudaStreamCreate(s); }
CUDASIM_CUDA cudaStreamDestroy(cudaStream_t s) { delete reinterpret_cast<char *>(s); return cudaSuccess; }
CUDASIM_CUDA cudaStreamSynchronize(cudaStream_t) { return cudaDeviceSynchronize(); }
CUDASIM_CUDA cudaStreamQuery(cudaStream_t) { return cudaDeviceSynchronize(); }
CUDASIM_CUDA cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned = 0) { return cudaSuccess; }
typedef void (*cudaHostFn_t)(void *);
CUDASIM_CUDA cudaLaunchHostFunc(cudaStream_t, cudaHostFn_t function, void *data) { return function(data), cudaSuccess; }
typedef void (*cudaStreamCallback_t)(cudaStream_t, cudaError_t, void *);
CUDASIM_CUDA cudaStreamAddCallback(cudaStream_t s, cudaStreamCallback_t function, void *data, unsigned) {
  return function(s, cudaSuccess, data), cudaSuccess;
}
CUDASIM_CUDA cudaStreamAttachMemAsync(cudaStream_t, void *, size_t = 0, unsigned = 0) { return cudaSuccess; }
CUDASIM_CUDA cudaDeviceGetStreamPriorityRange(int *least, int *greatest) { return *least = *greatest = 0, cudaSuccess; }
CUDASIM_CUDA cudaEventCreate(cudaEvent_t *e) { *e = new cudasim_event{-1}; return cudaSuccess; }
CUDASIM_CUDA cudaEventCreateWithFlags(cudaEvent_t *e, unsigned) { return cudaEventCreate(e); }
CUDASIM_CUDA cudaEventDestroy(cudaEvent_t e) { delete e; return cudaSuccess; }
CUDASIM_CUDA cudaEventRecord(cudaEvent_t e, cudaStream_t = nullptr) { e->milliseconds = double(cudasim_clock()) * 1e-6; return cudaSuccess; }
CUDASIM_CUDA cudaEventRecordWithFlags(cudaEvent_t e, cudaStream_t s = nullptr, unsigned = 0) { return cudaEventRecord(e, s); }
CUDASIM_CUDA cudaEventSynchronize(cudaEvent_t) { return cudaDeviceSynchronize(); }
CUDASIM_CUDA cudaEventQuery(cudaEvent_t) { return cudaDeviceSynchronize(); }
CUDASIM_CUDA cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to) {
  *ms = float(to->milliseconds - from->milliseconds);
  return cudaSuccess;
}
#endif
