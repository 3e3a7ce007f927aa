// ndarray_backend_cuda.cu - a module as students of the course "Deep Learning Systems" hand it in: kernels, the functions
// that launch them, and pybind11's table of them. Written for these tests.
#include <cuda_runtime.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <iostream>
#include <sstream>

namespace needle {
namespace cuda {

#define THREADS 256
#define TILE 4
#define MOST_DIMS 8
typedef float scalar_t;
const size_t ELEM_SIZE = sizeof(scalar_t);

struct CudaArray {
  CudaArray(const size_t size) {
    cudaError_t err = cudaMalloc(&ptr, size * ELEM_SIZE);
    if (err != cudaSuccess) throw std::runtime_error(cudaGetErrorString(err));
    this->size = size;
  }
  ~CudaArray() { cudaFree(ptr); }
  size_t ptr_as_int() { return (size_t)ptr; }

  scalar_t *ptr;
  size_t size;
};

struct Dims {
  dim3 block, grid;
};
Dims line(size_t size) {
  Dims dims;
  dims.block = dim3(THREADS, 1, 1);
  dims.grid = dim3((size + THREADS - 1) / THREADS, 1, 1);
  return dims;
}

struct Numbers { // by value into the kernel
  uint32_t size;
  int32_t data[MOST_DIMS];
};
Numbers numbers(const std::vector<int32_t> &from) {
  if (from.size() > MOST_DIMS) throw std::runtime_error("Exceeded CUDA supported max dimensions");
  Numbers to;
  to.size = from.size();
  for (size_t i = 0; i < from.size(); i++) to.data[i] = from[i];
  return to;
}

// ---- moving elements

__global__ void FillKernel(scalar_t *out, scalar_t val, size_t size) {
  size_t gid = blockIdx.x * blockDim.x + threadIdx.x;
  if (gid < size) out[gid] = val;
}
void Fill(CudaArray *out, scalar_t val) {
  Dims dims = line(out->size);
  FillKernel<<<dims.grid, dims.block>>>(out->ptr, val, out->size);
}

__device__ size_t position(size_t i, const Numbers &shape, const Numbers &strides, size_t offset) {
  size_t at = offset;
  for (int d = int(shape.size) - 1; d >= 0; d--) {
    at += i % shape.data[d] * strides.data[d];
    i /= shape.data[d];
  }
  return at;
}
__global__ void CompactKernel(const scalar_t *a, scalar_t *out, size_t size, Numbers shape, Numbers strides, size_t offset) {
  size_t gid = blockIdx.x * blockDim.x + threadIdx.x;
  if (gid < size) out[gid] = a[position(gid, shape, strides, offset)];
}
void Compact(const CudaArray &a, CudaArray *out, std::vector<int32_t> shape, std::vector<int32_t> strides, size_t offset) {
  Dims dims = line(out->size);
  CompactKernel<<<dims.grid, dims.block>>>(a.ptr, out->ptr, out->size, numbers(shape), numbers(strides), offset);
}
__global__ void EwiseSetitemKernel(const scalar_t *a, scalar_t *out, size_t size, Numbers shape, Numbers strides, size_t offset) {
  size_t gid = blockIdx.x * blockDim.x + threadIdx.x;
  if (gid < size) out[position(gid, shape, strides, offset)] = a[gid];
}
void EwiseSetitem(const CudaArray &a, CudaArray *out, std::vector<int32_t> shape, std::vector<int32_t> strides, size_t offset) {
  Dims dims = line(a.size);
  EwiseSetitemKernel<<<dims.grid, dims.block>>>(a.ptr, out->ptr, a.size, numbers(shape), numbers(strides), offset);
}
__global__ void ScalarSetitemKernel(scalar_t val, scalar_t *out, size_t size, Numbers shape, Numbers strides, size_t offset) {
  size_t gid = blockIdx.x * blockDim.x + threadIdx.x;
  if (gid < size) out[position(gid, shape, strides, offset)] = val;
}
void ScalarSetitem(size_t size, scalar_t val, CudaArray *out, std::vector<int32_t> shape, std::vector<int32_t> strides, size_t offset) {
  Dims dims = line(size);
  ScalarSetitemKernel<<<dims.grid, dims.block>>>(val, out->ptr, size, numbers(shape), numbers(strides), offset);
}

// ---- element by element

template <typename Op> __global__ void EwiseKernel(const scalar_t *a, const scalar_t *b, scalar_t *out, size_t size, Op op) {
  size_t gid = blockIdx.x * blockDim.x + threadIdx.x;
  if (gid < size) out[gid] = op(a[gid], b[gid]);
}
template <typename Op> __global__ void ScalarKernel(const scalar_t *a, scalar_t val, scalar_t *out, size_t size, Op op) {
  size_t gid = blockIdx.x * blockDim.x + threadIdx.x;
  if (gid < size) out[gid] = op(a[gid], val);
}
template <typename Op> void Ewise(const CudaArray &a, const CudaArray &b, CudaArray *out) {
  Dims dims = line(out->size);
  EwiseKernel<<<dims.grid, dims.block>>>(a.ptr, b.ptr, out->ptr, out->size, Op());
}
template <typename Op> void Scalar(const CudaArray &a, scalar_t val, CudaArray *out) {
  Dims dims = line(out->size);
  ScalarKernel<<<dims.grid, dims.block>>>(a.ptr, val, out->ptr, out->size, Op());
}
template <typename Op> void Unary(const CudaArray &a, CudaArray *out) { Scalar<Op>(a, 0, out); }
#define OP(name, value) \
  struct name { __device__ scalar_t operator()(scalar_t a, scalar_t b) const { return value; } };
OP(Add, a + b)
OP(Mul, a * b)
OP(Div, a / b)
OP(Power, powf(a, b))
OP(Maximum, a > b ? a : b)
OP(Eq, a == b)
OP(Ge, a >= b)
OP(Log, logf(a))
OP(Exp, expf(a))
OP(Tanh, tanhf(a))

// ---- products and reductions

__global__ void MatmulKernel(const scalar_t *a, const scalar_t *b, scalar_t *out, uint32_t M, uint32_t N, uint32_t P) {
  __shared__ scalar_t left[16][16], right[16][16];
  const uint32_t column = blockIdx.x * 16 + threadIdx.x, row = blockIdx.y * 16 + threadIdx.y;
  scalar_t sum = 0;
  for (uint32_t at = 0; at < N; at += 16) {
    left[threadIdx.y][threadIdx.x] = row < M && at + threadIdx.x < N ? a[row * N + at + threadIdx.x] : 0;
    right[threadIdx.y][threadIdx.x] = column < P && at + threadIdx.y < N ? b[(at + threadIdx.y) * P + column] : 0;
    __syncthreads();
    for (int k = 0; k < 16; k++) sum += left[threadIdx.y][k] * right[k][threadIdx.x];
    __syncthreads(); // the next round overwrites the tiles
  }
  if (row < M && column < P) out[row * P + column] = sum;
}
void Matmul(const CudaArray &a, const CudaArray &b, CudaArray *out, uint32_t M, uint32_t N, uint32_t P) {
  dim3 block(16, 16), grid((P + 15) / 16, (M + 15) / 16);
  MatmulKernel<<<grid, block>>>(a.ptr, b.ptr, out->ptr, M, N, P);
}

template <bool MAX> __global__ void ReduceKernel(const scalar_t *a, scalar_t *out, size_t reduce_size, size_t size) {
  size_t gid = blockIdx.x * blockDim.x + threadIdx.x;
  if (gid < size) {
    scalar_t result = a[gid * reduce_size];
    for (size_t i = 1; i < reduce_size; i++) {
      scalar_t next = a[gid * reduce_size + i];
      result = MAX ? (next > result ? next : result) : result + next;
    }
    out[gid] = result;
  }
}
template <bool MAX> void Reduce(const CudaArray &a, CudaArray *out, size_t reduce_size) {
  Dims dims = line(out->size);
  ReduceKernel<MAX><<<dims.grid, dims.block>>>(a.ptr, out->ptr, reduce_size, out->size);
}

} // namespace cuda
} // namespace needle

PYBIND11_MODULE(ndarray_backend_cuda, m) {
  namespace py = pybind11;
  using namespace needle;
  using namespace cuda;

  m.attr("__device_name__") = "cuda";
  m.attr("__tile_size__") = TILE;

  py::class_<CudaArray>(m, "Array")
      .def(py::init<size_t>(), py::return_value_policy::take_ownership)
      .def_readonly("size", &CudaArray::size)
      .def("ptr", &CudaArray::ptr_as_int);

  m.def("to_numpy", [](const CudaArray &a, std::vector<size_t> shape, std::vector<size_t> strides, size_t offset) {
    std::vector<size_t> numpy_strides = strides;
    std::transform(numpy_strides.begin(), numpy_strides.end(), numpy_strides.begin(),
                   [](size_t &c) { return c * ELEM_SIZE; });
    scalar_t *host_ptr = (scalar_t *)std::malloc(a.size * ELEM_SIZE);
    if (host_ptr == 0) throw std::bad_alloc();
    cudaError_t err = cudaMemcpy(host_ptr, a.ptr, a.size * ELEM_SIZE, cudaMemcpyDeviceToHost);
    if (err != cudaSuccess) throw std::runtime_error(cudaGetErrorString(err));
    py::capsule deallocate_buffer(host_ptr, [](void *p) { free(p); });
    return py::array_t<scalar_t>(shape, numpy_strides, host_ptr + offset, deallocate_buffer);
  });
  m.def("from_numpy", [](py::array_t<scalar_t> a, CudaArray *out) {
    cudaError_t err = cudaMemcpy(out->ptr, a.request().ptr, out->size * ELEM_SIZE, cudaMemcpyHostToDevice);
    if (err != cudaSuccess) throw std::runtime_error(cudaGetErrorString(err));
  });

  m.def("fill", Fill);
  m.def("compact", Compact);
  m.def("ewise_setitem", EwiseSetitem);
  m.def("scalar_setitem", ScalarSetitem);
  m.def("ewise_add", Ewise<Add>);
  m.def("scalar_add", Scalar<Add>);
  m.def("ewise_mul", Ewise<Mul>);
  m.def("scalar_mul", Scalar<Mul>);
  m.def("ewise_div", Ewise<Div>);
  m.def("scalar_div", Scalar<Div>);
  m.def("scalar_power", Scalar<Power>);
  m.def("ewise_maximum", Ewise<Maximum>);
  m.def("scalar_maximum", Scalar<Maximum>);
  m.def("ewise_eq", Ewise<Eq>);
  m.def("scalar_eq", Scalar<Eq>);
  m.def("ewise_ge", Ewise<Ge>);
  m.def("scalar_ge", Scalar<Ge>);
  m.def("ewise_log", Unary<Log>);
  m.def("ewise_exp", Unary<Exp>);
  m.def("ewise_tanh", Unary<Tanh>);
  m.def("matmul", Matmul);
  m.def("reduce_max", Reduce<true>);
  m.def("reduce_sum", Reduce<false>);
}
