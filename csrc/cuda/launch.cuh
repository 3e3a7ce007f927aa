// launch.cuh - what every kernel of ours shares: the plan on the device, element types, the size of a grid.
#pragma once
#include <cuda_runtime.h>
#include <cstdint>

#define ND_API extern "C" __attribute__((visibility("default")))
#include "needle_kernels.h"

namespace nd {
// A plan (needle_kernels.h) with N operands, as a kernel gets it: by value.
template <int N> struct Layout {
  int ndim;
  int64_t size;
  int64_t shape[ND_MAX_NDIM];
  int64_t offset[N];
  int64_t stride[N][ND_MAX_NDIM];

  Layout() : ndim(0), size(1), shape(), offset(), stride() {} // a point; `along` adds dimensions
  explicit Layout(const nd_plan *p) : ndim(p->ndim), size(p->size), shape(), offset(), stride() {
    for (int d = 0; d < ndim; d++) shape[d] = p->shape[d];
    for (int k = 0; k < N; k++) {
      offset[k] = p->offset[k];
      for (int d = 0; d < ndim; d++) stride[k][d] = p->stride[k][d];
    }
  }

  // One more dimension, in front of those before whose steps in operand 0 are smaller: neighbouring threads then write to
  // neighbouring places, whatever the order of the array's axes.
  void along(int64_t extent, const int64_t (&strides)[N]) {
    size *= extent;
    if (extent == 1) return;
    const auto length = [](int64_t stride) { return stride < 0 ? -stride : stride; };
    int d = ndim++;
    for (; d > 0 && length(stride[0][d - 1]) < length(strides[0]); d--) {
      shape[d] = shape[d - 1];
      for (int k = 0; k < N; k++) stride[k][d] = stride[k][d - 1];
    }
    shape[d] = extent;
    for (int k = 0; k < N; k++) stride[k][d] = strides[k];
  }

  // Where point number i, counted row by row, lies in each operand:
  //   i = (i0 shape1 + i1) shape2 + ...   ->   at[k] = offset[k] + i0 stride[k][0] + i1 stride[k][1] + ...
  __device__ void locate(int64_t i, int64_t (&at)[N]) const {
    for (int k = 0; k < N; k++) at[k] = offset[k];
    if (ndim == 0) return;
    for (int d = ndim - 1; d > 0; d--) {
      const int64_t rest = i / shape[d], index = i - rest * shape[d];
      for (int k = 0; k < N; k++) at[k] += index * stride[k][d];
      i = rest;
    }
    for (int k = 0; k < N; k++) at[k] += i * stride[k][0]; // what is left is the index of dimension 0
  }
};

// Elements that are read at once: 16 bytes of floats.
enum { RUN = 4 };
template <class T> struct alignas(16) Four { T x[RUN]; };

// Elementwise kernels walk in steps of the whole grid, so that any grid covers any size:
//   for (int64_t i = first(); i < n; i += step()) ...
enum { THREADS = 256, MOST_BLOCKS = 1 << 16 };
__device__ inline int64_t first() { return int64_t(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline int64_t step() { return int64_t(gridDim.x) * blockDim.x; }
inline unsigned blocks_for(int64_t n) {
  const int64_t wanted = (n + THREADS - 1) / THREADS;
  return unsigned(wanted < MOST_BLOCKS ? wanted : MOST_BLOCKS);
}

// Whether the launch just made is one that CUDA accepts. What happens while it runs shows at the next synchronisation, or
// here, if every call is to wait for its kernel (library.cu).
int launched();

// Memory for the time of a call, from pool.cu. It may be given back while kernels still use it: see there.
struct Scratch {
  void *block;
  explicit Scratch(int64_t nbytes) : block(nd_alloc(nbytes < 1 ? 1 : nbytes)) {}
  ~Scratch() { nd_free(block); }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;
  template <class T> T *as() const { return static_cast<T *>(block); }
  explicit operator bool() const { return block != nullptr; }
};

// Element types, as sets, and a function called with a zero of the type of a code.
enum { F32 = 1 << ND_F32, F64 = 1 << ND_F64, I32 = 1 << ND_I32, I64 = 1 << ND_I64, B8 = 1 << ND_BOOL };
enum { FLOATS = F32 | F64, NUMBERS = FLOATS | I32 | I64, ALL = NUMBERS | B8, BOOLS = B8 };

template <int TYPES, class Function> int with_type(int dtype, Function function) {
  if constexpr ((TYPES & F32) != 0) if (dtype == ND_F32) return function(float());
  if constexpr ((TYPES & F64) != 0) if (dtype == ND_F64) return function(double());
  if constexpr ((TYPES & I32) != 0) if (dtype == ND_I32) return function(int32_t());
  if constexpr ((TYPES & I64) != 0) if (dtype == ND_I64) return function(int64_t());
  if constexpr ((TYPES & B8) != 0) if (dtype == ND_BOOL) return function(uint8_t());
  return ND_EDTYPE;
}

// Integers wrap around: their sums and products are those of unsigned numbers.
template <class T> struct Unsigned { using type = T; };
template <> struct Unsigned<int32_t> { using type = uint32_t; };
template <> struct Unsigned<int64_t> { using type = uint64_t; };
// A number as an element: of bools, whether it is not 0.
template <class T> __host__ __device__ T element(double s) { return sizeof(T) == 1 ? T(s != 0) : static_cast<T>(s); }
template <class T> constexpr bool is_float = false;
template <> constexpr bool is_float<float> = true;
template <> constexpr bool is_float<double> = true;
} // namespace nd
