#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <cuda_runtime.h>
#define CHECK(call) do { cudaError_t e = (call); if (e != cudaSuccess) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, cudaGetErrorString(e)); exit(EXIT_FAILURE); } } while (0)
__global__ void vectorAdd(const float *a, const float *b, float *c, int n) {
  int i = blockDim.x * blockIdx.x + threadIdx.x;
  if (i < n) c[i] = a[i] + b[i];
  if (i == 3) printf("thread three\n");
}
int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 50000;
  printf("[Vector addition of %d elements]\n", n);
  std::cout << "by " << argv[0] << std::endl;
  size_t bytes = n * sizeof(float);
  float *a = (float *)malloc(bytes), *b = (float *)malloc(bytes), *c = (float *)malloc(bytes);
  for (int i = 0; i < n; i++) a[i] = rand() / (float)RAND_MAX, b[i] = i;
  float *da, *db, *dc;
  CHECK(cudaMalloc(&da, bytes)); CHECK(cudaMalloc(&db, bytes)); CHECK(cudaMalloc((void **)&dc, bytes));
  CHECK(cudaMemcpy(da, a, bytes, cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy(db, b, bytes, cudaMemcpyHostToDevice));
  cudaEvent_t start, stop;
  cudaEventCreate(&start); cudaEventCreate(&stop);
  cudaEventRecord(start);
  vectorAdd<<<(n + 255) / 256, 256>>>(da, db, dc, n);
  cudaEventRecord(stop); cudaEventSynchronize(stop);
  float ms; cudaEventElapsedTime(&ms, start, stop);
  CHECK(cudaGetLastError());
  CHECK(cudaDeviceSynchronize());
  CHECK(cudaMemcpy(c, dc, bytes, cudaMemcpyDeviceToHost));
  for (int i = 0; i < n; i++) if (fabs(a[i] + b[i] - c[i]) > 1e-5) { fprintf(stderr, "wrong at %d\n", i); exit(3); }
  cudaFree(da); cudaFree(db); cudaFree(dc);
  free(a); free(b); free(c);
  cudaDeviceReset();
  puts("Test PASSED");
  std::cout << "Done\n";
}
