// in_another_style.cu - a module as other students hand it in: macros that end a launch, pointers to device functions,
// shapes in constant memory, register tiles, trees in shared memory, exit() where CUDA has an error. Written for these
// tests. One mistake is in it, an old one: WarpSum believes that the lanes of a warp run in step.
#include <cstdio>
#include <cstdlib>
#include <vector>
#include "pybind11/numpy.h"
#include "pybind11/pybind11.h"
#include "pybind11/stl.h"

namespace py = pybind11;
using real = float;

#define BLOCK 128
#define MAX_DIMS 8
constexpr int L = 16, S = 8, V = 4;

inline void verify(cudaError_t code, const char *file, int line, bool abort = true) {
  if (code == cudaSuccess) return;
  fprintf(stderr, "CUDA: %s at %s:%d\n", cudaGetErrorString(code), file, line);
  if (abort) exit(code);
}
#define CHECK(call) { verify((call), __FILE__, __LINE__); }

#define LAST_LAUNCH CHECK(cudaGetLastError())
#define ON_ALL_OF(size) <<<((size) + BLOCK - 1) / BLOCK, BLOCK>>>
#define ON_OUT <<<dim3{static_cast<size_t>(out->size + BLOCK - 1) / BLOCK}, \
                  BLOCK>>>
#define GUARD const size_t gid = blockIdx.x * blockDim.x + threadIdx.x; if (gid < size)

struct Array {
  explicit Array(const size_t n) : size(n) { CHECK(cudaMalloc((void **)&data, n * sizeof(real))); }
  ~Array() { cudaFree(data); }
  size_t where() const { return reinterpret_cast<size_t>(data); }
  real *data;
  size_t size;
};

// ---- where elements lie: shape and strides in constant memory
__constant__ uint32_t dims, extents[MAX_DIMS];
__constant__ int32_t steps[MAX_DIMS];

static void remember(const std::vector<uint32_t> &shape, const std::vector<int32_t> &strides) {
  const uint32_t n = shape.size();
  if (n > MAX_DIMS) throw std::length_error("too many dimensions");
  CHECK(cudaMemcpyToSymbol(dims, &n, sizeof n));
  CHECK(cudaMemcpyToSymbol(extents, shape.data(), n * sizeof(uint32_t)));
  CHECK(cudaMemcpyToSymbol(steps, strides.data(), n * sizeof(int32_t), 0, cudaMemcpyHostToDevice));
}
__device__ __forceinline__ size_t place(size_t gid, size_t offset) {
  for (int d = int(dims) - 1; d >= 0; d--) {
    offset += (gid % extents[d]) * steps[d];
    gid /= extents[d];
  }
  return offset;
}

__launch_bounds__(BLOCK, 4) __global__ void fill_kernel(real *a, real value, size_t size) { GUARD a[gid] = value; }
__global__ void compact_kernel(const real *__restrict__ a, real *__restrict__ out, size_t size, size_t offset) {
  GUARD out[gid] = __ldg(a + place(gid, offset));
}
__global__ void setitem_kernel(const real *a, real *out, size_t size, size_t offset) { GUARD out[place(gid, offset)] = a[gid]; }
__global__ void setscalar_kernel(real value, real *out, size_t size, size_t offset) { GUARD out[place(gid, offset)] = value; }

void fill(Array *out, real value) {
  fill_kernel ON_OUT (out->data, value, out->size);
  LAST_LAUNCH
}
void compact(const Array &a, Array *out, std::vector<uint32_t> shape, std::vector<int32_t> strides, size_t offset) {
  remember(shape, strides);
  compact_kernel ON_OUT (a.data, out->data, out->size, offset);
}
void ewise_setitem(const Array &a, Array *out, std::vector<uint32_t> shape, std::vector<int32_t> strides, size_t offset) {
  remember(shape, strides);
  setitem_kernel ON_ALL_OF(a.size)(a.data, out->data, a.size, offset);
}
void scalar_setitem(size_t size, real value, Array *out, std::vector<uint32_t> shape, std::vector<int32_t> strides, size_t offset) {
  remember(shape, strides);
  setscalar_kernel ON_ALL_OF(size)(value, out->data, size, offset);
}

// ---- element by element: which function, says a pointer that lies in the device's memory
using two = real (*)(real, real);
using one = real (*)(real);
__device__ real sum(real a, real b) { return a + b; }
__device__ real product(real a, real b) { return a * b; }
__device__ real quotient(real a, real b) { return a / b; }
__device__ real larger(real a, real b) { return max(a, b); }
__device__ real same(real a, real b) { return a == b; }
__device__ real not_less(real a, real b) { return a >= b; }
__device__ two p_add = sum, p_mul = product, p_div = quotient;
__device__ two p_maximum = larger;
__device__ two p_eq = same, p_ge = not_less;
__device__ two p_power = powf;
__device__ one p_log = logf;
__device__ one p_exp = expf;
__device__ one p_tanh = tanhf;

__global__ void binary_kernel(const real *a, const real *b, real *out, size_t size, two f) { GUARD out[gid] = (*f)(a[gid], b[gid]); }
__global__ void scalar_kernel(const real *a, real b, real *out, size_t size, two f) { GUARD out[gid] = f(a[gid], b); }
__global__ void unary_kernel(const real *a, real *out, size_t size, one f) { GUARD out[gid] = f(a[gid]); }

#define DEFINE_EWISE(name)                                                     \
  void ewise_##name(const Array &a, const Array &b, Array *out) {              \
    two f;                                                                     \
    CHECK(cudaMemcpyFromSymbol(&f, p_##name, sizeof f));                       \
    binary_kernel ON_OUT (a.data, b.data, out->data, out->size, f);            \
  }
#define DEFINE_SCALAR(name)                                                    \
  void scalar_##name(const Array &a, real b, Array *out) {                     \
    two f;                                                                     \
    CHECK(cudaMemcpyFromSymbol(&f, p_##name, sizeof f));                       \
    scalar_kernel ON_OUT (a.data, b, out->data, out->size, f);                 \
  }
#define DEFINE_UNARY(name)                                                     \
  void ewise_##name(const Array &a, Array *out) {                              \
    one f;                                                                     \
    CHECK(cudaMemcpyFromSymbol(&f, p_##name, sizeof f));                       \
    unary_kernel ON_OUT (a.data, out->data, out->size, f);                     \
  }
DEFINE_EWISE(add) DEFINE_EWISE(mul) DEFINE_EWISE(div) DEFINE_EWISE(maximum) DEFINE_EWISE(eq) DEFINE_EWISE(ge)
DEFINE_SCALAR(add) DEFINE_SCALAR(mul) DEFINE_SCALAR(div) DEFINE_SCALAR(maximum) DEFINE_SCALAR(eq) DEFINE_SCALAR(ge)
DEFINE_SCALAR(power) DEFINE_UNARY(log) DEFINE_UNARY(exp) DEFINE_UNARY(tanh)

// ---- the product: L x L elements a block, V x V of them in the registers of each thread
__global__ void matmul_kernel(const real *A, const real *B, real *C, uint32_t M, uint32_t N, uint32_t P) {
  __shared__ real sA[S][L], sB[S][L + 1];
  real c[V][V] = {0}, a[V], b[V];
  const uint32_t row = blockIdx.y * L, column = blockIdx.x * L;
  const uint32_t t = threadIdx.y * blockDim.x + threadIdx.x, threads = blockDim.x * blockDim.y;
  for (uint32_t k = 0; k < N; k += S) {
    for (uint32_t i = t; i < S * L; i += threads) {
      const uint32_t s = i / L, l = i % L;
      sA[s][l] = row + l < M && k + s < N ? A[(row + l) * N + k + s] : 0;
      sB[s][l] = column + l < P && k + s < N ? B[(k + s) * P + column + l] : 0;
    }
    __syncthreads();
#pragma unroll
    for (int s = 0; s < S; ++s) {
      for (int v = 0; v < V; ++v) a[v] = sA[s][threadIdx.y * V + v], b[v] = sB[s][threadIdx.x * V + v];
      for (int y = 0; y < V; ++y)
        for (int x = 0; x < V; ++x) c[y][x] += a[y] * b[x];
    }
    __syncthreads();
  }
  for (int y = 0; y < V; ++y)
    for (int x = 0; x < V; ++x) {
      const uint32_t i = row + threadIdx.y * V + y, j = column + threadIdx.x * V + x;
      if (i < M && j < P) C[i * P + j] = c[y][x];
    }
}
void matmul(const Array &a, const Array &b, Array *out, uint32_t M, uint32_t N, uint32_t P) {
  dim3 grid{(P + L - 1) / L, (M + L - 1) / L}, block{L / V, L / V};
  matmul_kernel<<<grid, block, 0, 0>>>(a.data, b.data, out->data, M, N, P);
  CHECK(cudaDeviceSynchronize());
}

// ---- reductions: a block for each result, a tree in dynamic shared memory
template <typename Op> __global__ void tree_kernel(const real *a, real *out, size_t n, Op op) {
  extern __shared__ real s[];
  const unsigned t = threadIdx.x;
  real mine = op.none();
  for (size_t i = t; i < n; i += blockDim.x) mine = op(mine, a[blockIdx.x * n + i]);
  s[t] = mine;
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half > 0; half >>= 1) {
    if (t < half) s[t] = op(s[t], s[t + half]);
    __syncthreads();
  }
  if (t == 0) out[blockIdx.x] = s[0];
}
struct Max {
  __device__ real operator()(real a, real b) const { return fmaxf(a, b); }
  __device__ real none() const { return -INFINITY; }
};
void reduce_max(const Array &a, Array *out, size_t n) {
  tree_kernel<<<out->size, BLOCK, BLOCK * sizeof(real)>>>(a.data, out->data, n, Max());
}

__device__ void WarpSum(volatile real *s, unsigned t) {
  s[t] += s[t + 32];
  s[t] += s[t + 16];
  s[t] += s[t + 8];
  s[t] += s[t + 4];
  s[t] += s[t + 2];
  s[t] += s[t + 1];
}
__global__ void sum_kernel(const real *a, real *out, size_t n) {
  __shared__ real s[BLOCK];
  const unsigned t = threadIdx.x;
  s[t] = 0;
  for (size_t i = t; i < n; i += blockDim.x) s[t] += a[blockIdx.x * n + i];
  __syncthreads();
  if (t < 64) s[t] += s[t + 64];
  __syncthreads();
  if (t < 32) WarpSum(s, t);
  if (t == 0) out[blockIdx.x] = s[0];
}
void reduce_sum(const Array &a, Array *out, size_t n) { sum_kernel<<<out->size, BLOCK>>>(a.data, out->data, n); }

void end_python(int status) { exit(status); }

#define DEF(name) m.def(#name, name);
PYBIND11_MODULE(ndarray_backend_cuda, m) {
  m.attr("__device_name__") = "cuda";
  m.attr("__tile_size__") = V;
  py::class_<Array>(m, "Array")
      .def(py::init<size_t>(), py::return_value_policy::take_ownership)
      .def_readonly("size", &Array::size)
      .def("ptr", &Array::where);
  m.def("to_numpy", [](const Array &a, std::vector<size_t> shape, std::vector<size_t> strides, size_t offset) {
    for (auto &stride : strides) stride *= sizeof(real);
    auto host = static_cast<real *>(malloc(a.size * sizeof(real)));
    CHECK(cudaMemcpyAsync(host, a.data, a.size * sizeof(real), cudaMemcpyDeviceToHost, 0));
    CHECK(cudaStreamSynchronize(0));
    return py::array_t<real>(shape, strides, host + offset, py::capsule(host, [](void *p) { free(p); }));
  });
  m.def("from_numpy", [](py::array_t<real> a, Array *out) {
    CHECK(cudaMemcpy(out->data, a.data(), out->size * sizeof(real), cudaMemcpyHostToDevice));
  });
  DEF(fill) DEF(compact) DEF(ewise_setitem) DEF(scalar_setitem) DEF(ewise_add) DEF(scalar_add) DEF(ewise_mul) DEF(scalar_mul)
  DEF(ewise_div) DEF(scalar_div) DEF(scalar_power) DEF(ewise_maximum) DEF(scalar_maximum) DEF(ewise_eq) DEF(scalar_eq)
  DEF(ewise_ge) DEF(scalar_ge) DEF(ewise_log) DEF(ewise_exp) DEF(ewise_tanh) DEF(matmul) DEF(reduce_max) DEF(reduce_sum)
  DEF(end_python)
}
