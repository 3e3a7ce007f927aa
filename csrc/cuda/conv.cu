// conv.cu - convolution and the adjoint of its input, two sums over the same products; conv_weights.cu has the third.
//
//     y[n, g, o, i, j] = sum over c, k, l of x[n, g, c, row, column] w[g, o, c, k, l]
//     row = i*step + k*dilation + start, column likewise; what lies outside of x counts as 0 and is not read
//
// Where there are enough outputs both go to conv_tiled.cu, with tiles in shared memory. Else a thread computes one element
// of y, or of x's adjoint. Each is written once, by the thread that has its sum: nothing is
// added to memory that another thread adds to. The arrays lie as their strides say, so rows first (NCHW) and channels last
// (NHWC) are the same kernel.
#include "conv.cuh"

namespace nd {
// A sum that every thread makes: how many terms, and how far apart they are in both factors.
struct Terms { int64_t count, a, b; };

// Where a thread's sum begins: in the result, in both factors, and at which row and column.
using Begin = Layout<5>;

template <class T>
__global__ void conv(Begin outputs, Axis rows, Axis columns, Terms channels, Terms down, Terms across, T *y, const T *x,
                     const T *w) {
  for (int64_t i = first(); i < outputs.size; i += step()) {
    int64_t at[5];
    outputs.locate(i, at);
    const Range ks = seen(rows, at[3]), ls = seen(columns, at[4]);
    T sum = 0;
    for (int64_t c = 0; c < channels.count; c++) {
      T of_channel = 0; // additions wait for each other within a channel only
      for (int64_t k = ks.begin; k < ks.end; k++) {
        const T *x_row = x + at[1] + c * channels.a + k * down.a, *w_row = w + at[2] + c * channels.b + k * down.b;
        for (int64_t l = ls.begin; l < ls.end; l++) of_channel += x_row[l * across.a] * w_row[l * across.b];
      }
      sum += of_channel;
    }
    y[at[0]] = sum;
  }
}

// Element x[n, g, c, r, s] has been seen by window (i, j) through weight (k, l) wherever i*step + k*dilation + start = r
// and the same holds of j, l and s: it gets g[n, g, o, i, j] w[g, o, c, k, l] of every output o there.
template <class T>
__global__ void conv_input_backward(Begin elements, Axis rows, Axis columns, Terms outputs, Terms down, Terms across, T *to,
                                    const T *g, const T *w) {
  for (int64_t e = first(); e < elements.size; e += step()) {
    int64_t at[5];
    elements.locate(e, at);
    T sum = 0;
    for (int64_t k = 0; k < rows.kernel; k++) {
      const int64_t i = window_at(rows, at[3], k);
      if (i < 0) continue;
      for (int64_t l = 0; l < columns.kernel; l++) {
        const int64_t j = window_at(columns, at[4], l);
        if (j < 0) continue;
        const T *g_o = g + at[1] + i * down.a + j * across.a, *w_o = w + at[2] + k * down.b + l * across.b;
        T of_window = 0;
        for (int64_t o = 0; o < outputs.count; o++) of_window += g_o[o * outputs.a] * w_o[o * outputs.b];
        sum += of_window;
      }
    }
    to[at[0]] = sum;
  }
}

namespace {
struct Problem {
  const nd_plan *p;
  Axis rows, columns;
  Begin begin;

  Problem(const nd_plan *plan, const int64_t *window)
      : p(plan), rows(rows_of(plan, window)), columns(columns_of(plan, window)) {
    for (int k = 0; k < 3; k++) begin.offset[k] = p->offset[k];
  }
  // Threads run along this dimension; row and column are what a step changes of the last two numbers of Begin.
  void along(int d, int64_t row = 0, int64_t column = 0) {
    begin.along(p->shape[d], {p->stride[0][d], p->stride[1][d], p->stride[2][d], row, column});
  }
  Terms over(int d) const { return {p->shape[d], p->stride[1][d], p->stride[2][d]}; }
};

// The plan of a convolution as tiles take it.
Convolution in_tiles(const nd_plan *p, const int64_t *window) {
  Convolution s = {rows_of(p, window), columns_of(p, window), p->shape[N], p->shape[G], p->shape[O], p->shape[C],
                   p->offset[0], p->offset[1], p->offset[2], {}, {}, {}};
  for (int d = 0; d < 8; d++) s.y[d] = p->stride[0][d], s.x[d] = p->stride[1][d], s.w[d] = p->stride[2][d];
  return s;
}
// Without the taps that are in the padding for every window: of 3 x 3 taps on a picture of one point there is one left.
Convolution without_padding(Convolution s) {
  int64_t row, column;
  s.rows = trimmed(s.rows, row);
  s.columns = trimmed(s.columns, column);
  s.x_offset += row * s.x[K] + column * s.x[L];
  s.w_offset += row * s.w[K] + column * s.w[L];
  return s;
}
// An axis of the adjoint of the input, where windows move in steps of 1: element r got its share from the windows
// i = r - start - k*dilation. Steps: along r in x's adjoint, along i and k in y's.
Axis backwards(const Axis &a, int64_t &offset, int64_t &along_window, int64_t &along_kernel) {
  offset -= a.start * along_window;
  along_kernel = -a.dilation * along_window;
  return {-a.start, 1, -a.dilation, a.count, a.kernel, a.extent};
}
Convolution adjoint_in_tiles(const nd_plan *p, const int64_t *window, int64_t offset) {
  Convolution s = in_tiles(p, window);
  s.y_offset = offset; // of x's own first element
  s.outputs = p->shape[C];
  s.channels = p->shape[O];
  s.y[O] = p->stride[0][C], s.x[C] = p->stride[1][O], s.w[O] = p->stride[2][C], s.w[C] = p->stride[2][O];
  s.rows = backwards(s.rows, s.x_offset, s.x[I], s.x[K]);
  s.columns = backwards(s.columns, s.x_offset, s.x[J], s.x[L]);
  return without_padding(s);
}
} // namespace
} // namespace nd

ND_API int nd_conv(const nd_plan *p, void *out, const void *x, const void *w, const int64_t *window) {
  if (const int error = nd::wrong_convolution(p)) return error;
  const nd::Convolution tiled = nd::without_padding(nd::in_tiles(p, window));
  nd::Problem it(p, window);
  for (int d : {nd::N, nd::G, nd::O}) it.along(d);
  it.along(nd::I, it.rows.step);
  it.along(nd::J, 0, it.columns.step);
  it.begin.offset[3] = it.rows.start;
  it.begin.offset[4] = it.columns.start;
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if (nd::fills_tiles(tiled))
      return nd::conv_in_tiles(tiled, static_cast<T *>(out), static_cast<const T *>(x), static_cast<const T *>(w));
    if (it.begin.size)
      nd::conv<T><<<nd::blocks_for(it.begin.size), nd::THREADS>>>(
          it.begin, it.rows, it.columns, it.over(nd::C), it.over(nd::K), it.over(nd::L), static_cast<T *>(out),
          static_cast<const T *>(x), static_cast<const T *>(w));
    return nd::launched();
  });
}

ND_API int nd_conv_input_backward(const nd_plan *p, void *out, const void *g, const void *w, const int64_t *window) {
  if (const int error = nd::wrong_convolution(p)) return error;
  nd::Problem it(p, window);
  for (int d : {nd::N, nd::G, nd::C}) it.along(d);
  // x's own rows and columns, of which the plan's steps are multiples
  const int64_t x_row = p->stride[0][nd::I] / it.rows.step, x_column = p->stride[0][nd::J] / it.columns.step;
  it.begin.offset[0] -= it.rows.start * x_row + it.columns.start * x_column;
  const nd::Convolution tiled = nd::adjoint_in_tiles(p, window, it.begin.offset[0]);
  it.begin.along(it.rows.extent, {x_row, 0, 0, 1, 0});
  it.begin.along(it.columns.extent, {x_column, 0, 0, 0, 1});
  nd::Terms down = it.over(nd::I), across = it.over(nd::J); // in g; in w it is rows and columns of the kernel that count
  down.b = p->stride[2][nd::K];
  across.b = p->stride[2][nd::L];
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if (it.rows.step == 1 && it.columns.step == 1 && nd::fills_tiles(tiled))
      return nd::conv_in_tiles(tiled, static_cast<T *>(out), static_cast<const T *>(g), static_cast<const T *>(w));
    if (it.begin.size)
      nd::conv_input_backward<T><<<nd::blocks_for(it.begin.size), nd::THREADS>>>(
          it.begin, it.rows, it.columns, it.over(nd::O), down, across, static_cast<T *>(out), static_cast<const T *>(g),
          static_cast<const T *>(w));
    return nd::launched();
  });
}
