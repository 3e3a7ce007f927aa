// elementwise.cuh - out = f(a), f(a, b) or f(a, s), one thread an element: what the files of functions are made with.
//
// A function is a struct with a static member `of`, for T (the inputs' type) and U (the unsigned one of the same size, for
// integers). ND_ONE and its sisters below make of it the two entry points of needle_kernels.h: with a plan, where each
// thread works out where its element lies, and dense, where that is the same place everywhere.
#pragma once
#include "launch.cuh"

namespace nd {
template <class F, class To, class T> __global__ void one(Layout<2> l, To *out, const T *a) {
  for (int64_t i = first(); i < l.size; i += step()) {
    int64_t at[2];
    l.locate(i, at);
    out[at[0]] = static_cast<To>(F::template of<T, typename Unsigned<T>::type>(a[at[1]]));
  }
}
template <class F, class To, class T> __global__ void one_dense(int64_t n, To *out, const T *a) {
  for (int64_t i = first(); i < n; i += step()) out[i] = static_cast<To>(F::template of<T, typename Unsigned<T>::type>(a[i]));
}
template <class F, class To, class T> __global__ void two(Layout<3> l, To *out, const T *a, const T *b) {
  for (int64_t i = first(); i < l.size; i += step()) {
    int64_t at[3];
    l.locate(i, at);
    out[at[0]] = static_cast<To>(F::template of<T, typename Unsigned<T>::type>(a[at[1]], b[at[2]]));
  }
}
template <class F, class To, class T> __global__ void two_dense(int64_t n, To *out, const T *a, const T *b) {
  for (int64_t i = first(); i < n; i += step())
    out[i] = static_cast<To>(F::template of<T, typename Unsigned<T>::type>(a[i], b[i]));
}
template <class F, class To, class T> __global__ void with_scalar(Layout<2> l, To *out, const T *a, T s) {
  for (int64_t i = first(); i < l.size; i += step()) {
    int64_t at[2];
    l.locate(i, at);
    out[at[0]] = static_cast<To>(F::template of<T, typename Unsigned<T>::type>(a[at[1]], s));
  }
}
template <class F, class To, class T> __global__ void with_scalar_dense(int64_t n, To *out, const T *a, T s) {
  for (int64_t i = first(); i < n; i += step())
    out[i] = static_cast<To>(F::template of<T, typename Unsigned<T>::type>(a[i], s));
}

// The type of the result: that of the inputs, or bool.
struct Same { template <class T> using type = T; static int code(int input) { return input; } };
struct Bool { template <class T> using type = uint8_t; static int code(int) { return ND_BOOL; } };

template <class F, class Result, int TYPES> int run_one(const nd_plan *p, void *out, const void *a) {
  if (p->dtype[0] != Result::code(p->dtype[1])) return ND_EDTYPE;
  return with_type<TYPES>(p->dtype[1], [&](auto zero) {
    using T = decltype(zero);
    using To = typename Result::template type<T>;
    if (p->size) one<F, To, T><<<blocks_for(p->size), THREADS>>>(Layout<2>(p), static_cast<To *>(out), static_cast<const T *>(a));
    return launched();
  });
}
template <class F, class Result, int TYPES> int run_one_dense(int dtype, int64_t n, void *out, const void *a) {
  return with_type<TYPES>(dtype, [&](auto zero) {
    using T = decltype(zero);
    using To = typename Result::template type<T>;
    if (n) one_dense<F, To, T><<<blocks_for(n), THREADS>>>(n, static_cast<To *>(out), static_cast<const T *>(a));
    return launched();
  });
}
template <class F, class Result, int TYPES> int run_two(const nd_plan *p, void *out, const void *a, const void *b) {
  if (p->dtype[0] != Result::code(p->dtype[1]) || p->dtype[2] != p->dtype[1]) return ND_EDTYPE;
  return with_type<TYPES>(p->dtype[1], [&](auto zero) {
    using T = decltype(zero);
    using To = typename Result::template type<T>;
    if (p->size)
      two<F, To, T><<<blocks_for(p->size), THREADS>>>(Layout<3>(p), static_cast<To *>(out), static_cast<const T *>(a),
                                                      static_cast<const T *>(b));
    return launched();
  });
}
template <class F, class Result, int TYPES> int run_two_dense(int dtype, int64_t n, void *out, const void *a, const void *b) {
  return with_type<TYPES>(dtype, [&](auto zero) {
    using T = decltype(zero);
    using To = typename Result::template type<T>;
    if (n)
      two_dense<F, To, T><<<blocks_for(n), THREADS>>>(n, static_cast<To *>(out), static_cast<const T *>(a),
                                                      static_cast<const T *>(b));
    return launched();
  });
}
template <class F, class Result, int TYPES> int run_scalar(const nd_plan *p, void *out, const void *a, double s) {
  if (p->dtype[0] != Result::code(p->dtype[1])) return ND_EDTYPE;
  return with_type<TYPES>(p->dtype[1], [&](auto zero) {
    using T = decltype(zero);
    using To = typename Result::template type<T>;
    if (p->size)
      with_scalar<F, To, T><<<blocks_for(p->size), THREADS>>>(Layout<2>(p), static_cast<To *>(out),
                                                              static_cast<const T *>(a), element<T>(s));
    return launched();
  });
}
template <class F, class Result, int TYPES> int run_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s) {
  return with_type<TYPES>(dtype, [&](auto zero) {
    using T = decltype(zero);
    using To = typename Result::template type<T>;
    if (n)
      with_scalar_dense<F, To, T><<<blocks_for(n), THREADS>>>(n, static_cast<To *>(out), static_cast<const T *>(a),
                                                              element<T>(s));
    return launched();
  });
}
} // namespace nd

#define ND_ONE(name, result, types, ...)                                                                          \
  namespace nd { struct name##_function { template <class T, class U> static __device__ auto of(T a) { return __VA_ARGS__; } }; } \
  ND_API int nd_##name(const nd_plan *p, void *out, const void *a) {                                           \
    return nd::run_one<nd::name##_function, nd::result, nd::types>(p, out, a);                                    \
  }                                                                                                               \
  ND_API int nd_##name##_dense(int dtype, int64_t n, void *out, const void *a) {                               \
    return nd::run_one_dense<nd::name##_function, nd::result, nd::types>(dtype, n, out, a);                       \
  }
#define ND_TWO(name, result, types, ...)                                                                          \
  namespace nd { struct name##_function { template <class T, class U> static __device__ auto of(T a, T b) { return __VA_ARGS__; } }; } \
  ND_API int nd_##name(const nd_plan *p, void *out, const void *a, const void *b) {                            \
    return nd::run_two<nd::name##_function, nd::result, nd::types>(p, out, a, b);                                 \
  }                                                                                                               \
  ND_API int nd_##name##_dense(int dtype, int64_t n, void *out, const void *a, const void *b) {                \
    return nd::run_two_dense<nd::name##_function, nd::result, nd::types>(dtype, n, out, a, b);                    \
  }
#define ND_SCALAR(name, result, types, ...)                                                                       \
  namespace nd { struct name##_function { template <class T, class U> static __device__ auto of(T a, T s) { return __VA_ARGS__; } }; } \
  ND_API int nd_##name(const nd_plan *p, void *out, const void *a, double s) {                                 \
    return nd::run_scalar<nd::name##_function, nd::result, nd::types>(p, out, a, s);                              \
  }                                                                                                               \
  ND_API int nd_##name##_dense(int dtype, int64_t n, void *out, const void *a, double s) {                     \
    return nd::run_scalar_dense<nd::name##_function, nd::result, nd::types>(dtype, n, out, a, s);                 \
  }
