// conv_weights.cu - the adjoint of a convolution's weights:
//
//     to[g, o, c, k, l] = sum over n, i, j of g[n, g, o, i, j] x[n, g, c, i*step + k*dilation + start, (the same of j, l)]
//
// This is a product of two matrices, outputs by points (n, i, j) and points by taps (c, k, l), of which the second is x seen
// through the windows, and never written down. A block has a tile of OUTPUTS x TAPS weights, a thread a run of 4 outputs by
// EACH taps; for 32 points at a time it brings both parts to shared memory, a lane a point. Taps that are in the padding for
// every window are left out, for their sums are 0. There are few weights and many points, so blocks share these out, and a second kernel adds up what each found: always in the same order, where atomics
// would round anew at every run.
//
// Few outputs fill no tile. Then a thread has one weight and a share of the images, and goes through the windows that see
// something there.
#include "conv.cuh"

namespace nd {
enum { POINTS = 32, TAPS = 64 };
__host__ __device__ constexpr int taps_of_thread(int outputs) { return outputs == 8 ? 2 : 4; }
__host__ __device__ constexpr int weight_threads(int outputs) { return outputs * TAPS / RUN / taps_of_thread(outputs); }

struct Weights {
  Axis rows, columns;
  int64_t images, outputs, channels, share; // share: how many points a block goes through, or images a thread
  int64_t x_offset, g_offset, to_offset;
  int64_t x[8], g[8], to[8], to_share; // steps along the dimensions, and from one share's sums to the next one's
};

template <class T, int OUTPUTS> __global__ void conv_weight_backward(Weights w, T *to, const T *x, const T *g) {
  constexpr int EACH = taps_of_thread(OUTPUTS), ACROSS = TAPS / EACH; // so many threads have the same outputs
  constexpr int LINES = weight_threads(OUTPUTS) / POINTS;             // of a tile are filled at the same time
  __shared__ __align__(16) T g_tile[POINTS][OUTPUTS + RUN]; // a run more, and one: lanes in a column meet few conflicts, or none
  __shared__ T x_tile[TAPS][POINTS + 1];
  __shared__ int64_t seen[TAPS], row_of[TAPS], column_of[TAPS]; // of each tap: where, seen from window 0
  const Axis &rows = w.rows, &columns = w.columns;
  const int lane = int(threadIdx.x) % POINTS, line = int(threadIdx.x) / POINTS;
  const int64_t taps = w.channels * rows.kernel * columns.kernel, plane = rows.count * columns.count;
  const int64_t tap_tiles = (taps + TAPS - 1) / TAPS, output_tiles = (w.outputs + OUTPUTS - 1) / OUTPUTS;
  const int64_t first_tap = blockIdx.x % tap_tiles * TAPS, first_output = blockIdx.x / tap_tiles % output_tiles * OUTPUTS;
  const int64_t group = blockIdx.x / tap_tiles / output_tiles;

  if (threadIdx.x < TAPS) { // no block has fewer threads
    const int t = int(threadIdx.x);
    const int64_t tap = first_tap + t, l = tap % columns.kernel, k = tap / columns.kernel % rows.kernel;
    const int64_t c = tap / columns.kernel / rows.kernel;
    seen[t] = w.x_offset + group * w.x[G] + c * w.x[C] + k * w.x[K] + l * w.x[L];
    row_of[t] = rows.start + k * rows.dilation;
    column_of[t] = tap >= taps ? columns.extent : columns.start + l * columns.dilation; // no such tap sees nothing
  }
  __syncthreads(); // the taps are known
  const int64_t begin = blockIdx.z * w.share, all = w.images * plane, end = begin + w.share >= all ? all : begin + w.share;
  const int64_t point = begin + lane;
  int64_t n = point / plane, i = point / columns.count % rows.count, j = point % columns.count;
  Four<T> sum[EACH] = {};
  const int tap = int(threadIdx.x) % ACROSS, output = int(threadIdx.x) / ACROSS * RUN;
  for (int64_t from = begin; from < end; from += POINTS) {
    const bool there = from + lane < end;
    const int64_t row = i * rows.step, column = j * columns.step;
    const int64_t x_at = n * w.x[N] + i * w.x[I] + j * w.x[J], g_at = n * w.g[N] + i * w.g[I] + j * w.g[J];
    for (int t = line; t != TAPS + line; t += LINES) {
      const bool inside = there && has(rows, row + row_of[t]) && has(columns, column + column_of[t]);
      x_tile[t][lane] = inside ? x[seen[t] + x_at] : T(0);
    }
    for (int k = line; k != OUTPUTS + line; k += LINES) {
      const int64_t o = first_output + k;
      g_tile[lane][k] = there && o < w.outputs ? g[w.g_offset + group * w.g[G] + o * w.g[O] + g_at] : T(0);
    }
    // The point 32 further on, digit by digit, with a carry as in a sum by hand: no division.
    j += POINTS % columns.count;
    i += POINTS / columns.count % rows.count;
    n += POINTS / plane;
    if (j >= columns.count) j -= columns.count, i++;
    if (i >= rows.count) i -= rows.count, n++;
    __syncthreads(); // the tiles are complete
    for (int p = 0; p != POINTS; p++) {
      const Four<T> adjoints = *reinterpret_cast<const Four<T> *>(&g_tile[p][output]);
#pragma unroll
      for (int t = 0; t != EACH; t++) {
        const T element = x_tile[tap + t * ACROSS][p];
#pragma unroll
        for (int e = 0; e != RUN; e++) sum[t].x[e] += adjoints.x[e] * element;
      }
    }
    __syncthreads(); // and have been read: the next round may overwrite them
  }
#pragma unroll
  for (int t = 0; t != EACH; t++)
#pragma unroll
    for (int e = 0; e != RUN; e++) {
      const int64_t o = first_output + output + e, own = first_tap + tap + t * ACROSS;
      if (o >= w.outputs || own >= taps) continue;
      to[w.to_offset + blockIdx.z * w.to_share + group * w.to[G] + o * w.to[O] + own / columns.kernel / rows.kernel * w.to[C] +
         own / columns.kernel % rows.kernel * w.to[K] + own % columns.kernel * w.to[L]] = sum[t].x[e];
    }
}

template <class T> __global__ void conv_each_weight(Weights w, int64_t weights, int64_t shares, T *to, const T *x, const T *g) {
  for (int64_t t = first(); t < weights * shares; t += step()) {
    const int64_t own = t % weights, share = t / weights;
    const int64_t l = own % w.columns.kernel, k = own / w.columns.kernel % w.rows.kernel;
    const int64_t line = own / w.columns.kernel / w.rows.kernel, c = line % w.channels, o = line / w.channels % w.outputs;
    const int64_t group = line / w.channels / w.outputs;
    const Range is = seeing(w.rows, k), js = seeing(w.columns, l);
    const T *const x_seen = x + w.x_offset + group * w.x[G] + c * w.x[C] + k * w.x[K] + l * w.x[L];
    const T *const g_output = g + w.g_offset + group * w.g[G] + o * w.g[O];
    const int64_t begin = share * w.share, end = begin + w.share >= w.images ? w.images : begin + w.share;
    T sum = 0;
    for (int64_t n = begin; n < end; n++)
      for (int64_t i = is.begin; i < is.end; i++) {
        const T *const x_row = x_seen + n * w.x[N] + i * w.x[I], *const g_row = g_output + n * w.g[N] + i * w.g[I];
        T of_row = 0; // additions wait for each other within a row only
        for (int64_t j = js.begin; j < js.end; j++) of_row += x_row[j * w.x[J]] * g_row[j * w.g[J]];
        sum += of_row;
      }
    to[w.to_offset + share * w.to_share + group * w.to[G] + o * w.to[O] + c * w.to[C] + k * w.to[K] + l * w.to[L]] = sum;
  }
}

// to = the sum of `shares` arrays, one behind the other.
template <class T> __global__ void sum_of_shares(Layout<2> weights, int64_t shares, T *to, const T *found) {
  for (int64_t i = first(); i < weights.size; i += step()) {
    int64_t at[2];
    weights.locate(i, at);
    T sum = 0;
    for (int64_t share = 0; share < shares; share++) sum += found[at[1] + share * weights.size];
    to[at[0]] = sum;
  }
}

// Into how many shares work of `parts` is cut: so many that all have `wanted` parts, but at most `most`.
int64_t cut(int64_t parts, int64_t wanted, int64_t most) {
  const int64_t some = parts ? wanted / parts : 0, fitting = some > most ? most : some;
  return fitting < 1 ? 1 : fitting;
}
} // namespace nd

ND_API int nd_conv_weight_backward(const nd_plan *p, void *out, const void *x, const void *g, const int64_t *window) {
  if (const int error = nd::wrong_convolution(p)) return error;
  nd::Weights w = {nd::rows_of(p, window), nd::columns_of(p, window), p->shape[nd::N], p->shape[nd::O], p->shape[nd::C], 0,
                   p->offset[1], p->offset[2], p->offset[0], {}, {}, {}, 0};
  const bool each = w.outputs < 8; // a thread a weight
  int64_t row = 0, column = 0; // positions of the kernel in front of those that count
  if (!each) w.rows = nd::trimmed(w.rows, row), w.columns = nd::trimmed(w.columns, column);
  nd::Layout<2> weights; // in w, and in one share's sums
  weights.offset[0] = p->offset[0];
  int64_t within[8] = {}, count = 1;
  for (int d : {nd::L, nd::K, nd::C, nd::O, nd::G}) {
    within[d] = count;
    count *= p->shape[d];
    weights.along(p->shape[d], {p->stride[0][d], within[d]});
  }
  for (int d = 0; d < 8; d++) w.x[d] = p->stride[1][d], w.g[d] = p->stride[2][d], w.to[d] = p->stride[0][d];
  const int64_t points = w.images * w.rows.count * w.columns.count, taps = w.channels * w.rows.kernel * w.columns.kernel;
  const int side = w.outputs > 32 ? 64 : w.outputs > 16 ? 32 : w.outputs > 8 ? 16 : 8;
  const int64_t tiles = p->shape[nd::G] * ((w.outputs + side - 1) / side) * ((taps + nd::TAPS - 1) / nd::TAPS);
  if (tiles > INT32_MAX) return ND_EPLAN;
  // So many shares that there are some 500 blocks, but none of fewer points than 256; or some 60,000 threads.
  const int64_t shares = each ? nd::cut(count, 1 << 16, w.images) : nd::cut(tiles, 512, points / 256);
  w.share = each ? (w.images + shares - 1) / shares : (points + shares * nd::POINTS - 1) / (shares * nd::POINTS) * nd::POINTS;
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if (!count) return nd::launched();
    const bool some = w.rows.kernel < p->shape[nd::K] || w.columns.kernel < p->shape[nd::L]; // the other sums are 0
    const bool aside = shares > 1 || some;
    const nd::Scratch found(aside ? shares * count * int64_t(sizeof(T)) : 0);
    if (!found) return int(ND_ENOMEM);
    if (aside) {
      for (int d = 0; d < 8; d++) w.to[d] = within[d];
      w.to_offset = 0;
      w.to_share = count;
    }
    T *const to = aside ? found.as<T>() : static_cast<T *>(out);
    if (const int error = some ? nd_fill_dense(p->dtype[0], shares * count, to, 0) : int(ND_OK)) return error;
    w.x_offset += row * w.x[nd::K] + column * w.x[nd::L];
    w.to_offset += row * w.to[nd::K] + column * w.to[nd::L];
    const dim3 grid(unsigned(tiles), 1, unsigned(shares));
    const T *const x_data = static_cast<const T *>(x), *const g_data = static_cast<const T *>(g);
    if (each) nd::conv_each_weight<T><<<nd::blocks_for(count * shares), nd::THREADS>>>(w, count, shares, to, x_data, g_data);
    else if (tiles && side == 64) nd::conv_weight_backward<T, 64><<<grid, nd::weight_threads(64)>>>(w, to, x_data, g_data);
    else if (tiles && side == 32) nd::conv_weight_backward<T, 32><<<grid, nd::weight_threads(32)>>>(w, to, x_data, g_data);
    else if (tiles && side == 16) nd::conv_weight_backward<T, 16><<<grid, nd::weight_threads(16)>>>(w, to, x_data, g_data);
    else if (tiles) nd::conv_weight_backward<T, 8><<<grid, nd::weight_threads(8)>>>(w, to, x_data, g_data);
    if (aside) nd::sum_of_shares<T><<<nd::blocks_for(count), nd::THREADS>>>(weights, shares, static_cast<T *>(out), to);
    return nd::launched();
  });
}
