// groups.cu - cooperative groups: the block, and tiles of a warp. nvcc compiles it, too.
#include <cooperative_groups.h>
#include <cuda_runtime.h>

namespace cg = cooperative_groups;

template <int SIZE> __global__ void tile_sums(const float *a, float *sums, int *facts) {
  __shared__ float s[256];
  const cg::thread_block block = cg::this_thread_block();
  const cg::thread_block_tile<SIZE> tile = cg::tiled_partition<SIZE>(block);
  const unsigned t = block.thread_rank();
  s[block.size() - 1 - t] = a[t];
  block.sync();
  float v = s[t];
  for (int offset = int(tile.size()) / 2; offset > 0; offset /= 2) v += tile.shfl_down(v, unsigned(offset));
  if (tile.thread_rank() == 0) sums[t / SIZE] = v;
  const float up = tile.shfl_up(v, 1), other = tile.shfl_xor(v, 1), head = tile.shfl(v, 0);
  tile.sync();
  facts[t] = int(tile.ballot(t % 3 == 0)) + 1000000 * (tile.any(t == 5) + 2 * tile.all(t < 64));
  if (up + other + head < -1e30f) facts[t] = -1; // so that they are computed
}
extern "C" int run_tile_sums(int size, const float *a, float *sums, int *facts) {
  const dim3 block(32, 4);
  if (size == 32) tile_sums<32><<<1, block>>>(a, sums, facts);
  if (size == 8) tile_sums<8><<<1, block>>>(a, sums, facts);
  return int(cudaDeviceSynchronize());
}

__global__ void parted(int *out) { // the two halves wait at different barriers
  const cg::thread_block block = cg::this_thread_block();
  if (block.thread_rank() < 32)
    block.sync();
  else
    block.sync();
  out[block.thread_rank()] = 1;
}
extern "C" int run_parted(int *out) {
  parted<<<1, 64>>>(out);
  return int(cudaDeviceSynchronize());
}
