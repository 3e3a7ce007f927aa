"""Programs compiled to CUDA, on the simulator: the numbers of an ordinary run there, to the last bit."""

import shutil
import subprocess

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, nn, ops, optim
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend.dtypes import DTYPES
from needle_edu.backend.paths import csrc_dir
from needle_edu.graph import capture
from needle_edu.graph.compiled import build, fusion
from needle_edu.graph.compiled.cuda_source import TYPES
from needle_edu.graph.passes import optimize

from . import random_functions
from .networks import Convolutional, step_of

pytestmark = [
    pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays cannot be captured"),
    pytest.mark.skipif(shutil.which("g++") is None, reason="NO g++: the simulator does not run"),
    pytest.mark.shares_memory,
]


@pytest.fixture(scope="module")
def sim():
    return ndl.cuda_sim()


def on(device, *arrays):
    return [Tensor(a, device=device, dtype=a.dtype) for a in arrays]


def assert_same(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_chain_is_one_kernel(sim, rng):
    def f(x, y):
        h = (x * 2 + y).tanh() * x
        return ((h.abs() + 1).sqrt() / 3), h

    xs = on(sim, *rng.normal(size=(2, 70_000)).astype("float32"))
    run = ndl.compile(f)
    assert_same(run(*xs), f(*xs))
    assert (run.runs_as, run.why) == ("CUDA", "")
    assert run.source.count("__global__") == run.source.count("<<<") == 1
    assert "const float t2 = nd::f::tanh(t1);" in run.source and "/* %2 = tanh(%1) */" in run.source


@pytest.mark.parametrize("shape", [(20, 9, 17), (65, 12, 50)])  # of the small and of the large kernel
def test_a_product_with_bias_and_activation_is_one_kernel(sim, shape, rng):
    """The sum that a thread has in a register gets the bias, then the activation; the bits of three kernels."""
    m, k, n = shape
    x, w, b = on(sim, *[rng.normal(size=size).astype("float32") for size in ((m, k), (k, n), n)])

    def f(x, w, b):
        return (ops.relu(x @ w + b.broadcast_to((m, n))) * 2,)

    def both(x, w, b):  # what lies between is wanted, too
        h = x @ w + b.broadcast_to((m, n))
        return ops.sigmoid(h) * h, h

    for function in (f, both):
        run = ndl.compile(function)
        assert_same(run(x, w, b), function(x, w, b))
        text = run.source[run.source.index("int run") :]
        assert (run.runs_as, text.count("CALL"), text.count("nd::product<float>")) == ("CUDA", 1, 1), text


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("nvcc") is None, reason="nvcc is not on PATH: no program is held against CUDA itself"
)
def test_nvcc_takes_the_text_of_a_program(sim, tmp_path, rng):
    """A product with what follows it, numbers, comparisons and a chain: CUDA, with every warning an error."""
    x, w, b = on(sim, *[rng.normal(size=size).astype("float32") for size in ((65, 12), (12, 50), 50)])

    def f(x, w, b):
        h = ops.relu(x @ w + b.broadcast_to((65, 50))) * 2
        return h, ops.where(x > 0.5, x.exp(), x + 1), (h.sum((1,)) * 3 + 1).tanh()

    run = ndl.compile(f)
    run(x, w, b)
    (tmp_path / "program.cu").write_text(run.source)
    folders = [f"-I{csrc_dir() / name}" for name in ("cuda", "include")]
    flags = (
        "-std=c++17",
        "--extended-lambda",
        "-fmad=false",
        "-Werror",
        "all-warnings",
        "-Xcicc",
        "-O0",
        "-Xptxas",
        "-O0",
    )
    done = subprocess.run(
        ["nvcc", *flags, *folders, "-c", tmp_path / "program.cu", "-o", tmp_path / "program.o"],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_product_whose_factor_is_written_over_is_a_kernel_of_its_own(sim, rng):
    x, w = on(sim, *rng.normal(size=(2, 20, 20)).astype("float32"))

    def f(x, w):
        h = x * 2
        return (ops.relu(h + (w @ h)),)

    run = ndl.compile(f)
    assert_same(run(x, w), f(x, w))


@pytest.mark.parametrize(
    "code", [0, *[pytest.param(code, marks=pytest.mark.slow) for code in range(1, len(TYPES))]]
)
def test_every_pointwise_function(sim, rng, code):
    """nd::f:: has the function of each pointwise kernel, for all types that the kernel takes: the same bits."""
    runtime, n, cases, calls = sim.runtime, 300, [], []
    for name in sorted(fusion.POINTWISE):
        types = [one.cname for one in runtime.ffi.typeof(getattr(runtime.lib, f"nd_{name}")).args][2:]
        given = [runtime.allocate(code, n) for _ in types[1:] if _ == "void *"]
        for one in given:
            runtime.copy_from_host(one, (rng.random(n) * 8 - 3).astype(DTYPES[code]))
        scalar = "double" in types
        asks = name.startswith(("equal", "not_equal", "less", "greater", "logical"))
        out, wanted = runtime.allocate(1, n), np.zeros(n, "bool" if asks else DTYPES[code])
        pointers = [one.ptr for one in (out, *given)]
        if getattr(runtime.kernels, name)(code, n, *pointers, *[2.5] * scalar):
            continue  # this kernel does not know the type
        runtime.copy_to_host(out, wanted)
        type_, to = TYPES[code], TYPES[4 if asks else code]
        arguments = ", ".join(["a[i]", "b[i]"][: len(given)] + ["2.5"] * scalar)
        function = name.removesuffix("_dense") if given else f"fill<{type_}>"
        cases.append(f"case {len(cases)}: (({to} *)out)[i] = nd::f::{function}({arguments}); break;")
        calls.append((name, wanted, pointers))
    text = f"""#include "functions.cuh"
    __global__ void compute(int which, void *out, const {type_} *a, const {type_} *b) {{
      for (int64_t i = nd::first(); i < {n}; i += nd::step()) switch (which) {{ {chr(10).join(cases)} }}
    }}
    extern "C" int run(int which, void **A) {{
      compute<<<2, 64>>>(which, A[0], (const {type_} *)A[1], (const {type_} *)A[2]);
      return cudaGetLastError();
    }}"""
    from cffi import FFI

    ffi = FFI()
    ffi.cdef("int run(int which, void *A);")
    lib = ffi.dlopen(str(runtime.program_library(text)))
    assert len(calls) > (60 if code < 2 else 10)
    for which, (name, wanted, pointers) in enumerate(calls):
        runtime.kernels.fill_dense(1, n, pointers[0], -7.0)
        assert lib.run(which, ffi.new("void *[3]", pointers)) == 0
        found, storage = np.zeros_like(wanted), runtime.allocate(1, 0)
        storage.ptr = pointers[0]
        runtime.copy_to_host(storage, found)
        np.testing.assert_array_equal(found.view(np.uint8), wanted.view(np.uint8), err_msg=name)


@pytest.mark.parametrize("seed", range(2))
def test_random_function(sim, seed):
    rng = np.random.default_rng(seed)
    f = random_functions.with_gradients(random_functions.function(rng, steps=40))
    xs = [one.to(sim) for one in random_functions.inputs(rng)]
    program = optimize(capture(f, *xs))
    run = build(program)
    assert run.language == "CUDA"
    for _ in range(2):
        found, wanted = run(*xs), program(*xs)
        assert_same([one for one in found if one is not None], [one for one in wanted if one is not None])


def test_training(sim, rng):
    x, y = on(sim, rng.normal(size=(4, 36)).astype("float32"), rng.integers(0, 3, 4))
    loss_of = nn.SoftmaxLoss()

    def trained(compiled):
        ndl.init.seed(5)
        model = Convolutional(side=6, channels=3).to(sim)
        optimizer = optim.Adam(model.parameters())
        step = step_of(model, optimizer, loss_of)
        run = ndl.compile(step) if compiled else step
        losses = [run(x, y).numpy() for _ in range(3)]
        if compiled:
            assert (run.runs_as, run.why) == ("CUDA", "")
        kept = [np.asarray(a) for a in model.state_dict().values()]
        return [*losses, *kept, *map(np.asarray, optimizer.state_dict().values())]

    for a, b in zip(trained(True), trained(False), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_index_out_of_range_names_the_op(sim):
    table = Tensor(np.zeros((3, 2)), dtype="float32", device=sim)
    run = ndl.compile(lambda i: ops.embedding(i, table))
    assert run(Tensor([0, 2], device=sim)).shape == (2, 2)
    with pytest.raises(ndl.backend.IndexOutOfRange, match="5"):
        run(Tensor([0, 5], device=sim))
    assert run(Tensor([2, 2], device=sim)).shape == (2, 2)


def test_nothing_to_compute(sim):
    run = ndl.compile(lambda x: (x * 2 + 1).tanh())
    assert run(Tensor(np.zeros((0,), "float32"), device=sim)).shape == (0,) and run.runs_as == "CUDA"


def test_without_a_compiler(sim, monkeypatch, tmp_path):
    monkeypatch.setenv("NEEDLE_EDU_CACHE", str(tmp_path))
    monkeypatch.setenv("CXX", "no-such-compiler")
    run = ndl.compile(lambda x: x * 3 + 2)
    assert run(Tensor([1.0], device=sim)).item() == 5
    assert run.runs_as == "interpreter" and "no-such-compiler" in run.why
