// taps.cu - out[o, j, i] = sum over k from start[j] up to start[j+1] of weight[k] a[o, place[k], i]; a thread an element.
#include "faults.cuh"

namespace nd {
struct Taps { int64_t outer, n, m, inner; };

// Before anything is added up: is there a place beside the array?
__global__ void check_places(Taps t, const int64_t *start, const int64_t *place, Fault *faults) {
  for (int64_t k = start[0] + first(); k < start[t.m]; k += step())
    if (place[k] < 0 || place[k] >= t.n) fault(faults, k);
}
template <class T>
__global__ void taps(Taps t, T *out, const T *a, const int64_t *start, const int64_t *place, const T *weight) {
  for (int64_t at = first(); at < t.outer * t.m * t.inner; at += step()) {
    const int64_t i = at % t.inner, j = at / t.inner % t.m, o = at / t.inner / t.m;
    double sum = 0;
    for (int64_t k = start[j]; k < start[j + 1]; k++) {
      const int64_t from = place[k];
      if (from >= 0 && t.n > from) sum += double(weight[k]) * double(a[(o * t.n + from) * t.inner + i]);
    }
    out[at] = T(sum);
  }
}
struct PlaceAt {
  const int64_t *place;
  __device__ long long operator()(int64_t k) const { return place[k]; }
};
} // namespace nd

ND_API int nd_taps_dense(int dtype, int64_t outer, void *out, const void *a, const void *start, const void *place,
                         const void *weight, int64_t n, int64_t m, int64_t inner) {
  return nd::with_type<nd::FLOATS>(dtype, [&](auto zero) {
    using T = decltype(zero);
    if (n < 0 || m < 0 || inner < 0) return int(ND_EPLAN);
    nd::Fault *const faults = nd::fault_for("taps_dense");
    if (!faults) return int(ND_ENOMEM);
    const nd::Taps t = {outer, n, m, inner};
    const int64_t *const from = static_cast<const int64_t *>(start), *const places = static_cast<const int64_t *>(place);
    nd::check_places<<<16, nd::THREADS>>>(t, from, places, faults); // how many there are, only the device knows
    const int64_t size = outer * m * inner;
    if (size)
      nd::taps<T><<<nd::blocks_for(size), nd::THREADS>>>(t, static_cast<T *>(out), static_cast<const T *>(a), from, places,
                                                        static_cast<const T *>(weight));
    nd::find_index<<<1, 1>>>(faults, nd::PlaceAt{places});
    return nd::launched_with_faults();
  });
}
