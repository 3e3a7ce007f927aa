"""Making arrays: every combination of arguments gives what NumPy's function of the same name gives."""

import itertools

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.backend import DTypeError, ShapeError

from .oracle import same

# (positional arguments, keyword arguments)
RANGES = [
    ((5,), {}), ((5,), {"step": 2}), ((5, None), {}), ((5, None, 2), {}), ((5,), {"stop": None, "step": 3}),
    ((1, 7), {}), ((1, 7, 2), {}), ((1,), {"stop": 7}), ((1,), {"stop": 7, "step": 2}), ((-5,), {"step": -2}),
    ((7, 1, -2), {}), ((0,), {}), ((0, 1, 0.25), {}), ((1.0,), {"step": 0.25}), ((2.5,), {}), ((3, 3), {}),
    ((True,), {}), ((np.int32(5),), {"step": np.int64(2)}),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [None, "float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("case", range(len(RANGES)))
def test_arange(case, dtype, device):
    positional, named = RANGES[case]
    wanted = np.arange(*positional, **named)
    got = nd.arange(*positional, **named, dtype=dtype, device=device)
    same(got, wanted.astype(dtype or ("float32" if wanted.dtype.kind == "f" else "int64")))
    assert got.device is device


@pytest.mark.parametrize("endpoint", [True, False])
@pytest.mark.parametrize("num", [None, 0, 1, 5])
def test_linspace(num, endpoint, device):
    given = {} if num is None else {"num": num}
    wanted = np.linspace(-1, 2, **given, endpoint=endpoint)
    same(nd.linspace(-1, 2, **given, endpoint=endpoint, dtype="float64", device=device), wanted)


@pytest.mark.parametrize(("n", "m", "k"), [*itertools.product((0, 3), (None, 2, 4), (-1, 0, 2))])
def test_eye(n, m, k, device):
    same(nd.eye(n, m, k, "int32", device), np.eye(n, m, k, "int32"))
    same(nd.eye(n, m=m, k=k, device=device), np.eye(n, m, k, "float32"))


@pytest.mark.parametrize("name", ["zeros", "ones", "full"])
@pytest.mark.parametrize("shape", [3, (3,), [2, 3], (), (2, 0), np.int64(2)])
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_constants(name, shape, dtype, device):
    value = (1,) if name == "full" else ()
    same(
        getattr(nd, name)(shape, *value, dtype=dtype, device=device),
        getattr(np, name)(shape, *value, dtype=dtype),
    )
    like = nd.empty(shape, "int32", device)
    for given in ({}, {"dtype": dtype}, {"dtype": dtype, "device": device}):
        got = getattr(nd, name + "_like")(like, *value, **given)
        same(got, getattr(np, name + "_like")(np.empty(shape, "int32"), *value, dtype=given.get("dtype")))
        assert got.device is device


def test_like_takes_numpy_s_arrays():
    a = np.ones((2, 3), "int32")
    same(nd.zeros_like(a), np.zeros_like(a))
    same(nd.full_like(a, 7), np.full_like(a, 7))
    assert nd.empty_like(a).shape == (2, 3)


def test_what_makes_no_sense_is_named():
    for call, message in (
        (lambda: nd.arange(0, 5, 0), "arange: step 0 leads nowhere from 0 to 5"),
        (lambda: nd.arange(5, step=0), "arange: step 0 leads nowhere from 0 to 5"),
        (lambda: nd.arange("a"), "arange: wanted numbers for start, stop and step, got 0, a, 1"),
        (lambda: nd.arange(10**400), "arange: wanted numbers .* an integer of 1329 bits"),
        (lambda: nd.arange(float("nan")), "arange: wanted numbers"),
        (lambda: nd.linspace(0, 1, -1), "linspace: num is a whole number of at least 0"),
        (lambda: nd.eye(-1), "eye: n is a whole number of at least 0"),
        (lambda: nd.zeros_like("a"), "zeros_like|full_like"),
        (lambda: nd.full(2, "a"), "full: wanted a number"),
    ):
        with pytest.raises((ShapeError, DTypeError), match=message):
            call()


def test_reductions_take_what_numpy_hands_on(device):
    a = nd.array([[3, 1], [2, 4]], device=device)
    for name in ("sum", "prod", "max", "min", "mean", "any", "all", "argmax", "argmin"):
        for given in ({}, {"axis": 0}, {"axis": -1}):
            wanted = getattr(np, name)(a.numpy(), **given)
            assert np.ravel(getattr(np, name)(a, **given).numpy()).tolist() == np.ravel(wanted).tolist()
        with pytest.raises(TypeError, match=f"^{name}: out= is not supported"):
            getattr(a, name)(out=np.zeros(()))
        with pytest.raises(ShapeError, match=f"^{name}: axis 5 is out of range"):
            getattr(a, name)(axis=5)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers_have_no_negative_powers(dtype, device):
    a = nd.array([-1, 2], dtype=dtype, device=device)
    for call in (lambda: 2**a, lambda: True**a, lambda: a**-1, lambda: a**a, lambda: (a > 0) ** a):
        with pytest.raises(DTypeError, match="power: integers to the power -1 are not integers; convert"):
            call()
    same(2.0**a, np.array([0.5, 4], "float32"))
    same(2 ** nd.array([0, 3], dtype=dtype, device=device), np.array([1, 8], dtype))
    same(nd.array([], dtype=dtype, device=device) ** a[:0], np.array([], dtype))


def test_logic_with_the_array_on_the_right(device):
    mask = nd.array([True, False], dtype="bool", device=device)
    for left in (True, np.array([True, True]), [True, True]):
        same(left & mask, np.array([True, False]))
        same(left | mask, np.array([True, True]))
        same(left ^ mask, np.array([False, True]))
