// functions.cuh - the functions of unary.cu and binary.cu alone, without a kernel each: nd::f::tanh(a), nd::f::add(a, b).
//
// Code that has kernels of its own, such as that which a compiled graph becomes, computes one element with them: by the
// very expressions that our kernels have, so that the numbers are the same.
#pragma once
#include "elementwise.cuh"

#undef ND_ONE
#undef ND_TWO
#undef ND_SCALAR
#define ND_ONE(name, result, types, ...) \
  namespace nd { namespace f { \
  template <class T> __device__ result::type<T> name(T a) { \
    using U [[maybe_unused]] = typename Unsigned<T>::type; \
    return static_cast<result::type<T>>(__VA_ARGS__); \
  } } }
#define ND_TWO(name, result, types, ...) \
  namespace nd { namespace f { \
  template <class T> __device__ result::type<T> name(T a, T b) { \
    using U [[maybe_unused]] = typename Unsigned<T>::type; \
    return static_cast<result::type<T>>(__VA_ARGS__); \
  } } }
#define ND_SCALAR(name, result, types, ...) \
  namespace nd { namespace f { \
  template <class T> __device__ result::type<T> name(T a, double number) { \
    using U [[maybe_unused]] = typename Unsigned<T>::type; \
    const T s = element<T>(number); \
    return static_cast<result::type<T>>(__VA_ARGS__); \
  } } }
#include "unary.cu"
#include "binary.cu"
namespace nd { namespace f {
template <class T> __device__ T fill(double number) { return element<T>(number); }
} }
