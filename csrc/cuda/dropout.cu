// dropout.cu - out = a / (1 - p), or 0 times a where the number drawn is below the limit.
//
// A thread draws four numbers at once and works on their four elements, 16 apart: those of its 15 neighbours lie between.
#include "philox.cuh"

namespace nd {
template <class T>
__global__ void dropout(int64_t n, T *out, const T *a, uint64_t limit, T scale, uint64_t key) {
  const int64_t counters = (n + 63) / 64 * 16;
  for (int64_t counter = first(); counter < counters; counter += step()) {
    const Words drawn = philox(uint64_t(counter), 0, key);
    for (int k = 0; k != 4; k++) {
      const int64_t i = counter / 16 * 64 + counter % 16 + k * 16;
      if (i < n) out[i] = a[i] * (drawn.word[k] >= limit ? scale : T(0));
    }
  }
}
} // namespace nd

ND_API int nd_dropout_dense(int dtype, int64_t n, void *out, const void *a, double p, int64_t key) {
  return nd::with_type<nd::FLOATS>(dtype, [&](auto zero) {
    using T = decltype(zero);
    const uint64_t limit = nd::philox_limit(p);
    const T scale = limit >> 32 ? T(0) : T(1 / (1 - p));
    if (n)
      nd::dropout<T><<<nd::blocks_for((n + 63) / 64 * 16), nd::THREADS>>>(n, static_cast<T *>(out), static_cast<const T *>(a),
                                                                         limit, scale, uint64_t(key));
    return nd::launched();
  });
}
