"""Elements in other places, variances, running positions: the functions of arrays beside NumPy's; what is refused."""

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.backend import DTypeError, ShapeError

X = np.random.default_rng(3).normal(size=(2, 3, 4)).astype("float32")
VIEWS = {
    "compact": lambda a: a,
    "transposed": lambda a: a.transpose((2, 0, 1)),
    "reversed": lambda a: a[:, ::-1, ::-2],
    "empty": lambda a: a[:, :0],
    "broadcast": lambda a: a[:, :1],
}
CALLS = {
    "roll": lambda m, a: m.roll(a, 5),
    "roll an axis": lambda m, a: m.roll(a, -1, axis=1),
    "roll nowhere": lambda m, a: m.roll(a, 0, axis=1),
    "roll axes": lambda m, a: m.roll(a, (1, -2), axis=(0, -1)),
    "tril": lambda m, a: m.tril(a),
    "tril above": lambda m, a: m.tril(a, 1),
    "triu": lambda m, a: m.triu(a),
    "triu below": lambda m, a: m.triu(a, -1),
    "repeat": lambda m, a: m.repeat(a, 3),
    "repeat an axis": lambda m, a: m.repeat(a, 2, axis=1),
    "repeat never": lambda m, a: m.repeat(a, 0, axis=0),
    "tile": lambda m, a: m.tile(a, 2),
    "tile axes": lambda m, a: m.tile(a, (2, 1, 3)),
    "tile into more": lambda m, a: m.tile(a, (2, 1, 1, 2)),
    "tile never": lambda m, a: m.tile(a, (0, 2)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "bool"])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("call", CALLS)
def test_moved_as_numpy_moves(call, view, dtype, device):
    x = (X * 3).astype(dtype)
    got = CALLS[call](nd, VIEWS[view](nd.array(x, dtype=dtype, device=device)))
    wanted = CALLS[call](np, VIEWS[view](x))
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
    np.testing.assert_array_equal(got.numpy(), wanted)


def test_a_rolled_array_is_another_array(device):
    a = nd.array([1, 2, 3], device=device)
    for b in (nd.roll(a, 0, axis=0), nd.roll(a, (), axis=())):
        b[0] = 9
        assert a.numpy().tolist() == [1, 2, 3]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("view", ["compact", "transposed", "reversed", "broadcast"])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
@pytest.mark.parametrize("name", ["var", "std"])
def test_variances_are_numpy_s(name, axis, view, dtype, device):
    x = (X * 3).astype(dtype)
    a, x = VIEWS[view](nd.array(x, dtype=dtype, device=device)), VIEWS[view](x)
    for correction in (0, 1, 0.5):
        for keepdims in (False, True):
            with np.errstate(all="ignore"):
                wanted = getattr(np, name)(x.astype("float64"), axis=axis, ddof=correction, keepdims=keepdims)
            got = getattr(a, name)(axis, correction, keepdims)
            assert got.dtype == (dtype if dtype == "float64" else "float32")
            assert got.shape == (wanted.shape if axis is not None or keepdims else (1,))
            np.testing.assert_allclose(got.numpy(), np.reshape(wanted, got.shape), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(getattr(np, name)(a, axis=axis).numpy(), getattr(a, name)(axis).numpy())
    np.testing.assert_array_equal(getattr(a, name)(axis, ddof=1).numpy(), getattr(a, name)(axis, 1).numpy())


def test_variances_of_specials(device):
    a = nd.array([[1e4, 1e4 + 1, 1e4 + 2], [np.nan, 1, 2], [np.inf, 1, 2]], device=device)
    np.testing.assert_allclose(nd.var(a, 1).numpy(), [2 / 3, np.nan, np.nan], rtol=1e-6)
    assert nd.var(nd.array([1, 2], device=device), correction=2).numpy().tolist() == [np.inf]
    assert np.isnan(nd.std(nd.array([3], device=device), correction=1).numpy()[0])


@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("view", VIEWS)
def test_running_positions(view, axis, device):
    x = np.round(VIEWS[view](X))
    a = VIEWS[view](nd.array(np.round(X), device=device))
    flat, along = (x.reshape(-1), 0) if axis is None else (x, axis)
    for name, extreme in (("cumargmax", np.maximum), ("cumargmin", np.minimum)):
        places = getattr(nd, name)(a, axis).numpy()
        assert places.dtype == "int64" and places.shape == flat.shape
        np.testing.assert_array_equal(
            np.take_along_axis(flat, places, along), extreme.accumulate(flat, along)
        )
        steps = np.arange(flat.shape[along]).reshape(
            [-1 if k == along % flat.ndim else 1 for k in range(flat.ndim)]
        )
        newest = np.where(flat == extreme.accumulate(flat, along), steps, -1)  # the latest of equals
        np.testing.assert_array_equal(places, np.maximum.accumulate(newest, along))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("view", VIEWS)
def test_linear_scan_is_its_recurrence(view, axis, device):
    x, y = VIEWS[view](X), VIEWS[view](X[::-1] + 1)
    a, b = VIEWS[view](nd.array(X, device=device)), VIEWS[view](nd.array(X[::-1] + 1, device=device))
    lines, terms = np.moveaxis(x.astype("float64"), axis, 0), np.moveaxis(y, axis, 0)
    wanted = terms.astype("float64")
    for k in range(1, len(lines)):
        wanted[k] += lines[k] * wanted[k - 1]
    np.testing.assert_allclose(
        nd.linear_scan(a, b, axis).numpy(), np.moveaxis(wanted, 0, axis), rtol=1e-5, atol=1e-6
    )


def test_methods_are_the_functions(device):
    a = nd.array(X, device=device)
    for name in ("argsort", "cumsum", "cumprod"):
        np.testing.assert_array_equal(getattr(a, name)(1).numpy(), getattr(nd, name)(a, 1).numpy())


A, V = nd.array(X), nd.array([1.0, 2.0])
WRONG = {
    "roll: wanted one shift where no axis is named": (ShapeError, lambda: nd.roll(A, (1, 2))),
    "roll: wanted a shift for each of the axes": (ShapeError, lambda: nd.roll(A, 1, (0, 1))),
    "roll: axis 3 is out of range": (ShapeError, lambda: nd.roll(A, 1, 3)),
    r"tril: wanted matrices, at least 2 axes, got shape \(2,\)": (ShapeError, lambda: nd.tril(V)),
    "triu: k is a whole number, got 0.5": (ShapeError, lambda: nd.triu(A, 0.5)),
    "repeat: repeats is a whole number of at least 0, got -1": (ShapeError, lambda: nd.repeat(A, -1)),
    "repeat: axis 3 is out of range": (ShapeError, lambda: nd.repeat(A, 1, 3)),
    "tile: wanted numbers of copies from 0 on": (ShapeError, lambda: nd.tile(A, (1, -1))),
    "var: no elements along axis 0": (ShapeError, lambda: nd.var(nd.zeros((0, 2)), 0)),
    "std: axis 3 is out of range": (ShapeError, lambda: nd.std(A, 3)),
    "var: correction is a number, got 'a'": (DTypeError, lambda: nd.var(A, correction="a")),
    "std: dtype= is not supported": (TypeError, lambda: nd.std(A, dtype="float64")),
    "cumargmax: axis 3 is out of range": (ShapeError, lambda: nd.cumargmax(A, 3)),
    r"linear_scan: wanted one shape .* got \(2, 3, 4\) and \(2,\)": (ShapeError, lambda: nd.linear_scan(A, V)),
    "linear_scan: wanted two arrays of one float type, got float32 and int64": (
        DTypeError, lambda: nd.linear_scan(V, nd.arange(2)),
    ),
    "linear_scan: axis 1 is out of range": (ShapeError, lambda: nd.linear_scan(V, V, 1)),
    "roll: wanted an NDArray, got str": (DTypeError, lambda: nd.roll("a", 1)),
}  # fmt: skip


@pytest.mark.parametrize("words", WRONG)
def test_what_makes_no_sense_is_said(words):
    error, call = WRONG[words]
    with pytest.raises(error, match="^" + words):
        call()
