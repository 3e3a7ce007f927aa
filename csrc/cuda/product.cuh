// product.cuh - a matrix product whose threads compute on with the elements that they have in registers.
//
// A layer is y = f(x W + b). As three kernels it writes x W to memory and reads it twice again. Here the last step of the
// product's own kernels (matmul.cu, matmul_large.cu: the same sums in the same order) is a function `finish` of a compiled
// graph: finish(place in out, element, row, column).
#pragma once
#define ND_PRODUCTS_ONLY
#include "matmul.cu"
#include "matmul_large.cu"
#undef ND_PRODUCTS_ONLY

namespace nd {
template <class T, class Finish> int product(const nd_plan *p, T *out, const T *a, const T *b, Finish finish) {
  const Product extents = product_of(p);
  const Batch batch = batch_of(p);
  if (batch.size && fills_tiles(extents)) return matmul_tiled(extents, batch, out, a, b, finish);
  return matmul_small(extents, batch, out, a, b, finish);
}
} // namespace nd
