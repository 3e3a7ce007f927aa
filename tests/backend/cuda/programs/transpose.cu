#include <stdio.h>
#include <assert.h>
#define T 32
__global__ void transpose(float *o, const float *a, int w, int h) {
  __shared__ float t[T][T + 1];
  int x = blockIdx.x * T + threadIdx.x, y = blockIdx.y * T + threadIdx.y;
  for (int j = 0; j < T; j += 8) if (x < w && y + j < h) t[threadIdx.y + j][threadIdx.x] = a[(y + j) * w + x];
  __syncthreads();
  x = blockIdx.y * T + threadIdx.x; y = blockIdx.x * T + threadIdx.y;
  for (int j = 0; j < T; j += 8) if (x < h && y + j < w) o[(y + j) * h + x] = t[threadIdx.x][threadIdx.y + j];
}
int main(void) {
  const int w = 100, h = 70;
  float *a, *o;
  cudaMallocManaged(&a, w * h * 4); cudaMallocManaged(&o, w * h * 4);
  for (int i = 0; i < w * h; i++) a[i] = i;
  dim3 block(32, 8), grid((w + 31) / 32, (h + 31) / 32);
  transpose<<<grid, block>>>(o, a, w, h);
  cudaDeviceSynchronize();
  for (int i = 0; i < h; i++) for (int j = 0; j < w; j++) assert(o[j * h + i] == a[i * w + j]);
  printf("transposed\n");
  cudaFree(a); cudaFree(o);
}
