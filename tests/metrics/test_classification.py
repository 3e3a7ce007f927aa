"""Accuracy: the share of right answers, and what is no answer."""

import numpy as np
import pytest

from needle_edu import metrics
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import DTypeError, IndexOutOfRange, ShapeError


def test_it_is_the_share_of_largest_scores_in_the_right_place():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(50, 4)), rng.integers(0, 4, 50)
    right = sum(
        max(range(4), key=lambda k: row[k]) == label for row, label in zip(scores, labels, strict=True)
    )
    for given in (scores, scores.tolist(), Tensor(scores)):
        assert metrics.accuracy(given, labels) == right / 50
    assert metrics.accuracy(scores, labels.astype(float)) == right / 50


def test_an_example_with_a_nan_is_wrong_whatever_its_label():
    """NumPy's argmax takes the place of the first nan: a model that has diverged would be right wherever class 0 is."""
    labels = np.array([0, 0, 1, 2])
    assert metrics.accuracy(np.full((4, 3), np.nan), labels) == 0.0
    scores = np.eye(3)[labels]
    scores[0, 0] = np.nan
    assert metrics.accuracy(scores, labels) == 0.75
    scores[1, 2] = np.nan
    assert metrics.accuracy(scores, labels) == 0.5
    assert metrics.accuracy(np.where(np.eye(3)[labels] > 0, np.inf, -np.inf), labels) == 1.0


@pytest.mark.parametrize("wrong", [3, -1, 0.5, np.nan])
def test_a_label_that_is_no_class_is_said(wrong):
    with pytest.raises(IndexOutOfRange, match="accuracy, labels: wants whole numbers from 0 to 2"):
        metrics.accuracy(np.eye(3), [0, 1, wrong])


def test_scores_that_are_none_are_said():
    with pytest.raises(DTypeError, match="accuracy: got scores of dtype"):
        metrics.accuracy([["a", "b"]], [0])
    for scores, labels in [(np.ones(3), [0, 1, 2]), (np.ones((0, 3)), []), (np.ones((2, 0)), [0, 0])]:
        with pytest.raises(ShapeError, match="accuracy"):
            metrics.accuracy(scores, labels)
