"""Convolutions: values against seven written-out loops, values and first and second derivatives against PyTorch,
edges (empty batches, one window, strides that skip pixels, views), and what is refused."""

import itertools

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import Tensor, ops
from needle_edu.backend import DTypeError, ShapeError


def written_out(x, w, stride, padding):
    """The definition, one loop for each index: NHWC with weights (K, K, C, O)."""
    n, h, width, c = x.shape
    k, _, _, o = w.shape
    down, across = (h + 2 * padding - k) // stride + 1, (width + 2 * padding - k) // stride + 1
    y = np.zeros((n, down, across, o))
    for i, a, b, q, p, r, s in itertools.product(*map(range, (n, down, across, o, k, k, c))):
        row, column = a * stride + p - padding, b * stride + r - padding
        if 0 <= row < h and 0 <= column < width:
            y[i, a, b, q] += x[i, row, column, s] * w[p, r, s, q]
    return y


@pytest.mark.parametrize(
    ("x", "w", "stride", "padding"),
    [
        ((2, 4, 5, 3), (3, 3, 3, 2), 1, 1),
        ((1, 5, 4, 2), (2, 2, 2, 3), 2, 0),
        ((1, 7, 7, 1), (3, 3, 1, 1), 3, 2),
        ((1, 1, 1, 2), (3, 3, 2, 2), 1, 1),  # one pixel: eight of nine weights see nothing
        ((2, 2, 2, 1), (1, 1, 1, 3), 2, 3),  # whole windows in the padding
        ((0, 4, 4, 2), (3, 3, 2, 2), 1, 1),
    ],
)
def test_the_course_s_convolution_is_its_definition(rng, x, w, stride, padding):
    x, w = rng.normal(size=x), rng.normal(size=w)
    y = ops.conv(tensor(x), tensor(w), stride=stride, padding=padding)
    np.testing.assert_allclose(y.numpy(), written_out(x, w, stride, padding), rtol=1e-12, atol=1e-12)


def test_the_function_pads_by_one_and_the_class_does_not(rng):
    x, w = tensor(rng.normal(size=(1, 4, 4, 1))), tensor(rng.normal(size=(3, 3, 1, 1)))
    assert ops.conv(x, w).shape == (1, 4, 4, 1)
    assert ops.conv(x, w, 2).shape == (1, 2, 2, 1)
    assert ops.Conv()(x, w).shape == (1, 2, 2, 1)
    assert ops.conv(x, w, 1, 0).shape == (1, 2, 2, 1)


CASES = {
    "plain": ("conv2d", (2, 3, 5, 6), (4, 3, 3, 2), {}),
    "stride and padding": ("conv2d", (1, 2, 7, 6), (3, 2, 3, 3), {"stride": 2, "padding": 1}),
    "pairs": (
        "conv2d",
        (2, 2, 6, 9),
        (3, 2, 2, 3),
        {"stride": (1, 3), "padding": (0, 2), "dilation": (2, 1)},
    ),
    "groups": ("conv2d", (2, 6, 4, 4), (4, 3, 3, 3), {"groups": 2, "padding": 1}),
    "depthwise": ("conv2d", (2, 3, 5, 5), (6, 1, 3, 3), {"groups": 3, "dilation": 2}),
    "same, even kernel": ("conv2d", (1, 2, 4, 5), (2, 2, 2, 4), {"padding": "same"}),
    "same, dilated": ("conv2d", (1, 2, 5, 5), (2, 2, 3, 2), {"padding": "same", "dilation": (2, 3)}),
    "valid": ("conv2d", (1, 2, 4, 5), (2, 2, 2, 2), {"padding": "valid"}),
    "1x1": ("conv2d", (2, 3, 4, 4), (5, 3, 1, 1), {}),
    "1x1 with stride": ("conv2d", (2, 3, 5, 4), (5, 3, 1, 1), {"stride": 2}),
    "one axis": ("conv1d", (2, 3, 9), (4, 3, 3), {"stride": 2, "padding": 2, "dilation": 2}),
    "one axis, groups": ("conv1d", (2, 4, 6), (2, 2, 4), {"groups": 2, "padding": "same"}),
    "LeNet's second, less of it": ("conv2d", (3, 2, 9, 14), (4, 2, 5, 5), {}),
    "wide rows, step 1": ("conv2d", (2, 2, 9, 37), (5, 2, 4, 3), {"padding": (2, 1), "dilation": (2, 1)}),
    "transposed": ("conv_transpose2d", (2, 3, 4, 3), (3, 2, 3, 2), {}),
    "transposed, stride": (
        "conv_transpose2d", (2, 3, 4, 3), (3, 2, 3, 4), {"stride": (2, 3), "padding": 1, "output_padding": (1, 2)},
    ),
    "transposed, groups": ("conv_transpose2d", (1, 4, 3, 3), (4, 3, 2, 2), {"groups": 2, "stride": 3}),
    "output_padding below dilation": (
        "conv_transpose2d", (1, 2, 3, 3), (2, 2, 2, 2), {"dilation": 3, "output_padding": 2, "padding": 1},
    ),
    "transposed, one axis": (
        "conv_transpose1d", (2, 3, 5), (3, 2, 4), {"stride": 2, "padding": 1, "output_padding": 1},
    ),
}  # fmt: skip


def derivatives(function, make, inputs, weight, grad):
    """Value, gradients of Σ weight·y, and gradients of the sum of their squares."""
    tensors = [make(x) for x in inputs]
    y = function(*tensors)
    first = grad((y * weight).sum(), tensors)
    second = grad(sum((g * g).sum() for g in first), tensors)
    return [y, *first, *second]


def our_grad(y, tensors):
    y.backward(create_graph=True)
    return [t.grad for t in tensors]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Using padding='same'")  # PyTorch on its own speed
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_against_pytorch(name, dtype, rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[parity]'")
    op, x, w, attributes = CASES[name]
    inputs = [rng.normal(size=x).astype(dtype), rng.normal(size=w).astype(dtype)]
    theirs = getattr(torch.nn.functional, op)
    shape = theirs(*map(torch.tensor, inputs), **attributes).shape
    weight = rng.normal(size=tuple(shape)).astype(dtype)
    ours = derivatives(
        lambda a, b: getattr(ops, op)(a, b, **attributes),
        lambda v: Tensor(v, dtype=dtype), inputs, Tensor(weight, dtype=dtype, requires_grad=False), our_grad,
    )  # fmt: skip
    expected = derivatives(
        lambda a, b: theirs(a, b, **attributes),
        lambda v: torch.tensor(v, requires_grad=True), inputs, torch.tensor(weight),
        lambda y, tensors: torch.autograd.grad(y, tensors, create_graph=True),
    )  # fmt: skip
    close = {"float64": 1e-10, "float32": 2e-4}[dtype]
    for got, wanted in zip(ours, expected, strict=True):
        assert got.dtype == dtype
        assert got.shape == tuple(wanted.shape)
        np.testing.assert_allclose(got.numpy(), wanted.detach().numpy(), rtol=close, atol=close)


def test_views_are_read_where_they_lie(rng):
    """Reversed, permuted and broadcast inputs give what their copies give, forward and backward."""
    x, w = rng.normal(size=(6, 5, 3, 2)), rng.normal(size=(4, 2, 3, 3))
    views = [
        lambda a: ops.permute(a, (3, 2, 1, 0))[:, :2, ::-1, ::2],
        lambda a: a[::2, ::-1, :2].transpose((1, 2)).broadcast_to((3, 2, 5, 2)),
    ]
    for view in views:
        a, b = tensor(x), tensor(w)
        y = ops.conv2d(view(a), b, padding=1)
        copy, other = tensor(view(tensor(x)).numpy()), tensor(w)
        z = ops.conv2d(copy, other, padding=1)
        np.testing.assert_allclose(y.numpy(), z.numpy(), rtol=1e-12)
        (y * y).backward()
        (z * z).backward()
        np.testing.assert_allclose(b.grad.numpy(), other.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("padding", [0, 1])
def test_an_empty_batch_gives_weights_a_gradient_of_zeros(padding):
    x, w = tensor(np.ones((0, 3, 5, 6))), tensor(np.ones((4, 3, 3, 2)))
    ops.conv2d(x, w, padding=padding).backward()
    assert x.grad.shape == x.shape
    assert w.grad.shape == w.shape and not w.grad.numpy().any()


def test_special_values_spread_as_far_as_the_kernel_reaches():
    x = np.ones((1, 1, 1, 5))
    x[0, 0, 0, 1], x[0, 0, 0, 4] = np.nan, np.inf
    y = ops.conv2d(tensor(x), tensor(np.ones((1, 1, 1, 2)))).numpy()
    np.testing.assert_array_equal(y, [[[[np.nan, np.nan, 2, np.inf]]]])


def test_an_infinite_weight_reaches_only_what_its_windows_saw():
    """The adjoint of x is a convolution with the kernel turned around, but padding is not multiplied by infinity."""
    x, w = tensor(np.ones((2, 1, 8, 12))), np.ones((3, 1, 3, 3))
    w[1, 0, 0, 2] = np.inf
    ops.conv2d(x, tensor(w)).backward()
    wanted = np.zeros((8, 12))
    for i, j in np.ndindex(6, 10):
        wanted[i : i + 3, j : j + 3] += w.sum((0, 1))
    np.testing.assert_array_equal(x.grad.numpy(), np.broadcast_to(wanted, x.shape))


def test_integers_stay_integers():
    y = ops.conv2d(Tensor(np.arange(9).reshape(1, 1, 3, 3)), Tensor(np.ones((1, 1, 2, 2), dtype=int)))
    assert y.dtype == "int64"
    assert y.numpy().tolist() == [[[[8, 12], [20, 24]]]]


X, W = np.ones((1, 2, 4, 4)), np.ones((3, 2, 3, 3))
WRONG = {
    "channels": (lambda: ops.conv2d(X, np.ones((3, 4, 3, 3))), "2 channels, the weights are for 4"),
    "groups do not divide": (
        lambda: ops.conv2d(X, np.ones((3, 1, 3, 3)), groups=2),
        "3 output channels do not divide into 2",
    ),
    "no batch": (lambda: ops.conv2d(X[0], W), "add a batch axis"),
    "weights": (lambda: ops.conv2d(X, W[0]), r"weights of shape \(O, C/groups, K, K\)"),
    "kernel too large": (lambda: ops.conv2d(X, np.ones((3, 2, 5, 3))), r"reaches over \(5, 3\) elements"),
    "no kernel": (lambda: ops.conv2d(X, np.ones((3, 2, 0, 3))), "the kernel has no elements"),
    "stride": (lambda: ops.conv2d(X, W, stride=0), "stride is a whole number of at least 1, got 0"),
    "three strides": (lambda: ops.conv2d(X, W, stride=(1, 1, 1)), "stride is one number or 2"),
    "padding": (lambda: ops.conv2d(X, W, padding=-1), "padding is a whole number of at least 0, got -1"),
    "padding by name": (lambda: ops.conv2d(X, W, padding="full"), "'same' or 'valid', got 'full'"),
    "same with stride": (lambda: ops.conv2d(X, W, 2, "same"), "padding='same' is for stride 1"),
    "dilation": (lambda: ops.conv2d(X, W, dilation=0.5), "dilation is a whole number"),
    "square": (lambda: ops.conv(np.ones((1, 4, 4, 2)), np.ones((3, 2, 2, 1))), r"\(K, K, C, O\)"),
    "course's layout": (lambda: ops.conv(X, W), r"wanted shapes \(N, H, W, C\) and \(K, K, C, O\)"),
    "output_padding": (
        lambda: ops.conv_transpose2d(X, np.ones((2, 1, 3, 3)), stride=2, output_padding=2),
        "output_padding is smaller than stride or dilation",
    ),
    "transposed": (lambda: ops.conv_transpose2d(X, W), r"wanted shapes .*\(C, O/groups, K, K\)"),
    "nothing left": (lambda: ops.conv_transpose2d(X, np.ones((2, 1, 1, 1)), padding=2), "use less padding"),
    "adjoint": (lambda: ops.conv_weight_backward(X, X, shape=(3, 2, 3, 3)), "wanted an adjoint of shape"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused(name):
    call, message = WRONG[name]
    with pytest.raises(ShapeError, match=rf"^conv\w*: .*{message}"):
        call()


def test_bools_are_refused():
    with pytest.raises(DTypeError, match="conv2d: wanted numbers, got bool"):
        ops.conv2d(Tensor(X > 0), Tensor(W))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("height", "width"), [(1, 7), (3, 8), (4, 16), (5, 17), (7, 31), (9, 33), (6, 70)])
def test_one_output_for_each_group(height, width, dtype, rng):
    """A depthwise convolution is a stencil: of fewer lines than four and of more, of parts of vectors and more."""
    torch = pytest.importorskip("torch")
    x, w = (rng.normal(size=shape).astype(dtype) for shape in ((2, 6, height, width), (3, 2, 3, 5)))
    a, b = Tensor(x, dtype=dtype), Tensor(w, dtype=dtype)
    c, d = torch.tensor(x, requires_grad=True), torch.tensor(w, requires_grad=True)
    y = ops.conv2d(a, b, padding=(1, 2), groups=3)
    z = torch.nn.functional.conv2d(c, d, padding=(1, 2), groups=3)
    g = rng.normal(size=y.shape).astype(dtype)
    y.backward(Tensor(g, dtype=dtype))
    z.backward(torch.tensor(g))
    tolerance = 1e-4 if dtype == "float32" else 1e-11
    for got, wanted in ((y.detach(), z.detach()), (a.grad, c.grad), (b.grad, d.grad)):
        np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=tolerance, atol=tolerance)
