// softmax.cu - softmax, its logarithm, and their vjps; a block for each line. With m the largest element of a line and
// z = a - m, which exp cannot make overflow,
//     softmax = exp(z) / total,   log softmax = z - log(total),   total = sum of exp(z),
// and for the adjoint g of a result y
//     softmax: y (g - sum of g y),   log softmax: g - exp(y) (sum of g).
#include "block.cuh"

namespace nd {
template <class T> __global__ void softmax(Lines<2> l, T *out, const T *a, int log) {
  int64_t at[2];
  l.begin.locate(blockIdx.x, at);
  Largest<T> m = Largest<T>::of_none();
  for (int64_t k = threadIdx.x; k < l.length; k += blockDim.x) m = m.with({a[at[1] + k * l.step[1]]});
  const T largest = of_block(m).value;
  Sum total = Sum::of_none();
  for (int64_t k = threadIdx.x; k < l.length; k += blockDim.x) total.value += double(::exp(a[at[1] + k * l.step[1]] - largest));
  total = of_block(total);
  const T shift = T(::log(total.value));
  for (int64_t k = threadIdx.x; k < l.length; k += blockDim.x) {
    const T z = a[at[1] + k * l.step[1]] - largest;
    out[at[0] + k * l.step[0]] = log ? z - shift : T(double(::exp(z)) / total.value);
  }
}

template <class T> __global__ void softmax_backward(Lines<3> l, T *out, const T *g, const T *y, int log) {
  int64_t at[3];
  l.begin.locate(blockIdx.x, at);
  Sum sum = Sum::of_none();
  for (int64_t k = threadIdx.x; k < l.length; k += blockDim.x)
    sum.value += double(g[at[1] + k * l.step[1]]) * (log ? 1.0 : double(y[at[2] + k * l.step[2]]));
  sum = of_block(sum);
  for (int64_t k = threadIdx.x; k < l.length; k += blockDim.x) {
    const double here = double(g[at[1] + k * l.step[1]]), r = double(y[at[2] + k * l.step[2]]);
    out[at[0] + k * l.step[0]] = T(log ? here - ::exp(r) * sum.value : r * (here - sum.value));
  }
}
} // namespace nd

ND_API int nd_softmax(const nd_plan *p, void *out, const void *a, int log) {
  if (p->dtype[1] != p->dtype[0]) return ND_EDTYPE;
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    return nd::each_line<2>(p, [&](const nd::Lines<2> &lines, unsigned blocks, unsigned threads) {
      nd::softmax<T><<<blocks, threads>>>(lines, static_cast<T *>(out), static_cast<const T *>(a), log);
    });
  });
}
ND_API int nd_softmax_backward(const nd_plan *p, void *out, const void *g, const void *y, int log) {
  if (p->dtype[1] != p->dtype[0] || p->dtype[2] != p->dtype[0]) return ND_EDTYPE;
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    return nd::each_line<3>(p, [&](const nd::Lines<3> &lines, unsigned blocks, unsigned threads) {
      nd::softmax_backward<T><<<blocks, threads>>>(lines, static_cast<T *>(out), static_cast<const T *>(g),
                                                   static_cast<const T *>(y), log);
    });
  });
}
