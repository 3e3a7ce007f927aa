"""Perplexity: by hand, beside PyTorch's cross-entropy, and what is refused."""

import math

import numpy as np
import pytest

from needle_edu import Tensor
from needle_edu.backend.errors import DTypeError, IndexOutOfRange, ShapeError
from needle_edu.metrics import perplexity


def test_by_hand():
    p = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]])
    assert perplexity(np.log(p), [1, 1]) == pytest.approx((4 * 1.25) ** 0.5)
    assert perplexity(np.log(p)[None] + 1000, [[1, 1]]) == pytest.approx(
        5**0.5
    )  # scores say no more than differences
    assert perplexity(np.zeros((2, 3, 7)), np.zeros((2, 3))) == pytest.approx(7)


def test_what_fills_up_does_not_count(rng):
    scores, labels = rng.standard_normal((2, 4, 5)), np.array([[1, 2, 0, 0], [3, 4, 1, 0]])
    kept = labels != 0
    assert perplexity(scores, labels, ignore_index=0) == pytest.approx(perplexity(scores[kept], labels[kept]))
    assert perplexity(scores, labels) != pytest.approx(perplexity(scores[kept], labels[kept]))


def test_infinities_and_nan():
    assert perplexity([[0.0, -math.inf]], [0]) == 1
    assert perplexity([[0.0, -math.inf]], [1]) == math.inf
    assert perplexity([[0.0, 1e6]], [0]) == math.inf
    assert math.isnan(perplexity([[0.0, math.nan]], [0]))


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_is_the_exponential_of_pytorchs_cross_entropy(dtype, rng):
    torch = pytest.importorskip("torch", reason="compares with PyTorch; pip install torch==2.13.0")
    scores, labels = (rng.standard_normal((3, 6, 11)) * 5).astype(dtype), rng.integers(0, 11, (3, 6))
    labels[0, 3:] = -100
    flat = torch.tensor(scores).reshape(-1, 11), torch.tensor(labels).reshape(-1)
    wanted = torch.nn.functional.cross_entropy(*flat).exp().item()
    assert perplexity(Tensor(scores), Tensor(labels), ignore_index=-100) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (
            ([[0.0, 1.0]], [0, 1]),
            ShapeError,
            r"wanted logits \(..., tokens\) and labels \(...\), got \(1, 2\) and \(2,\)",
        ),
        (([[0.0, 1.0]], [2]), IndexOutOfRange, "labels: wants whole numbers from 0 to 1, got 2"),
        ((np.zeros((1, 0)), [0]), ShapeError, r"wanted logits \(..., tokens\) .*, got \(1, 0\)"),
        (([["a", "b"]], [0]), DTypeError, "logits are numbers"),
        (([[0.0, 1.0]], [0], 0), ShapeError, "no position counts"),
        (([[0.0, 1.0]], [0], "pad"), ShapeError, "ignore_index is a whole number, got 'pad'"),
    ],
)
def test_refusals(arguments, error, message):
    with pytest.raises(error, match=f"^perplexity.*{message}"):
        perplexity(*arguments)
