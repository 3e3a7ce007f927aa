"""`cuda_sim()`: every kernel that csrc/cuda has computes what the NumPy reference computes, on operands laid out in
every way, and touches nothing but its output; what it has not is one sentence.

The cases are those of tests/backend/test_kernels.py.
"""

import zlib

import numpy as np
import pytest
from kernel_calls import agree, run
from kernel_cases import CONVOLUTIONS, LINES, REDUCE, long_lines, make
from numpy.testing import assert_allclose, assert_array_equal
from wide_cases import wide

import needle_edu as ndl
from needle_edu.backend import DeviceError, cpu, cuda_sim, errors
from needle_edu.backend.build import declarations
from needle_edu.backend.cudasim import CudaError, device as simulated
from needle_edu.backend.dtypes import DTYPES, F32, F64
from needle_edu.backend.paths import csrc_dir
from needle_edu.backend.reference import ReferenceRuntime
from needle_edu.ndarray import array, index_add

NAMES = declarations.kernel_names((csrc_dir() / "include" / "needle_kernels.h").read_text())
TRIALS = 4
CHECKED = 3  # of which one at least launches a kernel
reference = ReferenceRuntime()


@pytest.fixture(scope="module")
def runtime(simulator):
    """The runtime of cuda_sim()."""
    return cuda_sim().runtime


@pytest.fixture(scope="module")
def checked(simulator):
    """The same kernels in the check flavour."""
    return simulated.CudaSimRuntime("check")


@pytest.fixture(scope="module")
def profiled(simulator):
    """The same kernels in the profile flavour."""
    return simulated.CudaSimRuntime("profile")


def call(runtime, name, case):
    """Run a kernel on copies of the operands in the device's memory; return its code and all memories afterwards."""
    memories = [operand.memory.copy() for operand in case.operands]
    if runtime is reference:
        return run(runtime, name, case, [runtime.adopt(memory).ptr for memory in memories]), memories
    storages = [runtime.allocate(DTYPES.index(memory.dtype), memory.size) for memory in memories]
    for storage, memory in zip(storages, memories, strict=True):
        runtime.copy_from_host(storage, memory)
    error = run(runtime, name, case, [storage.ptr for storage in storages])
    for storage, memory in zip(storages, memories, strict=True):
        runtime.copy_to_host(storage, memory)
    return error, memories


def check(runtime, name, trials):
    for trial in range(trials):
        for dtype in range(len(DTYPES)):
            seed = zlib.crc32(f"{name} {dtype} {trial}".encode())
            compare(runtime, name, dtype, make(name, np.random.default_rng(seed), dtype), f"seed {seed}")


def compare(runtime, name, dtype, case, which):
    error, memories = call(runtime, name, case)
    wanted_error, wanted = call(reference, name, case)
    said = f"{name}, {DTYPES[dtype]}, shape {case.shape or case.count}, extra {case.extra}, {which}"
    assert error == wanted_error, said
    if error:
        assert error != errors.EINDEX or runtime.error_detail() == reference.error_detail(), said
    else:
        agree(name, dtype, case, memories, wanted, said, reordered=True)


@pytest.mark.parametrize("name", NAMES)
def test_kernels_compute_what_the_reference_computes(runtime, name):
    check(runtime, name, TRIALS)


@pytest.mark.parametrize("name", [*REDUCE, *LINES])
def test_lines_longer_than_a_block(runtime, name, rng):
    for dtype in range(len(DTYPES)):
        for case in long_lines(name, rng, dtype):
            compare(runtime, name, dtype, case, "long")


@pytest.mark.parametrize("name", [*CONVOLUTIONS, "matmul"])
def test_more_than_one_tile(runtime, name, rng):
    for dtype in (F32, F64):
        for case in wide(name, rng, dtype):
            compare(runtime, name, dtype, case, "wide")


def test_products_that_fill_the_largest_tiles(runtime, rng):
    """200 matrices of more than 128 by 128 each, whose first factor is the same."""
    a, b = rng.standard_normal((130, 11)), rng.standard_normal((200, 11, 133))
    x, y = (ndl.NDArray(value.astype(np.float32), device=cuda_sim()) for value in (a, b))
    assert_allclose((x @ y).numpy(), a @ b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1])
def test_sums_of_a_scatter_are_the_cpus_to_the_last_bit(simulator, rng, axis):
    """Many blocks add to few places: in the order of the rows, whichever block comes first."""
    shape = (30_000, 3) if axis == 0 else (3, 30_000)
    values = (rng.standard_normal(shape) * 10.0 ** rng.integers(-4, 5, shape)).astype(np.float32)
    places = rng.integers(-7, 7, 30_000)
    key = places if axis == 0 else (slice(None), places)
    wanted = np.ones((7, 3) if axis == 0 else (3, 7), "float32")
    np.add.at(wanted, key, values)
    x, ones = (array(one, "float32", cuda_sim()) for one in (values, np.ones_like(wanted)))
    index = array(places, "int64", cuda_sim())
    found = index_add(ones, index if axis == 0 else (slice(None), index), x)
    assert_array_equal(found.numpy(), wanted)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_checker_finds_nothing_in_our_kernels(checked, simulator, name, order):
    simulator.clear_report()
    check(checked, name, CHECKED)
    for case in long_lines(name, np.random.default_rng(1), 0) if name in (*REDUCE, *LINES) else []:
        compare(checked, name, 0, case, "long")
    for case in wide(name, np.random.default_rng(1), F32):
        compare(checked, name, F32, case, "wide")
    assert simulator.report().clean, simulator.report()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_profiler_changes_no_result(profiled, simulator, name, order):
    simulator.clear_profile()
    check(profiled, name, CHECKED)
    assert simulator.profile(), "it has counted something"


def test_every_kernel_is_written(runtime):
    assert [name for name in NAMES if not hasattr(runtime.lib, f"nd_{name}")] == []


def test_arrays_live_there(runtime, rng):
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((4, 5), (5, 3)))
    x, y = (ndl.NDArray(value, device=cuda_sim()) for value in (a, b))
    assert x.device is cuda_sim() and repr(cuda_sim()) == "cuda_sim()" and cuda_sim().host_view is None
    assert_allclose((x @ y).numpy(), a @ b, rtol=1e-5, atol=1e-6)
    assert_array_equal((x[::-1, 1:] + 2.0).numpy(), a[::-1, 1:] + np.float32(2))
    assert_array_equal(x.to(cpu()).numpy(), a)


def test_a_kernel_that_is_not_written(runtime):
    kernels = runtime.table(["add", "fold"])
    with pytest.raises(
        DeviceError, match=r"cuda_sim\(\) has no kernel 'fold' yet; compute this on cpu\(\): x\.to\(cpu\(\)\)"
    ):
        kernels.fold()


def test_errors_of_cuda_are_raised_by_the_call(runtime):
    plan = runtime.lower(1, [0, 0], [3], [0, 0], [[1], [1]])
    with pytest.raises(
        CudaError, match=r"cudaErrorIllegalAddress: kernel one<F, To, T>, block \(0, 0, 0\), thread"
    ):
        runtime.kernels.negative(plan, runtime.null, runtime.null)
    storage = runtime.allocate(0, 4)
    with pytest.raises(
        CudaError, match="cudaErrorInvalidValue: cudaMemcpy or cudaMemset of 32 bytes: the target is"
    ):
        runtime.copy_from_host(storage, np.zeros(8, np.float32))
    with pytest.raises(MemoryError, match="no memory for .* float32 .*; arrays in use hold"):
        runtime.allocate(0, 1 << 40)
    simulated.open_simulator().lib.cudasim_clear_error()


def test_the_texts_of_error_codes(runtime, c_runtime):
    for code in range(errors.EISA + 2):
        assert runtime.ffi.string(runtime.lib.nd_error_text(code)) == c_runtime.ffi.string(
            c_runtime.lib.nd_error_text(code)
        )
    assert runtime.ffi.string(runtime.lib.nd_error_text(-700)) == b"an illegal memory access was encountered"
    assert (
        runtime.get_isa() == "cuda"
        and runtime.available_isas() == ("cuda",)
        and runtime.get_num_threads() == 1
    )


def test_memory_comes_back(runtime, simulator):
    before = simulator.lib.cudasim_live_allocations()
    storages = [runtime.allocate(0, 100) for _ in range(5)]
    assert simulator.lib.cudasim_live_allocations() == before + 5
    del storages
    assert simulator.lib.cudasim_live_allocations() == before
