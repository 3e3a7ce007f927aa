// faults.cu - kernels that a GPU ends, or that never end. nvcc compiles them.
#include <cuda_runtime.h>
#include <cassert>

__global__ void endless(int *a) {
  while (a[0] == 0) {}
}
__global__ void nowhere(int *a) { a[threadIdx.x] = 1; }
__global__ void divide(int *a) { a[1] = 100 / a[0]; }
__global__ void claim(const int *a) { assert(a[threadIdx.x] == 0); }
__global__ void apart(int *a) { // half of the warp waits for the other half, which waits elsewhere
  if (threadIdx.x < 16) __syncwarp();
  else __syncthreads();
  a[threadIdx.x] = 1;
}
__global__ void deep(int *a, int n) { // more shared memory than a block has unasked
  extern __shared__ int s[];
  s[n] = 1;
  a[0] = s[n];
}
__device__ int descend(int n, volatile int *a) { // never comes back
  volatile int x[64];
  x[n % 64] = n;
  return n == a[0] ? x[3] : descend(n + 1, a) + x[n % 64];
}
__global__ void bottomless(int *a) { a[1] = descend(1, a); }
__global__ void touch(int *a) { a[threadIdx.x] += 1; }

extern "C" void run_fault(int which, int *a) {
  if (which == 0) endless<<<1, 32>>>(a);
  else if (which == 1) nowhere<<<1, 32>>>(NULL);
  else if (which == 2) divide<<<1, 1>>>(a);
  else if (which == 3) claim<<<1, 32>>>(a);
  else if (which == 4) apart<<<1, 32>>>(a);
  else if (which == 7) bottomless<<<1, 1>>>(a);
  else if (which == 5) deep<<<1, 1, 64 * 1024>>>(a, 0);
  else touch<<<1, 4>>>(a);
}
extern "C" int launch_shape(int *a, int blocks, int x, int y, int z) {
  touch<<<blocks, dim3(unsigned(x), unsigned(y), unsigned(z))>>>(a);
  return int(cudaGetLastError());
}
template <int N> __global__ void as_deep(int *a) {
  extern __shared__ int s[];
  s[0] = N;
  a[0] = s[0];
}
// Each as the error of a launch with 60,000 bytes: of the kernel that was allowed them by its name and by a pointer, of
// another one, of another instance of the same template.
extern "C" void allowed_for_one(int *a, int *errors, int *most) {
  cudaFuncSetAttribute(as_deep<1>, cudaFuncAttributeMaxDynamicSharedMemorySize, 60000);
  void (*const kernel)(int *) = as_deep<1>;
  as_deep<1><<<1, 1, 60000>>>(a);
  errors[0] = int(cudaGetLastError());
  kernel<<<1, 1, 60000>>>(a);
  errors[1] = int(cudaGetLastError());
  as_deep<2><<<1, 1, 60000>>>(a);
  errors[2] = int(cudaGetLastError());
  as_deep<1><<<1, 1, 60001>>>(a);
  errors[3] = int(cudaGetLastError());
  cudaFuncAttributes of_one, of_other;
  cudaFuncGetAttributes(&of_one, as_deep<1>);
  cudaFuncGetAttributes(&of_other, as_deep<2>);
  most[0] = of_one.maxDynamicSharedSizeBytes;
  most[1] = of_other.maxDynamicSharedSizeBytes;
}
extern "C" int deep_when_asked(int *a) { // what is asked for stays: less than fault 5 takes
  cudaFuncSetAttribute(deep, cudaFuncAttributeMaxDynamicSharedMemorySize, 60 * 1024);
  deep<<<1, 1, 60 * 1024>>>(a, 15000);
  return int(cudaDeviceSynchronize());
}
extern "C" int sticky(int *a) { // after an error of this kind nothing works until the end of the process
  nowhere<<<1, 1>>>(nullptr);
  int *more;
  const int first = int(cudaDeviceSynchronize()), second = int(cudaMalloc(&more, 4));
  touch<<<1, 4>>>(a);
  return first == 700 && second == 700 && int(cudaGetLastError()) == 700 && int(cudaGetLastError()) == 700;
}
