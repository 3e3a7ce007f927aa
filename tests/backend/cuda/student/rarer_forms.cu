// Rarer forms that students and teaching pages have: structures by value and functions that return them, shared memory by a
// class, cooperative groups, atomics made of atomicCAS, locks, unions in shared memory, questions about the card.
#include <cuda.h>
#include <cuda_runtime.h>
#include <cuda_runtime_api.h>
#include <cooperative_groups.h>
#include <algorithm>
#include <cstring>
#include <iomanip>
#include <iostream>
#include <map>
#include <sstream>
#include <tuple>
#include <type_traits>
#include <vector>
namespace cg = cooperative_groups;
#define TILE 16
#define gpuErrchk(call) { report((call), __FILE__, __LINE__); }
inline void report(cudaError_t code, const char *file, int line, bool leave = true) {
  if (code == cudaSuccess) return;
  fprintf(stderr, "%s (%s) in %s, line %d\n", cudaGetErrorString(code), cudaGetErrorName(code), file, line);
  if (leave) exit(code);
}
#define checkCudaErrors(value) check((value), #value, __LINE__)
template <typename T> void check(T result, char const *const what, int const line) {
  if (result) {
    std::cerr << "line " << line << ": " << what << " returned " << static_cast<unsigned int>(result) << std::endl;
    exit(EXIT_FAILURE);
  }
}
typedef struct { int rows, cols, pitch; float *data; } View;
__device__ float &at(const View v, int r, int c) { return v.data[r * v.pitch + c]; }
__device__ View tile_of(View v, int i, int j) {
  View t;
  t.rows = t.cols = TILE;
  t.pitch = v.pitch;
  t.data = &v.data[v.pitch * TILE * i + TILE * j];
  return t;
}
__global__ void product(View a, View b, View out) {
  View mine = tile_of(out, blockIdx.y, blockIdx.x);
  float value = 0;
  int y = threadIdx.y, x = threadIdx.x;
  for (int step = 0; step < (a.cols / TILE); ++step) {
    View left = tile_of(a, blockIdx.y, step), right = tile_of(b, step, blockIdx.x);
    __shared__ float left_tile[TILE][TILE];
    __shared__ float right_tile[TILE][TILE];
    left_tile[y][x] = at(left, y, x);
    right_tile[y][x] = at(right, y, x);
    __syncthreads();
    for (int k = 0; k < TILE; ++k) value += left_tile[y][k] * right_tile[k][x];
    __syncthreads();
  }
  at(mine, y, x) = value;
}
// dynamic shared memory of any type, although `extern __shared__` has one type for each name
template <class T> struct BlockMemory {
  __device__ inline operator T *() { extern __shared__ int block_memory[]; return (T *)block_memory; }
  __device__ inline operator const T *() const { extern __shared__ int block_memory[]; return (T *)block_memory; }
};
template <class T, unsigned int SIZE, bool WHOLE> __global__ void total(T *in, T *out, unsigned int n) {
  cg::thread_block block = cg::this_thread_block();
  T *sums = BlockMemory<T>();
  T mine = 0;
  for (unsigned int i = blockIdx.x * SIZE + threadIdx.x; WHOLE || i < n; i += SIZE * gridDim.x) {
    if (i >= n) break;
    mine += in[i];
  }
  sums[threadIdx.x] = mine;
  cg::sync(block);
  if ((SIZE >= 128) && (threadIdx.x < 64)) sums[threadIdx.x] = mine = mine + sums[threadIdx.x + 64];
  cg::sync(block);
  cg::thread_block_tile<32> warp = cg::tiled_partition<32>(block);
  if (block.thread_rank() < 32) {
    if (SIZE >= 64) mine += sums[threadIdx.x + 32];
    for (int by = warp.size() / 2; by > 0; by /= 2) mine += warp.shfl_down(mine, by);
  }
  if (block.thread_rank() == 0) out[blockIdx.x] = mine;
}
template <typename T> void launch_reduce(int threads, T *a, T *out, int n) {
  switch (threads) {
  case 128: total<T, 128, true><<<1, 128, 128 * sizeof(T)>>>(a, out, n); break;
  case 64: total<T, 64, false><<<1, 64, 64 * sizeof(T)>>>(a, out, n); break;
  }
}
struct GpuTimer {
  cudaEvent_t start, stop;
  GpuTimer() { cudaEventCreate(&start); cudaEventCreate(&stop); }
  ~GpuTimer() { cudaEventDestroy(start); cudaEventDestroy(stop); }
  void Start() { cudaEventRecord(start, 0); }
  void Stop() { cudaEventRecord(stop, 0); }
  float Elapsed() { float e; cudaEventSynchronize(stop); cudaEventElapsedTime(&e, start, stop); return e; }
};
class Conv2D {
public:
  static constexpr int MASK = 5;
  void forward(float *d, const float *s, int n);
};
__constant__ float d_mask[Conv2D::MASK];
__device__ __constant__ int d_shift = 2;
static __device__ float2 d_pair[2];
__global__ void conv1d(const float *__restrict__ in, float *__restrict__ out, const unsigned n) {
  __shared__ float N_ds[TILE + Conv2D::MASK - 1];
  const auto radius = Conv2D::MASK / 2;
  int i = blockIdx.x * blockDim.x + threadIdx.x, start = i - radius;
  if (start >= 0 && start < (int)n) N_ds[threadIdx.x] = in[start]; else N_ds[threadIdx.x] = 0.0f;
  if (threadIdx.x < Conv2D::MASK - 1) {
    int j = start + blockDim.x;
    N_ds[threadIdx.x + blockDim.x] = j >= 0 && j < (int)n ? in[j] : 0.0f;
  }
  __syncthreads();
  float p = 0;
  #pragma unroll
  for (int j = 0; j < Conv2D::MASK; j++) p += N_ds[threadIdx.x + j] * d_mask[j];
  if (i < n) out[i] = p + d_shift;
}
void Conv2D::forward(float *d, const float *s, int n) { conv1d<<<(n + TILE - 1) / TILE, TILE>>>(s, d, n); }
extern "C" __global__ void iota(int *p) { p[threadIdx.x] = threadIdx.x; }
namespace {
__global__ void bitonic(int *a, int n) {
  extern __shared__ int s[];
  int t = threadIdx.x;
  s[t] = a[t];
  __syncthreads();
  for (int k = 2; k <= n; k <<= 1)
    for (int j = k >> 1; j > 0; j >>= 1) {
      int ixj = t ^ j;
      if (ixj > t) {
        if (((t & k) == 0 && s[t] > s[ixj]) || ((t & k) != 0 && s[t] < s[ixj])) { int tmp = s[t]; s[t] = s[ixj]; s[ixj] = tmp; }
      }
      __syncthreads();
    }
  a[t] = s[t];
}
}
template <int BLOCK_SIZE> __global__ void scan_blelloch(float *g, int n) {
  __shared__ float temp[2 * BLOCK_SIZE], last[1];
  int thid = threadIdx.x, offset = 1;
  temp[2 * thid] = g[2 * thid], temp[2 * thid + 1] = g[2 * thid + 1];
  for (int d = n >> 1; d > 0; d >>= 1) {
    __syncthreads();
    if (thid < d) temp[offset * (2 * thid + 2) - 1] += temp[offset * (2 * thid + 1) - 1];
    offset *= 2;
  }
  if (thid == 0) last[0] = temp[n - 1], temp[n - 1] = 0;
  for (int d = 1; d < n; d *= 2) {
    offset >>= 1;
    __syncthreads();
    if (thid < d) {
      int ai = offset * (2 * thid + 1) - 1, bi = offset * (2 * thid + 2) - 1;
      float t = temp[ai];
      temp[ai] = temp[bi];
      temp[bi] += t;
    }
  }
  __syncthreads();
  g[2 * thid] = temp[2 * thid], g[2 * thid + 1] = temp[2 * thid + 1];
}
__device__ double atomicAddDouble(double *address, double val) {
  unsigned long long int *address_as_ull = (unsigned long long int *)address;
  unsigned long long int old = *address_as_ull, assumed;
  do {
    assumed = old;
    old = atomicCAS(address_as_ull, assumed, __double_as_longlong(val + __longlong_as_double(assumed)));
  } while (assumed != old);
  return __longlong_as_double(old);
}
__global__ void add_doubles(double *p) { atomicAddDouble(p, double(threadIdx.x)); }
__device__ int mutex = 0;
__global__ void locked(int *counter) {
  if (threadIdx.x == 0) {
    while (atomicCAS(&mutex, 0, 1) != 0) {}
    __threadfence();
    *counter += 1;
    __threadfence();
    atomicExch(&mutex, 0);
  }
}
__global__ void softmax_row(const float *x, float *y, int cols) {
  __shared__ float buf[8];
  float m = -INFINITY, s = 0;
  for (int c = threadIdx.x; c < cols; c += blockDim.x) m = fmaxf(m, x[blockIdx.x * cols + c]);
  for (int o = 16; o; o >>= 1) m = fmaxf(m, __shfl_xor_sync(~0u, m, o));
  if ((threadIdx.x & 31) == 0) buf[threadIdx.x >> 5] = m;
  __syncthreads();
  m = buf[0];
  for (int w = 1; w < blockDim.x / 32; w++) m = fmaxf(m, buf[w]);
  for (int c = threadIdx.x; c < cols; c += blockDim.x) s += __expf(x[blockIdx.x * cols + c] - m);
  s = [&](float v) { for (int o = 16; o; o >>= 1) v += __shfl_xor_sync(0xFFFFFFFFu, v, o); return v; }(s);
  __syncthreads();
  if ((threadIdx.x & 31) == 0) buf[threadIdx.x >> 5] = s;
  __syncthreads();
  s = 0;
  for (int w = 0; w < int(blockDim.x) / 32; w++) s += buf[w];
  for (int c = threadIdx.x; c < cols; c += blockDim.x) y[blockIdx.x * cols + c] = __fdividef(__expf(x[blockIdx.x * cols + c] - m), s);
}
template <typename scalar_t> struct Accessor { scalar_t *data; int stride; __device__ scalar_t &operator[](int i) { return data[i * stride]; } };
template <typename scalar_t> __global__ void strided(Accessor<scalar_t> a, int n) { if (threadIdx.x < n) a[threadIdx.x] = scalar_t(1); }
__global__ void clocks(long long *t) { clock_t begin = clock(); t[0] = clock64() >= begin; unsigned lane; lane = threadIdx.x % warpSize; t[1] = lane + __popc(__activemask()); }
__global__ void volatile_shared(float *a) {
  volatile __shared__ float v[32];
  __shared__ union { float f[32]; int i[32]; } u;
  __shared__ float4 quad[8];
  __shared__ int2 pair;
  v[threadIdx.x] = a[threadIdx.x];
  u.f[threadIdx.x] = 1.f;
  reinterpret_cast<float *>(quad)[threadIdx.x] = 2.f;
  if (!threadIdx.x) pair = make_int2(3, 4);
  if (threadIdx.x < 2) d_pair[threadIdx.x].x = 0;
  __syncthreads();
  a[threadIdx.x] = v[31 - threadIdx.x] + u.f[31 - threadIdx.x] + quad[threadIdx.x / 4].w + pair.x + pair.y + d_pair[threadIdx.x % 2].x;
}
extern "C" float run(int which) {
  float *a, *b;
  int *k;
  double *d;
  gpuErrchk(cudaMalloc(&a, 4096 * sizeof(float)));
  gpuErrchk(cudaMalloc((void **)&b, 4096 * sizeof *b));
  checkCudaErrors(cudaMalloc(&k, 256 * sizeof(int)));
  checkCudaErrors(cudaMalloc(&d, 2 * sizeof(double)));
  std::vector<float> h(4096);
  for (size_t i = 0; i < h.size(); ++i) h[i] = i % 5;
  gpuErrchk(cudaMemcpy(a, &h[0], h.size() * sizeof(float), cudaMemcpyHostToDevice));
  gpuErrchk(cudaMemset(b, 0, 4096 * sizeof(float)));
  gpuErrchk(cudaMemset(k, 0, 256 * sizeof(int)));
  gpuErrchk(cudaMemset(d, 0, 2 * sizeof(double)));
  GpuTimer timer;
  timer.Start();
  float result = 0;
  switch (which) {
  case 0: {
    View A{32, 32, 32, a}, B{32, 32, 32, a}, C{32, 32, 32, b};
    dim3 dimBlock(TILE, TILE);
    dim3 dimGrid(B.cols / dimBlock.x, A.rows / dimBlock.y);
    product<<<dimGrid, dimBlock>>>(A, B, C);
    break;
  }
  case 1: launch_reduce<float>(128, a, b, 1000); break;
  case 2: {
    float mask[Conv2D::MASK] = {1, 2, 3, 2, 1};
    gpuErrchk(cudaMemcpyToSymbol(d_mask, mask, Conv2D::MASK * sizeof(float)));
    Conv2D().forward(b, a, 100);
    break;
  }
  case 3: iota<<<1, 64>>>(k); bitonic<<<1, 64, 64 * sizeof(int)>>>(k, 64); break;
  case 4: scan_blelloch<64><<<1, 64>>>(a, 128); gpuErrchk(cudaMemcpy(b, a, 512, cudaMemcpyDeviceToDevice)); break;
  case 5: add_doubles<<<2, 64>>>(d); break;
  case 6: locked<<<10, 32>>>(k); break;
  case 7: softmax_row<<<4, 64>>>(a, b, 100); break;
  case 8: strided<float><<<1, 32>>>(Accessor<float>{b, 2}, 10); break;
  case 9: { long long *t; cudaMalloc(&t, 16); clocks<<<1, 1>>>(t); cudaFree(t); break; }
  case 10: volatile_shared<<<1, 32>>>(a); cudaMemcpy(b, a, 128, cudaMemcpyDefault); break;
  case 11: {
    cudaFuncAttributes attr;
    gpuErrchk(cudaFuncGetAttributes(&attr, iota));
    int threads, blocks;
    cudaOccupancyMaxPotentialBlockSize(&blocks, &threads, iota, 0, 0);
    gpuErrchk(cudaFuncSetAttribute(scan_blelloch<64>, cudaFuncAttributeMaxDynamicSharedMemorySize, 65536));
    result = attr.maxThreadsPerBlock + threads;
    int dev = 0;
    cudaGetDevice(&dev);
    int sm;
    gpuErrchk(cudaDeviceGetAttribute(&sm, cudaDevAttrMultiProcessorCount, dev));
    cudaPointerAttributes where;
    gpuErrchk(cudaPointerGetAttributes(&where, a));
    result += where.type == cudaMemoryTypeDevice;
    break;
  }
  }
  timer.Stop();
  checkCudaErrors(cudaDeviceSynchronize());
  gpuErrchk(cudaMemcpy(h.data(), b, 100 * sizeof(float), cudaMemcpyDeviceToHost));
  for (int i = 0; i < 100; i++) result += h[i];
  int first; double sum;
  gpuErrchk(cudaMemcpy(&first, k, sizeof(int), cudaMemcpyDeviceToHost));
  gpuErrchk(cudaMemcpy(&sum, d, sizeof(double), cudaMemcpyDeviceToHost));
  cudaFree(a), cudaFree(b), cudaFree(k), cudaFree(d);
  return timer.Elapsed() < 0 ? -1 : result + first + (float)sum;
}
