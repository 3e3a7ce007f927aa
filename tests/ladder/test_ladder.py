"""Every rung of the matrix-product ladder against float64 NumPy, its errors, and the table.

A rung that swaps rows and columns, forgets an edge tile or a block of the depth fails here; so does one that the
compiler turned into something an older processor lacks (the whole file then dies on such a processor).
"""

import os
import subprocess
import sys
import weakref

import numpy as np
import pytest

from needle_edu import ladder, ndarray
from needle_edu.backend import (
    DeviceError,
    DTypeError,
    ShapeError,
    available_isas,
    cpu,
    cpu_numpy,
    get_isa,
    get_num_threads,
    set_isa,
    set_num_threads,
)

SHAPES = [
    (1, 1, 1),
    (1, 7, 5),
    (7, 1, 5),
    (4, 8, 16),  # whole tiles of rungs 4 and 5
    (6, 16, 300),  # one whole tile of rung 6, two blocks of depth
    (13, 17, 31),
    (67, 301, 65),  # one more than a block of rung 3 in every direction
    (121, 33, 257),  # one more than a block of rungs 5 and 6
    (169, 35, 513),  # one more than a block of rungs 7 to 10; b of rung 10 packed, a read where it lies
    (16, 801, 40),  # rows that are cut evenly; a of rung 10 packed, b read where it lies
    (30, 4099, 3),  # one more panel than a block of b
    (3, 5, 0),
    (0, 5, 3),
]

needs_library = pytest.mark.skipif(not cpu().native, reason="the rungs are C functions; no C library here")


def bound(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How far a float32 product of depth k may be off: k roundings of the sum of the magnitudes."""
    return (a.shape[-1] + 2) * 6e-8 * (np.abs(a).astype("f8") @ np.abs(b).astype("f8")) + 1e-30


@pytest.fixture(params=available_isas())
def isa(request):
    """Each instruction set of this processor: from rung 7 on each has tiles of its own."""
    before = get_isa()
    set_isa(request.param)
    yield request.param
    set_isa(before)


@needs_library
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ladder.matmul.rungs)
def test_rung_is_the_product(name, shape, isa):
    m, n, k = shape
    rng = np.random.default_rng(m * 1000 + n)
    a = rng.standard_normal((m, k)).astype("f4")
    b = rng.standard_normal((k, n)).astype("f4")
    got = ladder.matmul.rungs[name](a, ndarray.array(b))
    assert got.shape == (m, n) and got.dtype == np.float32
    assert (np.abs(got.numpy() - a.astype("f8") @ b.astype("f8")) <= bound(a, b)).all()


@needs_library
@pytest.mark.parametrize("name", ladder.matmul.rungs)
def test_rung_takes_views(name):
    a = np.arange(24, dtype="f4").reshape(4, 6)
    b = ndarray.array(a)[::-1, 1:5]  # negative stride, an offset
    assert np.array_equal(ladder.matmul.rungs[name](a.T, b).numpy(), a.T @ a[::-1, 1:5])


@needs_library
def test_threads_rung_gives_the_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((2, 150, 150)).astype("f4")
    before = get_num_threads()
    try:
        results = []
        for threads in (1, 2, 5):
            set_num_threads(threads)
            results.append(ladder.matmul.rungs["threads"](a, b).numpy().copy())
    finally:
        set_num_threads(before)
    assert np.array_equal(results[0], results[1]) and np.array_equal(results[0], results[2])


@needs_library
def test_wrong_operands_are_named():
    rung = ladder.matmul.rungs["naive"]
    with pytest.raises(ShapeError, match=r"naive: got shapes \(2, 3\) and \(2, 3\)"):
        rung(np.ones((2, 3), "f4"), np.ones((2, 3), "f4"))
    with pytest.raises(DTypeError, match="got list, wanted float32"):
        ladder.matmul.rungs["naive"]([[1.0]], [[1.0]])
    with pytest.raises(DTypeError, match="got float64, wanted float32"):
        rung(np.ones((2, 3)), np.ones((3, 2)))


def matrices(*shapes):
    rng = np.random.default_rng(3)
    return [ndarray.array(rng.standard_normal(shape), device=cpu()) for shape in shapes]


@needs_library
@pytest.mark.parametrize("name", ladder.matmul.rungs)
def test_the_bare_call_refuses_what_the_c_function_would_misread(name):
    """Without the checks a small `out` is written beyond its end, and a.T is read as if it were a."""
    call = ladder.matmul.rungs[name].call
    out, a, b = matrices((4, 5), (4, 3), (3, 5))
    small, wide, tall = matrices((2, 5), (4, 6), (8, 3))
    with pytest.raises(ShapeError, match=r"out has shape \(2, 5\), wanted \(4, 5\)"):
        call(small, a, b)
    with pytest.raises(ShapeError, match=r"got shapes \(4, 3\) and \(4, 3\)"):
        call(out, a, a)
    with pytest.raises(ShapeError, match=r"got shapes \(3,\) and \(3, 5\)"):
        call(out, a[0], b)
    apart = matrices((16,))[0].as_strided((4, 3), (3, 2))  # rows as long as compact ones, columns apart
    for view in (
        apart,
        matrices((3, 4))[0].T,
        wide[:, ::2],
        wide[:, :3],
        tall[::-2],
        a[:1].broadcast_to((4, 3)),
    ):
        with pytest.raises(ShapeError, match=r"a is a view with strides .* pass a\.compact\(\)"):
            call(out, view, b)
    with pytest.raises(ShapeError, match="out is a view"):
        call(matrices((5, 4))[0].T, a, b)
    square, other = matrices((4, 4), (4, 4))
    with pytest.raises(ShapeError, match="shares its memory"):
        call(square, square, other)
    with pytest.raises(ShapeError, match="shares its memory"):
        call(square, other, square)
    with pytest.raises(DTypeError, match="got float64"):
        call(out, a.astype("float64"), b)
    with pytest.raises(DeviceError, match=r"b must be an NDArray on cpu\(\)"):
        call(out, a, b.numpy())
    with pytest.raises(DeviceError, match=r"a must be an NDArray on cpu\(\)"):
        call(out, a.to(cpu_numpy()), b)


@needs_library
@pytest.mark.parametrize("name", ladder.matmul.rungs)
def test_the_bare_call_takes_rows_from_the_middle_and_keeps_its_arrays(name):
    whole, b = matrices((9, 3), (3, 5))
    wanted = whole.numpy()[2:6] @ b.numpy()
    out = ndarray.zeros((4, 5), device=cpu())
    call = ladder.matmul.rungs[name].call(out, whole[2:6], b)
    memories = [weakref.ref(x.storage) for x in (whole, b)]
    del whole, b
    assert None not in [memory() for memory in memories], "the call would read memory that was given back"
    assert call() == 0
    np.testing.assert_allclose(out.numpy(), wanted, rtol=1e-5, atol=1e-6)


@needs_library
def test_bench_prints_a_row_per_rung_and_numpy(capsys):
    found = ladder.matmul.bench([8, 16], rounds=1)
    lines = capsys.readouterr().out.splitlines()
    names = [*ladder.matmul.rungs, "numpy"]
    assert [line.split()[0] for line in lines[2:]] == names
    assert [(cell.size, cell.name) for cell in found] == [(size, name) for size in (8, 16) for name in names]
    assert all(cell.gflops > 0 for cell in found)


def test_sources_exist_and_say_why():
    from needle_edu.backend.paths import csrc_dir

    for rung in ladder.matmul.rungs.values():
        text = (csrc_dir() / "cpu" / rung.source).read_text()
        assert rung.source.split("/")[-1] in text.split("*/")[1], "the head comment names the file"
        function = "nd_matmul" if rung.name == "library" else f"nl_matmul_{rung.name}"
        assert function in text


def test_without_the_library_one_sentence_says_so():
    run = subprocess.run(
        [sys.executable, "-m", "needle_edu.ladder", "8"],
        env={**os.environ, "NEEDLE_EDU_NATIVE": "0"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1 and "Traceback" not in run.stderr
    assert "the C library is absent" in run.stdout


def test_sizes_that_are_no_sizes(capsys):
    assert ladder.main(["12", "x"]) == 2
    assert "sizes of square matrices" in capsys.readouterr().out
