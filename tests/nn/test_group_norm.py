"""LayerNorm and GroupNorm: closed forms in NumPy, values and gradients against PyTorch, errors."""

import numpy as np
import pytest

from needle_edu import Tensor, grad_check, nn
from needle_edu.backend.errors import ShapeError

CASES = [
    (lambda lib, **p: lib.LayerNorm(5, **p), (6, 5)),
    (lambda lib, **p: lib.LayerNorm((3, 4), eps=1e-3, **p), (2, 3, 4)),
    (lambda lib, **p: lib.LayerNorm((1,), **p), (3, 1)),
    (lambda lib, **p: lib.LayerNorm(5, elementwise_affine=False, **p), (2, 2, 5)),
    (lambda lib, **p: lib.LayerNorm(5, bias=False, **p), (0, 5)),
    (lambda lib, **p: lib.GroupNorm(2, 6, **p), (3, 6, 5)),
    (lambda lib, **p: lib.GroupNorm(3, 3, eps=1e-2, **p), (2, 3, 4, 5)),
    (lambda lib, **p: lib.GroupNorm(1, 4, **p), (2, 4)),
    (lambda lib, **p: lib.GroupNorm(2, 4, affine=False, **p), (2, 4, 3)),
]


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("make", "shape"), CASES)
def test_values_and_gradients_are_pytorchs(make, shape, dtype, rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    ours, theirs = make(nn, dtype=dtype), make(torch.nn, dtype=getattr(torch, dtype))
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        p.data = Tensor(rng.normal(size=p.shape), dtype=dtype)
        q.data.copy_(torch.from_numpy(p.numpy()))
    x, g = rng.normal(size=(2, *shape)).astype(dtype) * 3 + 1
    a, b = Tensor(x, dtype=dtype), torch.tensor(x, requires_grad=True)
    y, wanted = ours(a), theirs(b)
    y.backward(Tensor(g, dtype=dtype))
    wanted.backward(torch.from_numpy(g))
    tol = {"float32": 2e-5, "float64": 1e-12}[dtype]
    assert y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), wanted.detach().numpy(), rtol=tol, atol=tol)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=tol, atol=tol * 10)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=tol, atol=tol * 10)


def test_closed_forms(rng):
    x = rng.normal(size=(2, 4, 3))
    groups = x.reshape(2, 2, 6)
    wanted = (groups - groups.mean(2, keepdims=True)) / np.sqrt(groups.var(2, keepdims=True) + 1e-5)
    np.testing.assert_allclose(
        nn.GroupNorm(2, 4, dtype="float64")(Tensor(x, dtype="float64")).numpy(),
        wanted.reshape(x.shape),
        rtol=1e-12,
    )
    wanted = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    np.testing.assert_allclose(
        nn.LayerNorm((4, 3), dtype="float64")(Tensor(x, dtype="float64")).numpy(), wanted, rtol=1e-12
    )


@pytest.mark.parametrize("order", [1, 2])
def test_gradients_by_finite_differences(order, rng):
    for layer in (nn.LayerNorm(3, dtype="float64"), nn.GroupNorm(2, 4, dtype="float64")):
        grad_check(layer, rng.normal(size=(2, 4, 3)), order=order)


def test_layer_norm_of_one_extent_is_needles():
    x = Tensor(np.arange(12.0).reshape(3, 4) ** 2)
    np.testing.assert_allclose(nn.LayerNorm(4)(x).numpy(), nn.LayerNorm1d(4)(x).numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.LayerNorm(5)(np.ones((5, 6))), ShapeError, r"LayerNorm\(\(5,\)\): got input of shape \(5, 6\)"),
        (lambda: nn.LayerNorm((2, 3))(np.ones(3)), ShapeError, r"wanted \(..., 2, 3\)"),
        (lambda: nn.LayerNorm(()), ValueError, "normalized_shape has at least one extent"),
        (lambda: nn.LayerNorm((2, 0)), ValueError, "LayerNorm: normalized_shape is a whole number"),
        (lambda: nn.LayerNorm(2, eps=-1), ValueError, "LayerNorm: eps"),
        (lambda: nn.LayerNorm(2, bias="no"), ValueError, "LayerNorm: bias is True or False, got 'no'"),
        (lambda: nn.LayerNorm(2, dtype="int32"), TypeError, "LayerNorm: parameters are floating-point"),
        (lambda: nn.GroupNorm(2, 3), ValueError, "3 channels do not make 2 equal groups"),
        (lambda: nn.GroupNorm(0, 3), ValueError, "GroupNorm: num_groups"),
        (lambda: nn.GroupNorm(2, 4)(np.ones((3, 5))), ShapeError, r"wanted \(batch, 4, ...\)"),
        (lambda: nn.GroupNorm(2, 4)(np.ones(4)), ShapeError, r"got input of shape \(4,\)"),
        (lambda: nn.GroupNorm(2, 2).eval()(np.ones((1, 2))), ShapeError, "one value per group"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call()
