// reduce_3_sequential.cu - the tree from its other side: the lower half adds the upper half, place by place.
//
// Neighbouring lanes read neighbouring places: no bank conflicts, and whole warps retire. But half of the threads have
// nothing to do from the beginning, and there are eight barriers for 256 numbers.
#include <cstdint>
#include <cuda_runtime.h>

enum { THREADS = 256 };

__global__ void reduce_sequential(int64_t n, const float *a, float *out) {
  __shared__ float s[THREADS];
  const int t = int(threadIdx.x);
  const int64_t i = int64_t(blockIdx.x) * THREADS + t;
  s[t] = i < n ? a[i] : 0;
  __syncthreads();
  for (int half = THREADS / 2; half > 0; half /= 2) {
    if (t < half) s[t] += s[t + half];
    __syncthreads();
  }
  if (t == 0) atomicAdd(out, s[0]);
}

extern "C" int ncl_reduce_sequential(int64_t n, const float *a, float *out) {
  cudaMemset(out, 0, sizeof(float));
  reduce_sequential<<<unsigned((n + THREADS - 1) / THREADS), THREADS>>>(n, a, out);
  return int(cudaGetLastError());
}
