// lambdas_and_shuffles.cu - a module in a third style: device lambdas in loops over the grid, operators chosen by a
// template's enum, dynamic shared memory seen as a padded matrix, sums of a warp by shuffles. Written for these tests.
#include <algorithm>
#include <cfloat>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>
#include <cuda_runtime.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;
using f32 = float;

#define CUDA_TRY(call)                                                                             \
  do {                                                                                             \
    if (const cudaError_t status = (call); status != cudaSuccess)                                  \
      throw std::runtime_error(std::string(#call) + ": " + cudaGetErrorString(status));            \
  } while (false)

class Buffer {
public:
  explicit Buffer(size_t n) : size{n} { CUDA_TRY(cudaMalloc(&data, n * sizeof(f32))); }
  Buffer(const Buffer &) = delete;
  ~Buffer() { cudaFree(data); }
  f32 *data = nullptr;
  const size_t size;
};
struct View { // by value into kernels
  int32_t extents[8], strides[8];
  int rank;
  size_t offset;
  View(const std::vector<int32_t> &shape, const std::vector<int32_t> &steps, size_t from)
      : rank(int(shape.size())), offset(from) {
    if (rank > 8) throw std::invalid_argument("more than 8 dimensions");
    for (int d = 0; d < rank; ++d) extents[d] = shape[d], strides[d] = steps[d];
  }
  __host__ __device__ size_t operator()(size_t i) const {
    size_t at = offset;
    for (int d = rank; d-- > 0; i /= extents[d]) at += i % extents[d] * strides[d];
    return at;
  }
};

// ---- f(i) for all i below n
template <typename F> __global__ void __launch_bounds__(128) for_each(size_t n, F f) {
  const size_t step = size_t(gridDim.x) * blockDim.x;
  for (size_t i = size_t(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) f(i);
}
template <typename F> void parallel(size_t n, F f) {
  if (n == 0) return;
  for_each<<<static_cast<unsigned>(std::min<size_t>((n + 127) / 128, 32)), 128>>>(n, f);
  CUDA_TRY(cudaGetLastError());
}
void fill(Buffer *out, f32 value) {
  parallel(out->size, [p = out->data, value] __device__(size_t i) { p[i] = value; });
}
void compact(const Buffer &a, Buffer *out, std::vector<int32_t> shape, std::vector<int32_t> strides, size_t offset) {
  const View view{shape, strides, offset};
  parallel(out->size, [view, from = a.data, to = out->data] __device__(size_t i) { to[i] = from[view(i)]; });
}
void ewise_setitem(const Buffer &a, Buffer *out, std::vector<int32_t> shape, std::vector<int32_t> strides, size_t offset) {
  const View view{shape, strides, offset};
  parallel(a.size, [view, from = a.data, to = out->data] __device__(size_t i) { to[view(i)] = from[i]; });
}
void scalar_setitem(size_t n, f32 value, Buffer *out, std::vector<int32_t> shape, std::vector<int32_t> strides, size_t offset) {
  const View view{shape, strides, offset};
  parallel(n, [view, value, to = out->data] __device__(size_t i) { to[view(i)] = value; });
}

// ---- element by element
enum class Op { add, mul, div, maximum, eq, ge, power, log, exp, tanh };
template <Op op> __device__ __forceinline__ f32 apply(f32 x, f32 y) {
  if constexpr (op == Op::add) return x + y;
  else if constexpr (op == Op::mul) return x * y;
  else if constexpr (op == Op::div) return x / y;
  else if constexpr (op == Op::maximum) return fmaxf(x, y);
  else if constexpr (op == Op::eq) return x == y ? 1.f : 0.f;
  else if constexpr (op == Op::ge) return static_cast<f32>(x >= y);
  else if constexpr (op == Op::power) return powf(x, y);
  else if constexpr (op == Op::log) return logf(x);
  else if constexpr (op == Op::exp) return expf(x);
  else return tanhf(x);
}
template <Op op> void ewise(const Buffer &a, const Buffer &b, Buffer *out) {
  parallel(out->size, [x = a.data, y = b.data, z = out->data] __device__(size_t i) { z[i] = apply<op>(x[i], y[i]); });
}
template <Op op> void scalar(const Buffer &a, f32 y, Buffer *out) {
  parallel(out->size, [x = a.data, y, z = out->data] __device__(size_t i) { z[i] = apply<op>(__ldg(x + i), y); });
}
template <Op op> void unary(const Buffer &a, Buffer *out) { scalar<op>(a, 0.f, out); }

// ---- the product: tiles of T x T behind each other in one piece of shared memory
template <int T>
__global__ void product(const f32 *__restrict__ A, const f32 *__restrict__ B, f32 *__restrict__ C, uint32_t M, uint32_t N,
                        uint32_t P) {
  extern __shared__ f32 memory[];
  auto a = reinterpret_cast<f32(*)[T + 1]>(memory), b = a + T;
  const uint32_t row = blockIdx.y * T + threadIdx.y, column = blockIdx.x * T + threadIdx.x;
  f32 sum = 0;
  for (uint32_t k = 0; k < N; k += T) {
    a[threadIdx.y][threadIdx.x] = row < M && k + threadIdx.x < N ? A[row * N + k + threadIdx.x] : 0.f;
    b[threadIdx.y][threadIdx.x] = column < P && k + threadIdx.y < N ? B[(k + threadIdx.y) * P + column] : 0.f;
    __syncthreads();
#pragma unroll
    for (int i = 0; i < T; ++i) sum = fmaf(a[threadIdx.y][i], b[i][threadIdx.x], sum);
    __syncthreads();
  }
  if (row < M && column < P) C[row * P + column] = sum;
}
void matmul(const Buffer &a, const Buffer &b, Buffer *out, uint32_t M, uint32_t N, uint32_t P) {
  constexpr int T = 8;
  constexpr size_t bytes = 2 * T * (T + 1) * sizeof(f32);
  const dim3 threads{T, T}, blocks{(P + T - 1) / T, (M + T - 1) / T};
  cudaStream_t stream;
  CUDA_TRY(cudaStreamCreate(&stream));
  product<T><<<blocks, threads, bytes, stream>>>(a.data, b.data, out->data, M, N, P);
  CUDA_TRY(cudaStreamSynchronize(stream));
  CUDA_TRY(cudaStreamDestroy(stream));
}

// ---- reductions: a block a line
template <typename F> __device__ f32 of_warp(f32 value, F f) {
  for (int offset = warpSize / 2; offset > 0; offset >>= 1) value = f(value, __shfl_down_sync(~0u, value, offset));
  return value;
}
template <typename F> __global__ void of_lines(const f32 *a, f32 *out, size_t n, f32 nothing, F f) {
  static __shared__ f32 of_warps[32];
  const unsigned lane = threadIdx.x % warpSize, warp = threadIdx.x / warpSize;
  f32 value = nothing;
  for (size_t i = threadIdx.x; i < n; i += blockDim.x) value = f(value, a[blockIdx.x * n + i]);
  value = of_warp(value, f);
  if (lane == 0) of_warps[warp] = value;
  __syncthreads();
  if (warp != 0) return;
  value = of_warp(lane < blockDim.x / warpSize ? of_warps[lane] : nothing, f);
  if (lane == 0) out[blockIdx.x] = value;
}
void reduce_sum(const Buffer &a, Buffer *out, size_t n) {
  of_lines<<<out->size, 96>>>(a.data, out->data, n, 0.f, [] __device__(f32 x, f32 y) { return x + y; });
}
void reduce_max(const Buffer &a, Buffer *out, size_t n) {
  of_lines<<<out->size, 96>>>(a.data, out->data, n, -FLT_MAX, [] __device__(f32 x, f32 y) { return x > y ? x : y; });
}

PYBIND11_MODULE(ndarray_backend_cuda, m) {
  m.attr("__device_name__") = "cuda";
  m.attr("__tile_size__") = 8;
  py::class_<Buffer>(m, "Array")
      .def(py::init<size_t>(), py::return_value_policy::take_ownership)
      .def_readonly("size", &Buffer::size)
      .def("ptr", [](const Buffer &self) { return reinterpret_cast<uintptr_t>(self.data); });
  m.def("to_numpy", [](const Buffer &a, std::vector<size_t> shape, std::vector<size_t> strides, size_t offset) {
    for (size_t &stride : strides) stride *= sizeof(f32);
    auto host = new std::vector<f32>(a.size);
    CUDA_TRY(cudaMemcpy(host->data(), a.data, a.size * sizeof(f32), cudaMemcpyDefault));
    py::capsule owner(host, [](void *p) { delete static_cast<std::vector<f32> *>(p); });
    return py::array_t<f32>(shape, strides, host->data() + offset, owner);
  });
  m.def("from_numpy", [](py::array_t<f32, py::array::c_style | py::array::forcecast> a, Buffer *out) {
    CUDA_TRY(cudaMemcpy(out->data, a.data(), out->size * sizeof(f32), cudaMemcpyHostToDevice));
  });
  m.def("fill", fill), m.def("compact", compact);
  m.def("ewise_setitem", ewise_setitem), m.def("scalar_setitem", scalar_setitem);
  m.def("ewise_add", ewise<Op::add>), m.def("scalar_add", scalar<Op::add>);
  m.def("ewise_mul", ewise<Op::mul>), m.def("scalar_mul", scalar<Op::mul>);
  m.def("ewise_div", ewise<Op::div>), m.def("scalar_div", scalar<Op::div>);
  m.def("ewise_maximum", ewise<Op::maximum>), m.def("scalar_maximum", scalar<Op::maximum>);
  m.def("ewise_eq", ewise<Op::eq>), m.def("scalar_eq", scalar<Op::eq>);
  m.def("ewise_ge", ewise<Op::ge>), m.def("scalar_ge", scalar<Op::ge>);
  m.def("scalar_power", scalar<Op::power>), m.def("ewise_log", unary<Op::log>);
  m.def("ewise_exp", unary<Op::exp>), m.def("ewise_tanh", unary<Op::tanh>);
  m.def("matmul", matmul), m.def("reduce_max", reduce_max), m.def("reduce_sum", reduce_sum);
}
