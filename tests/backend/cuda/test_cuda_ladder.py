"""The ladders of csrc/cuda/ladder: every rung is right on sizes that no tile divides, clean under the checker, CUDA to
nvcc, and costs what its first lines say it costs."""

import shutil
import subprocess

import numpy as np
import pytest

from needle_edu.backend import DTypeError, ShapeError
from needle_edu.backend.cudasim.ladder import ladders

RUNGS = [rung for ladder in ladders().values() for rung in ladder.values()]
SIZES = {"matmul": [(1, 1, 1), (33, 70, 50), (64, 64, 64)], "reduce": [(1,), (1000,), (70_000,)]}
SIZES["transpose"] = [(1, 5), (33, 70), (64, 96)]


@pytest.fixture(autouse=True)
def _with_simulator(simulator):
    """Without g++ these tests skip."""


def operands(rung, size, rng):
    if rung.ladder == "matmul":
        m, n, k = size
        a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
        return [a.astype("float32"), b.astype("float32")], a.astype("float32") @ b.astype("float32").astype(
            float
        )
    a = rng.standard_normal(size).astype("float32")
    return [a], a.T if rung.ladder == "transpose" else [a.sum(dtype=float)]


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.source.stem)
def test_a_rung_computes_it(rung, rng):
    for size in SIZES[rung.ladder]:
        arrays, wanted = operands(rung, size, rng)
        np.testing.assert_allclose(rung(*arrays), wanted, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.source.stem)
def test_the_checker_finds_nothing(rung, rng, order):
    report = rung.check(*operands(rung, SIZES[rung.ladder][1], rng)[0])
    assert report.clean, report


def test_what_the_ladder_of_products_saves(rng):
    """96 x 96 numbers, by the closed form: each rung reads less of global memory than the one below."""
    n = 96
    arrays = operands(ladders()["matmul"]["rows"], (n, n, n), rng)[0]
    found = {name: rung.profile(*arrays) for name, rung in ladders()["matmul"].items()}
    padded = 2 * 128 * 128 * n  # tiles of 64 reach beyond the edge
    assert [profile.flops for profile in found.values()] == [2 * n**3] * 3 + [padded] * 2
    warps = n * n // 32
    rows = warps * n * (32 + 1) + warps * 32  # a: 32 sectors; b: one; out: 32
    columns = warps * n * (1 + 4) + warps * 4
    tiled = 2 * n**3 // 32 // 8 + warps * 4
    assert [found[name].sectors for name in ("rows", "columns", "tiled")] == [rows, columns, tiled]
    assert found["registers"].sectors < tiled and found["registers"].bank_conflicts == 0
    assert found["buffered"].requests < found["registers"].requests / 3


def test_what_the_ladder_of_sums_saves(rng):
    n = 4096
    found = {name: rung.profile(np.ones(n, "float32")) for name, rung in ladders()["reduce"].items()}
    assert found["divided"].splits > 4 * found["strided"].splits
    assert found["strided"].bank_conflicts > 0 == found["sequential"].bank_conflicts
    assert found["shuffled"].wavefronts < found["sequential"].wavefronts / 10


def test_what_the_ladder_of_transposes_saves(rng):
    """64 x 64 numbers, 128 requests each way."""
    found = {
        name: rung.profile(np.ones((64, 64), "float32")) for name, rung in ladders()["transpose"].items()
    }
    assert [profile.sectors for profile in found.values()] == [128 * (4 + 32), 128 * 8, 128 * 8]
    assert [profile.bank_conflicts for profile in found.values()] == [0, 128 * 31, 0]


def test_what_a_rung_refuses():
    product, a = ladders()["matmul"]["tiled"], np.ones((2, 3), "float32")
    with pytest.raises(
        ShapeError, match=r"matmul tiled: got shapes \(2, 3\), \(2, 3\), wanted \(m, k\) and \(k, n\)"
    ):
        product(a, a)
    with pytest.raises(DTypeError, match="matmul tiled: got float64, wanted float32"):
        product(a, a.T.astype(float))
    with pytest.raises(
        ShapeError, match=r"reduce strided: got shapes \(0,\), wanted \(n,\), none of them empty"
    ):
        ladders()["reduce"]["strided"](np.ones(0, "float32"))


@pytest.mark.skipif(
    shutil.which("nvcc") is None, reason="nvcc is not on PATH: nobody has held these files against CUDA"
)
@pytest.mark.slow
def test_nvcc_compiles_all(tmp_path):
    flags = ["-std=c++17", "-arch=sm_75", "-Werror", "all-warnings"]
    for rung in RUNGS:
        done = subprocess.run(
            ["nvcc", *flags, "-c", str(rung.source), "-o", str(tmp_path / "out.o")],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
