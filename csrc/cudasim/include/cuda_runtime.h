// cuda_runtime.h - what a .cu file includes (nvcc includes it unasked), for g++ and the simulator.
#ifndef CUDASIM_CUDA_RUNTIME_H
#define CUDASIM_CUDA_RUNTIME_H
#define __CUDACC__ 1
#define __CUDACC_VER_MAJOR__ 12
#define __CUDACC_VER_MINOR__ 8
#define CUDART_VERSION 12080
#define __CUDASIM__ 1
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include "cudasim.h"
#include "cudasim/vector_types.h"
#include "cudasim/device.h"
#include "cudasim/atomics.h"
#include "cudasim/warp.h"
#include "cudasim/math.h"
#include "cudasim/api.h"
#include "cudasim/host.h"
#endif
