// warps.cu - what the lanes of a warp do together. nvcc compiles it, too.
#include <cuda_runtime.h>

__global__ void shuffles(int *out) { // five rows of 32
  const int lane = int(threadIdx.x), v = lane * 10;
  out[lane] = __shfl_sync(0xffffffffu, v, 5);
  out[32 + lane] = __shfl_up_sync(0xffffffffu, v, 3);
  out[64 + lane] = __shfl_down_sync(0xffffffffu, v, 3, 8);
  out[96 + lane] = __shfl_xor_sync(0xffffffffu, v, 1);
  out[128 + lane] = __shfl_sync(0xffffffffu, v, 2, 16);
}
extern "C" int run_shuffles(int *out) {
  shuffles<<<1, 32>>>(out);
  return int(cudaGetLastError());
}

__global__ void collective(const int *a, int *out) { // six rows of 32
  const unsigned all = 0xffffffffu;
  const int lane = int(threadIdx.x), v = a[lane];
  out[lane] = int(__ballot_sync(all, v > 2));
  out[32 + lane] = __any_sync(all, v > 2) * 2 + __all_sync(all, v > 2);
  int same;
  out[64 + lane] = int(__match_all_sync(all, v, &same));
  out[96 + lane] = same;
  int sum = v;
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(all, sum, offset);
  out[128 + lane] = sum;
  out[160 + lane] = int(__match_any_sync(all, v));
}
extern "C" int run_collective(const int *a, int *out) {
  collective<<<1, 32>>>(a, out);
  return int(cudaGetLastError());
}

__global__ void divided(double *out) { // each half of the warp by itself, and a lane that has left
  const int lane = int(threadIdx.x);
  double v = lane;
  if (lane < 16) {
    for (int offset = 8; offset > 0; offset /= 2) v += __shfl_down_sync(0x0000ffffu, v, unsigned(offset), 16);
  } else {
    if (lane == 31) return;
    v = __shfl_sync(0x7fff0000u, v, 16) + double(__activemask());
  }
  __syncwarp(0x7fffffffu);
  out[lane] = v;
}
extern "C" int run_divided(double *out) {
  divided<<<1, 32>>>(out);
  return int(cudaGetLastError());
}

__global__ void long_sum(const float *a, float *out, int n) { // several warps: shuffles, then shared memory
  __shared__ float partial[32];
  const int t = int(threadIdx.x);
  float v = 0.0f;
  for (int i = t; i < n; i += int(blockDim.x)) v += a[i];
  for (int offset = 16; offset > 0; offset /= 2) v += __shfl_down_sync(0xffffffffu, v, unsigned(offset));
  if (t % 32 == 0) partial[t / 32] = v;
  __syncthreads();
  if (t >= 32) return;
  v = t < int(blockDim.x) / 32 ? partial[t] : 0.0f;
  for (int offset = 16; offset > 0; offset /= 2) v += __shfl_down_sync(0xffffffffu, v, unsigned(offset));
  if (t == 0) *out = v;
}
extern "C" int run_long_sum(const float *a, float *out, int n, int threads) {
  long_sum<<<1, threads>>>(a, out, n);
  return int(cudaGetLastError());
}
