"""Choosing, scattering, repeating and asking, against PyTorch: values, gradients, edges; bad input."""

import numpy as np
import pytest
from autograd_helpers import TOTAL

from needle_edu import Tensor, no_grad, ops
from needle_edu.backend.errors import DTypeError, GradientError, IndexOutOfRange, ShapeError

X = np.random.default_rng(3).normal(size=(3, 4))
MASK = X > 0.2
INDEX = np.array([[2, 0, 2], [3, 3, 1]])
SOURCE = np.random.default_rng(4).normal(size=(3, 4))
CASES = {
    "masked_fill": lambda m, x, t: m.masked_fill(x, t(MASK), -2.0),
    "masked_fill, broadcast": lambda m, x, t: m.masked_fill(x, t(MASK[:1]), t(np.array(5.0))),
    "masked_select": lambda m, x, t: m.masked_select(x, t(MASK)),
    "masked_select, broadcast": lambda m, x, t: m.masked_select(x, t(MASK[:, :1])),
    "index_select": lambda m, x, t: m.index_select(x, 1, t(np.array([3, 0, 3]))),
    "index_select, none": lambda m, x, t: m.index_select(x, -1, t(np.array([], int))),
    "narrow": lambda m, x, t: m.narrow(x, 1, 1, 2),
    "narrow from behind": lambda m, x, t: m.narrow(x, -1, -2, 2),
    "narrow to nothing": lambda m, x, t: m.narrow(x, 0, 3, 0),
    "gather": lambda m, x, t: m.gather(x, 1, t(INDEX)),
    "gather along rows": lambda m, x, t: m.gather(x, 0, t(np.array([[2, 0, 2, 1]]))),
    "gather backwards": lambda m, x, t: m.gather(x, -1, t(INDEX[:, ::-1].copy())),
    "scatter_add": lambda m, x, t: m.scatter_add(x, 1, t(INDEX), t(SOURCE)),
    "scatter_add to itself": lambda m, x, t: m.scatter_add(x, 0, t(np.array([[0, 2, 1, 1]])), (x * x)[:1]),
    "scatter": lambda m, x, t: m.scatter(x, 1, t(np.array([[2, 0], [1, 3]])), t(SOURCE)),
    "scatter to itself": lambda m, x, t: m.scatter(x, 0, t(np.array([[0, 2, 1, 1]])), (x * x)[:1]),
    "scatter of a number": lambda m, x, t: m.scatter(x, 1, t(INDEX), 7.5),
    "tile": lambda m, x, t: m.tile(x, (2, 3)),
    "tile, axes in front": lambda m, x, t: m.tile(x, (2, 1, 2)),
    "tile, fewer": lambda m, x, t: m.tile(x, (2,)),
    "tile, none": lambda m, x, t: m.tile(x, (0, 1)),
    "repeat": lambda m, x, t: x.repeat(2, 1, 3),
    "repeat_interleave": lambda m, x, t: m.repeat_interleave(x, 2, 1),
    "repeat_interleave, each": lambda m, x, t: m.repeat_interleave(x, t(np.array([0, 2, 1])), 0),
    "repeat_interleave, flat": lambda m, x, t: m.repeat_interleave(x, 3),
    "rsqrt": lambda m, x, t: m.rsqrt(x * x + 1),
    "frac": lambda m, x, t: m.frac(x * 3),
    "view": lambda m, x, t: x.view(2, -1),
    "expand": lambda m, x, t: x.expand(2, -1, 4),
    "mT": lambda m, x, t: x.mT,
}


@pytest.mark.parity
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("layout", ["compact", "backwards"])
def test_values_and_gradients_are_pytorchs(case, layout):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    given = X if layout == "compact" else X[::-1, ::-1].copy()

    def ours(x):
        return Tensor(x, dtype="float64" if x.dtype.kind == "f" else None, requires_grad=False)

    a, b = Tensor(given, dtype="float64"), torch.tensor(given, requires_grad=True)
    if layout == "compact":
        got, wanted = CASES[case](ops, a, ours), CASES[case](torch, b, torch.tensor)
    else:
        got = CASES[case](ops, a[::-1, ::-1], ours)
        wanted = CASES[case](torch, b.flip(0, 1), torch.tensor)
    np.testing.assert_allclose(got.numpy(), wanted.detach().numpy(), rtol=1e-12)
    assert got.shape == tuple(wanted.shape) and got.dtype == "float64"
    g = np.random.default_rng(5).normal(size=got.shape)
    (got * got).backward(Tensor(g, dtype="float64"))
    (wanted * wanted).backward(torch.tensor(g))
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_sources_have_gradients():
    for name in ("scatter", "scatter_add"):
        a, src = Tensor(np.zeros(3), dtype="float64"), Tensor([1.0, 2.0, 4.0], dtype="float64")
        y = getattr(ops, name)(a, 0, [2, 2, 0], src)
        assert y.numpy().tolist() == ([4, 0, 2] if name == "scatter" else [4, 0, 3])
        (y * Tensor([10.0, 20.0, 30.0], dtype="float64")).sum().backward()
        assert src.grad.numpy().tolist() == ([0, 30, 10] if name == "scatter" else [30, 30, 10])
        assert a.grad.numpy().tolist() == ([0, 20, 0] if name == "scatter" else [10, 20, 30])


def test_questions():
    x = Tensor([[0.0, 2.0], [0.0, np.nan]])
    assert x.any(1).numpy().tolist() == [True, True] and x.all(axis=0).numpy().tolist() == [False, True]
    assert x.any().shape == x.all().shape == TOTAL and x.any((0, 1)).item() and not x.all().item()
    assert x.any(0, keepdims=True).shape == (1, 2) and not x.any().requires_grad
    assert Tensor(np.zeros((0, 2))).all(0).numpy().tolist() == [True, True]
    assert Tensor(np.zeros((0, 2))).any(0).numpy().tolist() == [False, False]
    assert ops.isclose(x, x).numpy().tolist() == [[True, True], [True, False]]
    assert ops.isclose(x, x, equal_nan=True).all().item() and not ops.allclose(x, x)
    assert not ops.allclose(Tensor([np.nan]), Tensor([1.0]), equal_nan=True)
    assert ops.allclose(Tensor([np.inf, 1.0]), [np.inf, 1.0]) and not ops.allclose(Tensor([np.inf]), -np.inf)
    assert ops.allclose(Tensor([1.0]), Tensor([1.1]), atol=0.2) and not ops.allclose(
        Tensor([1.0]), Tensor([1.1])
    )
    assert ops.allclose(Tensor([10.0]), Tensor([11.0]), rtol=0.1)
    assert not ops.allclose(Tensor([11.2]), Tensor([10.0]), rtol=0.1, atol=0)
    assert x.nonzero().numpy().tolist() == [[0, 1], [1, 1]] and x.nonzero().dtype == "int64"
    assert Tensor(np.zeros((2, 2))).nonzero().shape == (0, 2) and Tensor(1.0).nonzero().shape == (1, 0)


def test_counting():
    a = Tensor([3, 1, 3, 0])
    assert a.bincount().numpy().tolist() == [1, 1, 0, 2] and a.bincount().dtype == "int64"
    assert a.bincount([0.5, 1.0, 2.0, 4.0]).numpy().tolist() == [4, 1, 0, 2.5]
    assert a.bincount(minlength=6).shape == (6,) and ops.bincount(Tensor(np.zeros(0, int))).shape == (0,)
    values, inverse, counts = ops.unique(Tensor([[2.0, -1.0], [2.0, 5.0]], dtype="float32"), True, True)
    assert values.numpy().tolist() == [-1, 2, 5] and values.dtype == "float32"
    assert inverse.numpy().tolist() == [[1, 0], [1, 2]] and counts.numpy().tolist() == [1, 2, 1]
    assert ops.unique(Tensor([np.nan, np.nan])).shape == (2,)


def test_writing_at_an_index():
    x = Tensor(np.arange(6).reshape(2, 3), dtype="float64", requires_grad=False)
    seen = x.cached_data
    x[0, 1:] = [10.0, 20.0]
    x[:, 0] = Tensor([7.0], requires_grad=False)
    x[Tensor([False, True], requires_grad=False), 2] = -1
    assert x.numpy().tolist() == [[7, 10, 20], [7, 4, -1]] and x.cached_data is seen
    w = Tensor([1.0, 2.0])
    with no_grad():
        w[Tensor([1])] = 5.0
    assert w.numpy().tolist() == [1, 5]
    with pytest.raises(GradientError, match=r"setitem: writes over numbers .* under needle_edu.no_grad\(\)"):
        w[0] = 1.0
    with pytest.raises(GradientError, match="setitem: writes over"):
        x[0] = Tensor([1.0, 2.0, 3.0])
    whole = Tensor([1, 2], requires_grad=False)
    with pytest.raises(DTypeError, match="setitem: a result of dtype float.* does not fit a tensor of int64"):
        whole[0] = 0.5


def test_a_graph_notices_what_was_written_at_an_index():
    x = Tensor([1.0, 2.0])
    y = (x * x).sum()
    with no_grad():
        x[0] = 3.0
    if hasattr(x.cached_data, "storage"):  # needle_edu's arrays count their writes; NumPy's do not
        with pytest.raises(GradientError, match="overwritten"):
            y.backward()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: x.masked_fill(x, 0),
            DTypeError,
            "masked_fill: wanted a mask of bools, got float32; compare",
        ),
        (lambda x: x.masked_select(x), DTypeError, "masked_select: wanted a mask of bools, got float32"),
        (lambda x: x.masked_select([True] * 3), ShapeError, r"masked_select: shapes \(2, 2\) and \(3,\)"),
        (
            lambda x: x.index_select(0, [[0]]),
            ShapeError,
            r"index_select: wanted a vector of integers, got .*\(1, 1\)",
        ),
        (
            lambda x: x.index_select(0, [0.5]),
            DTypeError,
            "index_select: wanted integers as index, got float",
        ),
        (lambda x: x.index_select(0, [2]), IndexError, "2 is out of"),
        (lambda x: x.narrow(0, 1, 2), IndexOutOfRange, "narrow: 2 from 1 on do not fit into axis 0"),
        (lambda x: x.narrow(0, -3, 1), IndexOutOfRange, "narrow: 1 from -3 on do not fit"),
        (lambda x: x.narrow(0, 0, -1), ShapeError, "narrow: length is a whole number of at least 0, got -1"),
        (lambda x: x.narrow(2, 0, 1), ShapeError, "narrow: axis 2"),
        (lambda x: x.gather(0, [0]), ShapeError, r"gather: an index of shape \(1,\) does not fit .*\(2, 2\)"),
        (lambda x: x.gather(0, [[0, 0, 0]]), ShapeError, r"gather: an index of shape \(1, 3\) does not fit"),
        (
            lambda x: x.gather(0, [[2]]),
            IndexOutOfRange,
            "gather: index 2 is out of range for axis 0 of extent 2",
        ),
        (lambda x: x.scatter(1, [[-1]], 0), IndexOutOfRange, "scatter: index -1 is out of range for axis 1"),
        (
            lambda x: x.scatter_add(1, [[0, 1]], x[:, :1]),
            ShapeError,
            r"scatter_add: a source of shape \(2, 1\)",
        ),
        (lambda x: x.tile((2, -1)), ShapeError, "tile: reps is a whole number of at least 0, got -1"),
        (
            lambda x: x.repeat(2),
            ShapeError,
            r"repeat: wanted a number for each axis of shape \(2, 2\), got \(2,\)",
        ),
        (
            lambda x: x.repeat_interleave([1, 2, 3], 0),
            ShapeError,
            "repeats are one number, or 2, of at least 0",
        ),
        (lambda x: x.repeat_interleave(-1), ShapeError, "repeat_interleave: repeats are one number, or 4"),
        (lambda x: x.expand(2), ShapeError, r"expand: \(2,\) is no shape for a tensor of shape \(2, 2\)"),
        (lambda x: x.expand(-1, 2, 2), ShapeError, r"expand: \(-1, 2, 2\) is no shape"),
        (
            lambda x: x.any("rows"),
            ShapeError,
            "any: axes are None, an integer or several integers, got 'rows'",
        ),
        (lambda x: x.isclose(x, rtol=-1), ValueError, "isclose: rtol is a number with 0 <= rtol, got -1"),
        (lambda x: x.isclose(x, equal_nan="x"), ValueError, "isclose: equal_nan is True or False, got 'x'"),
        (
            lambda x: x.bincount(),
            DTypeError,
            r"bincount: wanted a vector of integers, got float32 of shape \(2, 2\)",
        ),
        (lambda x: ops.bincount([-1]), DTypeError, "bincount: wanted integers of at least 0, got -1"),
        (
            lambda x: ops.bincount([1], [1.0, 2.0]),
            ShapeError,
            r"bincount: 1 integers with weights of shape \(2,\)",
        ),
        (lambda x: x.unique("x"), ValueError, "unique: return_inverse is True or False, got 'x'"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(Tensor([[1.0, 2.0], [3.0, 4.0]], dtype="float32"))
