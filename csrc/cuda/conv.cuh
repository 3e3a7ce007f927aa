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
inline int wrong_convolution(const nd_plan *p) {
  if (p->ndim != 8) return ND_EPLAN;
  return p->dtype[1] != p->dtype[0] || p->dtype[2] != p->dtype[0] ? ND_EDTYPE : ND_OK;
}
} // namespace nd
