"""Rounding, whole quotients, angles, hyperbolas and logarithms against NumPy: on every backend and instruction set."""

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.backend.errors import DTypeError, ShapeError

from .oracle import computing_on, places

UNARY = (
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "asinh",
    "acosh",
    "atanh",
    "log1p",
    "expm1",
    "log2",
    "log10",
)
ROUNDING = ("trunc", "round")
QUOTIENTS = ("floor_divide", "remainder", "fmod")
EVERYWHERE = pytest.mark.parametrize("place", places())
SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, 1.5, -2.5, 1e-30, 7.0, -7.0, 0.1, 3e9]


def layouts(x):
    """The same numbers compact, read backwards, and every other one of twice as many."""
    yield x, lambda a: a
    yield x[::-1].copy(), lambda a: a[::-1]
    yield np.repeat(x, 2, axis=0), lambda a: a[::2]


@EVERYWHERE
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_number(name, dtype, place, rng):
    x = np.concatenate([SPECIAL, rng.uniform(-3, 3, 70)]).astype(dtype)
    with computing_on(place) as device, np.errstate(all="ignore"):
        wanted = getattr(np, name)(x)
        for memory, view in layouts(x):
            got = getattr(nd, name)(view(nd.array(memory, dtype, device)))
            assert got.dtype == dtype
            np.testing.assert_allclose(
                got.numpy(), wanted, rtol=5e-7 if dtype == "float32" else 2e-15, atol=1e-37
            )
        for empty in (np.zeros((0, 3)), np.zeros(())):
            assert getattr(nd, name)(nd.array(empty, dtype, device)).shape == empty.shape
        assert getattr(nd, name)(nd.array([1, 1], "int64", device)).dtype == "float32"


@EVERYWHERE
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("name", ROUNDING)
def test_rounding(name, dtype, place, rng):
    x = np.concatenate([SPECIAL, rng.uniform(-9, 9, 70), [2.5, 3.5, -0.5]])
    x = (x if dtype[0] == "f" else np.nan_to_num(x).clip(-9, 9)).astype(dtype)
    with computing_on(place) as device:
        for memory, view in layouts(x):
            got = getattr(nd, name)(view(nd.array(memory, dtype, device))).numpy()
            wanted = getattr(np, name)(x)
            assert got.dtype == dtype
            np.testing.assert_array_equal(got, wanted)
            np.testing.assert_array_equal(np.signbit(got), np.signbit(wanted))


@EVERYWHERE
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("name", QUOTIENTS)
def test_quotients(name, dtype, place, rng):
    """To the last bit, signs of zeros too; an integer divided by 0 is 0, and -1 stops no program."""
    if dtype[0] == "f":
        a, b = np.meshgrid(
            np.concatenate([SPECIAL, rng.uniform(-9, 9, 9)]).astype(dtype), np.array(SPECIAL, dtype)
        )
    else:
        numbers = [0, 1, -1, 2, -7, 13, np.iinfo(dtype).max, np.iinfo(dtype).min]
        a, b = np.meshgrid(np.array(numbers, dtype), np.array(numbers, dtype))
    with computing_on(place) as device, np.errstate(all="ignore"):
        wanted = getattr(np, name)(a, b)
        x, y = nd.array(a, dtype, device), nd.array(b, dtype, device)
        for got in (
            getattr(nd, name)(x, y),
            getattr(nd, name)(x.T, y.T).T,
            getattr(nd, name)(x[:, :], y[:, :1]),
        ):
            assert got.dtype == dtype and got.shape == a.shape
            np.testing.assert_array_equal(got.numpy(), wanted)
            signs = np.signbit(wanted) & ~np.isnan(wanted)
            np.testing.assert_array_equal(np.signbit(got.numpy()) & ~np.isnan(wanted), signs)


@EVERYWHERE
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", QUOTIENTS)
def test_large_quotients(name, dtype, place, rng):
    """(a - remainder) / b is whole but for its rounding, which may go to either side."""
    a, b = rng.uniform(-1e7, 1e7, 20000).astype(dtype), rng.uniform(0.001, 1, 20000).astype(dtype)
    with computing_on(place) as device:
        got = getattr(nd, name)(nd.array(a, dtype, device), nd.array(b, dtype, device)).numpy()
    np.testing.assert_array_equal(got, getattr(np, name)(a, b))


@EVERYWHERE
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_angles_of_points(dtype, place):
    a, b = np.meshgrid(np.array(SPECIAL, dtype), np.array(SPECIAL, dtype))
    with computing_on(place) as device:
        got = nd.atan2(nd.array(a, dtype, device), nd.array(b, dtype, device)).numpy()
    wanted = np.arctan2(a, b)
    np.testing.assert_allclose(got, wanted, rtol=5e-7, atol=1e-37)
    np.testing.assert_array_equal(np.signbit(got) & ~np.isnan(wanted), np.signbit(wanted) & ~np.isnan(wanted))


@EVERYWHERE
def test_operators_and_weak_numbers(place):
    with computing_on(place) as device:
        a = nd.array([-7, 5], "int32", device)
        for got, wanted in [
            (a // 2, np.array([-4, 2], "int32")),
            (a % 3, np.array([2, 2], "int32")),
            (7 // a, np.array([-1, 1], "int32")),
            (7 % a, np.array([0, 2], "int32")),
            (a // 2.0, np.array([-4, 2], "float32")),
            (a % nd.array([[2], [3]], "int64", device), np.array([[1, 1], [2, 2]], "int64")),
        ]:
            assert got.dtype == wanted.dtype
            np.testing.assert_array_equal(got.numpy(), wanted)


def test_infinite():
    a = nd.array([1, np.inf, -np.inf, np.nan])
    assert nd.isinf(a).tolist() == [False, True, True, False]
    assert nd.isinf(nd.arange(2)).tolist() == [False, False]


def test_bad_input():
    for name in UNARY + ROUNDING:
        with pytest.raises(DTypeError, match=f"{name}: "):
            getattr(nd, name)("x")
    flags = nd.array([True], "bool")
    for name in ROUNDING:
        with pytest.raises(DTypeError, match=rf"{name}: not defined for bool; .*astype\('int32'\)"):
            getattr(nd, name)(flags)
    for name in QUOTIENTS:
        with pytest.raises(
            DTypeError, match=rf"{name}: not defined for two bool arrays; .*astype\('int32'\)"
        ):
            getattr(nd, name)(flags, flags)
        with pytest.raises(ShapeError, match=rf"{name}: shapes \(2,\) and \(3,\) do not broadcast"):
            getattr(nd, name)(nd.zeros(2), nd.zeros(3))
        with pytest.raises(DTypeError, match=f"{name}: cannot combine an NDArray with str"):
            getattr(nd, name)(nd.zeros(2), "x")
