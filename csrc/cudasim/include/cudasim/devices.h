// devices.h - which card this is: one of compute capability 9.0, as far as it is asked. A part of api.h.
#ifndef CUDASIM_DEVICES_H
#define CUDASIM_DEVICES_H

enum cudaDeviceAttr {
  cudaDevAttrMaxThreadsPerBlock = 1,
  cudaDevAttrMaxBlockDimX = 2,
  cudaDevAttrMaxBlockDimY = 3,
  cudaDevAttrMaxBlockDimZ = 4,
  cudaDevAttrMaxGridDimX = 5,
  cudaDevAttrMaxGridDimY = 6,
  cudaDevAttrMaxGridDimZ = 7,
  cudaDevAttrMaxSharedMemoryPerBlock = 8,
  cudaDevAttrWarpSize = 10,
  cudaDevAttrMaxRegistersPerBlock = 12,
  cudaDevAttrClockRate = 13,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrMemoryClockRate = 36,
  cudaDevAttrGlobalMemoryBusWidth = 37,
  cudaDevAttrL2CacheSize = 38,
  cudaDevAttrMaxThreadsPerMultiProcessor = 39,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
  cudaDevAttrManagedMemory = 83,
  cudaDevAttrConcurrentManagedAccess = 89,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
};
struct cudaDeviceProp {
  char name[256];
  size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin, sharedMemPerMultiprocessor, totalConstMem;
  int regsPerBlock, warpSize, maxThreadsPerBlock, maxThreadsDim[3], maxGridSize[3], multiProcessorCount;
  int maxThreadsPerMultiProcessor, major, minor;
  // what the simulator does not model is 0
  int regsPerMultiprocessor, l2CacheSize, clockRate, memoryClockRate, memoryBusWidth, concurrentKernels, asyncEngineCount;
  int integrated, canMapHostMemory, unifiedAddressing, managedMemory, concurrentManagedAccess, ECCEnabled, pciBusID, pciDeviceID;
};
enum cudaFuncCache { cudaFuncCachePreferNone, cudaFuncCachePreferShared, cudaFuncCachePreferL1, cudaFuncCachePreferEqual };
enum cudaSharedMemConfig { cudaSharedMemBankSizeDefault, cudaSharedMemBankSizeFourByte, cudaSharedMemBankSizeEightByte };
enum cudaLimit { cudaLimitStackSize, cudaLimitPrintfFifoSize, cudaLimitMallocHeapSize };
enum { cudaDeviceScheduleAuto = 0, cudaDeviceScheduleSpin = 1, cudaDeviceScheduleYield = 2, cudaDeviceScheduleBlockingSync = 4 };

CUDASIM_CUDA cudaGetDeviceCount(int *n) { *n = 1; return cudaSuccess; }
CUDASIM_CUDA cudaGetDevice(int *device) { *device = 0; return cudaSuccess; }
CUDASIM_CUDA cudaSetDevice(int device) { return device ? cudasim_as_error(cudasim_set_last_error(cudaErrorInvalidDevice)) : cudaSuccess; }
CUDASIM_CUDA cudaSetDeviceFlags(unsigned) { return cudaSuccess; }
CUDASIM_CUDA cudaDeviceSetLimit(cudaLimit, size_t) { return cudaSuccess; }
CUDASIM_CUDA cudaDeviceGetLimit(size_t *value, cudaLimit) { *value = 0; return cudaSuccess; } // none is kept
CUDASIM_CUDA cudaGetDeviceFlags(unsigned *flags) { *flags = cudaDeviceScheduleAuto; return cudaSuccess; }
CUDASIM_CUDA cudaDeviceCanAccessPeer(int *can, int, int) { *can = 0; return cudaSuccess; } // there is one card
CUDASIM_CUDA cudaDeviceSetCacheConfig(cudaFuncCache) { return cudaSuccess; }
CUDASIM_CUDA cudaDeviceSetSharedMemConfig(cudaSharedMemConfig) { return cudaSuccess; } // banks of 4 bytes, as all cards have since 2014
template <class Kernel> CUDASIM_CUDA cudaFuncSetCacheConfig(Kernel, cudaFuncCache) { return cudaSuccess; }
CUDASIM_CUDA cudaRuntimeGetVersion(int *version) { *version = CUDART_VERSION; return cudaSuccess; }
CUDASIM_CUDA cudaDriverGetVersion(int *version) { *version = CUDART_VERSION; return cudaSuccess; }
CUDASIM_CUDA cudaGetDeviceProperties(cudaDeviceProp *p, int device) {
  if (device) return cudasim_as_error(cudasim_set_last_error(cudaErrorInvalidDevice));
  *p = cudaDeviceProp{"needle_edu CUDA simulator", 0, 48 << 10, 227 << 10, 228 << 10, 64 << 10, 65536, 32, 1024, {1024, 1024, 64},
                      {INT_MAX, 65535, 65535}, 1, 2048, 9, 0, 65536, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
  size_t left;
  return cudaMemGetInfo(&left, &p->totalGlobalMem);
}
CUDASIM_CUDA cudaDeviceGetAttribute(int *value, cudaDeviceAttr what, int device) {
  cudaDeviceProp p;
  const cudaError_t error = cudaGetDeviceProperties(&p, device);
  if (error) return error;
  switch (what) {
  case cudaDevAttrMaxThreadsPerBlock: *value = p.maxThreadsPerBlock; break;
  case cudaDevAttrMaxBlockDimX:
  case cudaDevAttrMaxBlockDimY:
  case cudaDevAttrMaxBlockDimZ: *value = p.maxThreadsDim[what - cudaDevAttrMaxBlockDimX]; break;
  case cudaDevAttrMaxGridDimX:
  case cudaDevAttrMaxGridDimY:
  case cudaDevAttrMaxGridDimZ: *value = p.maxGridSize[what - cudaDevAttrMaxGridDimX]; break;
  case cudaDevAttrMaxSharedMemoryPerBlock: *value = int(p.sharedMemPerBlock); break;
  case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = int(p.sharedMemPerBlockOptin); break;
  case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = int(p.sharedMemPerMultiprocessor); break;
  case cudaDevAttrWarpSize: *value = p.warpSize; break;
  case cudaDevAttrMaxRegistersPerBlock: *value = p.regsPerBlock; break;
  case cudaDevAttrManagedMemory: *value = p.managedMemory; break;
  case cudaDevAttrConcurrentManagedAccess: *value = p.concurrentManagedAccess; break;
  case cudaDevAttrClockRate:
  case cudaDevAttrMemoryClockRate:
  case cudaDevAttrGlobalMemoryBusWidth:
  case cudaDevAttrL2CacheSize: *value = 0; break; // not modelled
  case cudaDevAttrMultiProcessorCount: *value = p.multiProcessorCount; break;
  case cudaDevAttrMaxThreadsPerMultiProcessor: *value = p.maxThreadsPerMultiProcessor; break;
  case cudaDevAttrComputeCapabilityMajor: *value = p.major; break;
  case cudaDevAttrComputeCapabilityMinor: *value = p.minor; break;
  default: return cudasim_as_error(cudasim_set_last_error(cudaErrorInvalidValue));
  }
  return cudaSuccess;
}

// Occupancy by threads alone: what a kernel needs of registers, g++ does not know.
template <class Kernel> CUDASIM_CUDA cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, Kernel, int threads, size_t) {
  return *blocks = threads > 0 && threads <= 1024 ? 2048 / threads : 0, cudaSuccess;
}
template <class Kernel> CUDASIM_CUDA cudaOccupancyMaxPotentialBlockSize(int *grid, int *block, Kernel, size_t = 0, int limit = 0) {
  *block = limit > 0 && limit < 1024 ? limit : 1024;
  return *grid = 2048 / *block, cudaSuccess;
}
#endif
