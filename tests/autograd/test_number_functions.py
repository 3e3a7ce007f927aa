"""Rounding, quotients, angles, logarithms at the edges: values, gradients and second ones are PyTorch's."""

import numpy as np
import pytest

from needle_edu import Tensor, ops
from needle_edu.autograd.arrays import BACKEND

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
pytestmark = pytest.mark.parity

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, -2.5, 3.0, np.inf, -np.inf, np.nan, 1e-20, 50.0]
UNARY = (
    "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "log1p", "expm1", "log2", "log10",
    "trunc", "round",
)  # fmt: skip


def gradients(function, *inputs):
    """The value, its gradients, and those of the gradients' sum."""
    leaves = [Tensor(x, dtype="float64") for x in inputs]
    y = function(*leaves)
    y.sum().backward(create_graph=True)
    first = [leaf.grad for leaf in leaves]
    found = [y.numpy(), *(g.numpy() for g in first)]
    if any(g.requires_grad for g in first):
        sum((g.sum() for g in first[1:]), start=first[0].sum()).backward()
        found += [leaf.grad.numpy() for leaf in leaves]
    return found


def theirs(function, *inputs):
    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    y = function(*leaves)
    first = torch.autograd.grad(y.sum(), leaves, create_graph=True)
    found = [y.detach().numpy(), *(g.detach().numpy() for g in first)]
    total = sum(g.sum() for g in first)
    if total.requires_grad:
        second = torch.autograd.grad(total, leaves, allow_unused=True)
        found += [np.zeros_like(x) if g is None else g.numpy() for g, x in zip(second, inputs, strict=True)]
    return found


@pytest.mark.parametrize("name", UNARY)
def test_one_number(name):
    x = np.array(EDGES)
    with np.errstate(all="ignore"):
        ours, wanted = gradients(getattr(ops, name), x), theirs(getattr(torch, name), x)
    for k, (got, right) in enumerate(zip(ours[:2], wanted[:2], strict=True)):
        np.testing.assert_allclose(got, right, rtol=1e-12, err_msg=f"{name}, derivative {k}")
    usual = np.isin(x, [0.5, 1.5, -2.5, 3.0])
    if len(ours) == len(wanted) == 3:
        np.testing.assert_allclose(ours[2][usual], wanted[2][usual], rtol=1e-10)


@pytest.mark.parametrize("name", ["remainder", "fmod", "atan2"])
def test_two_numbers(name):
    a, b = (x.ravel() for x in np.meshgrid([*EDGES[:8], -7.0, 50.0], [1.0, -1.0, 0.5, -2.5, 3.0]))
    for got, right in zip(
        gradients(getattr(ops, name), a, b), theirs(getattr(torch, name), a, b), strict=False
    ):
        np.testing.assert_allclose(got, right, rtol=1e-12, atol=1e-15)


def test_whole_quotients():
    a, b = (x.ravel() for x in np.meshgrid([*EDGES, -7.0], [1.0, -1.0, 0.5, -2.5, 0.0]))
    with np.errstate(all="ignore"):
        got, *slopes = gradients(ops.floor_divide, a, b)
        wanted = torch.floor_divide(torch.tensor(a), torch.tensor(b)).numpy()
    np.testing.assert_array_equal(got, wanted)
    assert not any(slope.any() for slope in slopes)


def test_the_angle_of_the_origin_has_gradient_zero():
    """At (0, 0), (0, -0), (-0, 0) and (-0, -0) the angle goes by the signs."""
    a, b = np.array([0.0, 0.0, -0.0, -0.0]), np.array([0.0, -0.0, 0.0, -0.0])
    got = gradients(ops.atan2, a, b)
    np.testing.assert_array_equal(got[0], [0, np.pi, -0.0, -np.pi])
    assert not got[1].any() and not got[2].any()
    for mine, right in zip(got[:3], theirs(torch.atan2, a, b)[:3], strict=True):
        np.testing.assert_array_equal(mine, right)


def test_operators():
    x = Tensor([7.0, -7.0])
    assert (x // 2).numpy().tolist() == [3, -4] and (x % 3).numpy().tolist() == [1, 2]
    assert (15 // x).numpy().tolist() == [2, -3] and (15 % x).numpy().tolist() == [1, -6]
    assert (x // Tensor([2.0])).op.name == "floor_divide" and divmod is not None


@pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays know integers and floats by NumPy's rules")
def test_integers():
    a = Tensor([7, -7])
    assert (a // 2).dtype == (a % 2).dtype == "int64" and (a // 0).numpy().tolist() == [0, 0]
    assert (a // 2.0).dtype == "float32" and ops.log2(a).dtype == "float32"


def test_small_numbers_keep_their_digits():
    x = Tensor(np.array([1e-12]), dtype="float64")
    assert ops.log1p(x).item() == pytest.approx(1e-12, rel=1e-11)
    assert ops.expm1(x).item() == pytest.approx(1e-12, rel=1e-11)


def test_what_is_no_number():
    x = Tensor([1.0, np.inf, -np.inf, np.nan])
    for name in ("isnan", "isinf", "isfinite"):
        result = getattr(x, name)()
        assert result.dtype == "bool" and not result.requires_grad
        np.testing.assert_array_equal(result.numpy(), getattr(np, name)(x.numpy()))
