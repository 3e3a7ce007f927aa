// windows.cuh - one axis that windows move along, for convolution and pooling: which elements does window j see, and
// which windows see element r?
//
//     window j sees at position k of its kernel the element  r = j*step + k*dilation + start,  if 0 <= r < extent
#pragma once
#include <initializer_list>
#include "launch.cuh"

namespace nd {
struct Axis {
  int64_t start, step, dilation, extent; // as the header has them
  int64_t kernel, count;                 // positions of the kernel, windows
};
struct Range { int64_t begin, end; };

__device__ inline bool has(const Axis &axis, int64_t element) { return element >= 0 && element < axis.extent; }

// The positions at which a window sees something. Its position 0 is the element `first`, which need not exist.
__device__ inline Range seen(const Axis &axis, int64_t first) {
  const int64_t before = first >= 0 ? 0 : (-first + axis.dilation - 1) / axis.dilation;
  const int64_t left = axis.extent - first; // elements from the first one to the end of the axis
  const int64_t fitting = left <= 0 ? 0 : left >= axis.kernel * axis.dilation ? axis.kernel : (left - 1) / axis.dilation + 1;
  return {before, fitting};
}

// The windows that see something at position k: some from the first one on, and those up to `count` that are left.
__device__ inline Range seeing(const Axis &axis, int64_t k) {
  const int64_t first = axis.start + k * axis.dilation, left = axis.extent - first; // what window 0 sees there
  const int64_t end = left <= 0 ? 0 : (left - 1) / axis.step + 1;
  return {first >= 0 ? 0 : (-first + axis.step - 1) / axis.step, end >= axis.count ? axis.count : end};
}

// The window that sees `element` at position k, or a number below 0.
__device__ inline int64_t window_at(const Axis &axis, int64_t element, int64_t k) {
  const int64_t distance = element - axis.start - k * axis.dilation;
  if (axis.step == 1) return distance < axis.count ? distance : -1;
  if (distance < 0 || distance % axis.step) return -1;
  const int64_t window = distance / axis.step;
  return window < axis.count ? window : -1;
}
} // namespace nd
