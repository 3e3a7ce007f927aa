"""Structures that are arguments of a function: the checker sees the read."""

import numpy as np
import pytest

from needle_edu.backend.cudasim import CudaError

BY_VALUE = """
struct Pair { float most, sum; };
struct Eight { float of[8]; };
__device__ float length(float4 a) { return sqrtf(a.x * a.x + a.y * a.y) + a.z * expf(a.w); }
__device__ Pair merged(Pair a, Pair b) {
  Pair larger = a.most > b.most ? a : b, smaller = a.most > b.most ? b : a;
  return {larger.most, larger.sum + smaller.sum * expf(smaller.most - larger.most)};
}
__device__ float total(Eight a) { float sum = 0; for (float one : a.of) sum += one; return sum; }
__device__ float4 operator+(float4 a, float4 b) { return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }
__device__ int depth(Pair a, int n) { return n ? 1 + depth(a, n - 1) : int(a.sum); }
__global__ void of_four(const float4 *a, float *out) { out[threadIdx.x] = length(a[threadIdx.x]); }
__global__ void of_two(const Pair *a, float *out) {
  out[threadIdx.x] = merged(a[2 * threadIdx.x],
                            a[2 * threadIdx.x + 1]).sum;
}
__global__ void of_eight(const Eight *a, float *out) { out[threadIdx.x] = total(a[threadIdx.x]); }
__global__ void sums(const float4 *a, float4 *out) { out[threadIdx.x] = a[threadIdx.x] + a[threadIdx.x + 1]; }
__global__ void deep(const Pair *a, float *out) { out[threadIdx.x] = depth(a[threadIdx.x], 3); }
extern "C" void run(int which, const float *a, float *out, int n) {
  if (which == 0) of_four<<<1, n>>>((const float4 *)a, out);
  if (which == 1) of_two<<<1, n>>>((const Pair *)a, out);
  if (which == 2) of_eight<<<1, n>>>((const Eight *)a, out);
  if (which == 3) sums<<<1, n>>>((const float4 *)a, (float4 *)out);
  if (which == 4) deep<<<1, n>>>((const Pair *)a, out);
}
"""


@pytest.fixture(scope="module")
def by_value(simulator):
    return simulator.compile(BY_VALUE, "check")


@pytest.mark.parametrize(
    ("which", "fit", "line"), [(0, 16, 12), (1, 16, 14), (2, 8, 17), (3, 15, 18)], ids=["4", "2", "8", "+"]
)
def test_structures_that_are_arguments_are_seen(by_value, simulator, which, fit, line):
    """a[i] in f(a[i]) is read by the call itself, which the compiler's hooks pass over."""
    for n, found in ((fit, 0), (fit + 1, 1)):
        simulator.clear_report()
        arrays = simulator.array(np.ones(64, np.float32)), simulator.array(np.zeros(80, np.float32))
        if found:
            with pytest.raises(CudaError, match="a read of"):
                by_value.run(which, *arrays, n)
        else:
            by_value.run(which, *arrays, n)
        assert [(one.kind, one.place.line) for one in simulator.report()] == [("out-of-bounds", line)] * found


def test_a_function_that_calls_itself_stays_one(by_value, simulator):
    out = simulator.array(np.zeros(8, np.float32))
    by_value.run(4, simulator.array(np.full(64, 2, np.float32)), out, 8)
    assert out.numpy().tolist() == [5] * 8
