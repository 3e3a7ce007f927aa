// matmul_5_buffered.cu - 16 bytes at a time, and the next tiles on their way while these are multiplied.
//
// A float4 is one request for four numbers: a quarter of the instructions that move. A thread's elements are runs of four
// now; a is turned over on its way to shared memory, so that runs of it can be read, too. And there are two of each tile:
// while a block multiplies one pair, the numbers of the next are under way to registers, and one barrier a round is enough.
// The top of the ladder, nd_matmul (csrc/cuda/matmul_large.cu), is this with any strides, types and batches.
#include <cstdint>
#include <cuda_runtime.h>

enum { SIDE = 16, RUN = 4, TILE = SIDE * RUN, DEPTH = 16 }; // of each tile, 64 x 16, a thread brings one run

// Four neighbours of a row of `columns` numbers, from column `at` on; what lies outside is 0.
__device__ inline float4 four(const float *row, int64_t at, int64_t columns, bool inside) {
  if (inside && at + RUN <= columns && columns % RUN == 0) return *reinterpret_cast<const float4 *>(row + at);
  float x[RUN];
  for (int e = 0; e != RUN; e++) x[e] = inside && at + e < columns ? row[at + e] : 0;
  return make_float4(x[0], x[1], x[2], x[3]);
}

__global__ void matmul_buffered(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  __shared__ __align__(16) float a_tile[2][DEPTH][TILE + RUN]; // [depth][row], a turned over
  __shared__ __align__(16) float b_tile[2][DEPTH][TILE];
  const int t = int(threadIdx.x), x = t % SIDE * RUN, y = t / SIDE * RUN;
  const int64_t row = int64_t(blockIdx.y) * TILE, column = int64_t(blockIdx.x) * TILE;
  const int a_line = t / (DEPTH / RUN), a_deep = t % (DEPTH / RUN) * RUN, b_deep = t / SIDE, b_column = t % SIDE * RUN;
  const float *a_row = a + (row + a_line) * k, *b_row = b + b_deep * n; // the rows this thread reads first
  float sum[RUN * RUN] = {};
  int now = 0;
  for (int64_t p = 0; p < k + DEPTH; p += DEPTH) { // each round brings tiles, and multiplies those before
    const float4 of_a = four(a_row, p + a_deep, k, row + a_line < m);
    const float4 of_b = four(b_row + p * n, column + b_column, n, p + b_deep < k);
    if (p > 0)
      for (int d = 0; d != DEPTH; d++) {
        const float4 l = *reinterpret_cast<const float4 *>(&a_tile[now][d][y]);
        const float4 r = *reinterpret_cast<const float4 *>(&b_tile[now][d][x]);
        const float left[RUN] = {l.x, l.y, l.z, l.w}, right[RUN] = {r.x, r.y, r.z, r.w};
        for (int i = 0; i != RUN; i++)
          for (int j = 0; j != RUN; j++) sum[i * RUN + j] += left[i] * right[j];
      }
    now = 1 - now;
    a_tile[now][a_deep][a_line] = of_a.x;
    a_tile[now][a_deep + 1][a_line] = of_a.y;
    a_tile[now][a_deep + 2][a_line] = of_a.z;
    a_tile[now][a_deep + 3][a_line] = of_a.w;
    *reinterpret_cast<float4 *>(&b_tile[now][b_deep][b_column]) = of_b;
    __syncthreads(); // these tiles are complete, and those before have been read
  }
  for (int i = 0; i != RUN; i++) {
    if (row + y + i >= m) continue;
    float *const to = out + (row + y + i) * n + column + x;
    if (column + x + RUN <= n && n % RUN == 0)
      *reinterpret_cast<float4 *>(to) = make_float4(sum[i * RUN], sum[i * RUN + 1], sum[i * RUN + 2], sum[i * RUN + 3]);
    else
      for (int j = 0; j != RUN; j++)
        if (column + x + j < n) to[j] = sum[i * RUN + j];
  }
}

extern "C" int ncl_matmul_buffered(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  const dim3 grid(unsigned((n + TILE - 1) / TILE), unsigned((m + TILE - 1) / TILE));
  matmul_buffered<<<grid, SIDE * SIDE>>>(m, n, k, a, b, out);
  return int(cudaGetLastError());
}
