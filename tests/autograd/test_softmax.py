"""Softmax and its logarithm beside PyTorch: rows and columns of every length, infinities, nan, several axes."""

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import ndarray as nd, ops
from needle_edu.autograd import Tensor
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend.errors import DTypeError, ShapeError

INF = np.inf
NAMES = {"softmax": "softmax", "logsoftmax": "log_softmax"}
# Rows shorter than a register, of one, of several and a bit; of more than fit a buffer; columns, and neither.
CASES = [
    ((5, 1), -1), ((5, 3), -1), ((4, 10), -1), ((3, 16), -1), ((70, 45), -1), ((3, 1024), -1), ((3, 1025), -1),
    ((2, 2049), -1), ((2, 5000), -1), ((7,), 0), ((5, 70), 0), ((2, 3, 4, 5), 1), ((2, 33, 130), 1), ((0, 3), 1),
]  # fmt: skip


def both(name, x, axis, dtype, view=lambda t: t):
    """Return value and gradient, ours and PyTorch's, which computes in double.

    How many digits of a long line its floats keep depends on the processor.
    """
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    a, b = Tensor(x, dtype=dtype), torch.tensor(x.astype(dtype), dtype=torch.float64, requires_grad=True)
    y, z = getattr(ops, name)(view(a), axis), getattr(torch, NAMES[name])(view(b), axis)
    g = np.random.default_rng(5).normal(size=z.shape).astype(dtype)
    y.backward(Tensor(g, dtype=dtype))
    z.backward(torch.tensor(g, dtype=b.dtype))
    return y.numpy(), a.grad.numpy(), z.detach().numpy(), b.grad.numpy()


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("shape", "axis"), CASES)
def test_equals_pytorch(name, dtype, shape, axis, rng):
    close = {"rtol": 1e-5, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-11, "atol": 1e-13}
    y, grad_y, z, grad_z = both(name, rng.normal(0, 5, shape), axis, dtype)
    np.testing.assert_allclose(y, z, **close)
    np.testing.assert_allclose(grad_y, grad_z, **close)
    assert y.dtype == grad_y.dtype == dtype


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
def test_of_views_equals_pytorch(name, rng):
    """Transposed, with gaps along the line, and both: none has contiguous lines."""
    for view, axis in [
        (lambda t: t[:, 1], -1),
        (lambda t: t[:, :, 2:3], 0),
        (lambda t: t[0], 0),
        (lambda t: t[:, 0], 0),
    ]:
        y, grad_y, z, grad_z = both(name, rng.normal(0, 5, (6, 4, 40)), axis, "float64", view)
        np.testing.assert_allclose(y, z, rtol=1e-11)
        np.testing.assert_allclose(grad_y, grad_z, rtol=1e-9, atol=1e-13)


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("length", [3, 20, 3000])
@pytest.mark.parametrize("axis", [0, 1])
def test_infinities_and_nan_are_pytorchs(name, length, axis):
    rows = np.zeros((6, length))
    rows[0, 1] = INF
    rows[1, 1] = -INF
    rows[2, :] = -INF
    rows[3, 2] = np.nan
    rows[4, :2] = INF
    rows[5, 1] = 1e30
    y, _, z, _ = both(name, rows if axis else rows.T, axis, "float32")
    np.testing.assert_allclose(y, z, rtol=1e-6)


def test_large_and_close_logits_keep_their_digits():
    x = np.array([[1e5, 1e5 + 1, 1e5 - 1]])
    wanted = np.array([0.24472847, 0.66524096, 0.09003057])
    np.testing.assert_allclose(ops.softmax(tensor(x)).numpy()[0], wanted, rtol=1e-7)
    np.testing.assert_allclose(ops.logsoftmax(tensor(x)).numpy()[0], np.log(wanted), rtol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_several_axes_at_once_are_one_distribution(name, rng):
    x = rng.normal(size=(2, 3, 4))
    a, b = tensor(x), tensor(x.reshape(2, 12))
    y, flat = getattr(ops, name)(a, (1, 2)), getattr(ops, name)(b)
    g = rng.normal(size=(2, 3, 4))
    y.backward(tensor(g))
    flat.backward(tensor(g.reshape(2, 12)))
    np.testing.assert_allclose(y.numpy().reshape(2, 12), flat.numpy(), rtol=1e-12)
    np.testing.assert_allclose(a.grad.numpy().reshape(2, 12), b.grad.numpy(), rtol=1e-10, atol=1e-15)


@pytest.mark.skipif(BACKEND == "np", reason="np mode has NumPy's own messages")
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.softmax(tensor([1.0]), 1), ShapeError, "softmax: axis 1 is out of range"),
        (lambda: ops.logsoftmax(tensor(1.0)), ShapeError, "logsoftmax: axis -1 is out of range"),
        (lambda: ops.softmax(tensor([1.0]), "rows"), ShapeError, "softmax: axes are .* got 'rows'"),
        (
            lambda: ops.softmax_backward(tensor([1.0]), tensor([1.0]), 0.5),
            ShapeError,
            "softmax_backward: axis is a whole",
        ),
        (
            lambda: nd.softmax_backward(nd.ones(2), nd.ones(3)),
            ShapeError,
            r"softmax_backward: .*\(2,\).*\(3,\)",
        ),
        (
            lambda: nd.log_softmax_backward(nd.arange(2), nd.arange(2)),
            DTypeError,
            "log_softmax_backward: .*int64",
        ),
        (lambda: nd.softmax(None), DTypeError, "softmax: wanted an NDArray, got NoneType"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.skipif(BACKEND == "np", reason="np mode keeps NumPy's dtypes")
def test_integers_become_float32():
    assert ops.softmax(Tensor([0, 0])).numpy().tolist() == [0.5, 0.5]
    assert ops.softmax(Tensor([0, 0])).dtype == "float32"
