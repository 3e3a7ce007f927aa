"""CTCLoss beside PyTorch, and beside all paths written out; second derivatives; what is refused."""

import itertools

import numpy as np
import pytest

from needle_edu import Tensor, grad_check, nn, ops
from needle_edu.backend.errors import DTypeError, IndexOutOfRange, NeedleError, ShapeError

TARGETS = np.array([[1, 2, 2, 3], [3, 1, 1, 1], [2, 2, 2, 2], [1, 3, 2, 1]])
ENDS, SIZES = [7, 5, 6, 7], [4, 1, 0, 2]


def log_probs(rng, *shape):
    return ops.logsoftmax(Tensor(rng.normal(size=shape), dtype="float64"), -1).numpy()


@pytest.mark.parity
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("joined", [False, True])
def test_values_and_gradients_are_pytorchs(reduction, dtype, joined, rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[parity]'")
    x = rng.normal(size=(7, 4, 4)).astype(dtype)
    a, b = Tensor(x, dtype=dtype), torch.tensor(x, requires_grad=True)
    targets = np.concatenate([row[:n] for row, n in zip(TARGETS, SIZES, strict=True)]) if joined else TARGETS
    y = nn.CTCLoss(reduction=reduction)(ops.logsoftmax(a, -1), targets, ENDS, SIZES)
    z = torch.nn.CTCLoss(reduction=reduction)(b.log_softmax(-1), torch.tensor(targets), ENDS, SIZES)
    close = {"rtol": 1e-10, "atol": 1e-12} if dtype == "float64" else {"rtol": 2e-5, "atol": 2e-6}
    np.testing.assert_allclose(y.numpy().reshape(z.shape), z.detach().numpy(), **close)
    g = rng.normal(size=z.shape)
    y.backward(Tensor(g.reshape(y.shape), dtype=dtype))
    z.backward(torch.tensor(g, dtype=b.dtype))
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **close)


@pytest.mark.parametrize("target", [[], [1], [1, 2], [2, 2], [1, 2, 1], [1, 1, 1]])
def test_it_is_the_sum_over_all_paths(target, rng):
    x, blank = log_probs(rng, 5, 3), 0
    total = 0.0
    for path in itertools.product(range(3), repeat=5):
        read = [c for c, _ in itertools.groupby(path) if c != blank]
        if read == target:
            total += np.exp(sum(x[t, c] for t, c in enumerate(path)))
    loss = nn.CTCLoss(blank, "none")(Tensor(x, dtype="float64"), np.array(target, "int64"), 5, len(target))
    assert loss.shape == ()
    np.testing.assert_allclose(loss.item(), -np.log(total) if total else np.inf, rtol=1e-12)


def test_a_blank_elsewhere_and_a_target_that_does_not_fit(rng):
    x = log_probs(rng, 3, 2, 3)
    turned = nn.CTCLoss(reduction="none")(
        Tensor(x[..., [2, 0, 1]], dtype="float64"), [[1, 2], [2, 2]], [3, 3], [2, 2]
    )
    loss = nn.CTCLoss(2, reduction="none")(Tensor(x, dtype="float64"), [[0, 1], [1, 1]], [3, 3], [2, 2])
    np.testing.assert_allclose(loss.numpy(), turned.numpy(), rtol=1e-12)
    for zero, wanted in ((False, np.inf), (True, 0.0)):
        a = Tensor(x, dtype="float64")
        lost = nn.CTCLoss(2, "none", zero)(a, [[0, 1], [1, 1]], [3, 2], [2, 2])  # 1 1 wants a blank between
        assert lost.numpy()[1] == wanted
        lost[0:1].sum().backward()
        assert np.isfinite(a.grad.numpy()).all() and not a.grad.numpy()[:, 1].any()


def test_gradients_are_slopes_for_any_logarithms(rng):
    """PyTorch's own are those behind a log_softmax."""
    loss = nn.CTCLoss(reduction="sum")
    assert grad_check(lambda a: loss(a, [[1, 2], [2, 1]], [4, 3], [2, 1]), rng.normal(size=(4, 2, 3)))


def test_second_derivatives(rng):
    def function(a):
        return nn.CTCLoss()(ops.logsoftmax(a, -1), [[1, 1], [2, 1]], [4, 3], [2, 1]) ** 2

    assert grad_check(function, rng.normal(size=(4, 2, 3)), order=2)


X = Tensor(np.zeros((4, 2, 3)))
WRONG = {
    r"CTCLoss: wanted floats of shape \(T, N, classes\)": (ShapeError, lambda f: f(X[0, 0], [[1]], [4], [1])),
    r"CTCLoss: wanted floats .* got int64": (DTypeError, lambda f: f(X.astype("int64"), [[1], [1]], [4, 4], [1, 1])),
    r"CTCLoss: got targets of shape \(2, 1\) .* wanted \(2, 2\) or \(3,\)": (
        ShapeError, lambda f: f(X, [[1], [1]], [4, 4], [1, 2]),
    ),
    r"CTCLoss: input_lengths are whole numbers from 1 to 4, got \[5, 4\]": (
        ShapeError, lambda f: f(X, [[1], [1]], [5, 4], [1, 1]),
    ),
    "CTCLoss: input_lengths are 2 whole numbers, got 4": (ShapeError, lambda f: f(X, [[1], [1]], 4, [1, 1])),
    "CTCLoss: target_lengths are 2 whole numbers, got 'ab'": (ShapeError, lambda f: f(X, [[1], [1]], [4, 4], "ab")),
    "CTCLoss: a target has the blank, 0, among its labels": (
        NeedleError, lambda f: f(X, [[1], [0]], [4, 4], [1, 1]),
    ),
    "CTCLoss, targets": (IndexOutOfRange, lambda f: f(X, [[1], [3]], [4, 4], [1, 1])),
    "CTCLoss: blank=3 is no class of 3": (NeedleError, lambda f: nn.CTCLoss(3)(X, [[1], [2]], [4, 4], [1, 1])),
    "CTCLoss: blank is a whole number of at least 0, got -1": (ValueError, lambda f: nn.CTCLoss(-1)),
    "CTCLoss: zero_infinity is True or False, got 'no'": (ValueError, lambda f: nn.CTCLoss(zero_infinity="no")),
}  # fmt: skip


@pytest.mark.parametrize("words", WRONG)
def test_what_makes_no_sense_is_said(words):
    error, call = WRONG[words]
    with pytest.raises(error, match=words):
        call(nn.CTCLoss())
