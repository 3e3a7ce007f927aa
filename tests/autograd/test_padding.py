"""Padding by elements: values, gradients and second derivatives beside PyTorch and NumPy; what is refused."""

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import Tensor, ops
from needle_edu.autograd import grad_check
from needle_edu.backend import NeedleError, ShapeError
from needle_edu.ops import padding

MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
X = np.random.default_rng(1).normal(size=(2, 3, 4, 5))
WIDTHS = [(3, 2, 1, 0), (0, 0, 0, 0), (0, 4, 2, 3), (1, 1, 3, 3)]  # PyTorch's order: left, right, top, bottom


def pairs(width):
    return (0, 0), (0, 0), width[2:], width[:2]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("mode", MODES)
def test_values_and_gradients_are_pytorch_s(mode, width, dtype, rng):
    torch = pytest.importorskip("torch")
    x = X.astype(dtype)
    ours, theirs = Tensor(x, dtype=dtype), torch.tensor(x, requires_grad=True)
    y, z = ops.pad(ours, pairs(width), mode=mode), torch.nn.functional.pad(theirs, width, mode=mode)
    np.testing.assert_array_equal(y.numpy(), z.detach().numpy())
    g = rng.normal(size=y.shape).astype(dtype)
    (y * y * Tensor(g, dtype=dtype)).sum().backward()
    (z * z * torch.tensor(g)).sum().backward()
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "view", [lambda a: a[::-1, 1:], lambda a: a.T, lambda a: a[:, ::-2], lambda a: a[:0]]
)
@pytest.mark.parametrize("mode", MODES)
def test_any_axes_and_views_as_numpy_does(mode, view):
    x = np.arange(24.0).reshape(6, 4)
    seen = view(tensor(x))
    width = ((1, 1) if seen.shape[0] else (0, 0), (0, 1))
    wanted = np.pad(view(x), width, mode=MODES[mode])
    np.testing.assert_array_equal(ops.pad(seen, width, mode=mode).numpy(), wanted)
    np.testing.assert_array_equal(ops.pad(seen, width, mode=MODES[mode]).numpy(), wanted)


@pytest.mark.parametrize("dtype", ["int32", "int64", "bool"])
def test_what_only_moves_takes_every_dtype(dtype):
    x = np.array([0, 1, 1]).astype(dtype)
    y = ops.pad(Tensor(x, dtype=dtype, requires_grad=False), [(2, 2)], mode="reflect")
    assert y.dtype == dtype and y.numpy().tolist() == np.pad(x, 2, mode="reflect").tolist()


def test_specials_go_where_they_are_copied():
    x = tensor([np.nan, -np.inf, -0.0])
    y = ops.pad(x, [(1, 2)], mode="circular")
    np.testing.assert_array_equal(y.numpy(), [-0.0, np.nan, -np.inf, -0.0, np.nan, -np.inf])
    assert np.signbit(y.numpy()[0])
    y.sum().backward()
    assert x.grad.numpy().tolist() == [2, 2, 2]


@pytest.mark.parametrize("mode", MODES)
def test_second_derivatives(mode, rng):
    assert grad_check(
        lambda a: ops.pad(a, [(2, 1), (0, 3)], mode=mode) ** 3, rng.normal(size=(3, 4)), order=2
    )


def test_edges():
    assert ops.pad(tensor(3.0), (), mode="reflect").item() == 3
    assert ops.pad(tensor([5.0]), [(1, 3)], mode="replicate").numpy().tolist() == [5] * 5
    assert ops.pad(tensor([1.0, 2.0]), [(2, 2)], mode="circular").numpy().tolist() == [1, 2, 1, 2, 1, 2]
    assert ops.pad(tensor(np.zeros((0, 2))), [(0, 0), (1, 1)], mode="reflect").shape == (0, 4)
    frame = ops.pad_backward(tensor(np.ones((4, 3))), ((1, 1), (0, 2)))
    assert frame.numpy().tolist() == [[1], [1]]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda a: ops.pad(a, [(3, 0)], mode="reflect"), ShapeError, "^pad: mode 'reflect' finds at most 2 .* axis 0"),
        (lambda a: ops.pad(a, [(0, 4)], mode="circular"), ShapeError, "^pad: mode 'circular' finds at most 3"),
        (lambda a: ops.pad(a[:0], [(0, 1)], mode="edge"), ShapeError, "^pad: mode 'replicate' finds at most 0"),
        (lambda a: ops.pad(a, [(1, 1)], mode="mirror"), ValueError, "^pad: mode is one of constant, .* got 'mirror'"),
        (lambda a: ops.pad(a, [(1, 1)], mode=None), ValueError, "^pad: mode is one of constant, .* got None"),
        (lambda a: ops.pad(a, [(1, 1)], "reflect"), ValueError, "^pad: write mode='reflect'"),
        (lambda a: ops.pad(a, [(1, 1)], 2.0, "reflect"), ValueError, "^pad: constant_value=2.0 is for mode='constant'"),
        (lambda a: ops.pad(a, [(1, 1)] * 2, mode="reflect"), ShapeError, "^pad: wanted a pair .* each of the 1 axes"),
        (lambda a: ops.pad(a, [(-1, 1)], mode="reflect"), ShapeError, "^pad: wanted pairs"),
        (lambda a: ops.pad_backward(a, [(2, 2)], "wrap"), ShapeError, r"^pad_backward: shape \(3,\) has no frame"),
        (lambda a: ops.pad_backward(a, [(2, 0)], "reflect"), ShapeError, "^pad_backward: mode 'reflect' finds at most"),
        (lambda a: ops.pad_backward(a, [(1, 0)], "x"), ValueError, "^pad_backward: mode is one of"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call(tensor([1.0, 2.0, 3.0]))
    assert isinstance(caught.value, (NeedleError, ValueError))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("places", [10**6, 0], ids=["one table", "a table for each axis"])
def test_tables(mode, places, monkeypatch):
    """Values and gradients from one table for all axes, and from one for each, which large images get."""
    monkeypatch.setattr(padding, "_SMALL_TABLE", places)
    x = np.arange(200, dtype="float64").reshape(5, 4, 5, 2)
    frame = ((1, 0), (0, 0), (2, 1), (0, 0))
    a = Tensor(x, dtype="float64")
    y = ops.pad(a, frame, mode=mode)
    np.testing.assert_array_equal(y.numpy(), np.pad(x, frame, MODES[mode]))
    g = np.arange(y.size, dtype="float64").reshape(y.shape)
    y.backward(Tensor(g, dtype="float64"))
    wanted = np.zeros(x.size)
    np.add.at(wanted, np.pad(np.arange(x.size).reshape(x.shape), frame, MODES[mode]), g)
    np.testing.assert_array_equal(a.grad.numpy(), wanted.reshape(x.shape))
