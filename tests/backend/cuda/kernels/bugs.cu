// bugs.cu - the classic mistakes, one a kernel. Each compiles with nvcc, and the checker finds each. `fixed` takes the
// mistake out of the same kernel: then the checker is silent.
#include <cuda_runtime.h>

__global__ void missing_barrier(int *out, const int *a, int fixed) {
  __shared__ int s[64];
  const int t = int(threadIdx.x);
  s[t] = a[t];
  if (fixed) __syncthreads();
  out[t] = s[63 - t];
}
__global__ void barrier_too_early(int *out, const int *a, int fixed) { // a second round overwrites what is still read
  __shared__ int s[64];
  const int t = int(threadIdx.x);
  int sum = 0;
  for (int round = 0; round < 2; round++) {
    s[t] = a[t] + round;
    __syncthreads();
    sum += s[63 - t];
    if (fixed) __syncthreads();
  }
  out[t] = sum;
}
__global__ void lost_updates(int *out, const int *a, int fixed) {
  if (fixed) atomicAdd(out, a[threadIdx.x]);
  else *out += a[threadIdx.x];
}
__global__ void blocks_race(int *out, const int *a, int fixed) { // every block writes the same 64 elements
  const int t = int(threadIdx.x);
  out[fixed ? int(blockIdx.x) * 64 + t : t] = a[t] + int(blockIdx.x);
}
__global__ void no_fence(int *out, const int *a, int fixed) { // the last block adds up; without the fence too soon
  __shared__ bool last;
  int *partial = out + 1;
  unsigned *count = reinterpret_cast<unsigned *>(out + 100);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = a[blockIdx.x];
    if (fixed) __threadfence();
    last = atomicAdd(count, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    int sum = 0;
    for (unsigned i = 0; i < gridDim.x; i++) sum += partial[i];
    *out = sum;
  }
}
__global__ void warp_without_sync(int *out, const int *a, int fixed) { // believes that a warp runs in step
  __shared__ int s[64];
  const int t = int(threadIdx.x);
  s[t] = a[t];
  __syncthreads();
  if (t >= 32) return;
  int v = s[t];
  for (int half = 32; half > 0; half /= 2) {
    v += s[t + half];
    if (fixed) __syncwarp();
    s[t] = v;
    if (fixed) __syncwarp();
  }
  if (t == 0) *out = v;
}
__global__ void one_too_many(int *out, const int *a, int fixed) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (fixed ? i < 128 : i <= 128) out[i] = a[i % 64];
}
__global__ void shared_too_small(int *out, const int *a, int fixed) {
  __shared__ int s[64];
  const int t = int(threadIdx.x);
  s[t] = a[t];
  __syncthreads();
  out[t] = s[fixed ? (t + 1) % 64 : t + 1];
}
__global__ void dynamic_too_small(int *out, const int *a, int fixed) {
  extern __shared__ int d[];
  d[threadIdx.x] = a[threadIdx.x];
  if (!fixed && threadIdx.x == 0) d[64] = 1;
  out[threadIdx.x] = d[threadIdx.x];
}
__global__ void before_the_beginning(int *out, const int *a, int fixed) {
  const int t = int(threadIdx.x);
  out[t] = a[fixed && t == 0 ? 0 : t - 1];
}
__global__ void odd_address(int *out, const int *a, int fixed) {
  if (threadIdx.x == 0) *reinterpret_cast<int2 *>(out) = *reinterpret_cast<const int2 *>(a + (fixed ? 2 : 1));
}
__global__ void through_pointer(int *out, const int *a, int) { out[threadIdx.x] = a[threadIdx.x]; }
__global__ void half_written(int *out, const int *a, int fixed) {
  __shared__ int s[64];
  const int t = int(threadIdx.x);
  if (fixed || t < 32) s[t] = a[t];
  __syncthreads();
  out[t] = s[t];
}
__global__ void never_written(int *out, const int *a, int fixed) {
  int *scratch = out + 64;
  if (fixed) scratch[threadIdx.x] = a[threadIdx.x];
  out[threadIdx.x] = scratch[threadIdx.x];
}
__global__ void barrier_in_branch(int *out, const int *a, int fixed) {
  const int t = int(threadIdx.x);
  if (fixed) __syncthreads();
  else if (t < 32) __syncthreads();
  else __syncthreads();
  out[t] = a[t];
}
__global__ void barrier_after_return(int *out, const int *a, int fixed) {
  const int t = int(threadIdx.x);
  if (!fixed && t >= 48) return;
  __syncthreads();
  out[t] = a[t];
}
__global__ void not_in_mask(int *out, const int *a, int fixed) {
  const int v = a[threadIdx.x];
  out[threadIdx.x] = __shfl_xor_sync(fixed ? 0xffffffffu : 0xfffffff0u, v, 1);
}
__global__ void from_nobody(int *out, const int *a, int fixed) { // the upper half has returned
  const int t = int(threadIdx.x);
  if (t % 32 >= 16) return;
  out[t] = __shfl_down_sync(0x0000ffffu, a[t], 8, fixed ? 16 : 32);
}
__global__ void never_come(int *out, const int *a, int fixed) { // half of a warp waits for the other half
  const int t = int(threadIdx.x);
  if (fixed || t % 32 < 16) __syncwarp();
  else __syncthreads();
  out[t] = a[t];
}

#define CASE(number, blocks, kernel) \
  case number: kernel<<<blocks, 64, 64 * sizeof(int)>>>(out, a, fixed); break;
extern "C" int bug(int which, int *out, const int *a, int fixed) {
  switch (which) {
    CASE(0, 1, missing_barrier)
    CASE(1, 1, barrier_too_early)
    CASE(2, 2, lost_updates)
    CASE(3, 2, blocks_race)
    CASE(4, 2, no_fence)
    CASE(5, 1, warp_without_sync)
    CASE(6, 3, one_too_many)
    CASE(7, 1, shared_too_small)
    CASE(8, 1, dynamic_too_small)
    CASE(9, 1, before_the_beginning)
    CASE(10, 1, odd_address)
    CASE(11, 1, half_written)
    CASE(12, 1, never_written)
    CASE(13, 1, barrier_in_branch)
    CASE(14, 1, barrier_after_return)
    CASE(15, 1, not_in_mask)
    CASE(16, 1, from_nobody)
    CASE(17, 1, never_come)
    CASE(18, 1, through_pointer)
  }
  return int(cudaDeviceSynchronize());
}
extern "C" int too_many_threads(int *out, const int *a) {
  through_pointer<<<1, 2000>>>(out, a, 0);
  return int(cudaGetLastError());
}
extern "C" int host_reads(const int *a) { return a[3]; }
