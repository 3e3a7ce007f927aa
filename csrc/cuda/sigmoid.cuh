// sigmoid.cuh - the logistic function, which activations, their slopes and the gates of recurrent cells are made with.
#pragma once

namespace nd {
// 1/(1 + exp(-a)) = exp(a)/(1 + exp(a)): the exponential of a number above 0 is never asked for.
template <class T> __device__ T sigmoid_of(T a) {
  const T e = ::exp(a < 0 ? a : -a);
  return a >= 0 ? T(1) / (T(1) + e) : e / (T(1) + e);
}
} // namespace nd
