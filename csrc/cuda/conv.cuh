// conv.cuh - the plan of a convolution: its dimensions by name, and its two axes.
#pragma once
#include "windows.cuh"

namespace nd {
enum { N, G, O, C, I, J, K, L }; // images, groups, outputs, channels, windows down and across, kernel down and across

inline Axis rows_of(const nd_plan *p, const int64_t *window) {
  return {window[0], window[1], window[2], window[3], p->shape[K], p->shape[I]};
}
inline Axis columns_of(const nd_plan *p, const int64_t *window) {
  return {window[4], window[5], window[6], window[7], p->shape[L], p->shape[J]};
}
// The sum y[n, g, o, i, j] = sum over c, k, l of x[n, g, c, row, column] w[g, o, c, k, l], for conv_tiled.cu.
struct Convolution {
  Axis rows, columns;
  int64_t images, groups, outputs, channels;
  int64_t y_offset, x_offset, w_offset;
  int64_t y[8], x[8], w[8]; // steps along the dimensions
};
// The positions of the kernel that count: at the others every window is in the padding, and they add nothing.
inline Range of_use(const Axis &a) {
  const auto sees = [&a](int64_t k) {
    const int64_t of_first = k * a.dilation + a.start, of_last = of_first + (a.count - 1) * a.step;
    return of_last >= 0 && of_first < a.extent;
  };
  Range range = {0, a.kernel};
  while (range.begin < range.end && !sees(range.begin)) range.begin++;
  while (range.begin < range.end && !sees(range.end - 1)) range.end--;
  return range;
}
// The same axis without the positions that do not count; `skipped` are those in front.
inline Axis trimmed(Axis a, int64_t &skipped) {
  const Range range = of_use(a);
  skipped = range.begin;
  a.start += range.begin * a.dilation;
  a.kernel = range.end - range.begin;
  return a;
}

bool fills_tiles(const Convolution &s);
template <class T> int conv_in_tiles(const Convolution &s, T *y, const T *x, const T *w);

inline int wrong_convolution(const nd_plan *p) {
  if (p->ndim != 8) return ND_EPLAN;
  return p->dtype[1] != p->dtype[0] || p->dtype[2] != p->dtype[0] ? ND_EDTYPE : ND_OK;
}
} // namespace nd
