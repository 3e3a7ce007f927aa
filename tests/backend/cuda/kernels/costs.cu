// costs.cu - kernels whose cost can be worked out by hand. nvcc compiles them, too.
#include <cuda_runtime.h>

enum { TILE = 32, ROWS = 8 };

__global__ void naive(float *out, const float *in, int n) { // writes a column with each warp
  const int x = int(blockIdx.x) * TILE + int(threadIdx.x), y = int(blockIdx.y) * TILE + int(threadIdx.y);
  for (int j = 0; j < TILE; j += ROWS) out[x * n + y + j] = in[(y + j) * n + x];
}
template <int PAD> __global__ void tiled_transpose(float *out, const float *in, int n) {
  __shared__ float tile[TILE][TILE + PAD];
  const int tx = int(threadIdx.x), ty = int(threadIdx.y), bx = int(blockIdx.x) * TILE, by = int(blockIdx.y) * TILE;
  for (int j = 0; j < TILE; j += ROWS) tile[ty + j][tx] = in[(by + ty + j) * n + bx + tx];
  __syncthreads();
  for (int j = 0; j < TILE; j += ROWS) out[(bx + ty + j) * n + by + tx] = tile[tx][ty + j];
}
extern "C" void transposes(int which, float *out, const float *in, int n) {
  const dim3 grid(n / TILE, n / TILE), block(TILE, ROWS);
  if (which == 0) naive<<<grid, block>>>(out, in, n);
  if (which == 1) tiled_transpose<0><<<grid, block>>>(out, in, n);
  if (which == 2) tiled_transpose<1><<<grid, block>>>(out, in, n);
}

__global__ void tiled(float *c, const float *a, const float *b, int n) {
  __shared__ float as[16][16], bs[16][16];
  const int x = int(threadIdx.x), y = int(threadIdx.y);
  const int row = int(blockIdx.y) * 16 + y, column = int(blockIdx.x) * 16 + x;
  float sum = 0.0f;
  for (int k = 0; k < n; k += 16) {
    as[y][x] = a[row * n + k + x];
    bs[y][x] = b[(k + y) * n + column];
    __syncthreads();
    for (int i = 0; i < 16; i++) sum += as[y][i] * bs[i][x];
    __syncthreads();
  }
  c[row * n + column] = sum;
}
__global__ void plain_product(float *c, const float *a, const float *b, int n) {
  const int row = int(blockIdx.y) * 16 + int(threadIdx.y), column = int(blockIdx.x) * 16 + int(threadIdx.x);
  float sum = 0.0f;
  for (int k = 0; k < n; k++) sum += a[row * n + k] * b[k * n + column];
  c[row * n + column] = sum;
}
extern "C" void products(int which, float *c, const float *a, const float *b, int n) {
  const dim3 grid(n / 16, n / 16), block(16, 16);
  if (which == 0) tiled<<<grid, block>>>(c, a, b, n);
  else plain_product<<<grid, block>>>(c, a, b, n);
}

__global__ void copy_every(float *out, const float *in, int stride) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  out[i] = in[i * stride];
}
__global__ void copy_offset(float *out, const float *in, int offset) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  out[i] = in[i + offset];
}
__global__ void copy_vectors(float4 *out, const float4 *in) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  out[i] = in[i];
}
__global__ void same_address(float *out, const float *in) { out[threadIdx.x + blockIdx.x * blockDim.x] = in[0]; }
extern "C" void copies(int which, float *out, const float *in, int blocks, int number) {
  if (which == 0) copy_every<<<blocks, 256>>>(out, in, number);
  if (which == 1) copy_offset<<<blocks, 256>>>(out, in, number);
  if (which == 2) copy_vectors<<<blocks, 256>>>(reinterpret_cast<float4 *>(out), reinterpret_cast<const float4 *>(in));
  if (which == 3) same_address<<<blocks, 256>>>(out, in);
}

template <class T> __global__ void banks(T *out, int stride) { // lanes read words that lie `stride` apart
  __shared__ T s[1024];
  for (int i = int(threadIdx.x); i < 1024; i += 32) s[i] = T(1);
  __syncthreads();
  out[threadIdx.x] = s[int(threadIdx.x) * stride];
}
extern "C" void conflicts(void *out, int bytes, int stride) {
  if (bytes == 4) banks<float><<<1, 32>>>(static_cast<float *>(out), stride);
  if (bytes == 8) banks<double><<<1, 32>>>(static_cast<double *>(out), stride);
}

__global__ void by_parity(float *out, int n) { // every warp divides
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  if (i % 2) out[i] = out[i] * 2.0f;
  else out[i] = out[i] + 1.0f;
  out[n + i] = float(i); // together again
}
__global__ void by_warp(float *out, int n) { // no warp divides
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  if (i / 32 % 2) out[i] = out[i] * 2.0f;
  else out[i] = out[i] + 1.0f;
  out[n + i] = float(i);
}
extern "C" void branches(int which, float *out, int blocks) {
  if (which == 0) by_parity<<<blocks, 128>>>(out, blocks * 128);
  else by_warp<<<blocks, 128>>>(out, blocks * 128);
}
