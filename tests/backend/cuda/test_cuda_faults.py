"""What goes wrong on the simulator ends a launch with CUDA's error and a sentence, and Python goes on."""

import subprocess
import sys

import numpy as np
import pytest

from needle_edu.backend import BuildError, DTypeError, standard_devices
from needle_edu.backend.cudasim import CudaError, open_simulator

FAULTS = [
    (7, "cudaErrorLaunchFailure", r"kernel bottomless, .* the stack overflowed"),
    (
        0,
        "cudaErrorLaunchTimeout",
        r"kernel endless, block \(0, 0, 0\), thread .*: it ran longer than the time limit; does a loop never end\?",
    ),
    (
        1,
        "cudaErrorIllegalAddress",
        r"kernel nowhere, .* thread \(0, 0, 0\): (it accessed memory that is nobody's|a write of 4 bytes thr)",
    ),
    (
        2,
        "cudaErrorLaunchFailure",
        r"kernel divide, .* thread \(0, 0, 0\): an integer was divided by zero\Z",
    ),
    (
        3,
        "cudaErrorAssert",
        r"faults\.cu:\d+: kernel claim, .* thread \(3, 0, 0\): assertion `a\[threadIdx\.x\] == 0` failed",
    ),
    (
        4,
        "cudaErrorLaunchFailure",
        r"Thread 0 waits for the lanes 0xffffffff of its warp, .* thread 16 waits at __syncthreads\(\)",
    ),
    (
        5,
        "cudaErrorInvalidConfiguration",
        r"kernel deep, launched at .*faults\.cu:\d+: 65536 bytes .*; (49152|61440) are allowed until cudaFunc",
    ),
]


@pytest.mark.parametrize("flavour", ["plain", "check", "profile"])
@pytest.mark.parametrize(("which", "name", "sentence"), FAULTS, ids=[name for _, name, _ in FAULTS])
def test_faults_end_the_launch_and_not_python(compiled, simulator, which, name, sentence, flavour):
    a = simulator.array(np.array([0, 0, 0, which == 3, *[0] * 28], np.int32))
    program = compiled("faults.cu", flavour)
    limit = 0.2 if name == "cudaErrorLaunchTimeout" else 60
    with simulator.settings(timeout=limit), pytest.raises(CudaError, match=sentence) as caught:
        program.run_fault(which, a)
    assert caught.value.name == name
    simulator.clear_report()
    program.run_fault(6, a)  # the device works as before
    assert a.numpy()[:4].tolist() == [1, 1, 1, 1 + (which == 3)]


@pytest.mark.parametrize("flavour", ["plain", "check", "profile"])
def test_a_time_limit_that_is_over_before_the_kernel_begins(compiled, simulator, flavour):
    """The signal comes while the launch is being prepared, and must come again."""
    with simulator.settings(timeout=1e-6), pytest.raises(CudaError, match="time limit"):
        compiled("faults.cu", flavour).run_fault(0, simulator.array(np.zeros(1, np.int32)))
    simulator.clear_report()


RECURSIVE = """
__device__ int deeper(int x) {
  volatile int few[SIZE];
  few[0] = x;
  return deeper(x + 1) + few[0];
}
__global__ void recursive(int *a, int n) { a[threadIdx.x] = n ? deeper(n) : 7; }
extern "C" void run(int *a, int n) { recursive<<<1, 32>>>(a, n); }
"""


@pytest.mark.parametrize("flavour", ["plain", "check"])
@pytest.mark.parametrize(
    "size", [2, 4, 7, 10, 50]
)  # the stack ends in the kernel, or in a hook of the checker
def test_a_recursion_without_end(simulator, flavour, size):
    program = simulator.compile(RECURSIVE.replace("SIZE", str(size)), flavour)
    a = simulator.array(np.zeros(32, np.int32))
    for _ in range(3):
        with pytest.raises(CudaError, match="kernel recursive, .* the stack overflowed"):
            program.run(a, 1)
    program.run(a, 0)  # the device works as before
    assert a.numpy().tolist() == [7] * 32


THROWING = """
struct Nothing {};
__global__ void thrower(int *a, int n) {
  __syncthreads();
  if (threadIdx.x == 3 && n > 3) throw Nothing();
  if (threadIdx.x < n) a[threadIdx.x] = 1;
}
extern "C" void run(int *a, int n) { thrower<<<1, 32>>>(a, n); }
"""


@pytest.mark.parametrize("flavour", ["plain", "check"])
def test_an_exception_in_a_kernel_ends_the_launch_and_not_python(simulator, flavour):
    """nvcc takes no such kernel; g++ does, and nobody above a kernel would catch what it throws."""
    program, a = simulator.compile(THROWING, flavour), simulator.array(np.zeros(32, np.int32))
    sentence = (
        r"kernel thrower, block \(0, 0, 0\), thread \(3, 0, 0\): it threw a C\+\+ exception, which kernels"
    )
    for _ in range(3):
        with pytest.raises(CudaError, match=sentence) as caught:
            program.run(a, 32)
        assert caught.value.name == "cudaErrorLaunchFailure"
    program.run(a, 3)  # the device works as before
    assert a.numpy()[:4].tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize(
    "shape", [(0, 32, 1, 1), (1, 0, 1, 1), (1, 1025, 1, 1), (1, 1, 1, 65), (1, 32, 33, 1)]
)
def test_impossible_launches(compiled, simulator, shape):
    assert compiled("faults.cu").launch_shape(simulator.array(np.zeros(1, np.int32)), *shape) == 9
    with pytest.raises(CudaError, match=r"kernel touch, launched at .*: a (block|grid) of|the z extent"):
        simulator.raise_for(9)


def test_a_large_shared_memory_that_was_asked_for(compiled, simulator):
    a = simulator.array(np.zeros(1, np.int32))
    assert compiled("faults.cu").deep_when_asked(a) == 0 and a.numpy() == 1


@pytest.mark.parametrize("flavour", ["plain", "check", "profile"])
def test_shared_memory_is_allowed_for_one_kernel(compiled, simulator, flavour):
    a, errors, most = simulator.array(np.zeros(1, np.int32)), np.zeros(4, np.int32), np.zeros(2, np.int32)
    program = compiled("faults.cu", flavour)
    program.allowed_for_one(a, errors, most)
    assert errors.tolist() == [0, 0, 9, 9]
    assert most.tolist() == [60000, 48 << 10] and a.numpy() == 1


def test_errors_of_the_context_are_sticky(compiled, simulator):
    program = compiled("faults.cu")
    function = program.ffi.cast("int *", simulator.array(np.zeros(4, np.int32)).pointer)
    try:
        assert program.lib.sticky(function) == 1
    finally:
        simulator.lib.cudasim_clear_error()


def test_errors_of_memory(simulator):
    lib, ffi = simulator.lib, simulator.ffi
    a, host = simulator.array(np.zeros(10, np.float32)), np.zeros(100, np.float32)
    for call, code, sentence in [
        (
            lambda: simulator.copy(host.ctypes.data, a.pointer, 400, 2),
            1,
            "of 400 bytes: the source is the last 360 of 400 bytes lie past the end",
        ),
        (
            lambda: simulator.copy(host.ctypes.data, a.pointer, 40, 1),
            1,
            "the kind says host to device, but the source is memory of the device",
        ),
        (lambda: simulator.copy(a.pointer, host.ctypes.data, 40, 0), 1, "the kind says host to host"),
        (lambda: simulator.copy(a.pointer, host.ctypes.data, 40, 7), 21, "there is no kind 7"),
        (
            lambda: simulator.raise_for(lib.cudasim_free(ffi.cast("char *", a.pointer) + 4)),
            1,
            "4 bytes into allocation #",
        ),
        (
            lambda: simulator.raise_for(lib.cudasim_free(ffi.cast("void *", host.ctypes.data))),
            1,
            "this pointer is not from cudaMalloc",
        ),
        (lambda: simulator.allocate(1 << 50), 2, "no 1125899906842624 bytes are left"),
    ]:
        with pytest.raises(CudaError, match=sentence) as caught:
            call()
        assert caught.value.code == code
    a.free()
    with pytest.raises(CudaError, match="has been freed before"):
        a.free()


DROPPED = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))  # an eighth of it is the device's
from needle_edu.backend.cudasim import open_simulator
simulator = open_simulator()
kept = simulator.array(__import__("numpy").full(1, 3.0, "f4"))
for _ in range(20):
    array = simulator.empty((1 << 24,))
print(kept.numpy(), array.shape)
"""


def test_arrays_that_nobody_holds_give_their_memory_back(simulator):
    """64 MB twenty times, on a device of 512 MB."""
    done = subprocess.run([sys.executable, "-c", DROPPED], capture_output=True, text=True, timeout=300)
    assert done.stdout == "[3.] (16777216,)\n", done.stderr


def test_memory_is_not_zero_and_does_not_move(simulator):
    assert np.isnan(simulator.empty(100).numpy()).all()
    pointers = [int(simulator.ffi.cast("uintptr_t", simulator.allocate(n))) for n in (1, 255, 256, 257, 0)]
    assert all(p % 256 == 0 for p in pointers)
    assert len(set(pointers)) == 5 and min(np.diff(sorted(pointers))) >= 512


def test_bad_input(simulator, compiled):
    with pytest.raises(ValueError, match="no flavour 'fast'; there are plain"):
        simulator.compile("", "fast")
    for options, sentence in [
        ({"order": "up"}, "no thread order 'up'; there are forward, reverse, lockstep, seeded"),
        ({"timeout": -1}, "settings: timeout is a number with 0 <= timeout, got -1"),
        ({"workers": 0}, "settings: workers is a whole number of at least 1, got 0"),
    ]:
        with pytest.raises(ValueError, match=sentence), simulator.settings(**options):
            pass
    with pytest.raises(
        AttributeError, match="no extern \"C\" function 'nothing' in this program; there are run_shuffles"
    ):
        compiled("warps.cu").nothing  # noqa: B018
    with pytest.raises(TypeError, match=r"int run_shuffles\(int \*out\); takes 1 arguments, got 0"):
        compiled("warps.cu").run_shuffles()
    with pytest.raises(DTypeError, match="array: wanted numbers, got object"):
        simulator.array([object()])
    with pytest.raises(
        TypeError, match=r"the function takes int \*, got an array of float32; convert it first"
    ):
        compiled("warps.cu").run_shuffles(simulator.empty(32))
    program = simulator.compile('extern "C" void run(float *a) {}')
    for wrong in (np.zeros(1), simulator.array(np.zeros(1, np.int32))):
        with pytest.raises(TypeError, match=rf"takes float \*, got an array of {wrong.dtype}"):
            program.run(wrong)
    program.run(np.zeros(1, np.float32))
    with pytest.raises(BuildError, match=r"cell\.cu:2:\d+: error"):
        simulator.compile("\n__global__ void k() { undeclared = 1; }")


def test_no_compiler_is_one_sentence(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(
        BuildError, match=r"the CUDA simulator compiles kernels with g\+\+, and g\+\+ was not found\. Debian"
    ):
        open_simulator.__wrapped__()
    sentence = standard_devices._why_no_simulator()
    assert sentence.startswith(
        "cuda_sim() is not available: it compiles CUDA with g++, which was not found (Debian"
    )


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_another_system_is_one_sentence(monkeypatch, platform):
    monkeypatch.setattr("sys.platform", platform)
    why = f"the CUDA simulator runs on Linux, and this is {platform}; "
    assert standard_devices._why_no_simulator() == f"cuda_sim() is not available: {why}use cpu()"
    with pytest.raises(BuildError, match=f"^{why}a container with Linux, or WSL, has it$"):
        open_simulator.__wrapped__()


LEAVING = """
from needle_edu.backend.cudasim import CudaError, cuda_cell
text = '''
#include <cstdlib>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <unistd.h>
__global__ void leave(int how) {
  if (threadIdx.x != 3) return;
  if (how == 0) exit(3);
  if (how == 1) abort();
  if (how == 2) _exit(4);
  if (how == 3) std::_Exit(5);
  if (how == 4) std::quick_exit(6);
  if (how == 5) std::terminate();
}
struct Loud { ~Loud() { puts("unwound"); } };
extern "C" int host(int how) {
  Loud loud;
  if (how == 0) exit(7);
  if (how == 1) std::abort();
  if (how == 2) throw std::out_of_range("no such row");
  if (how == 3) throw 3;
  return how;
}
'''
for flavour in ("plain", "check"):
    program = cuda_cell(text)["leave"].cell.program(flavour)
    for how in range(6):
        try:
            program.launch("needle_launch_leave", [1, 1, 1, 32, 1, 1, 0], [program.ffi.new("int *", how)])
        except CudaError as error:
            print(error)
host = cuda_cell(text)["host"]
for how in range(5):
    try:
        print("returned", host(how))
    except CudaError as error:
        print(error)
"""


def test_neither_a_kernel_nor_a_host_function_ends_python(simulator):
    """By exit(), abort(), an exception or the C++ library; objects of the host's code are destroyed."""
    done = subprocess.run([sys.executable, "-c", LEAVING], capture_output=True, text=True, timeout=200)
    lines = done.stdout.splitlines()
    assert len(lines) == 22 and done.returncode == 0, done.stdout + done.stderr
    early = "cudaErrorUnknown: the host's code ended early: "
    assert lines[12:] == [
        *("unwound", f"{early}it called exit(), which would have ended Python"),
        *("unwound", f"{early}it called abort(), which would have ended Python"),
        *("unwound", f"{early}no such row"),
        *("unwound", f"{early}it threw what is no std::exception"),
        *("unwound", "returned 4"),
    ]
    for half in (lines[:6], lines[6:12]):
        for name, line in zip(("exit", "abort", "_exit", "_Exit", "quick_exit"), half, strict=False):
            assert line == (
                "cudaErrorLaunchFailure: kernel leave, block (0, 0, 0), thread (3, 0, 0): "
                f"it called {name}(), which no kernel can"
            )
        assert "std::terminate" in half[5]
