"""Pooling: values, gradients and second derivatives against PyTorch; ties, nan, padding, ceil_mode; what is refused."""

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import Tensor, ops
from needle_edu.backend import DTypeError, ShapeError

CASES = {
    "max plain": ("max_pool2d", (2, 3, 4, 6), {"kernel_size": 2}),
    "max odd": ("max_pool2d", (2, 1, 5, 7), {"kernel_size": 2}),
    "max overlapping": ("max_pool2d", (1, 2, 6, 7), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "max pairs": ("max_pool2d", (2, 2, 6, 5), {"kernel_size": (2, 3), "stride": (3, 1), "padding": (1, 0)}),
    "max ceil": (
        "max_pool2d",
        (1, 2, 5, 6),
        {"kernel_size": 2, "stride": 2, "padding": 1, "ceil_mode": True},
    ),
    "max dilated": ("max_pool2d", (1, 2, 6, 6), {"kernel_size": 2, "stride": 1, "dilation": (2, 3)}),
    "max 1d": ("max_pool1d", (2, 3, 9), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "average plain": ("avg_pool2d", (2, 3, 4, 6), {"kernel_size": 2}),
    "average overlapping": ("avg_pool2d", (1, 2, 6, 7), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "average without padding": (
        "avg_pool2d",
        (2, 2, 6, 5),
        {"kernel_size": (2, 3), "stride": (2, 1), "padding": 1, "count_include_pad": False},
    ),
    "average ceil": (
        "avg_pool2d",
        (1, 2, 6, 4),
        {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    ),
    "average ceil without padding": (
        "avg_pool2d",
        (1, 2, 6, 4),
        {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
    ),
    "average divisor": ("avg_pool2d", (1, 2, 4, 4), {"kernel_size": 2, "divisor_override": 3}),
    "average 1d": ("avg_pool1d", (2, 3, 9), {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True}),
}


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("values", ["all different", "many ties"])
@pytest.mark.parametrize("name", CASES)
def test_against_pytorch(name, values, dtype, rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[parity]'")
    op, shape, attributes = CASES[name]
    x = (rng.normal(size=shape) if values == "all different" else rng.integers(0, 2, shape)).astype(dtype)
    a, b = Tensor(x, dtype=dtype), torch.tensor(x, requires_grad=True)
    y, z = getattr(ops, op)(a, **attributes), getattr(torch.nn.functional, op)(b, **attributes)
    (y * y * y).backward(create_graph=True)
    first, (wanted,) = a.grad, torch.autograd.grad((z * z * z).sum(), b, create_graph=True)
    (first * first).backward()
    (second,) = torch.autograd.grad((wanted * wanted).sum(), b)
    close = {"float64": 1e-12, "float32": 1e-5}[dtype]
    assert (y.dtype, y.shape) == (dtype, tuple(z.shape))
    for got, expected in ((y, z), (first, wanted), (a.grad, second)):
        np.testing.assert_allclose(got.numpy(), expected.detach().numpy(), rtol=close, atol=close)


def test_the_first_of_equal_elements_gets_the_gradient():
    x = tensor([[[[2.0, 2.0], [2.0, 1.0]]]])
    ops.max_pool2d(x, 2).backward()
    assert x.grad.numpy().tolist() == [[[[1, 0], [0, 0]]]]


def test_special_values(rng):
    """nan is a maximum, the last one gets the gradient, as in PyTorch; -inf beats padding."""
    x = tensor([[[1.0, np.nan, 3.0, np.nan]]])
    y = ops.max_pool1d(x, 4)
    y.backward()
    assert np.isnan(y.numpy()).all()
    assert x.grad.numpy().tolist() == [[[0, 0, 0, 1]]]
    x = tensor([[[-np.inf, -np.inf, np.inf, 0.0]]])
    y = ops.max_pool1d(x, 2, padding=1)
    y.backward()
    assert y.numpy().tolist() == [[[-np.inf, np.inf, 0.0]]]
    assert x.grad.numpy().tolist() == [[[1, 0, 1, 1]]]


def test_a_window_that_sees_only_padding_has_no_gradient():
    x = tensor([[[5.0]]])
    y = ops.max_pool1d(x, 2, stride=1, padding=1, dilation=2)
    y.backward()
    assert y.numpy().tolist() == [[[-np.inf]]]
    assert x.grad.numpy().tolist() == [[[0]]]


def test_no_window_begins_in_the_padding_behind():
    assert ops.max_pool1d(np.ones((1, 1, 5)), 2, 3, 1, ceil_mode=True).shape == (1, 1, 2)
    y = ops.avg_pool1d(tensor(np.ones((1, 1, 4))), 3, 2, 1, ceil_mode=True)
    np.testing.assert_allclose(y.numpy(), [[[2 / 3, 1, 1 / 2]]])


def test_views_and_empty_batches(rng):
    x = rng.normal(size=(5, 4, 3, 2))
    for op in (ops.max_pool2d, ops.avg_pool2d):
        a = tensor(x)
        y = op(ops.permute(a, (3, 2, 1, 0))[:, ::-1, :, ::-1], 2)
        copy = np.ascontiguousarray(x.transpose(3, 2, 1, 0)[:, ::-1, :, ::-1])
        np.testing.assert_allclose(y.numpy(), op(tensor(copy), 2).numpy())
        none = tensor(np.ones((0, 2, 4, 4)))
        op(none, 2).backward()
        assert none.grad.shape == none.shape


def test_adjoints_go_to_their_places():
    g = tensor(np.arange(1.0, 9).reshape(2, 1, 4))
    places = np.array([[[0, 2, -1, 2]], [[1, 1, 2, 0]]])
    y = ops.max_pool_backward(g, places, (2, 1, 3))
    assert y.numpy().tolist() == [[[1, 0, 6]], [[8, 11, 7]]]
    (y * tensor([[[1.0, 2, 3]], [[4, 5, 6]]])).backward()
    assert g.grad.numpy().tolist() == [[[1, 3, 0, 3]], [[5, 5, 6, 4]]]


X = np.ones((1, 2, 4, 4))
WRONG = {
    "padding": (lambda: ops.max_pool2d(X, 2, padding=2), "padding is at most half of the 2 elements"),
    "negative padding": (lambda: ops.avg_pool2d(X, 2, padding=-1), "padding is a whole number of at least 0"),
    "kernel": (lambda: ops.max_pool2d(X, 0), "kernel_size is a whole number of at least 1, got 0"),
    "three": (lambda: ops.avg_pool2d(X, (2, 2, 2)), "kernel_size is one number or 2"),
    "stride": (lambda: ops.max_pool2d(X, 2, stride=0), "stride is a whole number of at least 1, got 0"),
    "too large": (lambda: ops.max_pool2d(X, 5), "a window reaches over .*use a smaller kernel_size"),
    "no batch": (lambda: ops.max_pool2d(X[0], 2), r"wanted a shape \(N, C, H, W\), got .*add a batch axis"),
    "axes": (lambda: ops.avg_pool1d(X, 2), r"wanted a shape \(N, C, L\)"),
    "divisor": (lambda: ops.avg_pool2d(X, 2, divisor_override=0), "divisor_override is a whole number"),
    "places": (lambda: ops.max_pool_backward(X, X[0].astype(int), X.shape), "one place for each adjoint"),
    "extents": (
        lambda: ops.max_pool_backward(X, X.astype(int), (1, 2)),
        r"shape is \(N, C, L\) or \(N, C, H, W\)",
    ),
    "adjoint": (lambda: ops.avg_pool_backward(X, X.shape, 2), "wanted an adjoint of shape"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused(name):
    call, message = WRONG[name]
    with pytest.raises(ShapeError, match=rf"^\w+_pool\w*: .*{message}"):
        call()


def test_places_are_integers():
    with pytest.raises(DTypeError, match="max_pool_backward: places are integers, got float"):
        ops.max_pool_backward(X, X, X.shape)


def test_integers_are_refused():
    with pytest.raises(DTypeError, match="max_pool2d: wanted floating-point numbers, got int64"):
        ops.max_pool2d(Tensor(X.astype(int)), 2)
