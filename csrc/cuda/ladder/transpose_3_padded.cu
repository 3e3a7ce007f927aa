// transpose_3_padded.cu - one number more in each row of the tile, which nobody reads: that is all.
//
// Now the numbers of a column lie 33 apart, in 32 different banks: one turn a request.
#include <cuda_runtime.h>

enum { TILE = 32, LINES = 8 };

__global__ void transpose_padded(int rows, int columns, const float *a, float *out) {
  __shared__ float tile[TILE][TILE + 1];
  const int tx = int(threadIdx.x), ty = int(threadIdx.y);
  const int x = int(blockIdx.x) * TILE + tx, y = int(blockIdx.y) * TILE + ty;
  for (int k = 0; k != TILE; k += LINES)
    if (x < columns && y + k < rows) tile[ty + k][tx] = a[size_t(y + k) * size_t(columns) + size_t(x)];
  __syncthreads(); // the tile is complete
  const int to_x = int(blockIdx.y) * TILE + tx, to_y = int(blockIdx.x) * TILE + ty; // in out, which has `rows` columns
  for (int k = 0; k != TILE; k += LINES)
    if (to_x < rows && to_y + k < columns) out[size_t(to_y + k) * size_t(rows) + size_t(to_x)] = tile[tx][ty + k];
}

extern "C" int ncl_transpose_padded(int rows, int columns, const float *a, float *out) {
  const dim3 grid(unsigned((columns + TILE - 1) / TILE), unsigned((rows + TILE - 1) / TILE));
  transpose_padded<<<grid, dim3(TILE, LINES)>>>(rows, columns, a, out);
  return int(cudaGetLastError());
}
