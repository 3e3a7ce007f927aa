// reduce_2_strided.cu - the same tree, but the first threads do the work: whole warps are at work or have nothing to do.
//
// Now thread t adds what lies 2 apart t: lanes of a warp meet in the same banks of shared memory, two at first, then four,
// up to sixteen of them, and wait for each other.
#include <cstdint>
#include <cuda_runtime.h>

enum { THREADS = 256 };

__global__ void reduce_strided(int64_t n, const float *a, float *out) {
  __shared__ float s[THREADS];
  const int t = int(threadIdx.x);
  const int64_t i = int64_t(blockIdx.x) * THREADS + t;
  s[t] = i < n ? a[i] : 0;
  __syncthreads();
  for (int apart = 1; apart != THREADS; apart *= 2) {
    const int at = 2 * apart * t;
    if (at < THREADS) s[at] += s[at + apart];
    __syncthreads();
  }
  if (t == 0) atomicAdd(out, s[0]);
}

extern "C" int ncl_reduce_strided(int64_t n, const float *a, float *out) {
  cudaMemset(out, 0, sizeof(float));
  reduce_strided<<<unsigned((n + THREADS - 1) / THREADS), THREADS>>>(n, a, out);
  return int(cudaGetLastError());
}
