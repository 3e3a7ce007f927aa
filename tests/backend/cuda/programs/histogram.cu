#include <iostream>
#include <fstream>
#include <string>
#include <chrono>
__global__ void hist(const unsigned char *s, int n, unsigned *h) {
  __shared__ unsigned b[256];
  for (int i = threadIdx.x; i < 256; i += blockDim.x) b[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&b[s[i]], 1u);
  __syncthreads();
  for (int i = threadIdx.x; i < 256; i += blockDim.x) atomicAdd(&h[i], b[i]);
}
static void usage() { std::cerr << "no input\n"; std::exit(4); }
auto main(int, const char **argv) -> int {
  std::string line, all;
  while (std::getline(std::cin, line)) all += line;
  if (all.empty()) usage();
  unsigned char *d; unsigned *h, host[256];
  cudaMalloc(&d, all.size()); cudaMalloc(&h, sizeof host); cudaMemset(h, 0, sizeof host);
  cudaMemcpy(d, all.data(), all.size(), cudaMemcpyHostToDevice);
  auto t = std::chrono::steady_clock::now();
  hist<<<4, 128>>>(d, (int)all.size(), h);
  if (cudaError_t e = cudaDeviceSynchronize(); e != cudaSuccess) { std::cerr << cudaGetErrorName(e) << '\n'; return 1; }
  cudaMemcpy(host, h, sizeof host, cudaMemcpyDeviceToHost);
  for (int i = 0; i < 256; i++) if (host[i]) std::cout << char(i) << ' ' << host[i] << '\n';
}
