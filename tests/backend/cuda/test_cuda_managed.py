"""Managed memory, which host and device share: what students' programs do with it, and what the checker says if the
host does not wait for the kernel."""

import pytest

SOURCE = """
#include <cstring>
__device__ __managed__ int counter = 0;
__global__ void scale(float *a, float by, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) a[i] *= by;
  if (i == 0) atomicAdd(&counter, 1);
}
extern "C" float sum_of_doubles(int n, int how) {
  float *a, *b, *c;
  if (cudaMallocManaged(&a, n * sizeof(float))) return -1;
  if (cudaMallocManaged((void **)&b, n * sizeof(float), cudaMemAttachGlobal)) return -1;
  cudaMemAdvise(a, n * sizeof(float), cudaMemAdviseSetPreferredLocation, 0);
  for (int i = 0; i < n; i++) a[i] = float(i);
  memcpy(b, a, n * sizeof(float));
  cudaMemPrefetchAsync(b, n * sizeof(float), 0, 0);
  scale<<<(n + 63) / 64, 64>>>(b, 2.0f, n);
  if (how == 1) cudaDeviceSynchronize();
  if (how == 2) cudaMemcpy(a, b, n * sizeof(float), cudaMemcpyDeviceToHost), b = a;
  if (how == 3) cudaMalloc(&c, n * sizeof(float)), cudaMemcpy(c, b, n * sizeof(float), cudaMemcpyDefault),
                cudaMemcpy(b, c, n * sizeof(float), cudaMemcpyDefault), cudaFree(c);
  float sum = 0;
  for (int i = 0; i < n; i++) sum += b[i];
  return sum;
}
extern "C" int count() { return counter; }
extern "C" int has_managed_memory() {
  cudaDeviceProp facts;
  cudaGetDeviceProperties(&facts, 0);
  int value = 0;
  cudaDeviceGetAttribute(&value, cudaDevAttrConcurrentManagedAccess, 0);
  return facts.managedMemory - value;
}
extern "C" int past_the_end(int n) {
  float *a;
  cudaMallocManaged(&a, n * sizeof(float));
  scale<<<1, 64>>>(a, 2.0f, n + 1);
  return cudaDeviceSynchronize();
}
"""


@pytest.fixture(scope="module")
def program(simulator):
    return {flavour: simulator.compile(SOURCE, flavour) for flavour in ("plain", "check")}


@pytest.mark.parametrize("flavour", ["plain", "check"])
def test_host_and_kernel_share_it(program, simulator, flavour):
    simulator.clear_report()
    for how in (1, 2, 3):
        assert program[flavour].sum_of_doubles(100, how) == 9900
    assert program[flavour].count() == 3 and program[flavour].has_managed_memory() == 1
    assert len(simulator.report()) == 0, simulator.report()


def test_a_host_that_does_not_wait_is_told(program, simulator):
    simulator.clear_report()
    assert program["check"].sum_of_doubles(100, 0) == 9900, "the simulator has waited all the same"
    (finding,) = simulator.report()
    assert finding.kind == "host-dereference" and finding.count == 100
    assert "sum += b[i]" in SOURCE.splitlines()[finding.place.line - 1]
    launched = 1 + SOURCE[: SOURCE.index("scale<<<")].count("\n")
    assert finding.detail == (
        "the host's code makes a read of 4 bytes of managed memory, while the kernel scale, launched in line "
        f"{launched}, may still run; call cudaDeviceSynchronize() first"
    )


def test_its_bounds_are_watched(program, simulator):
    simulator.clear_report()
    with pytest.raises(Exception, match="0 bytes past the end of allocation #.* of 40 bytes"):
        program["check"].past_the_end(10)
    assert simulator.report().out_of_bounds == 1
