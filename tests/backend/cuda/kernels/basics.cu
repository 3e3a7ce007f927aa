// basics.cu - one small kernel for each thing that CUDA C++ has and C++ has not. nvcc compiles it, too.
#include <cuda_runtime.h>
#include <cstdio>

#define CHECK(call)                       \
  do {                                    \
    const cudaError_t error_ = (call);    \
    if (error_ != cudaSuccess) return int(error_); \
  } while (0)

// ---- indices ------------------------------------------------------------------------------------------------------
__global__ void indices(int *out) { // each thread writes who it is
  const int block = int(blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z));
  const int thread = int(threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z));
  const int threads = int(blockDim.x * blockDim.y * blockDim.z);
  int *mine = out + (block * threads + thread) * 6;
  mine[0] = int(threadIdx.x), mine[1] = int(threadIdx.y), mine[2] = int(threadIdx.z);
  mine[3] = int(blockIdx.x), mine[4] = int(blockIdx.y), mine[5] = int(blockIdx.z);
}
extern "C" int run_indices(int *out, int gx, int gy, int gz, int bx, int by, int bz) {
  indices<<<dim3(unsigned(gx), unsigned(gy), unsigned(gz)),
            dim3(unsigned(bx), unsigned(by), unsigned(bz))>>>(out);
  return int(cudaGetLastError());
}

// ---- shared memory and barriers -----------------------------------------------------------------------------------
template <class T, int TILE>
__global__ void transpose(T *out, const T *in, int rows, int columns) {
  __shared__ T tile[TILE][TILE + 1];
  int x = int(blockIdx.x) * TILE + int(threadIdx.x), y = int(blockIdx.y) * TILE + int(threadIdx.y);
  if (x < columns && y < rows) tile[threadIdx.y][threadIdx.x] = in[y * columns + x];
  __syncthreads();
  x = int(blockIdx.y) * TILE + int(threadIdx.x), y = int(blockIdx.x) * TILE + int(threadIdx.y);
  if (x < rows && y < columns) out[y * rows + x] = tile[threadIdx.x][threadIdx.y];
}
extern "C" int run_transpose(double *out, const double *in, int rows, int columns) {
  const dim3 grid((columns + 15) / 16, (rows + 15) / 16), block(16, 16);
  transpose<double, 16><<<grid, block>>>(out, in, rows, columns);
  return int(cudaGetLastError());
}

__global__ void block_sum(const float *a, float *sums, int n) { // a tree in dynamic shared memory
  extern __shared__ float partial[];
  __shared__ float bias, unused[3];
  const int t = int(threadIdx.x), i = int(blockIdx.x * blockDim.x) + t;
  partial[t] = i < n ? a[i] : 0.0f;
  if (t == 0) bias = 0.5f, unused[0] = 0.0f;
  __syncthreads();
  for (int half = int(blockDim.x) / 2; half > 0; half /= 2) {
    if (t < half) partial[t] += partial[t + half];
    __syncthreads();
  }
  if (t == 0) sums[blockIdx.x] = partial[0] + bias + unused[0];
}
extern "C" int run_block_sum(const float *a, float *sums, int n, int threads) {
  block_sum<<<(n + threads - 1) / threads, threads, size_t(threads) * sizeof(float)>>>(a, sums, n);
  return int(cudaGetLastError());
}

__global__ void votes(const int *a, int *out) {
  const int p = a[threadIdx.x];
  const int count = __syncthreads_count(p), all = __syncthreads_and(p), any = __syncthreads_or(p);
  if (threadIdx.x == 0) out[0] = count, out[1] = all, out[2] = any;
}
extern "C" int run_votes(const int *a, int *out, int n) {
  votes<<<1, n>>>(a, out);
  return int(cudaGetLastError());
}

// ---- atomics ------------------------------------------------------------------------------------------------------
__global__ void histogram(const int *a, int *counts, float *sum, int *largest, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  atomicAdd(&counts[a[i]], 1);
  atomicAdd(sum, float(a[i]));
  atomicMax(largest, a[i]);
}
extern "C" int run_histogram(const int *a, int *counts, float *sum, int *largest, int n) {
  histogram<<<(n + 127) / 128, 128>>>(a, counts, sum, largest, n);
  return int(cudaGetLastError());
}

__device__ int lock_word = 0;
__global__ void locked(int *counter) { // one thread of each block at a time, by a lock that spins
  if (threadIdx.x == 0) {
    while (atomicCAS(&lock_word, 0, 1) != 0) {}
    __threadfence();
    *counter += 1;
    __threadfence();
    atomicExch(&lock_word, 0);
  }
}
extern "C" int run_locked(int *counter, int blocks) {
  locked<<<blocks, 32>>>(counter);
  return int(cudaGetLastError());
}

__global__ void in_turn(int *turn, int *seen) { // the last thread first: each waits for the one behind it
  while (atomicAdd(turn, 0) != int(blockDim.x - 1 - threadIdx.x)) {}
  seen[threadIdx.x] = atomicAdd(turn, 0);
  __threadfence();
  atomicAdd(turn, 1);
}
extern "C" int run_in_turn(int *turn, int *seen, int threads) {
  in_turn<<<1, threads>>>(turn, seen);
  return int(cudaGetLastError());
}

// ---- templates, lambdas, constants, vectors -----------------------------------------------------------------------
template <class Function>
__global__ void map(float *out, const float *a, int n, Function f) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) out[i] = f(a[i]);
}
struct Affine {
  float slope, offset;
  __device__ float operator()(float x) const { return slope * x + offset; }
};
extern "C" int run_map(float *out, const float *a, int n, float slope, int lambda) {
  const int blocks = (n + 63) / 64;
  if (lambda)
    map<<<blocks, 64>>>(out, a, n, [slope] __device__(float x) { return slope * x * x; });
  else
    map<<<blocks, 64>>>(out, a, n, Affine{slope, 1.0f});
  return int(cudaGetLastError());
}

__constant__ float weights[3];
__global__ void filter(float *out, const float *a, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= 1 && i < n - 1) out[i] = weights[0] * a[i - 1] + weights[1] * a[i] + weights[2] * a[i + 1];
}
extern "C" int run_filter(float *out, const float *a, int n, const float *three) {
  CHECK(cudaMemcpyToSymbol(weights, three, sizeof weights));
  filter<<<(n + 63) / 64, 64>>>(out, a, n);
  return int(cudaGetLastError());
}

__global__ void add4(float4 *out, const float4 *a, const float4 *b, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  const float4 x = a[i], y = b[i];
  out[i] = make_float4(x.x + y.x, x.y + y.y, x.z + y.z, x.w + y.w);
}
extern "C" int run_add4(float *out, const float *a, const float *b, int n) {
  add4<<<(n + 31) / 32, 32>>>(reinterpret_cast<float4 *>(out), reinterpret_cast<const float4 *>(a),
                              reinterpret_cast<const float4 *>(b), n);
  return int(cudaGetLastError());
}

// ---- the host's side ----------------------------------------------------------------------------------------------
__global__ void fill(float *a, float value) { a[threadIdx.x] = value; }
extern "C" int run_host(float *host, int n, float *seconds) { // everything a small program does
  float *device = nullptr;
  cudaStream_t stream;
  cudaEvent_t begin, end;
  CHECK(cudaMalloc(&device, size_t(n) * sizeof(float)));
  CHECK(cudaStreamCreate(&stream));
  CHECK(cudaEventCreate(&begin));
  CHECK(cudaEventCreate(&end));
  CHECK(cudaEventRecord(begin, stream));
  CHECK(cudaMemsetAsync(device, 0, size_t(n) * sizeof(float), stream));
  fill<<<1, n, 0, stream>>>(device, 7.0f);
  CHECK(cudaGetLastError());
  CHECK(cudaEventRecord(end, stream));
  CHECK(cudaStreamSynchronize(stream));
  CHECK(cudaEventElapsedTime(seconds, begin, end));
  CHECK(cudaMemcpy(host, device, size_t(n) * sizeof(float), cudaMemcpyDeviceToHost));
  CHECK(cudaEventDestroy(begin));
  CHECK(cudaEventDestroy(end));
  CHECK(cudaStreamDestroy(stream));
  return int(cudaFree(device));
}

__global__ void hello(int n) {
  if (int(threadIdx.x) < n) printf("hello from thread %d of block %d\n", int(threadIdx.x), int(blockIdx.x));
}
extern "C" int run_hello(int n) {
  hello<<<2, 32>>>(n);
  return int(cudaDeviceSynchronize());
}
