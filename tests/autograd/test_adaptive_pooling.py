"""Adaptive pooling: values, gradients and second derivatives against PyTorch and differences; what is refused."""

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import Tensor, grad_check, nn, ops
from needle_edu.backend import DTypeError, ShapeError

CASES = [
    ("pool1d", (2, 3, 9), 4),
    ("pool1d", (2, 3, 8), 4),
    ("pool1d", (1, 2, 3), 7),
    ("pool1d", (1, 1, 5), 1),
    ("pool2d", (2, 3, 7, 5), (3, 2)),
    ("pool2d", (2, 3, 6, 4), (3, 2)),
    ("pool2d", (1, 2, 3, 10), (5, None)),
    ("pool2d", (1, 2, 4, 3), 1),
    ("pool2d", (0, 2, 4, 3), (3, 2)),
]


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("values", ["all different", "many ties"])
@pytest.mark.parametrize("kind", ["adaptive_avg_", "adaptive_max_"])
@pytest.mark.parametrize("name, shape, size", CASES)
def test_against_pytorch(name, shape, size, kind, values, dtype, rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[parity]'")
    x = (rng.normal(size=shape) if values == "all different" else rng.integers(0, 2, shape)).astype(dtype)
    a, b = Tensor(x, dtype=dtype), torch.tensor(x, requires_grad=True)
    y, z = getattr(ops, kind + name)(a, size), getattr(torch.nn.functional, kind + name)(b, size)
    (y * y * y).backward(create_graph=True)
    first, (wanted,) = a.grad, torch.autograd.grad((z * z * z).sum(), b, create_graph=True)
    (first * first).backward()
    (second,) = torch.autograd.grad((wanted * wanted).sum(), b)
    close = {"float64": 1e-12, "float32": 1e-5}[dtype]
    assert (y.dtype, y.shape) == (dtype, tuple(z.shape))
    for got, expected in ((y, z), (first, wanted), (a.grad, second)):
        np.testing.assert_allclose(got.numpy(), expected.detach().numpy(), rtol=close, atol=close)


@pytest.mark.parametrize("op", [ops.adaptive_avg_pool2d, ops.adaptive_max_pool2d])
def test_finite_differences_and_views(op, rng):
    x = rng.permutation(70).reshape(7, 5, 2, 1) / 7.0
    assert grad_check(lambda a: op(a, (3, 2)), x.transpose(3, 2, 0, 1).copy())
    view = ops.permute(tensor(x), (3, 2, 0, 1))[:, :, ::-1, ::-1]
    copy = np.ascontiguousarray(x.transpose(3, 2, 0, 1)[:, :, ::-1, ::-1])
    np.testing.assert_array_equal(op(view, (3, 2)).numpy(), op(tensor(copy), (3, 2)).numpy())


def test_infinities_and_nan_stay_in_their_windows():
    """Windows 0, 1 and 2 of 4 elements are 0:2, 1:3 and 2:4."""
    x = tensor([[[np.inf, 1.0, 2.0, np.nan]]])
    assert np.array_equal(ops.adaptive_avg_pool1d(x, 3).numpy(), [[[np.inf, 1.5, np.nan]]], equal_nan=True)
    assert np.array_equal(ops.adaptive_max_pool1d(x, 3).numpy(), [[[np.inf, 2, np.nan]]], equal_nan=True)
    x = tensor([[[1.0, 2.0, 3.0, 4.0, np.inf]]])  # windows 0:2, 1:4, 3:5, the middle one longer
    assert ops.adaptive_avg_pool1d(x, 3).numpy().tolist() == [[[1.5, 3.0, np.inf]]]


@pytest.mark.parametrize("kind", ["Avg", "Max"])
def test_layers_are_the_functions(kind, rng):
    x = rng.normal(size=(2, 3, 5, 4)).astype("float32")
    layer = getattr(nn, f"Adaptive{kind}Pool2d")((3, None))
    assert "output_size=(3, None)" in repr(layer)
    wanted = getattr(ops, f"adaptive_{kind.lower()}_pool2d")(Tensor(x), (3, None))
    np.testing.assert_array_equal(layer(Tensor(x)).numpy(), wanted.numpy())
    line = getattr(nn, f"Adaptive{kind}Pool1d")(2)
    wanted = getattr(ops, f"adaptive_{kind.lower()}_pool1d")(Tensor(x[0]), 2)
    np.testing.assert_array_equal(line(Tensor(x[0])).numpy(), wanted.numpy())


X = np.ones((1, 2, 4, 4))
WRONG = {
    "no batch": (lambda: ops.adaptive_avg_pool2d(X[0], 1), r"wanted a shape \(N, C, H, W\), .*batch axis"),
    "axes": (lambda: ops.adaptive_max_pool1d(X, 1), r"wanted a shape \(N, C, L\)"),
    "empty": (lambda: ops.adaptive_max_pool2d(X[:, :, :0], 1), "nothing to pool"),
    "zero": (lambda: ops.adaptive_avg_pool2d(X, 0), "output_size is a whole number of at least 1, got 0"),
    "three": (lambda: ops.adaptive_avg_pool2d(X, (1, 2, 3)), "output_size is one number or 2"),
    "layer": (lambda: nn.AdaptiveMaxPool2d((1, 2, 3)), "output_size is one number or 2"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused(name):
    call, message = WRONG[name]
    with pytest.raises(ShapeError, match=rf"^adaptive_\w+_pool\dd: .*{message}"):
        call()


@pytest.mark.parametrize("name", ["adaptive_avg_pool2d", "adaptive_max_pool2d"])
def test_integers_are_refused(name):
    with pytest.raises(DTypeError, match=f"^{name}: wanted floating-point numbers, got int64"):
        getattr(ops, name)(Tensor(X.astype(int)), 3)
