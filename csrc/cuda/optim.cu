// optim.cu - steps of optimisers: one pass over parameter, gradient and memories; needle_kernels.h has the formulas.
//
// A network has many small parameters, and a launch costs as much as some ten thousand elements. So one launch makes the
// steps of as many parameters as its arguments have room for, each with blocks for its own number of elements.
#include "launch.cuh"

namespace nd {
enum { TOGETHER = 24 }; // 4 KiB of arguments
struct Steps {
  nd_step step[TOGETHER];
  unsigned begin[TOGETHER + 1]; // each one's first block; those behind the last have none
};

template <class T> struct StepNumbers { // nd_step_numbers, rounded to the element type
  T sign, decay, shrink, rate, keep1, fresh1, keep2, fresh2, scale, eps, bonus;
  __device__ explicit StepNumbers(const nd_step_numbers &s)
      : sign(T(s.sign)), decay(T(s.decay)), shrink(T(s.shrink)), rate(T(s.rate)), keep1(T(s.keep1)), fresh1(T(s.fresh1)),
        keep2(T(s.keep2)), fresh2(T(s.fresh2)), scale(T(s.scale)), eps(T(s.eps)), bonus(T(s.bonus)) {}
};
template <class T> __device__ T sign_of(T a) { return a > 0 ? T(1) : 0 > a ? T(-1) : a; } // a nan stays
template <class T> __device__ T root(T a) { return ::sqrt(a); }

// The average x of d, and y of its square, as MOMENTUM and ADAM have them.
template <class T> __device__ void remember(T d, T &x, const StepNumbers<T> &s) { x = s.keep1 * x + s.fresh1 * d; }
template <class T> __device__ void remember_square(T d, T &y, const StepNumbers<T> &s) { y = s.keep2 * y + s.fresh2 * d * d; }

// The new p; x, y and z are what the kind remembers.
template <class T> __device__ T new_parameter(int kind, T p, T d, T &x, T &y, T &z, const StepNumbers<T> &s) {
  switch (kind) {
  case ND_STEP_SGD: return p - s.rate * d;
  case ND_STEP_MOMENTUM: remember(d, x, s); return p - s.rate * x;
  case ND_STEP_NESTEROV: remember(d, x, s); return p - s.rate * (d + s.keep1 * x);
  case ND_STEP_ADAM:
    remember(d, x, s), remember_square(d, y, s);
    return s.shrink * p - s.rate * x / (root(y * s.scale) + s.eps);
  case ND_STEP_AMSGRAD:
    remember(d, x, s), remember_square(d, y, s);
    z = z >= y ? z : y; // a nan of y stays
    return s.shrink * p - s.rate * x / (root(z * s.scale) + s.eps);
  case ND_STEP_NADAM:
    remember(d, x, s), remember_square(d, y, s);
    return s.shrink * p - (s.rate * x + s.bonus * d) / (root(y * s.scale) + s.eps);
  case ND_STEP_RADAM_START: remember(d, x, s), remember_square(d, y, s); return s.shrink * p - s.rate * x;
  case ND_STEP_ADAMAX: {
    remember(d, x, s);
    const T faded = s.keep2 * y, now = T(fabs(d)) + s.eps;
    y = faded >= now || faded != faded ? faded : now;
    return p - s.rate * x / y;
  }
  case ND_STEP_ADAGRAD: x += d * d; return p - s.rate * d / (root(x) + s.eps);
  case ND_STEP_RMSPROP: remember_square(d, x, s); return p - s.rate * (d / (root(x) + s.eps));
  case ND_STEP_RMSPROP_MOMENTUM:
    remember_square(d, x, s);
    y = s.keep1 * y + d / (root(x) + s.eps);
    return p - s.rate * y;
  case ND_STEP_RMSPROP_CENTERED:
    remember_square(d, x, s);
    y = s.keep2 * y + s.fresh2 * d;
    return p - s.rate * (d / (root(x - y * y) + s.eps));
  case ND_STEP_RMSPROP_CENTERED_MOMENTUM:
    remember_square(d, x, s);
    y = s.keep2 * y + s.fresh2 * d;
    z = s.keep1 * z + d / (root(x - y * y) + s.eps);
    return p - s.rate * z;
  case ND_STEP_ADADELTA: {
    remember_square(d, x, s);
    const T way = root(y + s.eps) / root(x + s.eps) * d;
    remember_square(way, y, s);
    return p - s.rate * way;
  }
  case ND_STEP_ASGD: {
    const T out = s.shrink * p - s.rate * d;
    x = s.scale >= 1 ? out : x + s.scale * (out - x);
    return out;
  }
  case ND_STEP_RPROP: {
    const T agree = d * x, length = y * (0 > agree ? s.keep1 : agree > 0 ? s.keep2 : T(1));
    const T enough = s.fresh1 > length ? s.fresh1 : length;
    y = enough > s.fresh2 ? s.fresh2 : enough;
    x = 0 > agree ? T(0) : d;
    return p - y * sign_of(x);
  }
  default: { // LION
    const T direction = sign_of(s.keep1 * x + s.fresh1 * d);
    x = s.keep2 * x + s.fresh2 * d;
    return s.shrink * p - s.rate * direction;
  }
  }
}

template <class T> __global__ void optimizer_steps(Steps steps) {
  int which = 0;
  while (blockIdx.x >= steps.begin[which + 1]) which++;
  const nd_step &step_ = steps.step[which];
  const StepNumbers<T> s(step_.s);
  T *const out = static_cast<T *>(step_.out);
  const T *const p = static_cast<const T *>(step_.p), *const g = static_cast<const T *>(step_.g);
  T *memory[3];
  for (int k = 0; k != 3; k++) memory[k] = static_cast<T *>(step_.memory[k]); // NULL: the kind has fewer
  const int64_t block = blockIdx.x - steps.begin[which], blocks = steps.begin[which + 1] - steps.begin[which];
  for (int64_t i = block * blockDim.x + threadIdx.x; i < step_.n; i += blocks * blockDim.x) {
    T m[3];
    for (int k = 0; k != 3; k++) m[k] = memory[k] ? memory[k][i] : T(0);
    out[i] = new_parameter(step_.kind, p[i], s.sign * g[i] + s.decay * p[i], m[0], m[1], m[2], s);
    for (int k = 0; k != 3; k++)
      if (memory[k]) memory[k][i] = m[k];
  }
}

// How many memories each kind has, in their order: what lies behind in nd_step is not looked at.
const int MEMORIES[ND_STEP_KINDS] = {0, 1, 1, 2, 3, 2, 2, 2, 1, 1, 2, 2, 3, 2, 1, 2, 1};
} // namespace nd

ND_API int nd_optimizer_steps(int dtype, int count, const nd_step *steps) {
  return nd::with_type<nd::FLOATS>(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (int k = 0; k < count; k++)
      if (steps[k].kind < 0 || steps[k].kind >= ND_STEP_KINDS || steps[k].n < 0) return int(ND_EPLAN);
    for (int from = 0; from < count; from += nd::TOGETHER) {
      const int now = count - from < nd::TOGETHER ? count - from : int(nd::TOGETHER);
      nd::Steps some = {};
      for (int k = 0; k < now; k++) {
        some.step[k] = steps[from + k];
        for (int m = nd::MEMORIES[steps[from + k].kind]; m < 3; m++) some.step[k].memory[m] = nullptr;
        some.begin[k + 1] = some.begin[k] + nd::blocks_for((some.step[k].n + 7) / 8); // some elements a thread
      }
      if (some.begin[now]) nd::optimizer_steps<T><<<some.begin[now], nd::THREADS>>>(some);
      const int error = nd::launched();
      if (error) return error;
    }
    return int(ND_OK);
  });
}
