// scan.cu - running sums, products, places of extremes, and linear recurrences, along the last dimension.
//
// A block works on a line, a tile of as many elements as it has threads after the other. In a tile all prefixes are found
// together: within each warp, each thread adds what the thread 1, then 2, 4, 8, 16 below it has; then the totals of the warps
// before are added; and what all tiles before came to is carried along. `then` is associative, which is all this needs; it
// need not be commutative.
#include "block.cuh"

namespace nd {
template <class Value> struct RunningSum { // Value: double, or unsigned integers, which wrap around
  Value value;
  static __device__ RunningSum of(Value a, int64_t) { return {a}; }
  __device__ RunningSum then(RunningSum later) const { return {Value(value + later.value)}; }
  __device__ RunningSum below(unsigned by) const { return {__shfl_up_sync(unsigned(EVERY_LANE), value, by)}; }
};
template <class Value> struct RunningProduct {
  Value value;
  static __device__ RunningProduct of(Value a, int64_t) { return {a}; }
  __device__ RunningProduct then(RunningProduct later) const { return {Value(value * later.value)}; }
  __device__ RunningProduct below(unsigned by) const { return {__shfl_up_sync(unsigned(EVERY_LANE), value, by)}; }
};
// Where the extreme so far is: the latest of equals, the latest nan if there is one.
template <class Value, bool MAX> struct RunningPlace {
  Value value; // 4 or 8 bytes
  int64_t place;
  static __device__ RunningPlace of(Value a, int64_t k) { return {a, k}; }
  __device__ RunningPlace then(RunningPlace later) const {
    const bool taken = MAX ? later.value >= value : value >= later.value;
    return taken || later.value != later.value ? later : *this;
  }
  __device__ RunningPlace below(unsigned by) const {
    return {__shfl_up_sync(unsigned(EVERY_LANE), value, by), __shfl_up_sync(unsigned(EVERY_LANE), place, by)};
  }
};
// x -> factor x + term. The first of two maps, then the second: factor2 (factor1 x + term1) + term2.
struct LinearMap {
  double factor, term;
  __device__ LinearMap then(LinearMap later) const { return {factor * later.factor, later.factor * term + later.term}; }
  __device__ LinearMap below(unsigned by) const {
    return {__shfl_up_sync(unsigned(EVERY_LANE), factor, by), __shfl_up_sync(unsigned(EVERY_LANE), term, by)};
  }
};

// read(k) is the State of element k of the line, write(k, state) stores what they come to up to there.
template <class State, class Read, class Write> __device__ void scan_line(int64_t length, Read read, Write write) {
  __shared__ State totals[WARP], carried;
  const int thread = int(threadIdx.x), lane = thread % WARP, warp = thread / WARP, last = int(blockDim.x) - 1;
  for (int64_t tile = 0; tile < length; tile += blockDim.x) {
    const int64_t k = tile + thread, at_most = length - 1;
    State mine = read(k > at_most ? at_most : k); // what lies beyond the end is read twice, and not written
    for (int by = 1; by != WARP; by *= 2) {
      const State before = mine.below(unsigned(by));
      if (lane >= by) mine = before.then(mine);
    }
    if (lane == WARP - 1) totals[warp] = mine;
    __syncthreads(); // the totals of all warps are there
    for (int other = warp - 1; other >= 0; other--) mine = totals[other].then(mine);
    if (tile > 0) mine = carried.then(mine);
    if (k <= at_most) write(k, mine);
    __syncthreads(); // all have read what was carried, and the totals
    if (thread == last) carried = mine;
  }
}

template <class State, class Value, class To, class T> __global__ void running(Lines<2> l, To *out, const T *a) {
  int64_t at[2];
  l.begin.locate(blockIdx.x, at);
  scan_line<State>(
      l.length, [&](int64_t k) { return State::of(Value(a[at[1] + k * l.step[1]]), k); },
      [&](int64_t k, State s) { out[at[0] + k * l.step[0]] = To(s.value); });
}
template <class State, class Value, class T> __global__ void running_place(Lines<2> l, int64_t *out, const T *a) {
  int64_t at[2];
  l.begin.locate(blockIdx.x, at);
  scan_line<State>(
      l.length, [&](int64_t k) { return State::of(Value(a[at[1] + k * l.step[1]]), k); },
      [&](int64_t k, State s) { out[at[0] + k * l.step[0]] = s.place; });
}
template <class T> __global__ void linear_scan(Lines<3> l, T *out, const T *a, const T *b) {
  int64_t at[3];
  l.begin.locate(blockIdx.x, at);
  scan_line<LinearMap>(
      l.length,
      [&](int64_t k) -> LinearMap { // the first element forgets what was before
        return {k ? double(a[at[1] + k * l.step[1]]) : 0.0, double(b[at[2] + k * l.step[2]])};
      },
      [&](int64_t k, LinearMap s) { out[at[0] + k * l.step[0]] = T(s.term); });
}

template <template <class> class State> int accumulate(const nd_plan *p, void *out, const void *a) {
  return with_type<ALL>(p->dtype[1], [&](auto zero) {
    using T = decltype(zero);
    using To = typename std::conditional<is_float<T>, T, int64_t>::type;
    using Value = typename std::conditional<is_float<T>, double, uint64_t>::type;
    if (p->dtype[0] != (is_float<T> ? p->dtype[1] : int(ND_I64))) return int(ND_EDTYPE);
    return each_line<2>(p, [&](const Lines<2> &lines, unsigned blocks, unsigned threads) {
      running<State<Value>, Value, To, T><<<blocks, threads>>>(lines, static_cast<To *>(out), static_cast<const T *>(a));
    });
  });
}
template <bool MAX> int accumulate_place(const nd_plan *p, void *out, const void *a) {
  if (p->dtype[0] != ND_I64) return ND_EDTYPE;
  return with_type<ALL>(p->dtype[1], [&](auto zero) {
    using T = decltype(zero);
    using Value = typename std::conditional<sizeof(T) == 1, int, T>::type;
    return each_line<2>(p, [&](const Lines<2> &lines, unsigned blocks, unsigned threads) {
      running_place<RunningPlace<Value, MAX>, Value, T><<<blocks, threads>>>(lines, static_cast<int64_t *>(out),
                                                                            static_cast<const T *>(a));
    });
  });
}
} // namespace nd

ND_API int nd_cumsum(const nd_plan *p, void *out, const void *a) { return nd::accumulate<nd::RunningSum>(p, out, a); }
ND_API int nd_cumprod(const nd_plan *p, void *out, const void *a) { return nd::accumulate<nd::RunningProduct>(p, out, a); }
ND_API int nd_cumargmax(const nd_plan *p, void *out, const void *a) { return nd::accumulate_place<true>(p, out, a); }
ND_API int nd_cumargmin(const nd_plan *p, void *out, const void *a) { return nd::accumulate_place<false>(p, out, a); }
ND_API int nd_linear_scan(const nd_plan *p, void *out, const void *a, const void *b) {
  if (p->dtype[1] != p->dtype[0] || p->dtype[2] != p->dtype[0]) return ND_EDTYPE;
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    return nd::each_line<3>(p, [&](const nd::Lines<3> &lines, unsigned blocks, unsigned threads) {
      nd::linear_scan<T><<<blocks, threads>>>(lines, static_cast<T *>(out), static_cast<const T *>(a),
                                              static_cast<const T *>(b));
    });
  });
}
