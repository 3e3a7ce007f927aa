// reduce_1_divided.cu - the sum of n numbers: each block adds up 256 of them in a tree.
//
// At each level every second of the threads still at work adds its neighbour's number. Those at work are spread over all
// warps, so nearly every warp is divided at every level: half of its lanes, then a quarter, then one of them do something.
#include <cstdint>
#include <cuda_runtime.h>

enum { THREADS = 256 };

__global__ void reduce_divided(int64_t n, const float *a, float *out) {
  __shared__ float s[THREADS];
  const int t = int(threadIdx.x);
  const int64_t i = int64_t(blockIdx.x) * THREADS + t;
  s[t] = i < n ? a[i] : 0;
  __syncthreads();
  for (int apart = 1; apart != THREADS; apart *= 2) {
    if (t % (2 * apart) == 0) s[t] += s[t + apart];
    __syncthreads();
  }
  if (t == 0) atomicAdd(out, s[0]);
}

extern "C" int ncl_reduce_divided(int64_t n, const float *a, float *out) {
  cudaMemset(out, 0, sizeof(float));
  reduce_divided<<<unsigned((n + THREADS - 1) / THREADS), THREADS>>>(n, a, out);
  return int(cudaGetLastError());
}
