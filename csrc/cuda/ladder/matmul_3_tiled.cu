// matmul_3_tiled.cu - tiles in shared memory: what a block reads from global memory, it reads once and uses TILE times.
//
// A block has a tile of out. It goes along the depth in steps of TILE: its threads bring a tile of a and one of b, an element
// each, wait for each other, and multiply. Global memory is read 2 m n k / TILE times.
#include <cstdint>
#include <cuda_runtime.h>

enum { TILE = 32 };

__global__ void matmul_tiled(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  __shared__ float a_tile[TILE][TILE], b_tile[TILE][TILE];
  const int x = int(threadIdx.x), y = int(threadIdx.y);
  const int64_t j = int64_t(blockIdx.x) * TILE + x, i = int64_t(blockIdx.y) * TILE + y;
  float sum = 0;
  for (int64_t p = 0; p < k; p += TILE) {
    a_tile[y][x] = i < m && p + x < k ? a[i * k + p + x] : 0;
    b_tile[y][x] = p + y < k && j < n ? b[(p + y) * n + j] : 0;
    __syncthreads(); // the tiles are complete
    for (int d = 0; d != TILE; d++) sum += a_tile[y][d] * b_tile[d][x];
    __syncthreads(); // and have been read: the next round may overwrite them
  }
  if (i < m && j < n) out[i * n + j] = sum;
}

extern "C" int ncl_matmul_tiled(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  const dim3 block(TILE, TILE), grid(unsigned((n + TILE - 1) / TILE), unsigned((m + TILE - 1) / TILE));
  matmul_tiled<<<grid, block>>>(m, n, k, a, b, out);
  return int(cudaGetLastError());
}
