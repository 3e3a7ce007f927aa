// cuda_profiler_api.h - begin and end of what a profiler is to look at: here that is `cuda_profile()`, in Python.
#pragma once
#include "cuda_runtime.h"
CUDASIM_CUDA cudaProfilerStart() { return cudaSuccess; }
CUDASIM_CUDA cudaProfilerStop() { return cudaSuccess; }
