// matmul_1_rows.cu - a thread an element of out, the neighbouring thread the element below: right, and slow.
//
//     out[i][j] = sum over p of a[i][p] b[p][j]          a: m x k, b: k x n, out: m x n, float32, compact, row by row
//
// The 32 lanes of a warp have 32 rows i and one column j. At each step they read 32 numbers of a that lie k apart, which
// are 32 sectors of 32 bytes for 4 bytes each, and they write out the same way.
#include <cstdint>
#include <cuda_runtime.h>

__global__ void matmul_rows(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x, j = int64_t(blockIdx.y) * blockDim.y + threadIdx.y;
  if (i >= m || j >= n) return;
  float sum = 0;
  for (int64_t p = 0; p < k; p++) sum += a[i * k + p] * b[p * n + j];
  out[i * n + j] = sum;
}

extern "C" int ncl_matmul_rows(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  const dim3 block(32, 8), grid(unsigned((m + 31) / 32), unsigned((n + 7) / 8));
  matmul_rows<<<grid, block>>>(m, n, k, a, b, out);
  return int(cudaGetLastError());
}
