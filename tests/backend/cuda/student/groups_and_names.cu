// Groups of threads as objects, shared memory declared outside of kernels, and names that a program has for itself.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>

namespace cg = cooperative_groups;

__device__ unsigned finished = 0;
__shared__ bool comes_last;         // of the block, for every kernel that names it
extern __shared__ char pool[];      // so is this: as many bytes as the launch says

__device__ bool is_last_block() {
  __threadfence();
  if (threadIdx.x == 0) comes_last = atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1;
  __syncthreads();
  return comes_last;
}
__global__ void sum_of_blocks(const int *a, int n, volatile int *partial, int *out) {
  int *const of_thread = (int *)pool;
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  of_thread[threadIdx.x] = i < n ? a[i] : 0;
  __syncthreads();
  if (threadIdx.x == 0) {
    int sum = 0;
    for (unsigned t = 0; t < blockDim.x; t++) sum += of_thread[t];
    partial[blockIdx.x] = sum;
  }
  if (is_last_block() && threadIdx.x == 0)
    for (unsigned b = 0; b < gridDim.x; b++) *out += partial[b];
}
__global__ void two_types(float *out, int n) {
  double *const wide = (double *)pool;
  short *const narrow = (short *)&wide[n];
  bool comes_last = threadIdx.x + 1 == n; // hides the other one
  wide[threadIdx.x] = threadIdx.x / 2.0;
  narrow[threadIdx.x] = (short)threadIdx.x;
  __syncthreads();
  if (comes_last)
    for (int i = 0; i < n; i++) *out += (float)(wide[i] + narrow[n - 1 - i]);
}

__device__ int sum_by_halves(cg::thread_group group, int *place, int value) {
  const unsigned rank = group.thread_rank();
  for (unsigned half = group.size() / 2; half > 0; half /= 2) {
    place[rank] = value;
    group.sync();
    if (rank < half) value += place[rank + half];
    group.sync();
  }
  return value;
}
__global__ void sums_of_groups(const int *a, int *out, int size) {
  __shared__ int place[64];
  const int mine = a[threadIdx.x];
  const cg::thread_block block = cg::this_thread_block();
  const int of_block = sum_by_halves(block, place, mine);
  if (block.thread_rank() == 0) out[0] = of_block;
  cg::thread_group tile = cg::tiled_partition(block, size);
  const int of_tile = sum_by_halves(tile, place + threadIdx.x / size * size, mine);
  if (tile.thread_rank() == 0) atomicAdd(out + 1, of_tile);
  auto warp = cg::tiled_partition<16>(block);
  const int largest = cg::reduce(warp, mine, cg::greater<int>());
  if (warp.thread_rank() == 0) atomicAdd(out + 2, largest);
}
__device__ int take_place(int *counter) { // one addition for all who come together
  const cg::coalesced_group active = cg::coalesced_threads();
  int first;
  if (active.thread_rank() == 0) first = atomicAdd(counter, (int)active.size());
  return active.shfl(first, 0) + active.thread_rank();
}
__global__ void keep_odd(const int *a, int *kept, int *count) {
  if (a[threadIdx.x] % 2) {
    kept[take_place(count)] = a[threadIdx.x];
    const cg::coalesced_group odd = cg::coalesced_threads();
    const int sum = cg::reduce(odd, a[threadIdx.x], cg::plus<int>());
    if (odd.thread_rank() == odd.size() - 1 && odd.all(sum > 0)) atomicAdd(count + 1, sum);
  }
}

struct Launch {
  dim3 gridDim, blockDim;
};
__global__ void count_threads(int *out) { atomicAdd(out, (int)(gridDim.x * blockDim.x)); }
void run_with(int *out, dim3 gridDim, dim3 blockDim) { count_threads<<<gridDim, blockDim>>>(out); }

extern "C" void sum_by_last_block(const int *a, int n, int *out) {
  int *partial;
  cudaMalloc(&partial, 4 * sizeof(int));
  sum_of_blocks<<<4, 32, 32 * sizeof(int)>>>(a, n, partial, out);
  cudaFree(partial);
}
extern "C" void of_two_types(float *out, int n) { two_types<<<1, n, n * (sizeof(double) + sizeof(short))>>>(out, n); }
extern "C" void groups(const int *a, int *out, int size) { sums_of_groups<<<1, 64>>>(a, out, size); }
extern "C" void odd(const int *a, int *kept, int *count) { keep_odd<<<1, 64>>>(a, kept, count); }
extern "C" void own_names(int *out) {
  dim3 blockDim(8), gridDim(3);
  count_threads<<<gridDim, blockDim>>>(out);     // 24 threads add 24
  Launch how{dim3(2), dim3(blockDim.x / 2)};
  run_with(out, how.gridDim, how.blockDim);      // 8 threads add 8
}
