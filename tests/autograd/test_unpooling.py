"""Places of maxima, the way back from them, and power-average pooling: values, gradients and second derivatives against
PyTorch and differences; equal places, zeros, special values; what is refused."""

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import Tensor, grad_check, nn, ops
from needle_edu.backend import DTypeError, IndexOutOfRange, ShapeError

POOLS = [
    ("max_pool2d", (2, 3, 6, 8), {"kernel_size": 2}),
    ("max_pool2d", (2, 3, 7, 6), {"kernel_size": (3, 2), "stride": 2, "padding": (1, 0)}),
    ("max_pool2d", (1, 2, 8, 9), {"kernel_size": 2, "dilation": 2, "ceil_mode": True}),
    ("max_pool1d", (2, 3, 9), {"kernel_size": 2}),
]


def torch_and(x, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[parity]'")
    return torch, Tensor(x, dtype=dtype), torch.tensor(x.astype(dtype), requires_grad=True)


def compared(torch, a, b, y, z, dtype):
    """Value, gradient and the gradient of its square."""
    (y * y * y).backward(create_graph=True)
    first, (wanted,) = a.grad, torch.autograd.grad((z * z * z).sum(), b, create_graph=True)
    (first * first).backward()
    (second,) = torch.autograd.grad((wanted * wanted).sum(), b)
    close = {"float64": 1e-10, "float32": 2e-4}[dtype]
    assert (y.dtype, y.shape) == (dtype, tuple(z.shape))
    for got, expected in ((y, z), (first, wanted), (a.grad, second)):
        np.testing.assert_allclose(got.numpy(), expected.detach().numpy(), rtol=close, atol=close)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("name, shape, attributes", POOLS)
def test_places_are_those_of_pytorch(name, shape, attributes, recorded, dtype, rng):
    torch, a, b = torch_and(rng.integers(0, 3, shape), dtype)
    a = a if recorded else a.detach()
    y, places = getattr(ops, f"{name}_with_indices")(a, **attributes)
    z, wanted = getattr(torch.nn.functional, name)(b, return_indices=True, **attributes)
    assert places.dtype == "int64" and not places.requires_grad
    np.testing.assert_array_equal(places.numpy(), wanted.numpy())
    np.testing.assert_array_equal(y.numpy(), z.detach().numpy())
    layer = getattr(nn, "MaxPool" + name[-2:])(return_indices=True, **attributes)
    np.testing.assert_array_equal(layer(a)[1].numpy(), wanted.numpy())
    assert "return_indices=True" in repr(layer)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [None, (7, 9), (2, 3, 7, 9)])
def test_unpooling_against_pytorch(size, dtype, rng):
    x = rng.permutation(2 * 3 * 7 * 9).reshape(2, 3, 7, 9) / 50.0
    torch, a, b = torch_and(x, dtype)
    y, places = ops.max_pool2d_with_indices(a, 2)
    z, there = torch.nn.functional.max_pool2d(b, 2, return_indices=True)
    there = there % 8 if size is None else there  # within the smaller image, and all different
    if size is None:
        there = torch.argsort(torch.rand(2, 3, 48), -1)[..., :12].reshape(2, 3, 3, 4)
        places = Tensor(there.numpy())
    y = ops.max_unpool2d(y * y, places, 2, output_size=size)
    z = torch.nn.functional.max_unpool2d(z * z, there, 2, output_size=size)
    compared(torch, a, b, y, z, dtype)


def test_unpooling_along_one_axis_and_as_layers(rng):
    x = np.array([[[1.0, 4.0, 3.0, 2.0, 9.0, 0.0]]])
    y, places = nn.MaxPool1d(2, return_indices=True)(tensor(x))
    back = nn.MaxUnpool1d(2)(y, places)
    assert back.numpy().tolist() == [[[0, 4, 3, 0, 9, 0]]]
    image = rng.normal(size=(2, 2, 4, 6)) + 9
    y, places = nn.MaxPool2d(2, return_indices=True)(tensor(image))
    back = nn.MaxUnpool2d(2)(y, places).numpy()
    np.testing.assert_array_equal(back[back != 0], image[back != 0])
    assert (back != 0).sum() == y.size
    assert "kernel_size=(2, 2), stride=(2, 2), padding=(0, 0)" in repr(nn.MaxUnpool2d(2))
    assert nn.MaxUnpool1d(3, 2, 1)(y[0, :, 0][None], [[[0, 2, 4], [1, 1, 4]]], output_size=[6]).shape == (
        1,
        2,
        6,
    )


def test_of_equal_places_the_last_stays_and_has_the_gradient():
    a = tensor([[[1.0, 2.0, 3.0]]])
    y = ops.max_unpool1d(a, [[[1, 0, 1]]], 1)
    assert y.numpy().tolist() == [[[2, 3, 0]]]
    (y * tensor([[[5.0, 7.0, 9.0]]])).backward()
    assert a.grad.numpy().tolist() == [[[0, 5, 7]]]


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("p", [1, 2, 2.5, 4])
@pytest.mark.parametrize(
    "name, shape, attributes",
    [
        ("lp_pool2d", (2, 3, 6, 7), {"kernel_size": 2}),
        ("lp_pool2d", (2, 2, 7, 8), {"kernel_size": (3, 2), "stride": 2, "ceil_mode": True}),
        ("lp_pool1d", (2, 3, 10), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ],
)
def test_power_averages_against_pytorch(name, shape, attributes, p, dtype, rng):
    x = rng.uniform(0.2, 2, shape) * (rng.choice([-1, 1], shape) if p in (2, 4) else 1)
    torch, a, b = torch_and(x, dtype)
    y = getattr(ops, name)(a, p, **attributes)
    compared(torch, a, b, y, getattr(torch.nn.functional, name)(b, p, **attributes), dtype)
    layer = getattr(nn, "LPPool" + name[-2:])(p, **attributes)
    np.testing.assert_array_equal(layer(a).numpy(), y.numpy())
    assert f"norm_type={p}, kernel_size=" in repr(layer)


def test_norm_one_takes_no_absolute_value():
    a = tensor([[[1.0, -3.0, 2.0, -2.0]]])
    y = ops.lp_pool1d(a, 1, 2)
    y.backward()
    assert y.numpy().tolist() == [[[-2, 0]]] and a.grad.numpy().tolist() == [[[1, 1, 1, 1]]]
    assert np.isnan(ops.lp_pool1d(a, 3, 2).numpy()[0, 0, 0])


def test_a_window_of_zeros_has_gradient_zero():
    a = tensor([[[0.0, 0.0, 3.0, 4.0]]])
    y = ops.lp_pool1d(a, 2, 2)
    y.backward()
    assert y.numpy().tolist() == [[[0, 5]]]
    np.testing.assert_allclose(a.grad.numpy(), [[[0, 0, 0.6, 0.8]]])


def test_finite_differences(rng):
    x = rng.uniform(0.5, 2, (2, 2, 4, 5))
    assert grad_check(lambda a: ops.lp_pool2d(a, 2.5, 2, 1), x)
    places = np.array([[[3, 0, 3]], [[1, 2, 0]]])
    assert grad_check(lambda a: ops.max_unpool1d(a, places, 2, 1), rng.normal(size=(2, 1, 3)))
    view = ops.permute(tensor(x), (1, 0, 3, 2))[..., ::-1]
    copy = np.ascontiguousarray(x.transpose(1, 0, 3, 2)[..., ::-1])
    np.testing.assert_allclose(ops.lp_pool2d(view, 2, 2).numpy(), ops.lp_pool2d(tensor(copy), 2, 2).numpy())


def test_infinities_nan_and_empty_batches():
    x = tensor([[[np.inf, 1.0, np.nan, 1.0]]])
    assert np.array_equal(ops.lp_pool1d(x, 2, 2).numpy(), [[[np.inf, np.nan]]], equal_nan=True)
    assert np.array_equal(
        ops.max_unpool1d(x, [[[3, 1, 0, 2]]], 1).numpy(), [[[np.nan, 1, 1, np.inf]]], equal_nan=True
    )
    none = tensor(np.ones((0, 2, 4, 4)))
    assert ops.lp_pool2d(none, 2, 2).shape == (0, 2, 2, 2)
    y, places = ops.max_pool2d_with_indices(none, 2)
    assert ops.max_unpool2d(y, places, 2).shape == (0, 2, 4, 4)


X, I = np.ones((1, 2, 2, 2)), np.zeros((1, 2, 2, 2), int)
FLOATS = "wanted floating-point numbers, got int64"
WRONG = {
    "no batch": (lambda: ops.max_unpool2d(X[0], I[0], 2), ShapeError, r"wanted a shape \(N, C, H, W\) and"),
    "fewer": (lambda: ops.max_unpool2d(X, I[:, :1], 2), ShapeError, "max_unpool2d: .*as many indices"),
    "floats": (lambda: ops.max_unpool2d(X, X, 2), DTypeError, "max_unpool2d: indices are integers, got float"),
    "values": (lambda: ops.max_unpool2d(I, I, 2), DTypeError, f"max_unpool2d: {FLOATS}"),
    "beyond": (lambda: ops.max_unpool2d(X, I + 16, 2), IndexOutOfRange, "max_unpool2d: index 16 is out of range"),
    "below": (lambda: ops.max_unpool2d(X, I - 1, 2), IndexOutOfRange, "max_unpool2d: index -1 is out of range"),
    "size": (lambda: ops.max_unpool2d(X, I, 2, output_size=(6, 4)), ShapeError, r"output_size is \(4, 4\), or"),
    "sizes": (lambda: ops.max_unpool2d(X, I, 2, output_size=(4, 4, 4)), ShapeError, "output_size is one number or 2"),
    "unpool kernel": (lambda: nn.MaxUnpool2d(0), ShapeError, "max_unpool2d: kernel_size is a whole number"),
    "places": (lambda: ops.max_pool1d_with_indices(X[0].astype(int), 2), DTypeError, f"_with_indices: {FLOATS}"),
    "norm inf": (lambda: ops.lp_pool2d(X, np.inf, 2), ShapeError, "lp_pool2d: norm_type is a finite number .*got inf"),
    "norm 0": (lambda: nn.LPPool1d(0, 2), ShapeError, "lp_pool1d: norm_type is a finite number above 0, got 0"),
    "norm text": (lambda: nn.LPPool2d("2", 2), DTypeError, "lp_pool2d: wanted a number, got str"),
    "integers": (lambda: ops.lp_pool2d(I, 2, 2), DTypeError, f"lp_pool2d: {FLOATS}"),
    "lp axes": (lambda: ops.lp_pool1d(X, 2, 2), ShapeError, r"wanted a shape \(N, C, L\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused(name):
    call, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        call()
