"""What a library of CUDA kernels does on the host: its pool of memory, transfers in pieces, errors that are known only
when somebody waits. The simulator runs the same source; `cuda()` itself is compiled and loaded where nvcc is."""

import numpy as np
import pytest

from needle_edu.backend import DeviceError, cuda, cuda_sim, errors
from needle_edu.backend.build import declarations
from needle_edu.backend.cudasim import CudaError
from needle_edu.backend.nvidia import nvcc
from needle_edu.backend.nvidia.cards import Card, Driver
from needle_edu.backend.nvidia.device import CudaRuntime, why_not
from needle_edu.backend.nvidia.nvcc import HOW_TO_GET_NVCC, Compiler, compiler_at, find_nvcc
from needle_edu.backend.paths import csrc_dir


@pytest.fixture
def runtime(simulator):
    """The runtime of cuda_sim(), as it was afterwards."""
    runtime = cuda_sim().runtime
    yield runtime
    runtime.lib.nd_pool_set_limit(0)
    runtime.lib.ndc_set_blocking(1)


@pytest.fixture
def live(simulator):
    """A function: how many blocks the device has given out."""
    return simulator.lib.cudasim_live_allocations


def test_the_pool_keeps_blocks_for_the_next_who_asks(runtime, live):
    lib, before, cached = runtime.lib, live(), runtime.lib.nd_pool_cached_bytes()
    held = lib.nd_pool_live_bytes()
    lib.nd_pool_set_limit(1 << 40)
    first = lib.nd_alloc(1000)
    assert lib.nd_pool_live_bytes() == held + 1024, "rounded up to an eighth of a power of two"
    lib.nd_free(first)
    assert lib.nd_pool_cached_bytes() == cached + 1024 and live() == before + 1
    second = lib.nd_alloc(1024)
    assert second == first and lib.nd_pool_cached_bytes() == cached, (
        "the same block, without asking the device"
    )
    other = lib.nd_alloc(1025)
    assert other != second and live() == before + 2
    lib.nd_free(second)
    lib.nd_free(other)
    lib.nd_pool_trim()
    assert (live(), lib.nd_pool_cached_bytes(), lib.nd_pool_live_bytes()) == (before, 0, held)


@pytest.mark.parametrize(
    "nbytes, size",
    [(0, 512), (1, 512), (512, 512), (513, 1024), (8192, 8192), (8193, 9216), (9 << 20, 9 << 20), (9437185, 10 << 20)],
)  # fmt: skip
def test_sizes_are_rounded_to_eighths_of_a_power_of_two(runtime, nbytes, size):
    lib = runtime.lib
    lib.nd_pool_set_limit(1 << 40)
    before = lib.nd_pool_live_bytes()
    block = lib.nd_alloc(nbytes)
    assert lib.nd_pool_live_bytes() - before == size
    lib.nd_free(block)


def test_the_pool_gives_back_what_its_limit_has_no_room_for(runtime, live):
    lib, before = runtime.lib, live()
    lib.nd_pool_set_limit(1 << 20)
    large, small = lib.nd_alloc(2 << 20), lib.nd_alloc(1 << 19)
    lib.nd_free(large)
    assert live() == before + 1
    lib.nd_free(small)
    assert live() == before + 1 and lib.nd_pool_cached_bytes() == 1 << 19
    lib.nd_pool_set_limit(0)
    assert live() == before


@pytest.mark.parametrize("nbytes", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (5 << 20) + 3])
def test_transfers_in_pieces(runtime, rng, nbytes):
    """Around the size of a piece, a mebibyte, and over several."""
    sent, got = rng.integers(0, 256, nbytes).astype(np.uint8), np.zeros(nbytes, np.uint8)
    storage = runtime.allocate(4, nbytes + 5)
    runtime.copy_from_host(storage, sent, 5)
    runtime.copy_to_host(storage, got, 5)
    np.testing.assert_array_equal(got, sent)


def gather(runtime, index):
    """gather(arange(4), index) as a call of the kernel: its code, and the storage of the result."""
    plan = runtime.lower(1, [0, 0, 3], [3], [0, 0, 0], [[1], [0], [1]])
    out, source, places = runtime.allocate(0, 3), runtime.allocate(0, 4), runtime.allocate(3, 3)
    runtime.copy_from_host(source, np.arange(4, dtype=np.float32))
    runtime.copy_from_host(places, np.array(index))
    return runtime.kernels.gather(plan, out.ptr, source.ptr, places.ptr, 1, 4), out


def test_an_index_error_is_known_at_the_next_call_that_waits(runtime):
    runtime.lib.ndc_set_blocking(0)
    code, out = gather(runtime, [0, 9, 7])
    assert code == 0, "the call has not waited"
    runtime.lib.ndc_set_blocking(0)
    plan = runtime.lower(1, [0, 0], [3], [0, 0], [[1], [1]])
    assert runtime.kernels.negative(plan, out.ptr, out.ptr) == 0
    with pytest.raises(
        errors.IndexOutOfRange,
        match="^the index 9 is out of range, in one of the calls of gather since results were last waited for; "
        "NEEDLE_EDU_CUDA_BLOCKING=1 says which$",
    ):
        runtime.synchronize()
    runtime.synchronize()  # said once
    code, out = gather(runtime, [0, 3, -4])
    got = np.empty(3, np.float32)
    runtime.copy_to_host(out, got)
    assert code == 0 and got.tolist() == [0, 3, 0]


def test_the_first_of_several_index_errors_is_the_one_that_is_named(runtime):
    """Of two calls the first, even where the second's index comes earlier in its array."""
    runtime.lib.ndc_set_blocking(0)
    gather(runtime, [0, 1, 11])
    gather(runtime, [12, 1, 1])
    with pytest.raises(errors.IndexOutOfRange, match="the index 11 is out of range"):
        gather(runtime, [0, 0, 0])
        runtime.synchronize()


def test_a_call_that_blocks_returns_the_error_itself(runtime):
    assert gather(runtime, [0, -5, 7])[0] == errors.EINDEX and runtime.error_detail() == -5
    runtime.synchronize()


# ---- cuda() ---------------------------------------------------------------------------------------------------------

NEW, OLD, LATEST = Card("Tesla T4", 75), Card("GeForce GTX 1080", 61), Compiler("/opt/nvcc", (13, 0))


NO_CARD = "NVIDIA's driver finds no card (nvidia-smi shows what it sees); use cpu(), or cuda_sim(), which needs no card"
NO_NVCC = 'nvcc, which compiles its kernels, was not found; pip install "needle_edu[cuda]", or install the CUDA toolkit'
REASONS = {
    "driver": (Driver(0, ()), LATEST, 0, "there is no NVIDIA driver here; use cpu(), or cuda_sim(), which needs"),
    "card": (Driver(13000, ()), LATEST, 0, NO_CARD),
    "number": (Driver(13000, (NEW,)), LATEST, 1, "there is no card 1, only 1; use cpu()"),
    "nvcc": (Driver(13000, (NEW,)), None, 0, NO_NVCC),
    "old nvcc": (
        Driver(13000, (NEW,)), Compiler("/opt/nvcc", (10, 2)), 0,
        "/opt/nvcc is release 10.2, and 11.0 or later is needed",
    ),
    "old card": (
        Driver(13000, (OLD,)), LATEST, 0,
        "GeForce GTX 1080 has compute capability 6.1, and nvcc 13.0 compiles our kernels for 7.5 and later",
    ),
    "nvcc that does not run": (
        Driver(13000, (NEW,)), Compiler("/opt/nvcc", (0, 0)), 0,
        f"/opt/nvcc does not run, or says no release; {HOW_TO_GET_NVCC}",
    ),
    "new card": (
        Driver(13000, (Card("GeForce RTX 5090", 120),)), Compiler("/opt/nvcc", (12, 4), 90), 0,
        "GeForce RTX 5090 has compute capability 12.0, and nvcc 12.4 compiles for 9.0 and earlier; get a newer nvcc",
    ),
    "old driver": (
        Driver(12040, (NEW,)), LATEST, 0,
        "the driver runs programs of CUDA 12.4, and nvcc is release 13.0; update the driver",
    ),
}  # fmt: skip


@pytest.mark.parametrize("driver, compiler, number, sentence", REASONS.values(), ids=REASONS)
def test_why_a_card_cannot_be_used(driver, compiler, number, sentence):
    assert why_not(driver, compiler, number, "linux").startswith(f"cuda() is not available: {sentence}")


def test_where_a_card_can_be_used():
    assert why_not(Driver(13000, (OLD, NEW)), LATEST, 1, "linux") == ""
    assert why_not(Driver(12040, (OLD,)), Compiler("/opt/nvcc", (12, 4)), 0, "linux") == ""
    assert "runs on Linux, and this is darwin" in why_not(Driver(13000, (NEW,)), LATEST, 0, "darwin")


def test_nvcc_is_looked_for_in_cuda_home_first(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_HOME", str(tmp_path))
    assert nvcc.candidates()[0] == tmp_path / "bin" / "nvcc"
    assert compiler_at(str(tmp_path / "nvcc")).version == (0, 0), "what does not run has no version"


def test_what_an_nvcc_says_of_itself(tmp_path):
    path = tmp_path / "nvcc"
    path.write_text(
        '#!/bin/sh\n[ "$1" = --list-gpu-arch ] && printf "compute_50\\ncompute_90\\ncompute_90a\\n" ||'
        ' echo "Cuda compilation tools, release 12.4, V12.4.131"\n'
    )
    path.chmod(0o755)
    compiler = compiler_at(str(path))
    assert compiler == Compiler(str(path), (12, 4), 90) and compiler.oldest_card == 60


@pytest.mark.parametrize("number", [-1, 99, 0.0, True, "0"])
def test_cards_that_there_are_not(number):
    with pytest.raises(DeviceError, match=r"set_device: wanted the number of a card, below \d+, got"):
        cuda.set_device(number)


@pytest.mark.slow
def test_the_library_for_a_card_is_whole(tmp_path):
    """Compiled and loaded without a card: every function of the headers is there, and says what is missing."""
    compiler = find_nvcc()
    if compiler is None:
        pytest.skip("nvcc is absent: the kernels of cuda() have not been compiled")
    runtime = CudaRuntime.__new__(CudaRuntime)
    library = nvcc.kernel_library(
        compiler, compiler.oldest_card, ("-Xcicc", "-O0", "-Xptxas", "-O0"), tmp_path
    )
    names = declarations.kernel_names((csrc_dir() / "include" / "needle_kernels.h").read_text())
    if cuda.device_count():
        pytest.skip("there is a card: see tests/backend/cuda/on_a_card.py")
    with pytest.raises(CudaError, match=r"cuda\(\) cannot use card 0: "):
        CudaRuntime.__init__(runtime, library)
    assert all(hasattr(runtime.lib, f"nd_{name}") for name in names)
    assert runtime.lib.ndc_device_count() == 0 and runtime.lib.nd_alloc(100) == runtime.null
    assert runtime.ffi.string(runtime.lib.ndc_error_name(700)) == b"cudaErrorIllegalAddress"
