"""Kernels of a text as Python calls them: what they take and refuse, what they compute, and how blocks watch them."""

import numpy as np
import pytest
from cffi import FFI

from needle_edu import Tensor, cuda_sim, ndarray as nd
from needle_edu.backend import BuildError
from needle_edu.backend.cudasim import CudaError, cuda_cell, cuda_check, cuda_profile
from needle_edu.backend.cudasim.declarations import host_functions
from needle_edu.backend.cudasim.signatures import global_functions, launchers
from needle_edu.backend.nvidia import cells as card
from needle_edu.backend.nvidia.cards import driver
from needle_edu.backend.nvidia.nvcc import find_nvcc

TEXT = """
#include <cassert>
#include <cstdio>
struct Pair { float a, b; };
__global__ void scale(float *a, const float by, int n = 5) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) a[i] *= by;
}
__global__ void __launch_bounds__(256) everything(double *f, const long long i, unsigned char *c, bool yes, float d,
                                                  size_t n, int x[4], float4 *v, void *any, unsigned u) {
  f[0] = double(i) + d + (yes ? 0.25 : 0) + double(n) + u;
  c[0] = 7;
  x[1] = 5;
  v[0].w = 9;
  static_cast<int *>(any)[0] = -3;
}
__global__ void where(int *out) {
  extern __shared__ int s[];
  s[threadIdx.x] = threadIdx.x;
  if (threadIdx.x + threadIdx.y + threadIdx.z + blockIdx.x + blockIdx.y + blockIdx.z == 0)
    out[0] = gridDim.x + 10 * gridDim.y + 100 * gridDim.z, out[1] = blockDim.x + 10 * blockDim.y + 100 * blockDim.z;
}
__global__ void last(int *out) { out[0] = threadIdx.x; }
__global__ void past(float *a, int n) { if (threadIdx.x <= n) a[threadIdx.x] = 1; }
__global__ void reverse(int *a, int barrier) {
  __shared__ int s[64];
  s[threadIdx.x] = a[threadIdx.x];
  if (barrier) __syncthreads();
  a[threadIdx.x] = s[63 - threadIdx.x];
}
__global__ void says(int n) {
  if (threadIdx.x == 3) printf("thread %d of %d\\n", threadIdx.x, n);
  assert(n > 0 || threadIdx.x < 5);
}
template <class T> __global__ void any_type(T *a) { *a = 1; }
__global__ void takes(Pair p) { }
namespace { __global__ void hidden_away(int *a) { *a = 8; } }
extern "C" int twice(float *a, int n) { scale<<<1, n>>>(a, 2, n); return n; }
extern "C" double half(const double *a) { return a[0] / 2; }
"""


@pytest.fixture(scope="module")
def cell(simulator):
    return cuda_cell(TEXT)


def floats(n, dtype="float32"):
    return nd.array(np.arange(n), dtype=dtype, device=cuda_sim())


def test_kernels_compute_on_arrays_tensors_and_device_arrays(cell, simulator):
    for a in (
        floats(5),
        Tensor(np.arange(5.0), device=cuda_sim()),
        simulator.array(np.arange(5, dtype=np.float32)),
    ):
        assert cell["scale"][2, 3](a, 10, 4) is None
        assert a.numpy().tolist() == [0, 10, 20, 30, 4]


def test_every_kind_of_parameter(cell, simulator):
    def empty(dtype):
        return simulator.array(np.zeros(4, dtype))

    f, c, x, v, any_ = map(empty, ("float64", "uint8", "int32", "float32", "int64"))
    cell["everything"][1, 1](f, np.int64(2**40), c, True, np.float32(0.5), 2**33, x, v, any_, np.uint8(200))
    assert f.numpy()[0] == 2**40 + 2**33 + 200.75
    assert (c.numpy()[0], x.numpy()[1], v.numpy()[3]) == (7, 5, 9)
    assert any_.numpy().view(np.int32)[0] == -3


def test_signatures_are_read_from_the_source():
    kernels = global_functions(TEXT)
    assert list(kernels) == [
        "scale", "everything", "where", "last", "past", "reverse", "says", "any_type", "takes", "hidden_away"
    ]  # fmt: skip
    assert str(kernels["scale"]) == "scale(float *a, const float by, int n)" and kernels["scale"].line == 5
    assert [one.writes for one in kernels["scale"].parameters] == [True, False, False]
    assert kernels["any_type"].template and not kernels["last"].template
    read = global_functions("__global__ void k(const float *__restrict__ a, float *const b, const int, ...);")
    assert read == {}  # a declaration
    read = global_functions("namespace n { __global__ void k() { } }\n// __global__ void c() {}\n")
    assert read == {}
    (kernel,) = global_functions(
        "__global__ void k(const float *__restrict__ a, float *const b, const int) {}"
    ).values()
    assert [(one.name, one.number, one.writes) for one in kernel.parameters] == [
        ("a", "float", False), ("b", "float", True), ("argument 2", "int", False)
    ]  # fmt: skip


def test_grids_blocks_and_dynamic_shared_memory(cell, simulator):
    out = simulator.array(np.zeros(2, np.int32))
    cell["where"][(2, 3, 4), (5, 6, 7), 20](out)
    assert out.numpy().tolist() == [432, 765]
    cell["where"][np.int32(2), [8], 32](out)
    assert out.numpy().tolist() == [112, 118]
    cell["hidden_away"][1, 1](out)
    assert out.numpy()[0] == 8


def test_an_offset_is_a_place_and_a_stride_is_refused(cell):
    a = floats(6)
    cell["scale"][1, 2](a[2:4], 10, 2)
    assert a.numpy().tolist() == [0, 1, 20, 30, 4, 5]
    matrix = floats(6).reshape((2, 3))
    cell["scale"][1, 6](matrix, 2, 6)
    assert matrix.numpy().tolist() == [[0, 2, 4], [6, 8, 10]]
    for view in (a[::2], matrix.permute((1, 0)), a[::-1], a[:1].broadcast_to((3,))):
        with pytest.raises(ValueError, match=r"^scale: float \*a takes a compact array, .* x\.compact\(\)$"):
            cell["scale"][1, 1](view, 1, 1)
    with pytest.raises(ValueError, match=r"x\.contiguous\(\)$"):
        cell["scale"][1, 1](Tensor(matrix).transpose(), 1, 1)


def test_what_depended_on_an_array_knows_that_it_was_written_to(cell):
    x = Tensor(np.arange(3.0), device=cuda_sim(), requires_grad=True)
    before = x.realize_cached_data().storage.version
    cell["scale"][1, 3](x, 2, 3)
    assert x.realize_cached_data().storage.version != before


REFUSED = {
    "float64": (lambda: (floats(3, "float64"), 1, 1), TypeError, "*a points to float32 elements, got an array of"),
    "integers": (lambda: (floats(3, "int32"), 1, 1), TypeError, 'of int32; convert it: x.astype("float32")'),
    "numpy": (lambda: (np.zeros(3, "f"), 1, 1), TypeError, "got a NumPy array, which a kernel cannot reach; copy i"),
    "cpu": (lambda: (nd.zeros(3), 1, 1), TypeError, "an array lives on cpu(), whose memory the simulated device does"),
    "a number": (lambda: (3, 1, 1), TypeError, "float *a takes an array in the device's memory, got int 3"),
    "an array": (lambda: (None, floats(1), 1), TypeError, "const float by takes a number of that type, got NDArray"),
    "a word": (lambda: (None, "2", 1), TypeError, "const float by takes a number of that type, got str '2'"),
    "a fraction": (lambda: (None, 1, 0.5), TypeError, "int n takes a number of that type, got float 0.5"),
    "too large": (lambda: (None, 1, 2**31), ValueError, "int n cannot hold 2147483648"),
    "too few": (lambda: (None, 1), TypeError, "takes 3 arguments, got 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_arguments_that_are_refused_by_name(cell, name):
    arguments, error, text = REFUSED[name]
    with pytest.raises(error) as raised:
        cell["scale"][1, 1](*arguments())
    assert str(raised.value).startswith("scale") and text in str(raised.value)


CONFIGURATIONS = {
    "one": (5, TypeError, "wanted scale[grid, block] or scale[grid, block, shared bytes], got [5]"),
    "four": ((1, 1, 1, 1), TypeError, "wanted scale[grid, block]"),
    "extents": (((1, 1, 1, 1), 1), ValueError, "scale: grid has one to three extents, got (1, 1, 1, 1)"),
    "negative": ((1, -1), ValueError, "scale: block is a whole number of at least 0, got -1"),
    "fraction": ((1.5, 1), ValueError, "scale: grid is a whole number of at least 0, got 1.5"),
    "shared": ((1, 1, "x"), ValueError, "scale: shared is a whole number of at least 0, got 'x'"),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configurations_that_are_refused(cell, name):
    configuration, error, text = CONFIGURATIONS[name]
    with pytest.raises(error) as raised:
        cell["scale"][configuration]
    assert text in str(raised.value)


def test_what_cannot_be_launched_says_why(cell):
    with pytest.raises(TypeError, match=r"scale\[blocks, threads\]\(a, by, n\)"):
        cell["scale"](1, 2, 3)
    with pytest.raises(TypeError, match="^any_type: a template has no types yet"):
        cell["any_type"][1, 1](None)
    with pytest.raises(TypeError, match='^takes: Python cannot give "Pair p"'):
        cell["takes"][1, 1](None)
    with pytest.raises(CudaError, match="cudaErrorInvalidConfiguration: kernel scale, .*2048 threads"):
        cell["scale"][1, 2048](None, 1, 0)


def test_host_functions_take_arrays_and_host_memory(cell):
    a = floats(4)
    assert cell["twice"](a, 4) == 4 and a.numpy().tolist() == [0, 2, 4, 6]
    assert cell["half"](np.array([5.0])) == 2.5
    with pytest.raises(TypeError, match="float64"):
        cell["twice"](floats(4, "float64"), 4)
    with pytest.raises(ValueError, match="^twice: .* row by row"):
        cell["twice"](a[::2], 2)
    with pytest.raises(TypeError, match=r"^twice: an array lives on cpu\(\)"):
        cell["twice"](nd.zeros(4), 4)


def test_what_is_shown(cell):
    assert repr(cell["scale"]) == "<CUDA kernel scale(float *a, const float by, int n)>"
    assert (
        repr(cell["scale"][1, (2, 3)]) == f"{repr(cell['scale'])[:-1]} with grid (1, 1, 1), block (2, 3, 1)>"
    )
    assert repr(cell["twice"]) == "<CUDA host function int twice(float *a, int n)>"


def test_printf_and_assert_reach_the_caller(cell, capsys):
    cell["says"][1, 8](2)
    assert capsys.readouterr().out == "thread 3 of 2\n"
    with pytest.raises(
        CudaError, match=r"cudaErrorAssert: scale\.cu:\d+: kernel says, .*thread .5, 0, 0.: assertion"
    ):
        cell["says"][1, 8](0)
    assert capsys.readouterr().out == "thread 3 of 0\n"
    cell["says"][1, 8](1)  # and it goes on


def test_a_check_block_finds_what_is_wrong_and_raises_nothing_it_explains(cell):
    a = floats(8)
    with cuda_check() as report:
        cell["past"][1, 32](a, 8)
        assert report.out_of_bounds == 1
    assert report.out_of_bounds == 1 and report.races == 0 and not report.clean
    assert [error.name for error in report.errors] == ["cudaErrorIllegalAddress"]
    assert "past.cu" not in report.listing() and "scale.cu" in report.listing()
    assert (
        "__global__ void past(float *a, int n)" in report.listing()
        and "needle_launch" not in report.listing()
    )
    with cuda_check() as second:
        cell["past"][1, 32](a, 7)
    assert second.clean and second.launches == {"past": 1}
    assert report.out_of_bounds == 1, "it stays what it was"
    assert a.numpy().tolist() == [1] * 8


def test_races_by_kernel_and_a_launch_that_is_impossible(cell):
    a = nd.array(np.arange(64), dtype="int32", device=cuda_sim())
    with cuda_check() as report:
        cell["reverse"][1, 64](a, 0)
        cell["reverse"][1, 64](a, 1)
        cell["past"][1, 4096](floats(8), 7)
    assert report["reverse"].races == 1 and report["past"].races == 0
    assert report["past"].invalid_launch == 1 and report["past"].errors == []
    assert len(report.errors) == 1
    with pytest.raises(KeyError, match="no kernel 'revers' was checked; there are past, reverse"):
        report["revers"]


def test_nothing_checked_is_not_nothing_wrong(cell, simulator):
    with cuda_check() as report:
        pass
    assert str(report) == repr(report) == "nothing was checked: no kernel has run under the checker"
    assert not report.clean and "nothing was checked" in report.to_html()
    simulator.clear_report()
    cell["scale"][1, 1](None, 1, 0)
    assert str(simulator.report()).startswith("nothing was checked")


def test_an_error_that_the_checker_does_not_explain_is_raised(cell):
    with cuda_check() as report, pytest.raises(CudaError, match="cudaErrorAssert"):
        cell["says"][1, 8](0)
    assert report.errors == [] and report.clean


def test_orders_and_blocks_do_not_last(cell, simulator):
    out = simulator.array(np.zeros(1, np.int32))
    with cuda_check(order="reverse") as report:
        cell["last"][1, 32](out)
    assert out.numpy()[0] == 0 and report.races == 1
    cell["last"][1, 32](out)
    assert out.numpy()[0] == 31
    inside = pytest.raises(RuntimeError, match="^cuda_check: a cuda_check block runs already")
    with cuda_check(), inside, cuda_check():
        pass
    with pytest.raises(ValueError, match="no thread order 'up'"), cuda_check(order="up"):
        pass
    with pytest.raises(ZeroDivisionError), cuda_check():
        raise ZeroDivisionError
    with cuda_check() as report:
        cell["last"][1, 1](out)
    assert report.clean


def test_a_profile_block_counts(cell):
    a = floats(64)
    with cuda_profile() as profile:
        cell["scale"][2, 32](a, 2, 64)
        with pytest.raises(KeyError, match="no kernel 'scale' was profiled; there are none"):
            profile["scale"]
    kernel = profile["scale"]
    assert (kernel.launches, kernel.requests, kernel.sectors, kernel.coalescing) == (1, 4, 16, 1.0)
    assert "if (i < n) a[i] *= by;" in profile.listing()
    with cuda_profile() as nothing:
        pass
    assert str(nothing) == "nothing was counted: no kernel has run under the profiler"
    assert profile["scale"].requests == 4


def test_a_cell_can_be_watched_always(simulator, capsys):
    text = "__global__ void zero(int *a) { a[0] = threadIdx.x; }"
    zero = cuda_cell(text, flavour="check", order="reverse")["zero"]
    out = simulator.array(np.ones(1, np.int32))
    zero[1, 32](out)
    assert out.numpy()[0] == 0
    assert capsys.readouterr().out.startswith(f"zero.cu\n    1 | {text}\n      ^ race: ")
    zero[1, 1](out)
    assert capsys.readouterr().out == "the checker found nothing wrong\n"


def test_texts_that_are_refused(simulator):
    with pytest.raises(BuildError, match=r"(?m)^k\.cu:3:\d+: error: .*nowhere"):
        cuda_cell("\n__global__ void k(int *a) {\n  *a = nowhere;\n}")
    with pytest.raises(ValueError, match="^cuda_cell: the text defines no __global__ function"):
        cuda_cell("int x;")
    with pytest.raises(ValueError, match="^cuda_cell: no flavour 'fast'"):
        cuda_cell(TEXT, flavour="fast")
    with pytest.raises(ValueError, match="^cuda_cell: no thread order 'up'"):
        cuda_cell(TEXT, order="up")


@pytest.mark.skipif(find_nvcc() is None, reason="nvcc is not there: nobody has compiled a cell for a card")
def test_a_cell_is_compiled_for_a_card_too(simulator):
    """With a card it runs (`make gpu`); without one, CUDA's own error comes back through the same way."""
    kernels, functions = global_functions(TEXT), host_functions(TEXT)
    program = card.CardProgram(TEXT, launchers(kernels, "scale.cu"), "scale.cu", functions, 75)
    numbers = [program.ffi.new("void **"), program.ffi.new("float *", 2), program.ffi.new("int *", 0)]
    if not driver().cards:
        with pytest.raises(CudaError, match="^cudaError(InsufficientDriver|NoDevice|.*Unloading): scale: "):
            program.launch("needle_launch_scale", [1, 1, 1, 1, 1, 1, 0], numbers)
        with pytest.raises(CudaError, match=": half: "):
            program.call("half", [np.array([5.0]).ctypes.data])
    with pytest.raises(TypeError, match="^half: .* takes 1 arguments, got 0"):
        program.call("half", [])
    with pytest.raises(BuildError, match=r"k\.cu\(3\): error: .*nowhere"):
        card.CardProgram("\n__global__ void k(int *a) {\n  *a = nowhere;\n}", "", "k.cu", {}, 75)


class FakeCard:
    """What a cell calls where there is a card."""

    made: list = []

    def __init__(self, text, behind, name, functions, capability=None):
        self.calls, self.ffi = [], FFI()
        self.made.append(self)

    def launch(self, launcher, config, arguments):
        self.calls.append((launcher, config))

    def call(self, name, addresses):
        self.calls.append((name, addresses))


def test_where_there_is_a_card_cells_run_on_it_unless_arrays_are_the_simulator_s(simulator, monkeypatch):
    monkeypatch.setattr(card, "CardProgram", FakeCard)
    monkeypatch.setattr(card, "is_there", lambda: True)
    cell = cuda_cell('__global__ void set(int *a) { a[0] = 5; }\nextern "C" int h(int *a) { return 2; }')
    cell["set"][1, 2, 3](None)
    cell["h"](None)
    (program,) = FakeCard.made
    assert program.calls == [("needle_launch_set", [1, 1, 1, 2, 1, 1, 3]), ("h", [0])]
    out = simulator.array(np.zeros(1, np.int32))
    cell["set"][1, 1](out)
    on_sim = nd.zeros(1, dtype="int32", device=cuda_sim())
    cell["set"][1, 1](on_sim)
    assert out.numpy()[0] == 5 and on_sim.numpy()[0] == 5 and len(program.calls) == 2
    with cuda_check() as report:
        cell["set"][1, 1](out)
    assert report.clean


def test_a_cell_computes_on_the_chosen_card_though_no_array_has_opened_it(monkeypatch):
    """`launch` and `call` choose the card first, then run; a card that cannot be used is said, and nothing runs."""
    import types

    from cffi import FFI

    from needle_edu.backend.errors import CudaError
    from needle_edu.backend.nvidia import cells as card

    done, ffi = [], FFI()
    ffi.cdef("int f(int);")
    program = card.CardProgram.__new__(card.CardProgram)
    program.functions, program._launchers, program.ffi = {"f": "int f(int);"}, {"launch_k"}, ffi
    program.lib = types.SimpleNamespace(
        needle_use=lambda number: done.append(("use", number)) or 0,
        needle_finish=lambda name, text: done.append("finish") or 0,
        launch_k=lambda config, values: done.append("k"),
    )
    monkeypatch.setattr(card.device, "_chosen", 1)
    program.launch("launch_k", [1] * 7, [])
    assert done == [("use", 1), "k", "finish"]

    def refused(name, text):
        name[0], text[0] = kept
        return 101

    kept = [ffi.new("char[]", words) for words in (b"cudaErrorInvalidDevice", b"invalid device ordinal")]
    program.lib.needle_use, program.lib.needle_finish = lambda number: 101, refused
    done.clear()
    with pytest.raises(CudaError, match="k: invalid device ordinal"):
        program.launch("launch_k", [1] * 7, [])
    assert done == []
