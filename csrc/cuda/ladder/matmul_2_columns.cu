// matmul_2_columns.cu - x and y change places: neighbouring threads have neighbouring columns.
//
// Now the lanes of a warp read one number of a, which is one sector, and 32 neighbours of b, which are four, whole. Nothing
// else has changed. Still, each of the 2 m n k numbers multiplied is read from global memory: an addition and a
// multiplication for every 8 bytes.
#include <cstdint>
#include <cuda_runtime.h>

__global__ void matmul_columns(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  const int64_t j = int64_t(blockIdx.x) * blockDim.x + threadIdx.x, i = int64_t(blockIdx.y) * blockDim.y + threadIdx.y;
  if (i >= m || j >= n) return;
  float sum = 0;
  for (int64_t p = 0; p < k; p++) sum += a[i * k + p] * b[p * n + j];
  out[i * n + j] = sum;
}

extern "C" int ncl_matmul_columns(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  const dim3 block(32, 8), grid(unsigned((n + 31) / 32), unsigned((m + 7) / 8));
  matmul_columns<<<grid, block>>>(m, n, k, a, b, out);
  return int(cudaGetLastError());
}
