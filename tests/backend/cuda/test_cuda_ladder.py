"""The ladders of csrc/cuda/ladder: every rung is right on sizes that no tile divides, clean under the
checker, and costs what its first lines say it costs."""

import shutil

import numpy as np
import pytest
from cuda_mutants import mutate
from test_cuda_mutants import SUPPORT, survivors

from needle_edu.backend import DTypeError, ShapeError
from needle_edu.backend.cudasim.build import kernel_library
from needle_edu.backend.cudasim.declarations import host_functions
from needle_edu.backend.cudasim.device import CudaSimRuntime
from needle_edu.backend.cudasim.flavours import FLAVOURS
from needle_edu.backend.cudasim.ladder import ladders
from needle_edu.backend.cudasim.simulator import Program
from needle_edu.backend.paths import csrc_dir

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


@pytest.mark.slow
def test_what_the_top_of_the_ladder_costs(simulator, rng, tmp_path):
    """nd_matmul on 128 x 128 numbers, in four tiles of 64: 16 bytes a lane, and nothing is read that is not used."""
    for name in ("launch.cuh", "faults.cuh", "matmul.cuh", "matmul.cu", "matmul_large.cu", *SUPPORT):
        shutil.copy(csrc_dir() / "cuda" / name, tmp_path)
    runtime, n = CudaSimRuntime("profile", tmp_path), 128
    out, a, b = (runtime.allocate(0, n * n) for _ in range(3))
    for storage in (a, b):
        runtime.copy_from_host(storage, rng.standard_normal(n * n).astype("float32"))
    plan = runtime.lower(3, [0, 0, 0], [n, n, n], [0, 0, 0], [[n, 1, 0], [n, 0, 1], [0, 1, n]])
    simulator.clear_profile()
    runtime.kernels.matmul(plan, out.ptr, a.ptr, b.ptr)
    (cost,) = simulator.profile().values()
    assert cost.flops == 2 * n**3 and cost.coalescing == 1 and cost.splits == 0
    assert cost.sectors == (2 * 2 * n * n + n * n) // 8  # each number of a and of b is read twice
    assert cost.requests == cost.sectors // 16


EQUIVALENT = {  # code on the line of a mutant: why it is no mistake
    "; p += ": "one more round where the tiles divide k: every load is guarded, and zeros are added",
}


@pytest.mark.slow
@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.source.stem)
def test_mistakes_are_found(rung, simulator, rng):
    """The mutation gate, on sizes that no tile divides."""
    text, mutants = mutate(rung.source.read_text(), rung.source.name)
    library = kernel_library([rung.source], FLAVOURS["check"], simulator.runtime, text)
    program = Program(simulator, library, host_functions(text))
    cases = [operands(rung, size, rng)[0] for size in SIZES[rung.ladder][1:]]

    def run():
        results = []
        for arrays in cases:
            extents, shape = rung._extents(arrays)
            out = simulator.array(np.zeros(shape, np.float32))
            getattr(program, f"ncl_{rung.ladder}_{rung.name}")(*extents, *map(simulator.array, arrays), out)
            results.append(out.numpy())
        return results

    assert len(mutants) >= 5
    left = survivors(mutants, program.set_mutant, run, simulator)
    assert [one.text for one in left if not any(code in one.text for code in EQUIVALENT)] == []
