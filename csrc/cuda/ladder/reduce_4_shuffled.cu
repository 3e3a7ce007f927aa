// reduce_4_shuffled.cu - each thread adds up many numbers first, and the lanes of a warp hand theirs over in registers.
//
// A grid of fixed size walks over all numbers, so the tree at the end is small beside the reading, which is all that is
// left to wait for. Within a warp a shuffle takes a number out of another lane's register: no shared memory, no barrier.
#include <cstdint>
#include <cuda_runtime.h>

enum { THREADS = 256, WARPS = THREADS / 32, MOST_BLOCKS = 1024 };

__device__ inline float sum_of_warp(float x) {
  for (int half = 16; half > 0; half /= 2) x += __shfl_down_sync(0xffffffffu, x, half);
  return x; // of all lanes, in lane 0
}

__global__ void reduce_shuffled(int64_t n, const float *a, float *out) {
  __shared__ float of_warps[WARPS];
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  float sum = 0;
  for (int64_t i = int64_t(blockIdx.x) * THREADS + threadIdx.x; i < n; i += int64_t(gridDim.x) * THREADS) sum += a[i];
  sum = sum_of_warp(sum);
  if (lane == 0) of_warps[warp] = sum;
  __syncthreads();
  if (warp == 0) {
    sum = sum_of_warp(lane < WARPS ? of_warps[lane] : 0);
    if (lane == 0) atomicAdd(out, sum);
  }
}

extern "C" int ncl_reduce_shuffled(int64_t n, const float *a, float *out) {
  cudaMemset(out, 0, sizeof(float));
  const int64_t blocks = (n + 16 * THREADS - 1) / (16 * THREADS); // some 16 numbers a thread
  reduce_shuffled<<<unsigned(blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS), THREADS>>>(n, a, out);
  return int(cudaGetLastError());
}
