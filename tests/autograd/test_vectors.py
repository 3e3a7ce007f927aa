"""normalize, cosine_similarity, pairwise_distance beside PyTorch, and their gradients."""

import numpy as np
import pytest

from needle_edu import Tensor, grad_check, ops
from needle_edu.backend.errors import DTypeError, ShapeError

CASES = {
    "normalize": (lambda a, b: ops.normalize(a), lambda f, a, b: f.normalize(a)),
    "normalize 1": (lambda a, b: ops.normalize(a, 1, 0), lambda f, a, b: f.normalize(a, 1, 0)),
    "normalize inf": (
        lambda a, b: ops.normalize(a, float("inf"), -1), lambda f, a, b: f.normalize(a, float("inf"), -1),
    ),
    "normalize eps": (lambda a, b: ops.normalize(a, eps=2.5), lambda f, a, b: f.normalize(a, eps=2.5)),
    "cosine": (lambda a, b: ops.cosine_similarity(a, b), lambda f, a, b: f.cosine_similarity(a, b)),
    "cosine 0": (lambda a, b: ops.cosine_similarity(a, b, 0), lambda f, a, b: f.cosine_similarity(a, b, 0)),
    "cosine of a row": (
        lambda a, b: ops.cosine_similarity(a, b[:1]), lambda f, a, b: f.cosine_similarity(a, b[:1]),
    ),
    "distance": (lambda a, b: ops.pairwise_distance(a, b), lambda f, a, b: f.pairwise_distance(a, b)),
    "distance 1": (
        lambda a, b: ops.pairwise_distance(a, b, 1, keepdims=True),
        lambda f, a, b: f.pairwise_distance(a, b, 1, keepdim=True),
    ),
    "distance 3": (lambda a, b: ops.pairwise_distance(a, b, 3), lambda f, a, b: f.pairwise_distance(a, b, 3)),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("case", "shape"),
    [(case, shape) for case in CASES for shape in [(4, 3), (1, 1)]]
    + [(case, (0, 3)) for case in ("normalize", "normalize eps", "cosine", "distance", "distance 1")],
)
def test_beside_pytorch(case, shape, dtype, rng):
    torch = pytest.importorskip("torch")
    ours, theirs = CASES[case]
    x, z = rng.normal(size=(2, *shape)).astype(dtype)
    a, b = Tensor(x, dtype=dtype), Tensor(z, dtype=dtype)
    s, t = (torch.tensor(v, requires_grad=True) for v in (x, z))
    y, wanted = ours(a, b), theirs(torch.nn.functional, s, t)
    close = {"rtol": 1e-5 if dtype == "float32" else 1e-9, "atol": 1e-6 if dtype == "float32" else 1e-12}
    np.testing.assert_allclose(y.numpy(), wanted.detach().numpy(), **close)
    assert y.dtype == dtype
    (y * y * 3 + y).sum().backward()
    (wanted * wanted * 3 + wanted).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), s.grad.numpy(), **close)
    if t.grad is not None:
        np.testing.assert_allclose(b.grad.numpy(), t.grad.numpy(), **close)


@pytest.mark.parametrize("case", CASES)
def test_first_and_second_derivatives(case, rng):
    x, z = rng.uniform(0.5, 2, size=(2, 2, 3))
    z = z + np.arange(3)  # no ties, no kinks
    if case.startswith("normalize"):
        assert grad_check(lambda a: CASES[case][0](a, None), x + np.arange(3), order=2)
    else:
        assert grad_check(CASES[case][0], x, z, order=2)


def test_zeros():
    """A vector of zeros is divided by eps, and so is its gradient."""
    a = Tensor(np.zeros((1, 2)), dtype="float64")
    y = ops.normalize(a)
    y.sum().backward()
    assert y.numpy().tolist() == [[0, 0]]
    np.testing.assert_allclose(a.grad.numpy(), [[1e12, 1e12]])
    b = Tensor([[1.0, 2.0]])
    assert ops.cosine_similarity(Tensor([[0.0, 0.0]]), b).item() == 0
    assert ops.pairwise_distance(b, b).item() == pytest.approx(1e-6 * 2**0.5)
    assert ops.pairwise_distance(Tensor([0.0]), Tensor([1.0]), eps=0.25).item() == 0.75


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ops.normalize(Tensor([[1, 2]])), DTypeError, "normalize: wanted floating-point numbers, got int64"),
        (lambda: ops.normalize(Tensor(1.0)), ShapeError, "normalize: wanted vectors, got a single number"),
        (lambda: ops.normalize(Tensor([1.0])), ShapeError, "normalize: .*axis 1"),
        (lambda: ops.normalize(Tensor([[1.0]]), -1), ValueError, "normalize: p is a number with 0 <= p, got -1"),
        (lambda: ops.normalize(Tensor([[1.0]]), eps="x"), ValueError, "normalize: eps is a number"),
        (
            lambda: ops.cosine_similarity(Tensor([[1.0, 2.0]]), Tensor([[1.0, 2.0, 3.0]])), ShapeError,
            r"cosine_similarity: got shapes \(1, 2\) and \(1, 3\), wanted the same",
        ),
        (
            lambda: ops.pairwise_distance(Tensor([1.0]), Tensor([[1.0]])), ShapeError,
            r"pairwise_distance: got shapes \(1,\) and \(1, 1\)",
        ),
        (lambda: ops.pairwise_distance(Tensor([1.0]), [1.0], keepdims=2), ValueError, "keepdims is True or False"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call()
