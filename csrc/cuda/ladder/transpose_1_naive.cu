// transpose_1_naive.cu - out[j][i] = a[i][j]: a thread an element.
//
// a: rows x columns, float32, compact. A warp reads 32 neighbours, four whole sectors, and writes 32 numbers that lie
// `rows` apart: 32 sectors, of each of which an eighth is used.
#include <cuda_runtime.h>

enum { TILE = 32, LINES = 8 }; // a block of 32 x 8 threads has a tile of 32 x 32 elements

__global__ void transpose_naive(int rows, int columns, const float *a, float *out) {
  const int x = int(blockIdx.x) * TILE + int(threadIdx.x), y = int(blockIdx.y) * TILE + int(threadIdx.y);
  for (int k = 0; k != TILE; k += LINES)
    if (x < columns && y + k < rows)
      out[size_t(x) * size_t(rows) + size_t(y + k)] = a[size_t(y + k) * size_t(columns) + size_t(x)];
}

extern "C" int ncl_transpose_naive(int rows, int columns, const float *a, float *out) {
  const dim3 grid(unsigned((columns + TILE - 1) / TILE), unsigned((rows + TILE - 1) / TILE));
  transpose_naive<<<grid, dim3(TILE, LINES)>>>(rows, columns, a, out);
  return int(cudaGetLastError());
}
