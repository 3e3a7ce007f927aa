/* gemm.c - matrix product for any strides, batches and element types; the plain version.
 *
 * The plan's iteration space is (batch..., m, n, k). The loops run batch by batch in the order i, k, j, so
 * that the innermost loop walks along a row of b and of out.
 */
#include <stddef.h>
#include "needle_kernels.h"

#ifndef ND_ISA
#define ND_ISA base
#endif
#define CAT2(a, b) a##_##b
#define CAT(a, b) CAT2(a, b)

#define PLAIN_PRODUCT(NAME, T)                                                                              \
  static void NAME(const nd_plan *p, T *out, const T *a, const T *b) {                                      \
    const int d = p->ndim - 3;                                                                              \
    const int64_t m = p->shape[d], n = p->shape[d + 1], k = p->shape[d + 2];                                \
    const int64_t *so = p->stride[0] + d, *sa = p->stride[1] + d, *sb = p->stride[2] + d;                   \
    for (int64_t i = 0; i < m; i++) {                                                                       \
      T *row = out + i * so[0];                                                                             \
      for (int64_t j = 0; j < n; j++) row[j * so[1]] = 0;                                                   \
      for (int64_t l = 0; l < k; l++) {                                                                     \
        const T x = a[i * sa[0] + l * sa[2]];                                                               \
        for (int64_t j = 0; j < n; j++) row[j * so[1]] += x * b[l * sb[2] + j * sb[1]];                     \
      }                                                                                                     \
    }                                                                                                       \
  }
PLAIN_PRODUCT(product_f32, float)
PLAIN_PRODUCT(product_f64, double)
PLAIN_PRODUCT(product_i32, uint32_t)
PLAIN_PRODUCT(product_i64, uint64_t)

int CAT(nd_matmul, ND_ISA)(const nd_plan *p, void *out, const void *a, const void *b) {
  const int d = p->ndim - 3;
  if (d < 0 || p->ndim > ND_MAX_NDIM) return ND_EPLAN;
  if (p->dtype[0] != p->dtype[1] || p->dtype[0] != p->dtype[2]) return ND_EDTYPE;
  int64_t batches = 1;
  for (int i = 0; i < d; i++) batches *= p->shape[i];
  if (p->shape[d] < 1 || p->shape[d + 1] < 1) return ND_OK;
  for (int64_t batch = 0; batch < batches; batch++) {
    int64_t at[3] = {p->offset[0], p->offset[1], p->offset[2]}, rest = batch;
    for (int i = d - 1; i >= 0; i--) {
      const int64_t index = rest % p->shape[i];
      rest /= p->shape[i];
      for (int op = 0; op < 3; op++) at[op] += index * p->stride[op][i];
    }
    switch (p->dtype[0]) {
      case ND_F32: product_f32(p, (float *)out + at[0], (const float *)a + at[1], (const float *)b + at[2]); break;
      case ND_F64: product_f64(p, (double *)out + at[0], (const double *)a + at[1], (const double *)b + at[2]); break;
      case ND_I32: product_i32(p, (uint32_t *)out + at[0], (const uint32_t *)a + at[1], (const uint32_t *)b + at[2]); break;
      case ND_I64: product_i64(p, (uint64_t *)out + at[0], (const uint64_t *)a + at[1], (const uint64_t *)b + at[2]); break;
      default: return ND_EDTYPE;
    }
  }
  return ND_OK;
}
