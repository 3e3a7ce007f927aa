"""Mistakes that students make, and what the checker's report says of them: the cause, and not what follows from it."""

import numpy as np
import pytest

from needle_edu.backend.cudasim import CudaError

SOURCE = """
#define TILE 8
__global__ void ragged(const float *a, const float *b, float *out, int n) {
  __shared__ float s[TILE][TILE], t[TILE][TILE];
  int row = blockIdx.y * TILE + threadIdx.y, col = blockIdx.x * TILE + threadIdx.x;
  float sum = 0;
  for (int k = 0; k < n; k += TILE) {
    s[threadIdx.y][threadIdx.x] = a[row * n + k + threadIdx.x];  // the edge of the matrix divides no tile
    t[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * n + col];
    __syncthreads();
    for (int d = 0; d < TILE; d++) sum += s[threadIdx.y][d] * t[d][threadIdx.x];
    __syncthreads();
  }
  if (row < n && col < n) out[row * n + col] = sum;
}
__global__ void sum_of_warp(float *a, int n) {
  float v = a[threadIdx.x < n ? threadIdx.x : 110];
  for (int by = 16; by; by /= 2) v += __shfl_down_sync(0xffffffff, v, by);
  if (threadIdx.x == 0) a[0] = v;
}
__global__ void dynamic(float *a) {
  extern __shared__ float s[];
  s[threadIdx.x] = a[threadIdx.x];
}
__global__ void backwards(const float *a, float *out, unsigned n) {
  const unsigned i = threadIdx.x;
  out[i] = a[n - 2 - i];
}
struct List { float *data; };
__global__ void unset(float *a, List *list) { a[0] = list->data[threadIdx.x]; }
__global__ void two_rows(float *a) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < 99) a[i] += a[i + 1];
}
extern "C" {
void run_ragged(float *a) {
  float *out;
  cudaMalloc(&out, 400);
  ragged<<<dim3(2, 2), dim3(TILE, TILE)>>>(a, a, out, 10);
}
void run_sum(float *a) { sum_of_warp<<<1, 32>>>(a, 20); }
void run_dynamic(float *a) { dynamic<<<1, 32>>>(a); }
void run_backwards(float *a) {
  float *out;
  cudaMalloc(&out, 400);
  backwards<<<1, 100>>>(a, out, 100);
}
void run_unset(float *a) {
  List *list;
  cudaMalloc(&list, sizeof *list);
  cudaMemset(list, 0xfe, sizeof *list);
  unset<<<1, 1>>>(a, list);
}
void run_two_rows(float *a) { two_rows<<<2, 50>>>(a); }
}
"""
FOUND = {  # name: kind, place in the source, detail
    "ragged": ("out-of-bounds", "= b[(k + threadIdx.y) * n + col]", "a read of 4 bytes, "),
    "sum": ("out-of-bounds", "float v = a[", "a read of 4 bytes, 40 bytes past the end of allocation #"),
    "dynamic": (
        "out-of-bounds", "s[threadIdx.x] = a[threadIdx.x]",
        "a write of 4 bytes, in shared memory, of which this launch has none; the third number of "
        "kernel<<<grid, block, bytes>>> is its size",
    ),
    "backwards": (
        "out-of-bounds", "out[i] = a[n - 2 - i]",
        "a read of 4 bytes, 2^32 elements of 4 bytes further than 4 bytes before allocation #",
    ),
    "unset": (
        "out-of-bounds", "a[0] = list->data",
        "a read of 4 bytes where there is no memory at all: an index below 0 (an unsigned one is very large then), or "
        "a pointer that was never set",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def program(simulator):
    return simulator.compile(SOURCE, "check")


@pytest.mark.parametrize("name", FOUND)
def test_one_mistake_is_one_finding(program, simulator, name, order):
    """The threads that end at an access miss at barriers and shuffles; that is no finding."""
    kind, place, detail = FOUND[name]
    simulator.clear_report()
    with pytest.raises(CudaError, match="cudaErrorIllegalAddress"):
        getattr(program, f"run_{name}")(simulator.array(np.ones(100, np.float32)))
    assert len(simulator.report()) == 1, simulator.report()
    (finding,) = simulator.report()
    assert finding.kind == kind and finding.detail.startswith(detail)
    assert place in SOURCE.splitlines()[finding.place.line - 1] and finding.thread is not None


def test_both_threads_and_both_blocks_of_a_race(program, simulator, order):
    simulator.clear_report()
    program.run_two_rows(simulator.array(np.ones(100, np.float32)))
    (finding,) = simulator.report()
    text = str(finding)
    assert finding.kind == "race" and f"block {finding.block}, thread {finding.thread}" in text
    assert (
        f"the other: {finding.other_place}, block {finding.other_block}, thread {finding.other_thread}"
        in text
    )
    assert (finding.block, finding.thread) != (finding.other_block, finding.other_thread)
