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
bool fills_tiles(const Convolution &s);
template <class T> int conv_in_tiles(const Convolution &s, T *y, const T *x, const T *w);

inline int wrong_convolution(const nd_plan *p) {
  if (p->ndim != 8) return ND_EPLAN;
  return p->dtype[1] != p->dtype[0] || p->dtype[2] != p->dtype[0] ? ND_EDTYPE : ND_OK;
}
} // namespace nd
