// reduce.cu - sum, sum of squares, product, extremes and where they are, log of the sum of exponentials: over any dimensions of any layout.
//
// The dimensions in which the output stands still are the line, the others say which line. Threads of a warp should read
// neighbours. If these lie in the line, a block works on a line, and puts its threads' values together (block.cuh). If they
// lie in different lines, 32 lines go side by side, with 8 threads for each that share it out.
#include "block.cuh"

namespace nd {
template <class T, class Value> struct Add { // T the elements' type, Value that of the sum; integers wrap around
  using Number = typename Unsigned<Value>::type;
  Number value;
  static __device__ Add of_none() { return {Number(0)}; }
  static __device__ Add of(T a, int64_t) { return {Number(a)}; }
  __device__ Add with(Add other) const { return {Number(value + other.value)}; }
  __device__ Add from(int lane) const { return {across(value, lane)}; }
  __device__ Value result() const { return Value(value); }
};
template <class T> struct AddSquares { // floats
  T value;
  static __device__ AddSquares of_none() { return {T(0)}; }
  static __device__ AddSquares of(T a, int64_t) { return {T(a * a)}; }
  __device__ AddSquares with(AddSquares other) const { return {T(value + other.value)}; }
  __device__ AddSquares from(int lane) const { return {across(value, lane)}; }
  __device__ T result() const { return value; }
};
template <class T, class Value> struct Multiply {
  using Number = typename Unsigned<Value>::type;
  Number value;
  static __device__ Multiply of_none() { return {Number(1)}; }
  static __device__ Multiply of(T a, int64_t) { return {Number(a)}; }
  __device__ Multiply with(Multiply other) const { return {Number(value * other.value)}; }
  __device__ Multiply from(int lane) const { return {across(value, lane)}; }
  __device__ Value result() const { return Value(value); }
};

// An extreme, and its place in the line (below 0: nothing yet). A nan is the extreme; of equals the first counts.
template <class T, bool MAX, bool WHERE> struct Extreme {
  using Value = typename std::conditional<WHERE, int64_t, T>::type;
  using Word = typename std::conditional<sizeof(T) == 1, int, T>::type; // shuffles move 4 or 8 bytes
  Word value;
  int64_t place;
  static __device__ Extreme of_none() { return {Word(0), -1}; }
  static __device__ Extreme of(T a, int64_t k) { return {Word(a), k}; }
  __device__ Extreme with(Extreme other) const {
    if (other.place < 0) return *this;
    if (place < 0) return other;
    const bool mine = value != value, its = other.value != other.value;
    const bool further = mine ? false : its ? true : MAX ? other.value > value : value > other.value;
    const bool even = mine ? its : other.value == value;
    return further || (even && place > other.place) ? other : *this;
  }
  __device__ Extreme from(int lane) const { return {across(value, lane), across(place, lane)}; }
  __device__ Value result() const { return WHERE ? Value(place) : Value(value); }
};
template <class T> using Max = Extreme<T, true, false>;
template <class T> using Min = Extreme<T, false, false>;
template <class T> using ArgMax = Extreme<T, true, true>;
template <class T> using ArgMin = Extreme<T, false, true>;

// The largest so far, and the sum of exp(a - largest), which exp cannot make overflow.
template <class T> struct LogSumExp {
  T largest;
  double sum;
  static __device__ LogSumExp of_none() { return {T(-INFINITY), 0}; }
  static __device__ LogSumExp of(T a, int64_t) { return {a, 1}; }
  __device__ LogSumExp with(LogSumExp other) const {
    if (largest == other.largest) return {largest, sum + other.sum}; // two infinities as well
    const bool swap = other.largest > largest || other.largest != other.largest;
    const LogSumExp high = swap ? other : *this, low = swap ? *this : other;
    return {high.largest, high.sum + low.sum * double(::exp(low.largest - high.largest))};
  }
  __device__ LogSumExp from(int lane) const { return {across(largest, lane), across(sum, lane)}; }
  __device__ T result() const { return T(largest + ::log(sum)); }
};

// The plan, cut in two: `lines` says where a line begins in the output and in a, `along` how a goes on in it.
struct Cut {
  Layout<2> lines, along;
  explicit Cut(const nd_plan *p) : lines(p), along(p) {
    lines.ndim = along.ndim = 0;
    lines.size = along.size = 1;
    along.offset[0] = along.offset[1] = 0;
    for (int d = 0; d < p->ndim; d++) {
      Layout<2> &part = p->stride[0][d] == 0 && p->shape[d] != 1 ? along : lines;
      part.shape[part.ndim] = p->shape[d];
      for (int k = 0; k < 2; k++) part.stride[k][part.ndim] = p->stride[k][d];
      part.size *= p->shape[d];
      part.ndim++;
    }
  }
  // Whether neighbours of a lie in different lines rather than in the same one.
  bool side_by_side() const {
    const auto last = [](const Layout<2> &l) { return l.ndim ? llabs(l.stride[1][l.ndim - 1]) : INT64_MAX; };
    return lines.size >= WARP && last(lines) <= last(along);
  }
};

// Block (line, part) works on one of gridDim.y parts of the line. With one part it writes the result, else its State.
template <class State, class T, class Value>
__global__ void reduce_lines(Cut cut, Value *out, State *parts, const T *a) {
  int64_t begin[2], at[2];
  cut.lines.locate(blockIdx.x, begin);
  const int64_t part = (cut.along.size + gridDim.y - 1) / gridDim.y, from = blockIdx.y * part;
  const int64_t end = cut.along.size > from + part ? from + part : cut.along.size;
  State mine = State::of_none();
  for (int64_t k = from + threadIdx.x; k < end; k += blockDim.x) {
    cut.along.locate(k, at);
    mine = mine.with(State::of(a[begin[1] + at[1]], k));
  }
  mine = of_block(mine);
  if (threadIdx.x != 0) return;
  if (gridDim.y == 1) out[begin[0]] = mine.result();
  else parts[blockIdx.x * int64_t(gridDim.y) + blockIdx.y] = mine;
}
// One warp for each line puts the parts together.
template <class State, class Value> __global__ void reduce_parts(Cut cut, Value *out, const State *parts, int count) {
  int64_t begin[2];
  cut.lines.locate(blockIdx.x, begin);
  State mine = State::of_none();
  for (int k = int(threadIdx.x); k < count; k += WARP) mine = mine.with(parts[int64_t(blockIdx.x) * count + k]);
  mine = of_warp(mine);
  if (threadIdx.x == 0) out[begin[0]] = mine.result();
}

enum { SHARERS = 8 };
// Thread (x, y) works on line x of the block, on every SHARERS-th element from y on.
template <class State, class T, class Value> __global__ void reduce_side_by_side(Cut cut, Value *out, const T *a) {
  __shared__ State shares[SHARERS][WARP];
  const int x = int(threadIdx.x), y = int(threadIdx.y);
  const int64_t line = int64_t(blockIdx.x) * WARP + x;
  int64_t begin[2] = {0, 0}, at[2];
  State mine = State::of_none();
  if (line < cut.lines.size) {
    cut.lines.locate(line, begin);
    for (int64_t k = y; k < cut.along.size; k += SHARERS) {
      cut.along.locate(k, at);
      mine = mine.with(State::of(a[begin[1] + at[1]], k));
    }
  }
  shares[y][x] = mine;
  __syncthreads(); // all shares are there
  if (y != 0 || line >= cut.lines.size) return;
  for (int other = 1; other != SHARERS; other++) mine = mine.with(shares[other][x]);
  out[begin[0]] = mine.result();
}

enum : int64_t { ENOUGH_BLOCKS = 128, LEAST_PART = 1024 }; // to keep a card busy; below this, a part is not worth a block

template <class State, class T, class Value> int reduce(const nd_plan *p, void *out_, const void *a_) {
  const Cut cut(p);
  Value *const out = static_cast<Value *>(out_);
  const T *const a = static_cast<const T *>(a_);
  if (!cut.lines.size) return ND_OK;
  if (cut.lines.size > MOST_LINES) return ND_EPLAN;
  const unsigned lines = unsigned(cut.lines.size);
  if (cut.side_by_side()) {
    reduce_side_by_side<State, T, Value><<<(lines + WARP - 1) / WARP, dim3(WARP, SHARERS)>>>(cut, out, a);
    return launched();
  }
  const int64_t wanted = ENOUGH_BLOCKS / lines, most = cut.along.size / LEAST_PART;
  const int64_t parts = wanted < 2 || most < 2 ? 1 : wanted < most ? wanted : most;
  const Scratch scratch(parts * lines * int64_t(sizeof(State)));
  if (!scratch) return ND_ENOMEM;
  State *const states = scratch.as<State>();
  reduce_lines<State, T, Value><<<dim3(lines, unsigned(parts)), threads_for(cut.along.size / parts)>>>(cut, out, states, a);
  const int error = launched();
  if (error || parts == 1) return error;
  reduce_parts<State, Value><<<lines, WARP>>>(cut, out, states, int(parts));
  return launched();
}

// Sums and products of integers and bools are int64.
template <template <class, class> class State> int reduce_widened(const nd_plan *p, void *out, const void *a) {
  return with_type<ALL>(p->dtype[1], [&](auto zero) {
    using T = decltype(zero);
    using Value = typename std::conditional<is_float<T>, T, int64_t>::type;
    if (p->dtype[0] != (is_float<T> ? p->dtype[1] : int(ND_I64))) return int(ND_EDTYPE);
    return reduce<State<T, Value>, T, Value>(p, out, a);
  });
}
template <template <class> class State, int TYPES>
int reduce_same(const nd_plan *p, void *out, const void *a, int result) {
  if (p->dtype[0] != result) return ND_EDTYPE;
  return with_type<TYPES>(p->dtype[1], [&](auto zero) {
    using T = decltype(zero);
    const Cut cut(p);
    if (cut.lines.size && !cut.along.size) return int(ND_EPLAN);
    return reduce<State<T>, T, decltype(State<T>().result())>(p, out, a);
  });
}
} // namespace nd

ND_API int nd_sum(const nd_plan *p, void *out, const void *a) { return nd::reduce_widened<nd::Add>(p, out, a); }
ND_API int nd_prod(const nd_plan *p, void *out, const void *a) { return nd::reduce_widened<nd::Multiply>(p, out, a); }
ND_API int nd_sum_squares(const nd_plan *p, void *out, const void *a) {
  if (p->dtype[0] != p->dtype[1]) return ND_EDTYPE;
  return nd::with_type<nd::FLOATS>(p->dtype[1], [&](auto zero) {
    using T = decltype(zero);
    return nd::reduce<nd::AddSquares<T>, T, T>(p, out, a);
  });
}
ND_API int nd_max(const nd_plan *p, void *out, const void *a) { return nd::reduce_same<nd::Max, nd::ALL>(p, out, a, p->dtype[1]); }
ND_API int nd_min(const nd_plan *p, void *out, const void *a) { return nd::reduce_same<nd::Min, nd::ALL>(p, out, a, p->dtype[1]); }
ND_API int nd_argmax(const nd_plan *p, void *out, const void *a) { return nd::reduce_same<nd::ArgMax, nd::ALL>(p, out, a, ND_I64); }
ND_API int nd_argmin(const nd_plan *p, void *out, const void *a) { return nd::reduce_same<nd::ArgMin, nd::ALL>(p, out, a, ND_I64); }
ND_API int nd_logsumexp(const nd_plan *p, void *out, const void *a) {
  return nd::reduce_same<nd::LogSumExp, nd::FLOATS>(p, out, a, p->dtype[1]);
}
