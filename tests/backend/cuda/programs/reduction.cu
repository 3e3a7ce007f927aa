#include <cstdio>
#include <cstdlib>
#include <vector>
#include <numeric>
__global__ void reduce(const int *in, int *out, int n) {
  extern __shared__ int s[];
  unsigned t = threadIdx.x, i = blockIdx.x * blockDim.x * 2 + t;
  s[t] = (i < n ? in[i] : 0) + (i + blockDim.x < n ? in[i + blockDim.x] : 0);
  __syncthreads();
  for (unsigned k = blockDim.x / 2; k > 0; k >>= 1) { if (t < k) s[t] += s[t + k]; __syncthreads(); }
  if (t == 0) atomicAdd(out, s[0]);
}
int main(int argc, char *argv[]) {
  if (argc != 2) { fprintf(stderr, "usage: %s N\n", argv[0]); return 2; }
  const int n = atoi(argv[1]);
  std::vector<int> h(n); std::iota(h.begin(), h.end(), 1);
  int *d, *o, r = 0;
  cudaMalloc(&d, n * sizeof(int)); cudaMalloc(&o, sizeof(int));
  cudaMemcpy(d, h.data(), n * sizeof(int), cudaMemcpyHostToDevice); cudaMemset(o, 0, sizeof(int));
  reduce<<<(n + 511) / 512, 256, 256 * sizeof(int)>>>(d, o, n);
  cudaMemcpy(&r, o, sizeof r, cudaMemcpyDeviceToHost);
  printf("%d\n", r);
  cudaFree(d); cudaFree(o);
  return r == n * (n + 1) / 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
