"""Smooth and piecewise activations against PyTorch: values and derivatives, at bounds and infinities too."""

import math

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import ops
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import NeedleError

INF = np.inf
CALLS = {
    "erf": ((), "erf"), "gelu": ((), "nn.functional.gelu"), "gelu tanh": (("tanh",), "nn.functional.gelu"),
    "silu": ((), "nn.functional.silu"), "softplus": ((), "nn.functional.softplus"),
    "leaky_relu": ((0.3,), "nn.functional.leaky_relu"), "elu": ((1.5,), "nn.functional.elu"),
    "hardtanh": ((-1.0, 2.0), "nn.functional.hardtanh"), "relu6": ((), "nn.functional.relu6"),
    "hardswish": ((), "nn.functional.hardswish"),
}  # fmt: skip
BOUNDS = [-6.0, -3.0, -1.0, -0.0, 0.0, 1.0, 2.0, 3.0, 6.0]


def both(name, x, dtype, view=lambda t: t):
    """Our value and derivative and PyTorch's, for the adjoint 1, 2, 3, …"""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    arguments, path = CALLS[name]
    theirs = torch
    for part in path.split("."):
        theirs = getattr(theirs, part)
    a, b = (
        Tensor(x, dtype=dtype),
        torch.tensor(np.asarray(x), dtype=getattr(torch, dtype), requires_grad=True),
    )
    keyword = {"approximate": "tanh"} if name == "gelu tanh" else {}
    y = getattr(ops, name.split()[0])(view(a), *arguments)
    z = theirs(view(b), *(() if keyword else arguments), **keyword)
    g = np.arange(1.0, 1 + z.numel()).reshape(z.shape)
    y.backward(Tensor(g, dtype=dtype))
    z.backward(torch.tensor(g, dtype=b.dtype))
    return y.numpy(), a.grad.numpy(), z.detach().numpy(), b.grad.numpy()


@pytest.mark.parity
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equals_pytorch(name, dtype, rng):
    tolerance = {"rtol": 2e-5, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-10, "atol": 1e-13}
    cases = [rng.normal(0, 3, shape) for shape in [(37,), (3, 5), (), (0, 4)]] + [np.array(BOUNDS)]
    for x in cases:
        y, grad_y, z, grad_z = both(name, x, dtype)
        np.testing.assert_allclose(y, z, **tolerance)
        np.testing.assert_allclose(grad_y, grad_z, **tolerance)
        assert y.dtype == grad_y.dtype == dtype
    for view in (lambda t: t.T if not isinstance(t, Tensor) else t.transpose(), lambda t: t[:, 1]):
        y, grad_y, z, grad_z = both(name, rng.normal(0, 3, (4, 5)), dtype, view)
        np.testing.assert_allclose(y, z, **tolerance)
        np.testing.assert_allclose(grad_y, grad_z, **tolerance)


@pytest.mark.parametrize("name", CALLS)
def test_nan_stays_nan_and_infinities_have_their_limits(name):
    arguments, _ = CALLS[name]
    y = getattr(ops, name.split()[0])(tensor([np.nan, INF]), *arguments).numpy()
    assert np.isnan(y[0])
    assert y[1] == {"erf": 1, "hardtanh": 2, "relu6": 6}.get(name, INF)


def test_far_on_the_left_gelu_and_silu_are_small_and_not_lost():
    """1 + erf would be 0 there; PyTorch's float32 gives -0 at -6, where the truth is -5.9e-9."""
    x = np.array([-5.0, -6.0, -8.0, -12.0])
    truth = [a * 0.5 * math.erfc(-a / math.sqrt(2)) for a in x]
    np.testing.assert_allclose(ops.gelu(Tensor(x, dtype="float32")).numpy(), truth, rtol=1e-6)
    np.testing.assert_allclose(ops.gelu(tensor(x)).numpy(), truth, rtol=1e-12)
    np.testing.assert_array_equal(ops.gelu(tensor([-INF, -1e30])).numpy(), [0, 0])
    np.testing.assert_array_equal(ops.silu(tensor([-INF, -1e30])).numpy(), [0, 0])
    for name in ("gelu", "silu"):
        a = tensor([-INF, INF])
        getattr(ops, name)(a).backward()
        np.testing.assert_array_equal(a.grad.numpy(), [0, 1], err_msg=name)


def test_small_numbers_keep_their_digits():
    x = np.array([1e-6, -1e-6, 1e-3, -1e-3])
    np.testing.assert_allclose(
        ops.elu(Tensor(x, dtype="float32")).numpy(), np.where(x > 0, x, np.expm1(x)), rtol=1e-6
    )
    np.testing.assert_allclose(
        ops.erf(Tensor(x, dtype="float32")).numpy(), [math.erf(a) for a in x], rtol=1e-6
    )
    left = np.array([-20.0, -50.0, -80.0])
    np.testing.assert_allclose(
        ops.softplus(Tensor(left, dtype="float32")).numpy(), np.log1p(np.exp(left)), rtol=1e-6
    )


def test_logaddexp_at_infinities():
    a, b = tensor([-INF, INF, -INF, 1.0]), tensor([-INF, INF, 2.0, 1.0])
    y = ops.logaddexp(a, b)
    np.testing.assert_array_equal(y.numpy(), [-INF, INF, 2, 1 + np.log(2)])
    y.backward()
    np.testing.assert_array_equal(a.grad.numpy(), [np.nan, np.nan, 0, 0.5])
    np.testing.assert_array_equal(b.grad.numpy(), [np.nan, np.nan, 1, 0.5])


def test_derivatives_at_bounds():
    """hardtanh has 0 at both bounds, hardswish 0 at -3 and 1 at 3, leaky_relu its slope at 0."""
    for name, x, wanted in [
        ("hardtanh", [-1.0, 0.0, 1.0], [0, 1, 0]), ("relu6", [0.0, 1.0, 6.0], [0, 1, 0]),
        ("hardswish", [-3.0, 0.0, 3.0], [0, 0.5, 1]), ("leaky_relu", [0.0], [0.01]), ("elu", [0.0], [1]),
    ]:  # fmt: skip
        a = tensor(x)
        getattr(ops, name)(a).backward()
        np.testing.assert_allclose(a.grad.numpy(), wanted, err_msg=name)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: ops.gelu(x, "erf"), "gelu: approximate is 'none' or 'tanh', got 'erf'"),
        (lambda x: ops.softplus(x, 0), "softplus: beta is a number above 0, got 0"),
        (lambda x: ops.hardtanh(x, 2, 1), "hardtanh: low is not above high, got low=2, high=1"),
        (lambda x: ops.leaky_relu(x, "steep"), "leaky_relu: wanted a number, got str"),
        (lambda x: ops.elu(x, None), "elu: wanted a number, got NoneType"),
    ],
)
def test_bad_options(call, message):
    with pytest.raises(NeedleError, match=message):
        call(tensor([1.0]))
