// pooling.cu - the largest element and the mean of each window, and their adjoints.
//
// Forward a thread has a window. Backward it has an element of x and looks up the windows that see it: each element is
// written once, and windows that overlap need no atomics, whose order, and so whose rounding, would change from run to run.
#include "windows.cuh"

namespace nd {
// Windows: where in y (operand 0), x (1) and places (2), and the first row and column each sees (3, 4).
// Elements: where in x's adjoint (0) and in the planes of g (1) and places (2), and which row and column it is (3, 4).
using Places = Layout<5>;

template <class T>
__global__ void max_pool(Places windows, Axis rows, Axis columns, int64_t x_row, int64_t x_column, T *y, int32_t *places,
                         const T *x) {
  for (int64_t window = first(); window < windows.size; window += step()) {
    int64_t at[5];
    windows.locate(window, at);
    const Range ks = seen(rows, at[3]), ls = seen(columns, at[4]);
    T best = T(-INFINITY);
    int64_t place = -1;
    for (int64_t k = ks.begin; k < ks.end; k++)
      for (int64_t l = ls.begin; l < ls.end; l++) {
        const int64_t row = at[3] + k * rows.dilation, column = at[4] + l * columns.dilation;
        const T value = x[at[1] + row * x_row + column * x_column];
        if (place < 0 || value > best || value != value) best = value, place = row * columns.extent + column;
      }
    y[at[0]] = best;
    if (places) places[at[2]] = int32_t(place);
  }
}

template <class T>
__global__ void max_pool_backward(Places elements, Axis rows, Axis columns, int64_t g_row, int64_t g_column,
                                  int64_t places_row, int64_t places_column, T *to, const T *g, const int32_t *places) {
  for (int64_t element = first(); element < elements.size; element += step()) {
    int64_t at[5];
    elements.locate(element, at);
    const int64_t place = at[3] * columns.extent + at[4];
    T sum = 0;
    for (int64_t k = 0; k < rows.kernel; k++) {
      const int64_t i = window_at(rows, at[3], k);
      if (i < 0) continue;
      for (int64_t l = 0; l < columns.kernel; l++) {
        const int64_t j = window_at(columns, at[4], l);
        if (j >= 0 && places[at[2] + i * places_row + j * places_column] == place) sum += g[at[1] + i * g_row + j * g_column];
      }
    }
    to[at[0]] = sum;
  }
}

// By what a window's sum is divided along one axis: the elements it reaches over, with the padding of -start at both ends
// (ND_WINDOW), or those it sees (ND_SEEN).
__device__ inline int64_t reach(const Axis &axis, int64_t begin, int64_t divide) {
  const int64_t end = begin + axis.kernel, limit = axis.extent - (divide == ND_WINDOW ? axis.start : 0);
  return (end < limit ? end : limit) - (divide == ND_WINDOW || begin >= 0 ? begin : 0);
}
__device__ inline int64_t divisor(const Axis &rows, const Axis &columns, int64_t row, int64_t column, int64_t divide) {
  return divide > 0 ? divide : reach(rows, row, divide) * reach(columns, column, divide);
}

template <class T>
__global__ void avg_pool(Places windows, Axis rows, Axis columns, int64_t x_row, int64_t x_column, int64_t divide, T *y,
                         const T *x) {
  for (int64_t window = first(); window < windows.size; window += step()) {
    int64_t at[5];
    windows.locate(window, at);
    const Range ks = seen(rows, at[3]), ls = seen(columns, at[4]);
    T sum = 0;
    for (int64_t k = ks.begin; k < ks.end; k++)
      for (int64_t l = ls.begin; l < ls.end; l++) sum += x[at[1] + (at[3] + k) * x_row + (at[4] + l) * x_column];
    y[at[0]] = sum / T(divisor(rows, columns, at[3], at[4], divide));
  }
}

template <class T>
__global__ void avg_pool_backward(Places elements, Axis rows, Axis columns, int64_t g_row, int64_t g_column,
                                  int64_t divide, T *to, const T *g) {
  for (int64_t element = first(); element < elements.size; element += step()) {
    int64_t at[5];
    elements.locate(element, at);
    T sum = 0;
    for (int64_t k = 0; k < rows.kernel; k++) {
      const int64_t i = window_at(rows, at[3], k);
      if (i < 0) continue;
      for (int64_t l = 0; l < columns.kernel; l++) {
        const int64_t j = window_at(columns, at[4], l);
        if (j < 0) continue;
        sum += g[at[1] + i * g_row + j * g_column] / T(divisor(rows, columns, at[3] - k, at[4] - l, divide));
      }
    }
    to[at[0]] = sum;
  }
}

// Windows of several lengths that cover a plane (adaptive pooling). Window j of `count` over `extent` elements:
__device__ inline Range covering(int64_t extent, int64_t count, int64_t j) {
  return {j * extent / count, ((j + 1) * extent + count - 1) / count};
}
// Windows: where in y (0), x (1) and places (2), and which row and column of windows (3, 4).
template <class T>
__global__ void adaptive_max_pool(Places windows, Axis rows, Axis columns, int64_t x_row, int64_t x_column, T *y,
                                  int32_t *places, const T *x) {
  for (int64_t window = first(); window < windows.size; window += step()) {
    int64_t at[5];
    windows.locate(window, at);
    const Range down = covering(rows.extent, rows.count, at[3]), across = covering(columns.extent, columns.count, at[4]);
    T best = T(-INFINITY);
    int64_t place = -1;
    for (int64_t row = down.begin; row < down.end; row++)
      for (int64_t column = across.begin; column < across.end; column++) {
        const T value = x[at[1] + row * x_row + column * x_column];
        if (place < 0 || value > best || value != value) best = value, place = row * columns.extent + column;
      }
    y[at[0]] = best;
    if (places) places[at[2]] = int32_t(place);
  }
}
// Elements, as max_pool_backward: of the windows that see an element, those whose place it is.
template <class T>
__global__ void adaptive_max_pool_backward(Places elements, Axis rows, Axis columns, int64_t g_row, int64_t g_column,
                                           int64_t places_row, int64_t places_column, T *to, const T *g,
                                           const int32_t *places) {
  for (int64_t element = first(); element < elements.size; element += step()) {
    int64_t at[5];
    elements.locate(element, at);
    const int64_t place = at[3] * columns.extent + at[4];
    T sum = 0;
    for (int64_t i = 0; i < rows.count; i++)
      for (int64_t j = 0; j < columns.count; j++)
        if (places[at[2] + i * places_row + j * places_column] == place) sum += g[at[1] + i * g_row + j * g_column];
    to[at[0]] = sum;
  }
}

namespace {
// The plan has images, channels, rows and columns of the windows; x lies in it with the strides of its own axes.
struct Problem {
  const nd_plan *p;
  int x, y, places; // operands; a kernel without places has two
  Axis rows, columns;
  Places threads;

  Problem(const nd_plan *plan, const int64_t *w, int x_operand, int y_operand, int places_operand)
      : p(plan), x(x_operand), y(y_operand), places(places_operand), rows{w[0], w[1], w[2], w[3], w[4], plan->shape[2]},
        columns{w[5], w[6], w[7], w[8], w[9], plan->shape[3]} {}
  int wrong() const {
    if (p->ndim != 4 || rows.extent * columns.extent > INT32_MAX) return ND_EPLAN;
    if (p->dtype[x] != p->dtype[y] || (places >= 0 && p->dtype[places] != ND_I32)) return ND_EDTYPE;
    return p->dtype[x] == ND_F32 || p->dtype[x] == ND_F64 ? ND_OK : ND_EDTYPE;
  }
  int wrong(int64_t divide) const {
    if (const int error = wrong()) return error;
    return divide < ND_SEEN || rows.dilation != 1 || columns.dilation != 1 ? ND_EPLAN : ND_OK;
  }
  int64_t offset(int operand) const { return operand < 0 ? 0 : p->offset[operand]; }
  int64_t stride(int operand, int d) const { return operand < 0 ? 0 : p->stride[operand][d]; }

  void a_thread_a_window() {
    for (int k : {0, 1, 2}) threads.offset[k] = offset(k == 0 ? y : k == 1 ? x : places);
    threads.offset[3] = rows.start;
    threads.offset[4] = columns.start;
    for (int d : {0, 1}) threads.along(p->shape[d], {stride(y, d), stride(x, d), stride(places, d), 0, 0});
    threads.along(p->shape[2], {stride(y, 2), 0, stride(places, 2), rows.step, 0});
    threads.along(p->shape[3], {stride(y, 3), 0, stride(places, 3), 0, columns.step});
  }
  void a_thread_an_element() {
    for (int k : {0, 1, 2}) threads.offset[k] = offset(k == 0 ? x : k == 1 ? y : places);
    for (int d : {0, 1}) threads.along(p->shape[d], {stride(x, d), stride(y, d), stride(places, d), 0, 0});
    threads.along(rows.extent, {stride(x, 2), 0, 0, 1, 0});
    threads.along(columns.extent, {stride(x, 3), 0, 0, 0, 1});
  }
  unsigned blocks() const { return blocks_for(threads.size); }
};
} // namespace
} // namespace nd

ND_API int nd_max_pool(const nd_plan *p, void *out, void *places, const void *x, const int64_t *window) {
  nd::Problem it(p, window, 2, 0, places ? 1 : -1);
  if (const int error = it.wrong()) return error;
  it.a_thread_a_window();
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if (it.threads.size)
      nd::max_pool<T><<<it.blocks(), nd::THREADS>>>(it.threads, it.rows, it.columns, it.stride(it.x, 2), it.stride(it.x, 3),
                                                    static_cast<T *>(out), static_cast<int32_t *>(places),
                                                    static_cast<const T *>(x));
    return nd::launched();
  });
}

ND_API int nd_max_pool_backward(const nd_plan *p, void *out, const void *g, const void *places, const int64_t *window) {
  nd::Problem it(p, window, 0, 1, 2);
  if (const int error = it.wrong()) return error;
  it.a_thread_an_element();
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if (it.threads.size)
      nd::max_pool_backward<T><<<it.blocks(), nd::THREADS>>>(
          it.threads, it.rows, it.columns, it.stride(it.y, 2), it.stride(it.y, 3), it.stride(it.places, 2),
          it.stride(it.places, 3), static_cast<T *>(out), static_cast<const T *>(g), static_cast<const int32_t *>(places));
    return nd::launched();
  });
}

ND_API int nd_avg_pool(const nd_plan *p, void *out, const void *x, const int64_t *window, int64_t divide) {
  nd::Problem it(p, window, 1, 0, -1);
  if (const int error = it.wrong(divide)) return error;
  it.a_thread_a_window();
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if (it.threads.size)
      nd::avg_pool<T><<<it.blocks(), nd::THREADS>>>(it.threads, it.rows, it.columns, it.stride(it.x, 2), it.stride(it.x, 3),
                                                    divide, static_cast<T *>(out), static_cast<const T *>(x));
    return nd::launched();
  });
}

ND_API int nd_avg_pool_backward(const nd_plan *p, void *out, const void *g, const int64_t *window, int64_t divide) {
  nd::Problem it(p, window, 0, 1, -1);
  if (const int error = it.wrong(divide)) return error;
  it.a_thread_an_element();
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if (it.threads.size)
      nd::avg_pool_backward<T><<<it.blocks(), nd::THREADS>>>(it.threads, it.rows, it.columns, it.stride(it.y, 2),
                                                             it.stride(it.y, 3), divide, static_cast<T *>(out),
                                                             static_cast<const T *>(g));
    return nd::launched();
  });
}

namespace {
// An axis that windows of several lengths cover: they begin at 0, and count in windows.
struct Whole {
  int64_t window[10];
  Whole(int64_t rows, int64_t columns) : window{0, 1, 1, rows, 1, 0, 1, 1, columns, 1} {}
};
} // namespace

ND_API int nd_adaptive_max_pool(const nd_plan *p, void *out, void *places, const void *x, int64_t rows, int64_t columns) {
  if (rows < 1 || columns < 1) return ND_EPLAN;
  nd::Problem it(p, Whole(rows, columns).window, 2, 0, places ? 1 : -1);
  if (const int error = it.wrong()) return error;
  it.a_thread_a_window();
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if (it.threads.size)
      nd::adaptive_max_pool<T><<<it.blocks(), nd::THREADS>>>(it.threads, it.rows, it.columns, it.stride(it.x, 2),
                                                             it.stride(it.x, 3), static_cast<T *>(out),
                                                             static_cast<int32_t *>(places), static_cast<const T *>(x));
    return nd::launched();
  });
}

ND_API int nd_adaptive_max_pool_backward(const nd_plan *p, void *out, const void *g, const void *places, int64_t rows,
                                         int64_t columns) {
  if (rows < 1 || columns < 1) return ND_EPLAN;
  nd::Problem it(p, Whole(rows, columns).window, 0, 1, 2);
  if (const int error = it.wrong()) return error;
  it.a_thread_an_element();
  return nd::with_type<nd::FLOATS>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if (it.threads.size)
      nd::adaptive_max_pool_backward<T><<<it.blocks(), nd::THREADS>>>(
          it.threads, it.rows, it.columns, it.stride(it.y, 2), it.stride(it.y, 3), it.stride(it.places, 2),
          it.stride(it.places, 3), static_cast<T *>(out), static_cast<const T *>(g), static_cast<const int32_t *>(places));
    return nd::launched();
  });
}
