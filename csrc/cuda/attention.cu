// attention.cu - attention and its adjoints, without ever holding all scores. The formulas stand in needle_kernels.h.
//
// Forward a warp has a query. It goes through the keys 32 at a time, a lane a key, and keeps of all keys so far the highest
// score, the sum of exp(score - highest), and the values mixed with these weights; a higher score shrinks sum and mixture:
//     exp(s - new) = exp(s - old) exp(old - new)
// Then the lanes change their part: the 32 weights go through shared memory, and each lane mixes features of its own.
// Backward the weights are computed anew from lse, once by the warp that has a query, for its adjoint, and once by the one
// that has a key, for those of the key and its value. So each result is written once, by one thread, and needs no atomics.
#include "block.cuh"
#include "philox.cuh"

namespace nd {
enum { WARPS = THREADS / 32, FEATURES = 4 }; // a lane mixes so many features in one go through the keys

// The operands of the backward kernel; those of the forward kernel are the last six.
enum { TO_Q, TO_K, TO_V, G, OUT, LSE, Q, K, V, MASK, OPERANDS };

template <class T> struct Attention {
  Layout<OPERANDS> batch;
  int64_t queries, keys, features, values, diagonal;
  int64_t row[OPERANDS], column[OPERANDS]; // strides of each operand's own matrix
  const T *data[OPERANDS];                 // of those that are read; MASK may be NULL
  T scale, kept;                           // what is left of a weight that is not dropped
  uint64_t limit, key;                     // limit 0: none is dropped

  __device__ int64_t place(int operand, const int64_t (&at)[OPERANDS], int64_t i, int64_t j) const {
    return at[operand] + i * row[operand] + j * column[operand];
  }
  __device__ T read(int operand, const int64_t (&at)[OPERANDS], int64_t i, int64_t j) const {
    return data[operand][place(operand, at, i, j)];
  }
  // Row i of one operand times row j of another, which have n numbers.
  __device__ T dot(int a, int b, const int64_t (&at)[OPERANDS], int64_t i, int64_t j, int64_t n) const {
    T sum = 0;
    for (int64_t p = 0; p < n; p++) sum += read(a, at, i, p) * read(b, at, j, p);
    return sum;
  }
  __device__ T score(const int64_t (&at)[OPERANDS], int64_t i, int64_t j) const {
    const T s = scale * dot(Q, K, at, i, j, features);
    return data[MASK] ? s + read(MASK, at, i, j) : s;
  }
  // Query i sees the keys below this, and key j is seen by the queries from this on.
  __device__ int64_t keys_seen(int64_t i) const {
    return diagonal >= keys || i + diagonal >= keys ? keys : i + diagonal + 1;
  }
  __device__ int64_t first_query(int64_t j) const { return diagonal >= keys || j - diagonal <= 0 ? 0 : j - diagonal; }
  // By what dropout multiplies weight j of a row; all rows of the batch are counted.
  __device__ T chosen(int64_t in_batch, int64_t i, int64_t j) const {
    if (!limit) return T(1);
    const Words drawn = philox(uint64_t(j / 64 * 16 + j % 16), uint64_t(in_batch * queries + i), key);
    return drawn.word[j / 16 % 4] >= limit ? kept : T(0);
  }
};

// Adds to this lane's features, begin + lane, begin + lane + 32, ..., those of `count` rows of an operand, times weights.
template <class T>
__device__ void mix(const Attention<T> &x, int operand, const int64_t (&at)[OPERANDS], int64_t row, int64_t count,
                    int64_t begin, int64_t features, const T *weights, T (&mixed)[FEATURES]) {
#pragma unroll
  for (int f = 0; f != FEATURES; f++) {
    const int64_t feature = begin + f * 32 + threadIdx.x % 32;
    if (feature >= features) continue;
    for (int64_t n = 0; n < count; n++) mixed[f] += weights[n] * x.read(operand, at, row + n, feature);
  }
}
template <class T>
__device__ void write(const Attention<T> &x, int operand, const int64_t (&at)[OPERANDS], int64_t row, int64_t begin,
                      int64_t features, T *to, const T (&mixed)[FEATURES]) {
  for (int f = 0; f != FEATURES; f++) {
    const int64_t feature = begin + f * 32 + threadIdx.x % 32;
    if (feature < features) to[x.place(operand, at, row, feature)] = mixed[f];
  }
}
__device__ inline int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

template <class T> __global__ void attention(Attention<T> x, T *out, T *lse) {
  __shared__ T weights[WARPS][32];
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  for (int64_t row = first() / 32; row < x.batch.size * x.queries; row += step() / 32) {
    const int64_t batch = row / x.queries, i = row - batch * x.queries, seen = x.keys_seen(i);
    int64_t at[OPERANDS];
    x.batch.locate(batch, at);
    for (int64_t begin = 0; begin == 0 || begin < x.values; begin += 32 * FEATURES) {
      T highest = T(-INFINITY), sum = 0, mixed[FEATURES] = {};
      for (int64_t from = 0; from < seen; from += 32) {
        const int64_t j = from + lane;
        const T score = j < seen ? x.score(at, i, j) : T(-INFINITY);
        const T higher = of_warp(Largest<T>{highest}.with({score})).value;
        if (higher == T(-INFINITY)) continue; // nothing seen so far
        const T shrink = ::exp(highest - higher), weight = ::exp(score - higher);
        highest = higher;
        sum = sum * shrink + weight; // of this lane's keys
        for (int f = 0; f != FEATURES; f++) mixed[f] *= shrink;
        weights[warp][lane] = weight * x.chosen(batch, i, j); // 0 if j is not seen
        __syncwarp(); // the weights are there
        mix(x, V, at, from, at_most(seen - from, 32), begin, x.values, weights[warp], mixed);
        __syncwarp(); // and have been read: shuffles order no memory
      }
      sum = T(of_warp(Sum{double(sum)}).value);
      for (int f = 0; f != FEATURES; f++) mixed[f] = sum == 0 ? T(0) : mixed[f] / sum;
      write(x, OUT, at, i, begin, x.values, out, mixed);
      if (lane == 0 && begin == 0) lse[x.place(LSE, at, i, 0)] = sum == 0 ? T(-INFINITY) : highest + ::log(sum);
    }
  }
}

// Weight and slope of a pair: P times what dropout leaves, and s = scale P (chosen g v - g out).
template <class T> struct Pair { T weight, slope; };
template <class T>
__device__ Pair<T> pair_of(const Attention<T> &x, const int64_t (&at)[OPERANDS], int64_t batch, int64_t i, int64_t j) {
  const T lse = x.read(LSE, at, i, 0);
  if (lse == T(-INFINITY)) return {T(0), T(0)}; // the query sees nothing
  const T p = ::exp(x.score(at, i, j) - lse), chosen = x.chosen(batch, i, j);
  const T of_p = chosen * x.dot(G, V, at, i, j, x.values) - x.dot(G, OUT, at, i, i, x.values);
  return {p * chosen, x.scale * p * of_p};
}

// A warp a query: to_q = s k.
template <class T> __global__ void attention_to_query(Attention<T> x, T *to_q) {
  __shared__ T slopes[WARPS][32];
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  for (int64_t row = first() / 32; row < x.batch.size * x.queries; row += step() / 32) {
    const int64_t batch = row / x.queries, i = row - batch * x.queries, seen = x.keys_seen(i);
    int64_t at[OPERANDS];
    x.batch.locate(batch, at);
    for (int64_t begin = 0; begin < x.features; begin += 32 * FEATURES) {
      T mixed[FEATURES] = {};
      for (int64_t from = 0; from < seen; from += 32) {
        slopes[warp][lane] = from + lane < seen ? pair_of(x, at, batch, i, from + lane).slope : T(0);
        __syncwarp(); // the slopes are there
        mix(x, K, at, from, at_most(seen - from, 32), begin, x.features, slopes[warp], mixed);
        __syncwarp(); // and have been read
      }
      write(x, TO_Q, at, i, begin, x.features, to_q, mixed);
    }
  }
}

// A warp a key: to_k = s^T q and to_v = P^T g.
template <class T> __global__ void attention_to_key(Attention<T> x, T *to_k, T *to_v) {
  __shared__ T weights[WARPS][32], slopes[WARPS][32];
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  for (int64_t row = first() / 32; row < x.batch.size * x.keys; row += step() / 32) {
    const int64_t batch = row / x.keys, j = row - batch * x.keys;
    int64_t at[OPERANDS];
    x.batch.locate(batch, at);
    for (int64_t begin = 0; begin < x.features || begin < x.values; begin += 32 * FEATURES) {
      T of_key[FEATURES] = {}, of_value[FEATURES] = {};
      for (int64_t from = x.first_query(j); from < x.queries; from += 32) {
        const Pair<T> pair = from + lane < x.queries ? pair_of(x, at, batch, from + lane, j) : Pair<T>{T(0), T(0)};
        weights[warp][lane] = pair.weight;
        slopes[warp][lane] = pair.slope;
        __syncwarp(); // both are there
        mix(x, Q, at, from, at_most(x.queries - from, 32), begin, x.features, slopes[warp], of_key);
        mix(x, G, at, from, at_most(x.queries - from, 32), begin, x.values, weights[warp], of_value);
        __syncwarp(); // and have been read
      }
      write(x, TO_K, at, j, begin, x.features, to_k, of_key);
      write(x, TO_V, at, j, begin, x.values, to_v, of_value);
    }
  }
}

namespace {
// Operand 0 of the plan is number `begin` of OPERANDS.
template <class T>
Attention<T> problem(const nd_plan *p, int begin, double scale, int64_t diagonal, double drop, int64_t key) {
  static const int rows[] = {0, 1, 1, 0, 0, 0, 0, 1, 1, 0}, columns[] = {2, 2, 3, 3, 3, 3, 2, 2, 3, 1}; // of L, S, E, D
  Attention<T> x = {};
  const int own = p->ndim - 4;
  x.batch.ndim = own;
  for (int d = 0; d < own; d++) x.batch.size *= x.batch.shape[d] = p->shape[d];
  for (int k = begin; k < OPERANDS; k++) {
    const int64_t *stride = p->stride[k - begin];
    x.batch.offset[k] = p->offset[k - begin];
    for (int d = 0; d < own; d++) x.batch.stride[k][d] = stride[d];
    x.row[k] = stride[own + rows[k]];
    x.column[k] = stride[own + columns[k]];
  }
  x.queries = p->shape[own], x.keys = p->shape[own + 1], x.features = p->shape[own + 2], x.values = p->shape[own + 3];
  x.diagonal = diagonal;
  x.scale = T(scale);
  x.limit = drop > 0 ? philox_limit(drop) : 0;
  x.kept = drop < 1 ? T(1 / (1 - drop)) : T(0);
  x.key = uint64_t(key);
  return x;
}
int wrong(const nd_plan *p, int operands) {
  if (p->ndim < 4) return ND_EPLAN;
  for (int k = 1; k < operands; k++)
    if (p->dtype[k] != p->dtype[0]) return ND_EDTYPE;
  return ND_OK;
}
} // namespace
} // namespace nd

ND_API int nd_attention(const nd_plan *p, void *out, void *lse, const void *q, const void *k, const void *v,
                        const void *mask, double scale, int64_t diagonal, double drop, int64_t key) {
  if (const int error = nd::wrong(p, mask ? 6 : 5)) return error;
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    auto x = nd::problem<T>(p, nd::OUT, scale, diagonal, drop, key);
    x.data[nd::Q] = static_cast<const T *>(q);
    x.data[nd::K] = static_cast<const T *>(k);
    x.data[nd::V] = static_cast<const T *>(v);
    x.data[nd::MASK] = static_cast<const T *>(mask);
    if (const int64_t rows = x.batch.size * x.queries)
      nd::attention<T><<<nd::blocks_for(32 * rows), nd::THREADS>>>(x, static_cast<T *>(out), static_cast<T *>(lse));
    return nd::launched();
  });
}

ND_API int nd_attention_backward(const nd_plan *p, void *to_q, void *to_k, void *to_v, const void *g, const void *out,
                                 const void *lse, const void *q, const void *k, const void *v, const void *mask,
                                 double scale, int64_t diagonal, double drop, int64_t key) {
  if (const int error = nd::wrong(p, mask ? 10 : 9)) return error;
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    auto x = nd::problem<T>(p, nd::TO_Q, scale, diagonal, drop, key);
    const void *read[] = {g, out, lse, q, k, v, mask};
    for (int n = nd::G; n < nd::OPERANDS; n++) x.data[n] = static_cast<const T *>(read[n - nd::G]);
    if (const int64_t rows = x.batch.size * x.queries)
      nd::attention_to_query<T><<<nd::blocks_for(32 * rows), nd::THREADS>>>(x, static_cast<T *>(to_q));
    if (const int64_t rows = x.batch.size * x.keys)
      nd::attention_to_key<T><<<nd::blocks_for(32 * rows), nd::THREADS>>>(x, static_cast<T *>(to_k), static_cast<T *>(to_v));
    return nd::launched();
  });
}
