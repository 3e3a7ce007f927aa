// matmul.cuh - one matrix product out[i, j] = sum over k of a[i, k] b[k, j], as both of its kernels get it.
#pragma once
#include "launch.cuh"

namespace nd {
// Of one matrix of the batch: extents, and each operand's strides along its rows and columns.
struct Product {
  int64_t m, n, k;
  int64_t out_row, out_column, a_row, a_column, b_row, b_column;
};
using Batch = Layout<3>; // where the matrices of out, a and b begin

// What becomes of each element of a product: it is stored. A compiled graph computes on with it (product.cuh).
struct Store {
  static constexpr bool alone = true;
  template <class T> __device__ void operator()(T *to, T value, int64_t, int64_t) const { *to = value; }
};

// a b + c. On a card floats are rounded once, by the instruction that products are fast with: also in a compiled graph,
// where nvcc is told to round every product by itself. The simulator rounds twice, as its processor does.
template <class T> __device__ inline T multiply_add(T a, T b, T c) {
#ifdef __CUDA_ARCH__
  if constexpr (is_float<T>) return fma(a, b, c);
#endif
  return a * b + c;
}

// matmul_large.cu. Whether the extents fill its tiles, and the launch.
bool is_large(const Product &p);
int matmul_large(const Product &p, const Batch &batch, float *out, const float *a, const float *b);
int matmul_large(const Product &p, const Batch &batch, double *out, const double *a, const double *b);
} // namespace nd
