"""Precision, recall, F1, log loss, ROC and R²: values by hand, beside scikit-learn's, and what is refused."""

import warnings

import numpy as np
import pytest

from needle_edu import metrics
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import DataError, DTypeError, IndexOutOfRange, ShapeError

#        found:   0  1  2  1  1  2
RIGHT = np.array([0, 1, 2, 2, 1, 0])
FOUND = np.array([0, 1, 2, 1, 1, 2])


def test_by_hand():
    assert metrics.confusion_matrix(FOUND, RIGHT).tolist() == [[1, 0, 1], [0, 2, 0], [0, 1, 1]]
    assert metrics.confusion_matrix([0], [1], classes=3).tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
    np.testing.assert_allclose(metrics.precision(FOUND, RIGHT, None), [1, 2 / 3, 1 / 2])
    np.testing.assert_allclose(metrics.recall(FOUND, RIGHT, None), [1 / 2, 1, 1 / 2])
    np.testing.assert_allclose(metrics.f1(FOUND, RIGHT, None), [2 / 3, 4 / 5, 1 / 2])
    assert metrics.precision(FOUND, RIGHT, "micro") == metrics.recall(FOUND, RIGHT, "micro") == 4 / 6
    assert metrics.f1([1, 1, 0, 0], [1, 0, 1, 0]) == 0.5
    assert metrics.precision([1, 1, 1, 0], [1, 0, 0, 1]) == 1 / 3
    assert metrics.recall([1, 1, 1, 0], [1, 0, 0, 1]) == 1 / 2


def test_nothing_found_and_nothing_to_find():
    assert metrics.precision([0, 0], [0, 1]) == metrics.recall([0, 1], [0, 0]) == metrics.f1([0], [0]) == 0
    assert metrics.precision([0, 2], [0, 1], None).tolist() == [1, 0, 0]


def test_matthews_is_a_correlation(rng):
    """Of zeros and ones, Pearson's; of more classes, that of their indicators: covariances added up."""
    found, right = rng.integers(0, 2, 40), rng.integers(0, 2, 40)
    wanted = np.corrcoef(found, right)[0, 1]
    assert metrics.matthews_corrcoef(found, right) == pytest.approx(wanted, abs=1e-12)
    assert metrics.matthews_corrcoef(1 - found, right) == pytest.approx(-wanted, abs=1e-12)
    a, b = (np.eye(3)[one] - np.eye(3)[one].mean(axis=0) for one in (FOUND, RIGHT))
    wanted = (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())
    assert metrics.matthews_corrcoef(FOUND, RIGHT) == pytest.approx(wanted, abs=1e-12)
    assert metrics.matthews_corrcoef(RIGHT, RIGHT) == pytest.approx(1, abs=1e-12)
    assert metrics.matthews_corrcoef([1, 1], [0, 1]) == metrics.matthews_corrcoef([0, 1], [1, 1]) == 0
    assert metrics.matthews_corrcoef(np.eye(3)[FOUND], Tensor(RIGHT)) == pytest.approx(wanted, abs=1e-12)
    unsure = np.array([[0, 1], [1, 0], [np.nan, 1], [np.nan, 0]])  # nan is wrong, whatever is right
    assert metrics.matthews_corrcoef(unsure, [1, 0, 1, 0]) == pytest.approx((2 * 4 - 4) / np.sqrt(10 * 8))


def test_scores_and_nan():
    scores = np.eye(3)[FOUND]
    for average in ("macro", "weighted", "micro"):
        assert metrics.f1(Tensor(scores), Tensor(RIGHT), average) == metrics.f1(FOUND, RIGHT, average)
    scores[0] = np.nan  # an example of class 0 that is not found
    np.testing.assert_allclose(metrics.recall(scores, RIGHT, None), [0, 1, 1 / 2])
    np.testing.assert_allclose(metrics.precision(scores, RIGHT, None), [0, 2 / 3, 1 / 2])
    with pytest.raises(DataError, match="a row of scores with a nan is in no class"):
        metrics.confusion_matrix(scores, RIGHT)


def test_the_area_is_the_share_of_pairs_in_the_right_order(rng):
    """With ties counted half: the Mann-Whitney statistic, pair by pair."""
    scores, labels = rng.integers(0, 6, 60) / 5, rng.integers(0, 2, 60)
    pairs = [(a, b) for a in scores[labels == 1] for b in scores[labels == 0]]
    wanted = sum((a > b) + (a == b) / 2 for a, b in pairs) / len(pairs)
    assert metrics.roc_auc(scores, labels) == pytest.approx(wanted, abs=1e-12)
    assert metrics.roc_auc(-scores, labels) == pytest.approx(1 - wanted, abs=1e-12)
    fpr, tpr, thresholds = metrics.roc_curve(scores, labels)
    for a, b, threshold in zip(fpr, tpr, thresholds, strict=True):
        assert (
            a == (scores[labels == 0] >= threshold).mean() and b == (scores[labels == 1] >= threshold).mean()
        )
    assert thresholds[0] == np.inf and (fpr[-1], tpr[-1]) == (1, 1) and len(thresholds) == 7


def test_infinite_scores_are_ordered_too():
    assert metrics.roc_auc([np.inf, 0, -np.inf, 1], [1, 0, 0, 1]) == 1


def test_log_loss_by_hand():
    p = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    assert metrics.log_loss(p, [2, 1]) == pytest.approx(-(np.log(0.5) + np.log(0.3)) / 2, abs=1e-12)
    assert metrics.log_loss([0.25], [0]) == pytest.approx(-np.log(0.75), abs=1e-12)
    assert metrics.log_loss([1, 0], [1, 0]) < 1e-15
    assert metrics.log_loss([0.0], [1]) == pytest.approx(-np.log(np.finfo(float).eps))


def test_regression_by_hand():
    y, found = np.array([1.0, 2, 4]), np.array([1.0, 3, 3])
    assert metrics.mean_squared_error(found, y) == pytest.approx(2 / 3)
    assert metrics.mean_absolute_error(found, y) == pytest.approx(2 / 3)
    assert metrics.r2(found, y) == pytest.approx(1 - 2 / (14 / 3))
    assert (
        metrics.explained_variance(found + 5, y) == pytest.approx(1 - 2 / (14 / 3))
        and metrics.r2(found + 5, y) < -10
    )
    assert metrics.r2([3, 3], [3, 3]) == 1 and metrics.r2([3, 4], [3, 3]) == 0
    assert np.isnan(metrics.r2([np.nan, 1], [1, 2])) and np.isnan(metrics.mean_squared_error([np.nan], [1]))
    assert metrics.mean_squared_error(Tensor([[1.0, 2.0]]), Tensor([[0.0, 0.0]])) == 2.5


@pytest.mark.parity
@pytest.mark.parametrize("average", ["macro", "micro", "weighted", None])
def test_as_scikit_learn_says(rng, average):
    theirs = pytest.importorskip("sklearn.metrics")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that nothing was put into
        for classes, n in ((2, 30), (4, 50), (9, 6)):
            right, found = rng.integers(0, classes, n), rng.integers(0, classes, n)
            for ours, name in (
                (metrics.precision, "precision"),
                (metrics.recall, "recall"),
                (metrics.f1, "f1"),
            ):
                wanted = getattr(theirs, f"{name}_score")(right, found, average=average)
                np.testing.assert_allclose(ours(found, right, average), wanted, rtol=1e-12)
            wanted = theirs.matthews_corrcoef(right, found)
            assert metrics.matthews_corrcoef(found, right) == pytest.approx(wanted, rel=1e-12, abs=1e-15)
            count = max(right.max(), found.max()) + 1
            wanted = theirs.confusion_matrix(right, found, labels=range(count))
            np.testing.assert_array_equal(metrics.confusion_matrix(found, right), wanted)


@pytest.mark.parity
def test_probabilities_and_regression_as_scikit_learn_says(rng):
    theirs = pytest.importorskip("sklearn.metrics")
    for dtype in (np.float32, np.float64):
        logits = rng.normal(size=(40, 4)) * 5
        p = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(dtype)
        right = np.append(rng.integers(0, 4, 36), range(4))
        assert metrics.log_loss(p, right) == pytest.approx(theirs.log_loss(right, p), rel=1e-6)
        wanted = theirs.roc_auc_score(right, p / p.sum(axis=1, keepdims=True), multi_class="ovr")
        assert metrics.roc_auc(p, right) == pytest.approx(wanted, rel=1e-6)
        scores, labels = (rng.integers(0, 9, 40) / 8).astype(dtype), rng.integers(0, 2, 40)
        assert metrics.log_loss(scores, labels) == pytest.approx(theirs.log_loss(labels, scores), rel=1e-5)
        assert metrics.roc_auc(scores, labels) == pytest.approx(theirs.roc_auc_score(labels, scores))
        curve = theirs.roc_curve(labels, scores, drop_intermediate=False)
        for ours, wanted in zip(metrics.roc_curve(scores, labels), curve, strict=True):
            np.testing.assert_allclose(ours, wanted)
        for shape in ((30,), (30, 3)):
            y, found = rng.normal(size=shape).astype(dtype), rng.normal(size=shape).astype(dtype)
            for ours, name in (
                (metrics.r2, "r2_score"),
                (metrics.explained_variance, "explained_variance_score"),
                (metrics.mean_squared_error, "mean_squared_error"),
                (metrics.mean_absolute_error, "mean_absolute_error"),
            ):
                assert ours(found, y) == pytest.approx(getattr(theirs, name)(y, found), rel=1e-5)


NAN = float("nan")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: metrics.precision([], []), ShapeError, r"precision: got predictions of shape \(0,\)"),
        (lambda: metrics.recall([1, 0], [1]), ShapeError, r"recall: .* labels of shape \(1,\)"),
        (lambda: metrics.f1([[[1]]], [1]), ShapeError, "f1: got predictions"),
        (lambda: metrics.f1(["a"], [1]), DTypeError, "f1: got predictions of dtype"),
        (lambda: metrics.f1([1], ["a"]), DTypeError, "f1, labels: wants whole numbers"),
        (lambda: metrics.f1([1], [-1]), IndexOutOfRange, "f1, labels: wants whole numbers from 0"),
        (lambda: metrics.matthews_corrcoef([1, 0], [1]), ShapeError, "matthews_corrcoef: got predictions"),
        (lambda: metrics.f1([0.5], [1]), IndexOutOfRange, "f1, predictions: wants whole numbers from 0"),
        (lambda: metrics.f1([[1, 0]], [2]), IndexOutOfRange, "from 0 to 1, got 2"),
        (
            lambda: metrics.f1([2, 1], [2, 1]),
            DataError,
            "for the classes 0 and 1, found 2; say average='macro'",
        ),
        (lambda: metrics.f1([1], [1], "mean"), ValueError, "average is one of 'binary', 'macro'.*got 'mean'"),
        (lambda: metrics.confusion_matrix([3], [1], classes=3), IndexOutOfRange, "from 0 to 2, got 3"),
        (
            lambda: metrics.log_loss([[2.0, -1.0]], [1]),
            DataError,
            "between 0 and 1; of logits, take the softmax",
        ),
        (lambda: metrics.log_loss([[0.5, 0.6]], [1]), DataError, "each row adds up to 1, got 1.1"),
        (lambda: metrics.log_loss([[0.5, 0.5]], [2]), IndexOutOfRange, "from 0 to 1, got 2"),
        (lambda: metrics.log_loss([NAN], [1]), DataError, "a score is nan"),
        (lambda: metrics.roc_curve([1, 2], [1, 1]), DataError, "all labels are the same"),
        (lambda: metrics.roc_curve([1, NAN], [1, 0]), DataError, "a score is nan"),
        (lambda: metrics.roc_curve([[1, 2]], [1]), ShapeError, r"shape \(n,\), got \(1, 2\); see roc_auc"),
        (lambda: metrics.roc_auc([[1, 2], [2, 1]], [0, 0]), DataError, "all labels are the same"),
        (lambda: metrics.roc_auc([1, 2], [0, 3]), IndexOutOfRange, "roc_auc, labels"),
        (lambda: metrics.roc_auc(["a"], [0]), DTypeError, "roc_auc: got scores of dtype"),
        (lambda: metrics.r2([1], [1]), ShapeError, "r2: wants at least two rows"),
        (
            lambda: metrics.r2([1, 2], [1, 2, 3]),
            ShapeError,
            r"predictions of shape \(2,\) and targets of shape \(3,\)",
        ),
        (lambda: metrics.mean_squared_error([], []), ShapeError, "at least one number"),
        (lambda: metrics.mean_absolute_error(["a"], ["b"]), DTypeError, "wanted numbers"),
        (lambda: metrics.explained_variance(1, 1), ShapeError, "at least two rows"),
    ],
)
def test_what_makes_no_sense_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call()
