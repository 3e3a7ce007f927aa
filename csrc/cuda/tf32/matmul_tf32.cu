// matmul_tf32.cu - the matrix product on tensor cores, where the factors keep 11 of their 24 digits: beside the ladder.
//
//     out[i][j] = sum over p of a[i][p] b[p][j]          a: m x k, b: k x n, out: m x n, float32, compact, row by row
//
// TF32 is a float32 whose fraction is cut to 10 bits: a relative error of 2^-11 for each factor, where float32 has 2^-24.
// Products are added up in float32. Nothing of needle_edu calls this: who wants the speed says so. It needs compute
// capability 8.0, and the simulator has no tensor cores: nvcc -std=c++17 -arch=sm_80 -c matmul_tf32.cu
//
// A block of 4 warps has 64 x 64 elements of out, a warp a strip of 16 rows: 4 fragments of 16 x 16. A fragment is shared by
// the lanes of a warp, and the hardware says how; one instruction multiplies 16 x 8 by 8 x 16 numbers.
#include <cstdint>
#include <cuda_runtime.h>
#include <mma.h>

namespace wmma = nvcuda::wmma;
enum { EDGE = 16, DEEP = 8, TILE = 64, DEPTH = 16, THREADS = 128 };

__global__ void matmul_tf32(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  __shared__ __align__(32) float a_tile[TILE][DEPTH + 4], b_tile[DEPTH][TILE + 4], strip[TILE][TILE];
  const int t = int(threadIdx.x), warp = t / 32;
  const int64_t row = int64_t(blockIdx.y) * TILE, column = int64_t(blockIdx.x) * TILE;
  wmma::fragment<wmma::accumulator, EDGE, EDGE, DEEP, float> sum[TILE / EDGE];
  for (auto &one : sum) wmma::fill_fragment(one, 0.0f);
  for (int64_t p = 0; p < k; p += DEPTH) {
    for (int e = t; e < TILE * DEPTH; e += THREADS) {
      const int line = e / DEPTH, d = e % DEPTH, deep = e / TILE, c = e % TILE;
      const float from_a = row + line < m && p + d < k ? a[(row + line) * k + p + d] : 0;
      const float from_b = p + deep < k && column + c < n ? b[(p + deep) * n + column + c] : 0;
      a_tile[line][d] = wmma::__float_to_tf32(from_a);
      b_tile[deep][c] = wmma::__float_to_tf32(from_b);
    }
    __syncthreads(); // the tiles are complete
    for (int d = 0; d < DEPTH; d += DEEP) {
      wmma::fragment<wmma::matrix_a, EDGE, EDGE, DEEP, wmma::precision::tf32, wmma::row_major> left;
      wmma::load_matrix_sync(left, &a_tile[warp * EDGE][d], DEPTH + 4);
      for (int s = 0; s < TILE / EDGE; s++) {
        wmma::fragment<wmma::matrix_b, EDGE, EDGE, DEEP, wmma::precision::tf32, wmma::row_major> right;
        wmma::load_matrix_sync(right, &b_tile[d][s * EDGE], TILE + 4);
        wmma::mma_sync(sum[s], left, right, sum[s]);
      }
    }
    __syncthreads(); // and have been read
  }
  for (int s = 0; s < TILE / EDGE; s++)
    wmma::store_matrix_sync(&strip[warp * EDGE][s * EDGE], sum[s], TILE, wmma::mem_row_major);
  __syncwarp(); // the warp's strip is there: what lies outside of out stays there
  for (int e = t % 32; e < EDGE * TILE; e += 32) {
    const int line = warp * EDGE + e / TILE, c = e % TILE;
    if (row + line < m && column + c < n) out[(row + line) * n + column + c] = strip[line][c];
  }
}

extern "C" int ncl_matmul_tf32(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  const dim3 grid(unsigned((n + TILE - 1) / TILE), unsigned((m + TILE - 1) / TILE));
  matmul_tf32<<<grid, THREADS>>>(m, n, k, a, b, out);
  return int(cudaGetLastError());
}
