"""Numbers of 16 bits on the simulator: half beside NumPy's float16, bfloat16 beside the upper half of a float32."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

SOURCE = Path(__file__).parent / "kernels" / "float16.cu"
FLAVOURS = (
    "plain",
    pytest.param("check", marks=pytest.mark.slow),
    pytest.param("profile", marks=pytest.mark.slow),
)


@pytest.fixture(scope="module", params=FLAVOURS)
def program(simulator, request):
    return simulator.compile(SOURCE, request.param)


def halves(bits):
    return bits.astype(np.uint16).view(np.float16)


def bfloat_bits(x):
    """The 16 bits of a float32, rounded to nearest, ties to even: the kept half, plus what the other rounds to."""
    bits = x.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> np.uint64(16) & np.uint64(1))) >> np.uint64(16)).astype(np.uint32)


def same(got, wanted):
    """Equal bits, but one nan is as good as another."""
    nan = np.isnan(wanted)
    assert_array_equal(np.isnan(got), nan)
    assert_array_equal(got[~nan].view(np.uint16), wanted[~nan].view(np.uint16))


def test_every_number_there_and_back(simulator, program):
    half, bfloat, wrong = (
        simulator.array(np.zeros(n, kind)) for n, kind in ((65536, "f4"), (65536, "f4"), (1, "u4"))
    )
    program.run_widen(half, bfloat, wrong)
    every = np.arange(65536, dtype=np.uint32)
    assert_array_equal(half.numpy(), halves(every).astype(np.float32))
    assert_array_equal(bfloat.numpy(), (every << np.uint32(16)).view(np.float32))
    assert wrong.numpy()[0] == 0


def test_floats_are_rounded_to_nearest_ties_to_even(simulator, program):
    rng = np.random.default_rng(0)
    near = halves(rng.integers(0, 31743, 4096)).astype(np.float32)
    above = halves(near.astype(np.float16).view(np.uint16) + 1).astype(np.float32)
    ties = (near + above) / 2  # exact: half-way between neighbours, subnormal ones too
    x = np.concatenate(
        [
            ties, np.nextafter(ties, np.float32(np.inf)), np.nextafter(ties, np.float32(0)), -ties,
            rng.integers(0, 0x7F800000, 8192).astype(np.uint32).view(np.float32),
            np.resize(np.float32([0.0, -0.0, np.inf, -np.inf, 65504, 65519.99, 65520, 1e-45, 6e-8, 2**-25]), 256),
        ]
    )  # fmt: skip
    half, bfloat = (simulator.array(np.zeros(x.size, np.uint32)) for _ in range(2))
    program.run_narrow(half, bfloat, simulator.array(x), x.size)
    with np.errstate(over="ignore"):
        assert_array_equal(half.numpy(), x.astype(np.float16).view(np.uint16))
    assert_array_equal(bfloat.numpy(), bfloat_bits(x))


def test_arithmetic_is_numpys(simulator, program):
    rng = np.random.default_rng(1)
    n = 5000
    a, b = rng.integers(0, 65536, (2, n)).astype(np.uint32)
    b[:500] = a[:500]
    out = simulator.array(np.zeros(6 * n, np.uint32))
    program.run_arithmetic(out, simulator.array(a), simulator.array(b), n)
    x, y = halves(a), halves(b)
    rows = out.numpy().reshape(6, n)
    with np.errstate(all="ignore"):
        exact = x.astype(np.longdouble) * y + x  # 64 bits hold it, or what is lost decides nothing
        wanted = [x + y, x - y, x * y, x / y, exact.astype(np.float16)]
    for got, one in zip(rows, wanted, strict=False):
        same(halves(got), one)
    assert_array_equal(rows[5], (x < y) | (x == y) << 1 | (x >= y) << 2 | (x != y) << 3)


def test_a_product_and_a_sum_are_rounded_once(simulator, program):
    """The product lies half-way between two numbers, and what is added, too small for a double, decides."""
    out = simulator.array(np.zeros(1, np.uint32))
    a, b = np.float32(1 + 2**-4), np.float32(1 + 2**-4)  # 1 + 2^-3 + 2^-8: half-way between two bfloat16
    for c, wanted in ((0.0, 1 + 2**-3), (2.0**-120, 1 + 2**-3 + 2**-7), (-(2.0**-120), 1 + 2**-3)):
        program.run_once(out, a, b, c)
        assert (out.numpy()[0] << 16).astype(np.uint32).view(np.float32) == np.float32(wanted)


def test_pairs_in_shared_memory(simulator, program):
    x = np.random.default_rng(2).standard_normal(64).astype(np.float32)
    out = simulator.array(np.zeros(64, np.float32))
    program.run_pairs(out, simulator.array(x))
    own = x.astype(np.float16).reshape(32, 2)
    other = own[::-1]
    wanted = (own.astype(np.float64) * other + (other + np.float16(1))).astype(np.float16)
    assert_array_equal(out.numpy(), wanted.astype(np.float32).ravel())


def test_shuffles_and_atomics(simulator, program):
    x = np.arange(32, dtype=np.float32)  # all sums are whole numbers below 2048: exact
    out = simulator.array(np.zeros(4, np.float32))
    program.run_total(out, simulator.array(x))
    assert_array_equal(out.numpy(), [x.sum(), x.sum(), 2 * x.sum() + 1, 1])
