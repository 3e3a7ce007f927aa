"""Smooth and piecewise activations against PyTorch: values and derivatives, at bounds and infinities too."""

import math

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import init, ndarray as nd, ops
from needle_edu.autograd import Tensor
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend.errors import NeedleError

INF = np.inf
CALLS = {
    "erf": ((), "erf"), "gelu": ((), "nn.functional.gelu"), "gelu tanh": (("tanh",), "nn.functional.gelu"),
    "silu": ((), "nn.functional.silu"), "softplus": ((), "nn.functional.softplus"),
    "leaky_relu": ((0.3,), "nn.functional.leaky_relu"), "elu": ((1.5,), "nn.functional.elu"),
    "hardtanh": ((-1.0, 2.0), "nn.functional.hardtanh"), "relu6": ((), "nn.functional.relu6"),
    "hardswish": ((), "nn.functional.hardswish"), "hardsigmoid": ((), "nn.functional.hardsigmoid"),
    "softplus steep": ((2.5,), "nn.functional.softplus"), "softplus cut": ((2.0, 3.5), "nn.functional.softplus"),
    "celu": ((1.5,), "nn.functional.celu"),
    "selu": ((), "nn.functional.selu"), "mish": ((), "nn.functional.mish"),
    "logsigmoid": ((), "nn.functional.logsigmoid"), "softsign": ((), "nn.functional.softsign"),
    "tanhshrink": ((), "nn.functional.tanhshrink"), "hardshrink": ((1.0,), "nn.functional.hardshrink"),
    "softshrink": ((1.0,), "nn.functional.softshrink"), "threshold": ((1.0, -7.5), "nn.functional.threshold"),
    "glu": ((0,), "nn.functional.glu"), "softmin": ((0,), "nn.functional.softmin"),
    "log_softmax": ((0,), "nn.functional.log_softmax"), "rrelu": ((0.1, 0.5), "nn.functional.rrelu"),
}  # fmt: skip
BOUNDS = [-6.0, -3.0, -1.0, -0.0, 0.0, 1.0, 2.0, 3.0, 6.0]
ALONG = ("glu", "softmin", "log_softmax")  # these look along axis 0


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
    if name == "hardsigmoid":
        tolerance["rtol"] = max(tolerance["rtol"], 1e-7)  # theirs multiplies the gradient with a single 1/6
    if name in ALONG:
        cases = [rng.normal(0, 3, shape) for shape in [(4,), (2, 5), (36, 3, 1), (2, 0)]]
    else:
        cases = [rng.normal(0, 3, shape) for shape in [(37,), (3, 5), (), (0, 4)]] + [np.array(BOUNDS)]
    for x in cases:
        y, grad_y, z, grad_z = both(name, x, dtype)
        np.testing.assert_allclose(y, z, **tolerance)
        np.testing.assert_allclose(grad_y, grad_z, **tolerance)
        assert y.dtype == grad_y.dtype == dtype
    views = [lambda t: t.T if not isinstance(t, Tensor) else t.transpose(), lambda t: t[:, 1]]
    for view in views:
        y, grad_y, z, grad_z = both(name, rng.normal(0, 3, (4, 4)), dtype, view)
        np.testing.assert_allclose(y, z, **tolerance)
        np.testing.assert_allclose(grad_y, grad_z, **tolerance)


@pytest.mark.parity
@pytest.mark.parametrize("name", [name for name in CALLS if name != "hardsigmoid"])  # theirs has none
def test_second_derivatives_equal_pytorchs(name, rng):
    """Of the sum of y squared: the first derivative is differentiated once more."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    arguments, path = CALLS[name]
    theirs = torch
    for part in path.split("."):
        theirs = getattr(theirs, part)
    keyword = {"approximate": "tanh"} if name == "gelu tanh" else {}
    x = rng.normal(0, 2, (4, 6))
    a, b = tensor(x), torch.tensor(x, requires_grad=True)
    y = getattr(ops, name.split()[0])(a, *arguments)
    (y * y).sum().backward(create_graph=True)
    grad = a.grad
    (grad * grad).sum().backward()
    z = theirs(b, *(() if keyword else arguments), **keyword)
    (theirs_grad,) = torch.autograd.grad((z * z).sum(), b, create_graph=True)
    (theirs_grad * theirs_grad).sum().backward()
    close = {"rtol": 1e-9, "atol": 1e-11}
    np.testing.assert_allclose(grad.numpy(), theirs_grad.detach().numpy(), **close)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **close)


@pytest.mark.parametrize("name", [name for name in CALLS if name not in ALONG])
def test_nan_stays_nan_and_infinities_have_their_limits(name):
    arguments, _ = CALLS[name]
    y = getattr(ops, name.split()[0])(tensor([np.nan, INF]), *arguments).numpy()
    assert np.isnan(y[0])
    limits = {"erf": 1, "hardtanh": 2, "relu6": 6, "hardsigmoid": 1, "logsigmoid": 0, "selu": INF}
    if name == "softsign":
        assert np.isnan(y[1])  # infinity by infinity, as PyTorch's
    else:
        assert y[1] == limits.get(name, INF)


def test_far_on_the_left_gelu_and_silu_are_small_and_not_lost():
    """1 + erf would be 0 there; PyTorch's float32 gives -0 at -6, where the truth is -5.9e-9."""
    x = np.array([-5.0, -6.0, -8.0, -12.0])
    truth = [a * 0.5 * math.erfc(-a / math.sqrt(2)) for a in x]
    np.testing.assert_allclose(ops.gelu(Tensor(x, dtype="float32")).numpy(), truth, rtol=1e-6)
    np.testing.assert_allclose(ops.gelu(tensor(x)).numpy(), truth, rtol=1e-12)
    np.testing.assert_array_equal(ops.gelu(tensor([-INF, -1e30])).numpy(), [0, 0])
    np.testing.assert_array_equal(ops.silu(tensor([-INF, -1e30])).numpy(), [0, 0])
    np.testing.assert_array_equal(ops.mish(tensor([-INF, -1e30])).numpy(), [0, 0])
    np.testing.assert_array_equal(ops.gelu(tensor([-INF, -1e30]), "tanh").numpy(), [0, 0])
    for name in ("gelu", "silu", "mish", "gelu tanh"):
        a = tensor([-INF, INF])
        getattr(ops, name.split()[0])(a, *CALLS[name][0]).backward()
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


def test_relu_of_nan_is_nan_and_passes_nothing_back():
    a = tensor(np.array([np.nan, -1.0, 0.0, 2.0]))
    b = ops.relu(a)
    b.sum().backward()
    np.testing.assert_array_equal(b.numpy(), [np.nan, 0, 0, 2])
    np.testing.assert_array_equal(a.grad.numpy(), [0, 0, 0, 1])


def test_derivatives_at_bounds():
    """hardtanh has 0 at both bounds, hardswish 0 at -3 and 1 at 3, leaky_relu its slope at 0."""
    for name, x, wanted in [
        ("hardtanh", [-1.0, 0.0, 1.0], [0, 1, 0]), ("relu6", [0.0, 1.0, 6.0], [0, 1, 0]),
        ("hardswish", [-3.0, 0.0, 3.0], [0, 0.5, 1]), ("leaky_relu", [0.0], [0.01]), ("elu", [0.0], [1]),
        ("hardsigmoid", [-3.0, 0.0, 3.0], [0, 1 / 6, 0]), ("hardshrink", [-0.5, 0.5, 0.75], [0, 0, 1]),
        ("softshrink", [-0.5, 0.5, 0.75], [0, 0, 1]), ("threshold", [0.5, 0.75], [0, 1]), ("celu", [0.0], [1]),
        ("selu", [0.0], [1.0507009873554805 * 1.6732632423543772]), ("softsign", [0.0], [1]),
    ]:  # fmt: skip
        a = tensor(x)
        getattr(ops, name)(a, *((0.5, 0.0) if name == "threshold" else ())).backward()
        np.testing.assert_allclose(a.grad.numpy(), wanted, err_msg=name)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: ops.gelu(x, "erf"), "gelu: approximate is 'none' or 'tanh', got 'erf'"),
        (lambda x: ops.softplus(x, 0), "softplus: beta is a number above 0, got 0"),
        (lambda x: ops.softplus(x, 1, "far"), "softplus: wanted a number, got str"),
        (lambda x: ops.hardtanh(x, 2, 1), "hardtanh: low is not above high, got low=2, high=1"),
        (lambda x: ops.leaky_relu(x, "steep"), "leaky_relu: wanted a number, got str"),
        (lambda x: ops.elu(x, None), "elu: wanted a number, got NoneType"),
        (lambda x: ops.celu(x, 0), "celu: alpha is a number above 0, got 0"),
        (lambda x: ops.celu(x, "a"), "celu: wanted a number, got str"),
        (lambda x: ops.hardshrink(x, -1), "hardshrink: lambd is a number of at least 0, got -1"),
        (lambda x: ops.softshrink(x, float("nan")), "softshrink: lambd is a number of at least 0, got nan"),
        (lambda x: ops.threshold(x, 0, None), "threshold: wanted a number, got NoneType"),
        (
            lambda x: ops.activation_backward(x, x, "bend"),
            "activation_backward: kind is one of leaky_relu, .*'bend'",
        ),
        (
            lambda x: ops.prelu(x, tensor([1.0, 2.0])),
            r"prelu: .* one for each channel.* \(1,\); got shape \(2,\)",
        ),
        (lambda x: ops.prelu(x, tensor([[1.0]])), r"prelu: .*got shape \(1, 1\)"),
        (lambda x: ops.glu(x), r"glu: axis 0 of shape \(1,\) has no two halves"),
        (lambda x: ops.glu(tensor(1.0)), "glu: wanted an axis to halve"),
        (lambda x: ops.glu(Tensor([1, 2])), "glu: wanted floating-point numbers, got int64"),
        (lambda x: nd.activation("bend", nd.ones(1)), "activation: kind is one of leaky_relu, .*got 'bend'"),
    ],
)
def test_bad_options(call, message):
    with pytest.raises(NeedleError, match=message):
        call(tensor([1.0]))


def test_prelu_is_pytorchs(rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    for shape, weights in [
        ((4,), 1),
        ((5, 3), 3),
        ((2, 3, 4), 3),
        ((2, 3, 4, 5), 3),
        ((2, 3), 1),
        ((0, 3), 3),
    ]:
        x, w, g = rng.normal(size=shape), rng.normal(size=weights), rng.normal(size=shape)
        x.flat[:1] = 0
        a, b = tensor(x), tensor(w)
        s, t = (torch.tensor(v, requires_grad=True) for v in (x, w))
        y, z = ops.prelu(a, b), torch.nn.functional.prelu(s, t)
        y.backward(tensor(g))
        z.backward(torch.tensor(g))
        np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-12)
        np.testing.assert_allclose(a.grad.numpy(), s.grad.numpy(), rtol=1e-12)
        np.testing.assert_allclose(b.grad.numpy(), t.grad.numpy(), rtol=1e-12, atol=1e-14)


def test_prelu_of_an_infinity_leaves_the_slope_its_gradient():
    """Where the input is positive the slope has no part in it: an infinity there is not multiplied by 0."""
    a, b = tensor([INF, -2.0]), tensor([0.5])
    ops.prelu(a, b).backward()
    assert b.grad.numpy().tolist() == [-2]
    assert a.grad.numpy().tolist() == [1, 0.5]


@pytest.mark.parametrize("op, slope", [(ops.elu, 1.0), (ops.celu, 1.0), (ops.selu, 1.7580993408473766)])
def test_elus_at_0_follow_their_left_side(op, slope):
    """In the first derivative as in PyTorch, in the second too: a little left of 0 it is the same."""
    for at in (0.0, -1e-9):
        x = tensor([at])
        op(x).sum().backward(create_graph=True)
        first, x.grad = x.grad, None
        first.sum().backward()
        np.testing.assert_allclose([first.item(), x.grad.item()], [slope, slope], rtol=1e-6)


def test_rrelu_draws_a_slope_for_each_negative_number():
    x = tensor([-1.0, 2.0, -3.0, INF])
    init.seed(3)
    y = ops.rrelu(x, 0.25, 0.75, training=True)
    y.backward()
    init.seed(3)
    slopes = 0.25 + 0.5 * np.random.rand(4)
    np.testing.assert_allclose(y.numpy(), [-slopes[0], 2, -3 * slopes[2], INF], rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), [slopes[0], 1, slopes[2], 1], rtol=1e-12)
    with pytest.raises(ValueError, match="rrelu: lower is not above upper, got lower=1, upper=0"):
        ops.rrelu(x, 1, 0)
    with pytest.raises(ValueError, match="rrelu: training is True or False"):
        ops.rrelu(x, training="yes")


@pytest.mark.parametrize("name", [name for name in CALLS if name not in (*ALONG, "erf", "rrelu")])
@pytest.mark.skipif(BACKEND == "np", reason="np mode keeps NumPy's dtypes")
def test_integers_become_float32(name):
    arguments, _ = CALLS[name]
    op = getattr(ops, name.split()[0])
    y = op(Tensor([-2, 0, 3]), *arguments)
    assert y.dtype == "float32"
    np.testing.assert_allclose(y.numpy(), op(Tensor([-2.0, 0.0, 3.0]), *arguments).numpy())
