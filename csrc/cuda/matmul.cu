// matmul.cu - out[i, j] = sum over k of a[i, k] b[k, j], in tiles of shared memory.
//
// A block of TILE x TILE threads computes a tile of out. For each tile of the depth its threads load a tile of a and one of
// b, an element each, and then every element is read TILE times from shared memory instead of from global memory: 2 n^3
// operations take 2 n^3 / TILE loads. Rows and columns beyond the ends are zeros, which change no sum. Floats go to
// matmul_large.cu where there are enough of them; what is thinner than a tile goes a thread an element.
#include "matmul.cuh"

namespace nd {
enum { TILE = 16 };

template <class T, class Finish>
__global__ void matmul(Product p, Batch batch, T *out, const T *a, const T *b, Finish finish) {
  using U = typename Unsigned<T>::type;
  __shared__ T a_tile[TILE][TILE], b_tile[TILE][TILE];
  const int x = int(threadIdx.x), y = int(threadIdx.y);
  const int64_t row = int64_t(blockIdx.y) * TILE + y, column = int64_t(blockIdx.x) * TILE + x;
  for (int64_t matrix = blockIdx.z; matrix < batch.size; matrix += gridDim.z) {
    int64_t at[3];
    batch.locate(matrix, at);
    U sum = 0;
    for (int64_t depth = 0; depth < p.k; depth += TILE) {
      const int64_t a_k = depth + x, b_k = depth + y;
      a_tile[y][x] = row < p.m && a_k < p.k ? a[at[1] + row * p.a_row + a_k * p.a_column] : T(0);
      b_tile[y][x] = b_k < p.k && column < p.n ? b[at[2] + b_k * p.b_row + column * p.b_column] : T(0);
      __syncthreads(); // the tiles are complete
      for (int i = 0; i < TILE; i++) sum = multiply_add(U(a_tile[y][i]), U(b_tile[i][x]), sum);
      __syncthreads(); // and have been read: the next round may overwrite them
    }
    if (row < p.m && column < p.n) finish(&out[at[0] + row * p.out_row + column * p.out_column], T(sum), row, column);
  }
}

// Where a side is shorter than a tile, most of a tile would be empty: a thread has an element.
template <class T, class Finish>
__global__ void matmul_thin(Product p, Batch batch, T *out, const T *a, const T *b, Finish finish) {
  using U = typename Unsigned<T>::type;
  for (int64_t e = first(); e < batch.size * p.m * p.n; e += step()) {
    const int64_t column = e % p.n, row = e / p.n % p.m;
    int64_t at[3];
    batch.locate(e / p.n / p.m, at);
    const T *const a_row = a + at[1] + row * p.a_row, *const b_column = b + at[2] + column * p.b_column;
    U sum = 0;
    for (int64_t k = 0; k < p.k; k++) sum = multiply_add(U(a_row[k * p.a_column]), U(b_column[k * p.b_row]), sum);
    finish(&out[at[0] + row * p.out_row + column * p.out_column], T(sum), row, column);
  }
}

template <class T, class Finish>
int matmul_small(const Product &p, const Batch &batch, T *out, const T *a, const T *b, Finish finish) {
  const int64_t rows = (p.m + TILE - 1) / TILE, columns = (p.n + TILE - 1) / TILE;
  if (p.m < TILE || p.n < TILE || p.k < TILE) {
    if (const int64_t elements = batch.size * p.m * p.n)
      matmul_thin<T><<<blocks_for(elements), THREADS>>>(p, batch, out, a, b, finish);
    return launched();
  }
  const dim3 grid(unsigned(columns), unsigned(rows), unsigned(batch.size < 65535 ? batch.size : 65535));
  if (rows > 65535) return int(ND_EPLAN);
  if (rows && columns && batch.size) matmul<T><<<grid, dim3(TILE, TILE)>>>(p, batch, out, a, b, finish);
  return launched();
}

// The dimensions m, n and k of a plan's iteration space are its last three; those before are the batch.
inline Product product_of(const nd_plan *p) {
  const int i = p->ndim - 3, j = p->ndim - 2, k = p->ndim - 1;
  return {p->shape[i],     p->shape[j],     p->shape[k],     p->stride[0][i], p->stride[0][j],
          p->stride[1][i], p->stride[1][k], p->stride[2][k], p->stride[2][j]};
}
inline Batch batch_of(const nd_plan *p) {
  Batch batch(p);
  batch.ndim = p->ndim - 3;
  batch.size = 1;
  for (int d = 0; d < batch.ndim; d++) batch.size *= batch.shape[d];
  return batch;
}
} // namespace nd

#ifndef ND_PRODUCTS_ONLY
ND_API int nd_matmul(const nd_plan *p, void *out, const void *a, const void *b) {
  if (p->dtype[1] != p->dtype[0] || p->dtype[2] != p->dtype[0]) return ND_EDTYPE;
  if (p->ndim < 3) return ND_EPLAN;
  const nd::Product product = nd::product_of(p);
  const nd::Batch batch = nd::batch_of(p);
  return nd::with_type<nd::NUMBERS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if constexpr (nd::is_float<T>)
      if (batch.size && nd::is_large(product))
        return nd::matmul_large(product, batch, static_cast<T *>(out), static_cast<const T *>(a), static_cast<const T *>(b));
    return nd::matmul_small(product, batch, static_cast<T *>(out), static_cast<const T *>(a), static_cast<const T *>(b),
                            nd::Store());
  });
}
#endif
