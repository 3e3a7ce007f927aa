// conv_tiled.cu - convolution where there are enough outputs: a product of two matrices, in tiles of shared memory.
//
//     y[o, p] = sum over t of w[o, t] x[t, p],   p a point (n, i, j) of y,   t a tap (c, k, l)
//
// x[t, p] is the element that tap t of the window at point p sees: the matrix is read through the windows, and never
// written down. A block has a tile of OUTPUTS x POINTS elements of y, a thread a run of 4 outputs by EACH points of them in
// registers, so that each element brought from shared memory is used several times. For DEPTH taps at a time the threads
// bring both parts there, where a run of weights is one read of 16 bytes. Neighbouring threads bring neighbouring points, and have
// them. What lies outside of x is 0, and so is all beyond the last tap.
//
// Where windows move in steps of 1, the adjoint of the input is a convolution, too: of y's adjoint, with inputs and outputs
// exchanged and the taps counted backwards. conv.cu has the plans of both.
#include "conv.cuh"

namespace nd {
enum { POINTS = 64, DEPTH = 32 };
__host__ __device__ constexpr int each_of(int outputs) { return outputs == 8 ? 2 : 4; } // points of a thread
__host__ __device__ constexpr int threads_of(int outputs) { return outputs * POINTS / RUN / each_of(outputs); }

// Tap t, counted channel by channel: where it lies in x, seen from its window, and in w; the row and the column it sees.
struct Tap { int64_t x, w, row, column; };

__device__ inline Tap tap_of(const Convolution &s, int64_t t) {
  const int64_t l = t % s.columns.kernel, k = t / s.columns.kernel % s.rows.kernel, c = t / s.columns.kernel / s.rows.kernel;
  return {c * s.x[C] + k * s.x[K] + l * s.x[L], c * s.w[C] + k * s.w[K] + l * s.w[L],
          c >= s.channels ? s.rows.extent : s.rows.start + k * s.rows.dilation, s.columns.start + l * s.columns.dilation};
}

template <class T, int OUTPUTS> __global__ void conv_tiled(Convolution s, T *y, const T *x, const T *w) {
  constexpr int EACH = each_of(OUTPUTS), ACROSS = POINTS / EACH; // so many threads have the same outputs
  constexpr int TOGETHER = threads_of(OUTPUTS), LINES = TOGETHER / POINTS;
  __shared__ T x_tile[DEPTH][POINTS];
  __shared__ __align__(16) T w_tile[DEPTH][OUTPUTS + RUN]; // a run more: lanes that write a column meet fewer conflicts
  __shared__ Tap taps[DEPTH];
  __shared__ int64_t y_at[POINTS];
  const int thread = int(threadIdx.x), lane = thread % POINTS, line = thread / POINTS;
  const int64_t plane = s.rows.count * s.columns.count, points = s.images * plane;
  const int64_t count = s.channels * s.rows.kernel * s.columns.kernel;
  const int64_t point_tiles = (points + POINTS - 1) / POINTS, output_tiles = (s.outputs + OUTPUTS - 1) / OUTPUTS;
  const int64_t first_point = blockIdx.x % point_tiles * POINTS, group = blockIdx.x / point_tiles / output_tiles;
  const int64_t first_output = blockIdx.x / point_tiles % output_tiles * OUTPUTS;

  // The point this thread brings, the output and the tap.
  const int64_t point = first_point + lane, n = point / plane, i = point / s.columns.count % s.rows.count;
  const int64_t j = point % s.columns.count, row = i * s.rows.step, column = j * s.columns.step;
  const T *const x_point = x + s.x_offset + group * s.x[G] + n * s.x[N] + i * s.x[I] + j * s.x[J];
  const int w_output = thread / DEPTH, w_tap = thread % DEPTH;
  const T *const w_row = w + s.w_offset + group * s.w[G] + (first_output + w_output) * s.w[O];
  if (line == 0) y_at[lane] = s.y_offset + group * s.y[G] + n * s.y[N] + i * s.y[I] + j * s.y[J];

  Four<T> sum[EACH] = {};
  const int own_point = thread % ACROSS, own_output = thread / ACROSS * RUN; // of the tile
  for (int64_t from = 0; from < count; from += DEPTH) {
    if (thread < DEPTH) taps[thread] = tap_of(s, from + thread);
    __syncthreads(); // the taps are known, and the tiles before have been read
    for (int t = line; t != DEPTH + line; t += LINES) {
      const int64_t r = row + taps[t].row, c = column + taps[t].column;
      const bool inside = point < points && has(s.rows, r) && has(s.columns, c);
      x_tile[t][lane] = inside ? x_point[taps[t].x] : T(0);
    }
    for (int o = 0; o != OUTPUTS; o += TOGETHER / DEPTH) {
      const bool there = first_output + w_output + o < s.outputs && from + w_tap < count;
      w_tile[w_tap][w_output + o] = there ? w_row[o * s.w[O] + taps[w_tap].w] : T(0);
    }
    __syncthreads(); // the tiles are complete
    for (int t = 0; t != DEPTH; t++) {
      const Four<T> weights = *reinterpret_cast<const Four<T> *>(&w_tile[t][own_output]);
#pragma unroll
      for (int p = 0; p != EACH; p++) {
        const T element = x_tile[t][own_point + p * ACROSS];
#pragma unroll
        for (int e = 0; e != RUN; e++) sum[p].x[e] += weights.x[e] * element;
      }
    }
  }
#pragma unroll
  for (int p = 0; p != EACH; p++)
#pragma unroll
    for (int e = 0; e != RUN; e++) {
      const int64_t o = first_output + own_output + e, mine = own_point + p * ACROSS;
      if (o < s.outputs && first_point + mine < points) y[y_at[mine] + o * s.y[O]] = sum[p].x[e];
    }
}

// Whether tiles have all their outputs, and half of the points and taps at least; else a thread an element is faster (conv.cu).
bool fills_tiles(const Convolution &s) {
  return s.outputs >= 8 && s.images * s.rows.count * s.columns.count >= POINTS / 2 &&
         s.channels * s.rows.kernel * s.columns.kernel >= DEPTH / 2;
}

template <class T> int conv_in_tiles(const Convolution &s, T *y, const T *x, const T *w) {
  const int side = s.outputs > 32 ? 64 : s.outputs > 16 ? 32 : s.outputs > 8 ? 16 : 8;
  const int64_t points = s.images * s.rows.count * s.columns.count;
  const int64_t tiles = s.groups * ((s.outputs + side - 1) / side) * ((points + POINTS - 1) / POINTS);
  if (tiles > INT32_MAX) return ND_EPLAN;
  if (tiles && side == 64) conv_tiled<T, 64><<<unsigned(tiles), threads_of(64)>>>(s, y, x, w);
  else if (tiles && side == 32) conv_tiled<T, 32><<<unsigned(tiles), threads_of(32)>>>(s, y, x, w);
  else if (tiles && side == 16) conv_tiled<T, 16><<<unsigned(tiles), threads_of(16)>>>(s, y, x, w);
  else if (tiles) conv_tiled<T, 8><<<unsigned(tiles), threads_of(8)>>>(s, y, x, w);
  return launched();
}
template int conv_in_tiles(const Convolution &, float *, const float *, const float *);
template int conv_in_tiles(const Convolution &, double *, const double *, const double *);
} // namespace nd
