// Each thread reads what its neighbour has written, and no __syncthreads() stands between.
#include <cstdio>
__global__ void turn(int *a) {
  __shared__ int s[64];
  s[threadIdx.x] = a[threadIdx.x];
  a[threadIdx.x] = s[(threadIdx.x + 1) % 64];
}
int main() {
  int host[64], *a;
  for (int i = 0; i < 64; i++) host[i] = i;
  cudaMalloc(&a, sizeof host);
  cudaMemcpy(a, host, sizeof host, cudaMemcpyHostToDevice);
  turn<<<1, 64>>>(a);
  cudaMemcpy(host, a, sizeof host, cudaMemcpyDeviceToHost);
  printf("turned\n");
  cudaFree(a);
}
