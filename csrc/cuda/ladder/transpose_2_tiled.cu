// transpose_2_tiled.cu - through a tile of shared memory: rows are read, and rows are written.
//
// The tile is turned over where that costs little: in shared memory any order is as fast as any other, but for one thing.
// Its rows are 32 numbers long, and there are 32 banks, so the numbers of a column lie all in one bank: 32 turns a request.
#include <cuda_runtime.h>

enum { TILE = 32, LINES = 8 };

__global__ void transpose_tiled(int rows, int columns, const float *a, float *out) {
  __shared__ float tile[TILE][TILE];
  const int tx = int(threadIdx.x), ty = int(threadIdx.y);
  const int x = int(blockIdx.x) * TILE + tx, y = int(blockIdx.y) * TILE + ty;
  for (int k = 0; k != TILE; k += LINES)
    if (x < columns && y + k < rows) tile[ty + k][tx] = a[size_t(y + k) * size_t(columns) + size_t(x)];
  __syncthreads(); // the tile is complete
  const int to_x = int(blockIdx.y) * TILE + tx, to_y = int(blockIdx.x) * TILE + ty; // in out, which has `rows` columns
  for (int k = 0; k != TILE; k += LINES)
    if (to_x < rows && to_y + k < columns) out[size_t(to_y + k) * size_t(rows) + size_t(to_x)] = tile[tx][ty + k];
}

extern "C" int ncl_transpose_tiled(int rows, int columns, const float *a, float *out) {
  const dim3 grid(unsigned((columns + TILE - 1) / TILE), unsigned((rows + TILE - 1) / TILE));
  transpose_tiled<<<grid, dim3(TILE, LINES)>>>(rows, columns, a, out);
  return int(cudaGetLastError());
}
