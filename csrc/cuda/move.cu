// move.cu - fill, copy with conversion, and where: memory, and no arithmetic.
#include "launch.cuh"

namespace nd {
template <class T> __global__ void fill(Layout<1> l, T *out, T value) {
  for (int64_t i = first(); i < l.size; i += step()) {
    int64_t at[1];
    l.locate(i, at);
    out[at[0]] = value;
  }
}
template <class T> __global__ void fill_dense(int64_t n, T *out, T value) {
  for (int64_t i = first(); i < n; i += step()) out[i] = value;
}

// Anything becomes a bool by asking whether it is not 0; floats become integers by cutting off.
template <class To, bool TO_BOOL, class T> __device__ To converted(T a) {
  if constexpr (TO_BOOL) return To(a != 0);
  else return static_cast<To>(a);
}
template <class To, bool TO_BOOL, class T> __global__ void copy(Layout<2> l, To *out, const T *a) {
  for (int64_t i = first(); i < l.size; i += step()) {
    int64_t at[2];
    l.locate(i, at);
    out[at[0]] = converted<To, TO_BOOL>(a[at[1]]);
  }
}
template <class T> __global__ void where(Layout<4> l, T *out, const uint8_t *condition, const T *a, const T *b) {
  for (int64_t i = first(); i < l.size; i += step()) {
    int64_t at[4];
    l.locate(i, at);
    out[at[0]] = condition[at[1]] ? a[at[2]] : b[at[3]];
  }
}
} // namespace nd

ND_API int nd_fill(const nd_plan *p, void *out, double value) {
  return nd::with_type<nd::ALL>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if (p->size)
      nd::fill<T><<<nd::blocks_for(p->size), nd::THREADS>>>(nd::Layout<1>(p), static_cast<T *>(out),
                                                           nd::element<T>(value));
    return nd::launched();
  });
}
ND_API int nd_fill_dense(int dtype, int64_t n, void *out, double value) {
  return nd::with_type<nd::ALL>(dtype, [&](auto zero) {
    using T = decltype(zero);
    if (n) nd::fill_dense<T><<<nd::blocks_for(n), nd::THREADS>>>(n, static_cast<T *>(out), nd::element<T>(value));
    return nd::launched();
  });
}
ND_API int nd_copy(const nd_plan *p, void *out, const void *a) {
  return nd::with_type<nd::ALL>(p->dtype[0], [&](auto to) {
    using To = decltype(to);
    return nd::with_type<nd::ALL>(p->dtype[1], [&](auto from) {
      using T = decltype(from);
      constexpr bool to_bool = sizeof(To) == 1;
      if (p->size)
        nd::copy<To, to_bool, T><<<nd::blocks_for(p->size), nd::THREADS>>>(nd::Layout<2>(p), static_cast<To *>(out),
                                                                          static_cast<const T *>(a));
      return nd::launched();
    });
  });
}
ND_API int nd_where(const nd_plan *p, void *out, const void *condition, const void *a, const void *b) {
  if (p->dtype[1] != ND_BOOL || p->dtype[2] != p->dtype[0] || p->dtype[3] != p->dtype[0]) return ND_EDTYPE;
  return nd::with_type<nd::ALL>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if (p->size)
      nd::where<T><<<nd::blocks_for(p->size), nd::THREADS>>>(nd::Layout<4>(p), static_cast<T *>(out),
                                                            static_cast<const uint8_t *>(condition),
                                                            static_cast<const T *>(a), static_cast<const T *>(b));
    return nd::launched();
  });
}
