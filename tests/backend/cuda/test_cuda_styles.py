"""CUDA as students and teaching pages write it: the simulator takes all of it, and finds nothing wrong in it."""

from pathlib import Path

import numpy as np
import pytest

from needle_edu.backend.cudasim import CudaError

STUDENT = Path(__file__).parent / "student"
RAMP = np.arange(5000) % 7 - 2.0
FIVE = np.arange(4096) % 5.0


@pytest.fixture(scope="module")
def styles(simulator):
    return simulator.compile(STUDENT / "styles.cu", "check")


@pytest.fixture(scope="module")
def rarer(simulator):
    return simulator.compile(STUDENT / "rarer_forms.cu", "check")


def of_maps():
    ramp = RAMP[:300]
    return (3 * ramp + 1).sum() + 1000 * np.maximum(ramp, 0).sum() + (np.maximum(ramp, 2) + 1).sum()


def of_bins(which):
    return sum(i * i % 256 % 16 == which for i in range(500))


WANTED = {
    "sums": RAMP[:1000].sum() + 100 * 4, "maps": of_maps(), "constants": 1 + 2 * 2 + 3 * 4 + 4 * 8,
    "transposed": 7 * 70 + 5, "products": 2 * 3 * 64 + 0.5, "one_pass": RAMP.sum() + 10000 * 4, "gathered": 3.25,
}  # fmt: skip


@pytest.mark.parametrize("name", WANTED)
def test_styles(styles, simulator, name, order):
    simulator.clear_report()
    assert getattr(styles, name)() == pytest.approx(WANTED[name], rel=1e-6)
    assert simulator.report().clean, simulator.report()


def test_what_the_host_does_with_results_and_errors(styles):
    assert [styles.bins(k) for k in range(16)] == [of_bins(k) for k in range(16)]
    with pytest.raises(CudaError, match="the host's code ended early: Incompatible device"):
        styles.refuses()


def windows():
    padded = np.pad(FIVE[:100], 2)
    return sum(weight * padded[k : k + 100] for k, weight in enumerate((1, 2, 3, 2, 1))).sum() + 200


RARER = {
    "a product of tiles": (FIVE[:1024].reshape(32, 32) @ FIVE[:1024].reshape(32, 32)).ravel()[:100].sum(),
    "a sum by groups": FIVE[:1000].sum(),
    "a convolution with constants": windows(),
    "a bitonic sort": 0,
    "a scan up and down a tree": (np.cumsum(FIVE[:100]) - FIVE[:100]).sum(),
    "an addition made of atomicCAS": 2 * sum(range(64)),
    "a lock": 10,
    "a softmax": 1,
    "an accessor": 10,
    "clocks": 0,
    "a union in shared memory": FIVE[:32].sum() + 32 * (1 + 2 + 3 + 4),
    "questions about the card": 1024 + 1024 + 1,
}


@pytest.mark.parametrize("number, name", list(enumerate(RARER)), ids=RARER)
def test_rarer_forms(rarer, simulator, number, name, order):
    simulator.clear_report()
    assert rarer.run(number) == pytest.approx(RARER[name], rel=1e-6)
    assert len(simulator.report()) == 0, simulator.report()


GUESSES = """
__device__ void raise_to(float *p, float v) {
  int *q = (int *)p, old = *q, seen;
  do { seen = old; old = atomicCAS(q, seen, __float_as_int(fmaxf(v, __int_as_float(seen)))); } while (seen != old);
}
__global__ void guess(float *out) { raise_to(out, float(threadIdx.x + 100 * blockIdx.x)); }
__global__ void guess_shared(float *out) {
  __shared__ float most;
  if (threadIdx.x == 0) most = 0;
  __syncthreads();
  raise_to(&most, float(threadIdx.x));
  __syncthreads();
  if (threadIdx.x == 0) *out = most;
}
__global__ void only_read(float *out) { if (*out < 50) atomicAdd(out, 1.0f); }
__global__ void compared_too_late(float *out) {
  const int t = threadIdx.x, seen = ((int *)out)[0];
  atomicAdd(out, seen == 12345 ? 2.0f : 1.0f);
  __syncthreads();
  if (t == 0) atomicCAS((int *)out, seen, 7);
}
__global__ void third(int *out) {
  const int t = threadIdx.x;
  if (t == 0) {
    atomicAdd(out, out[1] + out[2] + out[3]);  // in lockstep, after the others have read
    return;
  }
  const int seen = out[0], next = out[4 * t];  // and they compare when all of them have read
  if (t < 3) atomicCAS(out, seen, next);
  else out[40] = seen + next;
}
__global__ void unwritten(float *out) {
  __shared__ float s[64];
  if (blockIdx.x == 1) out[threadIdx.x] = s[threadIdx.x];
}
extern "C" void run(int which, float *p) {
  if (which == 0) guess<<<3, 64>>>(p);
  if (which == 1) guess_shared<<<1, 64>>>(p);
  if (which == 2) only_read<<<2, 64>>>(p);
  if (which == 3) compared_too_late<<<1, 64>>>(p);
  if (which == 4) unwritten<<<3, 64>>>(p);
  if (which == 5) third<<<1, 4>>>((int *)p);
}
"""


@pytest.fixture(scope="module")
def guesses(simulator):
    return simulator.compile(GUESSES, "check")


def test_a_read_that_atomicCAS_compares_is_no_race(guesses, simulator, order):
    """CUDA's guide makes atomics that there are not so: a wrong guess costs another round, and no more."""
    for which, most in enumerate((263, 63)):
        out = simulator.array(np.zeros(64, np.float32))
        simulator.clear_report()
        guesses.run(which, out)
        assert out.numpy()[0] == most and simulator.report().clean, simulator.report()
    for which in (2, 3):  # the same read, which nothing compares before the next barrier
        simulator.clear_report()
        guesses.run(which, simulator.array(np.zeros(64, np.float32)))
        (finding,) = simulator.report()
        assert finding.kind == "race" and finding.other_thread is not None


def test_a_third_reader_beside_two_guesses_is_seen(guesses, simulator, order):
    """A cell has room for two readers. Here both compare what they read; the third does not, and races."""
    simulator.clear_report()
    guesses.run(5, simulator.array(np.zeros(64, np.float32)))
    found = simulator.report().findings
    assert found
    for finding in found:
        assert finding.kind == "race" and (3, 0, 0) in (finding.thread, finding.other_thread)


def test_what_is_read_of_nothing_is_said_of_the_block_that_reads(guesses, simulator, order):
    """Not of the next one, which is there already when the launch goes on."""
    simulator.clear_report()
    guesses.run(4, simulator.array(np.zeros(64, np.float32)))
    (finding,) = simulator.report()
    assert finding.kind == "uninitialised" and finding.block == (1, 0, 0) and finding.count == 64


@pytest.fixture(scope="module")
def groups(simulator):
    return simulator.compile(STUDENT / "groups_and_names.cu", "check")


NUMBERS = (np.arange(64) * 37 % 50).astype(np.int32)


@pytest.fixture
def clean(simulator, order):
    simulator.clear_report()
    yield
    assert len(simulator.report()) == 0, simulator.report()


def test_shared_memory_declared_outside_of_kernels(groups, simulator, clean):
    out = simulator.array(np.zeros(1, np.int32))
    groups.sum_by_last_block(simulator.array(NUMBERS), 64, out)
    assert out.numpy()[0] == NUMBERS.sum()
    both = simulator.array(np.zeros(1, np.float32))
    groups.of_two_types(both, 40)
    assert both.numpy()[0] == 1.5 * sum(range(40))


@pytest.mark.parametrize("size", [1, 4, 32])
def test_groups_of_threads(groups, simulator, clean, size):
    out = simulator.array(np.zeros(3, np.int32))
    groups.groups(simulator.array(NUMBERS), out, size)
    assert out.numpy().tolist() == [NUMBERS.sum(), NUMBERS.sum(), NUMBERS.reshape(4, 16).max(1).sum()]


def test_lanes_that_are_active_together(groups, simulator, clean):
    kept, count = simulator.array(np.zeros(64, np.int32)), simulator.array(np.zeros(2, np.int32))
    groups.odd(simulator.array(NUMBERS), kept, count)
    odd = NUMBERS[NUMBERS % 2 == 1]
    assert count.numpy().tolist() == [len(odd), odd.sum()]
    assert sorted(kept.numpy()[: len(odd)]) == sorted(odd)


def test_names_of_cuda_that_a_program_has_for_itself(groups, simulator, clean):
    out = simulator.array(np.zeros(1, np.int32))
    groups.own_names(out)
    assert out.numpy()[0] == 24 * 24 + 8 * 8
