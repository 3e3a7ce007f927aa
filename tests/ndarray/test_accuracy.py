"""How far kernels may be off: exp, log, tanh within 3 ulp of float64, sums within twice NumPy's error, on every ISA."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import backend, ndarray as nd

if np.float32(1e-45) * np.float32(1) == 0:
    pytest.skip(
        "this process takes denormal numbers for 0; `needle-edu doctor` says why", allow_module_level=True
    )

ISAS = backend.available_isas() if ndl.cpu().native else ()


@pytest.fixture(params=ISAS or ["reference"])
def isa(request):
    """Each instruction set this machine has, in turn."""
    if request.param == "reference":
        yield request.param
        return
    before = backend.get_isa()
    backend.set_isa(request.param)
    yield request.param
    backend.set_isa(before)


def every_kind_of_float32() -> np.ndarray:
    """A million bit patterns of all exponents (denormals, inf and nan too) and the special values by name."""
    bits = np.random.default_rng(0).integers(0, 2**32, 1_000_000, dtype=np.uint32).view(np.float32)
    special = [
        0.0,
        -0.0,
        np.inf,
        -np.inf,
        np.nan,
        1e-45,
        -1e-45,
        1.0,
        -1.0,
        88.72284,
        -87.33655,
        -103.97,
        89.0,
    ]
    ordinary = np.random.default_rng(1).uniform(-90, 90, 200_000).astype(np.float32)
    return np.concatenate([bits, np.array(special, np.float32), ordinary])


def ulps(got: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """The distance in units of the last place of the right answer."""
    spacing = np.spacing(np.abs(exact).astype(np.float32).clip(max=np.finfo(np.float32).max)).astype(
        np.float64
    )
    return np.abs(got.astype(np.float64) - exact) / spacing


@pytest.mark.parametrize("name", ["exp", "log", "tanh"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_within_three_ulp(isa, name):
    x = every_kind_of_float32()
    got = getattr(nd, name)(nd.asarray(x)).numpy()
    exact = getattr(np, name)(x.astype(np.float64))
    rounded = exact.astype(np.float32)
    finite = np.isfinite(rounded)
    assert np.array_equal(np.isnan(got), np.isnan(rounded))
    infinite = np.isinf(rounded)
    assert np.array_equal(got[infinite], rounded[infinite])
    assert ulps(got[finite], exact[finite]).max() <= 3
    zero = rounded == 0
    assert np.array_equal(np.signbit(got[zero & (x == 0)]), np.signbit(rounded[zero & (x == 0)])), (
        "f(-0) keeps its sign"
    )


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_sums_err_at_most_twice_as_much_as_numpys(isa, axis):
    ours = numpys = 0.0
    for seed in range(10):
        x = np.random.default_rng(seed).uniform(0, 1, (1000, 700)).astype(np.float32)
        exact = x.sum(axis=axis, dtype=np.float64)
        ours += np.abs(nd.asarray(x).sum(axis=axis).numpy().astype(np.float64) - exact).max()
        numpys += np.abs(x.sum(axis=axis).astype(np.float64) - exact).max()
    assert ours <= 2 * numpys
