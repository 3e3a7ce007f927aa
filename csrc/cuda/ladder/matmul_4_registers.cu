// matmul_4_registers.cu - a tile of out in each thread's registers: a number read from shared memory is used EACH times.
//
// A thread of the rung before reads two numbers from shared memory for one multiply-add, and shared memory cannot bring
// more. Here a thread has EACH x EACH elements of out: 2 EACH numbers are read for EACH^2 multiply-adds. Its elements are
// SIDE apart, so that the lanes of a warp read neighbours: no bank conflicts, and whole sectors when out is written.
#include <cstdint>
#include <cuda_runtime.h>

enum { SIDE = 16, EACH = 4, TILE = SIDE * EACH, DEPTH = 16 };

__global__ void matmul_registers(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  __shared__ float a_tile[TILE][DEPTH], b_tile[DEPTH][TILE];
  const int t = int(threadIdx.x), x = t % SIDE, y = t / SIDE;
  const int64_t row = int64_t(blockIdx.y) * TILE, column = int64_t(blockIdx.x) * TILE;
  float sum[EACH * EACH] = {};
  for (int64_t p = 0; p < k; p += DEPTH) {
    for (int e = t; e < TILE * DEPTH; e += SIDE * SIDE) {
      const int line = e / DEPTH, d = e % DEPTH; // of a: along the depth, which is how a lies in memory
      a_tile[line][d] = row + line < m && p + d < k ? a[(row + line) * k + p + d] : 0;
      const int deep = e / TILE, c = e % TILE; // of b: along its columns
      b_tile[deep][c] = p + deep < k && column + c < n ? b[(p + deep) * n + column + c] : 0;
    }
    __syncthreads(); // the tiles are complete
    for (int d = 0; d != DEPTH; d++) {
      float left[EACH], right[EACH];
      for (int e = 0; e != EACH; e++) {
        left[e] = a_tile[y + e * SIDE][d];
        right[e] = b_tile[d][x + e * SIDE];
      }
      for (int i = 0; i != EACH; i++)
        for (int j = 0; j != EACH; j++) sum[i * EACH + j] += left[i] * right[j];
    }
    __syncthreads(); // and have been read
  }
  for (int i = 0; i != EACH; i++)
    for (int j = 0; j != EACH; j++) {
      const int64_t to_row = row + y + i * SIDE, to_column = column + x + j * SIDE;
      if (to_row < m && to_column < n) out[to_row * n + to_column] = sum[i * EACH + j];
    }
}

extern "C" int ncl_matmul_registers(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  const dim3 grid(unsigned((n + TILE - 1) / TILE), unsigned((m + TILE - 1) / TILE));
  matmul_registers<<<grid, SIDE * SIDE>>>(m, n, k, a, b, out);
  return int(cudaGetLastError());
}
