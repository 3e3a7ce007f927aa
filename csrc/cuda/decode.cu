// decode.cu - the next token through a block of a GPT: needle_kernels.h, section 20, in the order of its formulas.
//
// There is one row for each sequence, so nothing is large but the maps and the keys kept: a thread has one number of a
// row's product with a map, one score, one feature of a head; a warp has the mean of a row and the softmax of its scores.
#include "block.cuh"

namespace nd {
struct Block { int64_t rows, dim, hidden, heads, most, length; };

// out = weight (x - mean) / sqrt(variance + eps) + bias, of each row.
template <class T>
__global__ void decode_norm(int64_t rows, int64_t dim, T *out, const T *x, const T *weight, const T *bias, double eps) {
  const int64_t lane = threadIdx.x % WARP;
  for (int64_t row = first() / WARP; row < rows; row += step() / WARP) {
    const T *from = x + row * dim;
    Sum sum = {0}, squares = {0};
    for (int64_t i = lane; i < dim; i += WARP) sum.value += from[i];
    const double mean = of_warp(sum).value / double(dim);
    for (int64_t i = lane; i < dim; i += WARP) squares.value += (from[i] - mean) * (from[i] - mean);
    const double scale = 1 / ::sqrt(of_warp(squares).value / double(dim) + eps);
    for (int64_t i = lane; i < dim; i += WARP) out[row * dim + i] = T((from[i] - mean) * scale) * weight[i] + bias[i];
  }
}

// A row times a map of (inputs, outputs), plus a bias; to `out` it is added, or it goes through gelu there.
enum { STORE, ADD, GELU };
template <class T> __device__ T gelu_tanh(T x) {
  const T v = T(1.5957691216057308) * (x + T(0.044715) * x * x * x);
  return x / (T(1) + ::exp(-v));
}
template <class T, int TO>
__global__ void decode_map(int64_t rows, int64_t inputs, int64_t outputs, T *out, const T *x, const T *map, const T *bias) {
  for (int64_t point = first(); point < rows * outputs; point += step()) {
    const int64_t row = point / outputs, column = point - row * outputs;
    T sum = bias[column];
    for (int64_t i = 0; i < inputs; i++) sum += x[row * inputs + i] * map[i * outputs + column];
    out[point] = TO == ADD ? out[point] + sum : TO == GELU ? gelu_tanh(sum) : sum;
  }
}

// The token's own keys and values, columns dim .. 3 dim of qkv, take their place among those kept.
template <class T> __global__ void decode_keep(Block b, T *keys, T *values, const T *qkv) {
  const int64_t size = b.dim / b.heads;
  for (int64_t point = first(); point < b.rows * b.dim; point += step()) {
    const int64_t row = point / b.dim, column = point - row * b.dim, head = column / size;
    const int64_t to = ((row * b.heads + head) * b.most + b.length) * size + column - head * size;
    keys[to] = qkv[row * 3 * b.dim + b.dim + column];
    values[to] = qkv[row * 3 * b.dim + 2 * b.dim + column];
  }
}

// scores[row, head, key] = q k / sqrt(size), over all keys and the token's own.
template <class T> __global__ void decode_scores(Block b, T *scores, const T *qkv, const T *keys, T scale) {
  const int64_t size = b.dim / b.heads, seen = b.length + 1;
  for (int64_t point = first(); point < b.rows * b.heads * seen; point += step()) {
    const int64_t line = point / seen, key = point - line * seen, row = line / b.heads, head = line - row * b.heads;
    const T *q = qkv + row * 3 * b.dim + head * size, *k = keys + (line * b.most + key) * size;
    T sum = 0;
    for (int64_t i = 0; i < size; i++) sum += q[i] * k[i];
    scores[point] = sum * scale;
  }
}
template <class T> __global__ void decode_softmax(int64_t lines, int64_t length, T *scores) {
  const int64_t lane = threadIdx.x % WARP;
  for (int64_t line = first() / WARP; line < lines; line += step() / WARP) {
    T *const p = scores + line * length;
    Largest<T> highest = Largest<T>::of_none();
    Sum sum = {0};
    for (int64_t i = lane; i < length; i += WARP) highest = highest.with({p[i]});
    highest = of_warp(highest);
    for (int64_t i = lane; i < length; i += WARP) sum.value += p[i] = ::exp(p[i] - highest.value);
    const T scale = T(1 / of_warp(sum).value);
    for (int64_t i = lane; i < length; i += WARP) p[i] *= scale;
  }
}
template <class T> __global__ void decode_mix(Block b, T *out, const T *weights, const T *values) {
  const int64_t size = b.dim / b.heads, seen = b.length + 1;
  for (int64_t point = first(); point < b.rows * b.dim; point += step()) {
    const int64_t line = point / size, feature = point - line * size; // (row, head) is the number of a line
    T sum = 0;
    for (int64_t key = 0; key < seen; key++) sum += weights[line * seen + key] * values[(line * b.most + key) * size + feature];
    out[point] = sum;
  }
}

namespace {
inline unsigned a_warp_each(int64_t lines) { return blocks_for(lines * WARP); }
} // namespace
} // namespace nd

ND_API int nd_gpt_block_dense(int dtype, int64_t n, void *x, void *keys, void *values, const void *norm_1,
                              const void *norm_1_bias, const void *qkv, const void *qkv_bias, const void *proj,
                              const void *proj_bias, const void *norm_2, const void *norm_2_bias, const void *fc,
                              const void *fc_bias, const void *out, const void *out_bias, int64_t dim, int64_t hidden,
                              int64_t heads, int64_t most, int64_t length, double eps_1, double eps_2) {
  return nd::with_type<nd::FLOATS>(dtype, [&](auto zero) {
    using T = decltype(zero);
    if (n < 0 || dim < 1 || hidden < 1 || heads < 1 || dim % heads || length < 0 || length >= most) return int(ND_EPLAN);
    if (n == 0) return int(ND_OK);
    const nd::Block b = {n, dim, hidden, heads, most, length};
    const int64_t wide = 3 * dim > hidden ? 3 * dim : hidden, lines = n * heads, seen = length + 1;
    const nd::Scratch scratch((n * (dim + wide) + lines * seen) * int64_t(sizeof(T)));
    if (!scratch) return int(ND_ENOMEM);
    T *const row = scratch.as<T>(), *const made = row + n * dim, *const scores = made + n * wide;
    T *const to = static_cast<T *>(x), *const k = static_cast<T *>(keys), *const v = static_cast<T *>(values);
    const auto in = [](const void *p) { return static_cast<const T *>(p); };
    const auto blocks = nd::blocks_for;
    enum { THREADS = nd::THREADS };

    nd::decode_norm<T><<<nd::a_warp_each(n), THREADS>>>(n, dim, row, to, in(norm_1), in(norm_1_bias), eps_1);
    nd::decode_map<T, nd::STORE><<<blocks(n * 3 * dim), THREADS>>>(n, dim, 3 * dim, made, row, in(qkv), in(qkv_bias));
    nd::decode_keep<T><<<blocks(n * dim), THREADS>>>(b, k, v, made);
    nd::decode_scores<T><<<blocks(lines * seen), THREADS>>>(b, scores, made, k, T(1 / ::sqrt(double(dim / heads))));
    nd::decode_softmax<T><<<nd::a_warp_each(lines), THREADS>>>(lines, seen, scores);
    nd::decode_mix<T><<<blocks(n * dim), THREADS>>>(b, row, scores, v);
    nd::decode_map<T, nd::ADD><<<blocks(n * dim), THREADS>>>(n, dim, dim, to, row, in(proj), in(proj_bias));
    nd::decode_norm<T><<<nd::a_warp_each(n), THREADS>>>(n, dim, row, to, in(norm_2), in(norm_2_bias), eps_2);
    nd::decode_map<T, nd::GELU><<<blocks(n * hidden), THREADS>>>(n, dim, hidden, made, row, in(fc), in(fc_bias));
    nd::decode_map<T, nd::ADD><<<blocks(n * dim), THREADS>>>(n, hidden, dim, to, made, in(out), in(out_bias));
    return nd::launched();
  });
}
