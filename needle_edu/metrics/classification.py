"""Measures for classifiers.

Of the examples that a classifier puts into a class, `precision` is the share that belongs there; of those that belong
there, `recall` is the share that it finds. With TP, FP and FN the counts of the found, the wrongly found, the missed:

    precision = TP / (TP + FP),   recall = TP / (TP + FN),   F1 = 2 TP / (2 TP + FP + FN)

Predictions come first and labels second, as in `accuracy`. Predictions are scores of shape (n, classes), of which the
largest counts, or the classes themselves, of shape (n,). A row of scores with a nan is a wrong answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.errors import DataError, DTypeError, ShapeError
from ..init.basic import class_numbers

AVERAGES = ("binary", "macro", "micro", "weighted", None)


def accuracy(logits: Any, labels: Any) -> float:
    """The share of examples whose largest logit is the right one.

    Parameters
    ----------
    logits : Tensor or array_like of shape (n, classes)
        Logits, probabilities or any other scores. A nan cannot be compared: an example with one counts as wrong.
    labels : Tensor or array_like of shape (n,)
        The right class of each example.

    Returns
    -------
    float between 0 and 1

    Raises
    ------
    ShapeError
        If the shapes do not belong together, or there are no examples.
    DTypeError
        If the scores are no numbers.
    IndexOutOfRange
        If a label is not a class.

    Examples
    --------
    >>> accuracy([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 0, 0])
    0.6666666666666666
    """
    try:
        scores, labels = readable(logits), readable(labels)
    except ValueError as error:
        raise ShapeError(f"accuracy: rows of different lengths ({error})") from None
    if scores.ndim != 2 or not scores.shape[1] or labels.shape != scores.shape[:1] or not labels.size:
        raise ShapeError(
            f"accuracy: got scores of shape {scores.shape} and labels of shape {labels.shape}, "
            "wanted (n, classes) and (n,), both at least 1"
        )
    if scores.dtype.kind not in "biuf":
        raise DTypeError(f"accuracy: got scores of dtype {scores.dtype}, wanted numbers")
    class_numbers("accuracy, labels", labels, scores.shape[1])
    return float((_largest(scores) == labels).mean())


def confusion_matrix(predictions: Any, labels: Any, classes: int | None = None) -> np.ndarray:
    """How many examples of class i were put into class j: row i, column j.

    Parameters
    ----------
    predictions : Tensor or array_like of shape (n, classes) or (n,)
    labels : Tensor or array_like of shape (n,)
    classes : int, optional
        How many there are; as many as scores, or up to the largest that occurs, if not given.

    Returns
    -------
    numpy.ndarray, int64 of shape (classes, classes)

    Raises
    ------
    ShapeError, DTypeError, IndexOutOfRange
        As for `accuracy`.
    DataError
        If a row of scores has a nan: it is in no class.

    Examples
    --------
    >>> confusion_matrix([0, 1, 1, 0], [0, 1, 0, 0])
    array([[2, 1],
           [0, 1]])
    """
    found, right, count = _classes("confusion_matrix", predictions, labels, classes)
    if (found < 0).any():
        raise DataError("confusion_matrix: a row of scores with a nan is in no class")
    table = np.zeros((count, count), np.int64)
    np.add.at(table, (right, found), 1)
    return table


def precision(predictions: Any, labels: Any, average: str | None = "binary") -> Any:
    """Of the examples put into a class, the share that belongs there: TP / (TP + FP); 0 if there are none.

    Parameters
    ----------
    predictions : Tensor or array_like of shape (n, classes) or (n,)
    labels : Tensor or array_like of shape (n,)
    average : {"binary", "macro", "micro", "weighted", None}
        "binary": of class 1, where the classes are 0 and 1. "macro": the mean over the classes that occur. "weighted":
        that mean, weighted by how many examples belong to each. "micro": of all classes counted together. None: an
        array with one number for each class that occurs, in their order.

    Returns
    -------
    float, or numpy.ndarray of float64

    Raises
    ------
    ShapeError, DTypeError, IndexOutOfRange
        As for `accuracy`.
    ValueError
        If there is no such average.
    DataError
        If `average` is "binary" and there are other classes than 0 and 1.

    Examples
    --------
    >>> precision([0, 1, 1, 0], [0, 1, 0, 0])
    0.5
    >>> precision([0, 1, 2, 1], [0, 1, 2, 2], average=None)
    array([1. , 0.5, 1. ])
    """
    hits, put, belong = _counts("precision", predictions, labels, average)
    return _averaged(hits, put, belong, average)


def recall(predictions: Any, labels: Any, average: str | None = "binary") -> Any:
    """Of the examples that belong to a class, the share that was put there: TP / (TP + FN); 0 if there are none.

    Parameters, returns and errors are those of `precision`.

    Examples
    --------
    >>> recall([0, 1, 1, 0], [0, 1, 0, 0])
    1.0
    """
    hits, _, belong = _counts("recall", predictions, labels, average)
    return _averaged(hits, belong, belong, average)


def f1(predictions: Any, labels: Any, average: str | None = "binary") -> Any:
    """The harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN); 0 if there is nothing to find.

    Parameters, returns and errors are those of `precision`.

    Examples
    --------
    >>> f1([0, 1, 1, 0], [0, 1, 0, 0])
    0.6666666666666666
    """
    hits, put, belong = _counts("f1", predictions, labels, average)
    return _averaged(2 * hits, put + belong, belong, average)


def matthews_corrcoef(predictions: Any, labels: Any) -> float:
    r"""How predictions and labels are correlated: 1 if all are right, 0 for guessing, and as low as -1.

    For the classes 0 and 1 this is :math:`(TP \cdot TN - FP \cdot FN) / \sqrt{(TP+FP)(TP+FN)(TN+FP)(TN+FN)}`. Where one
    class is far more frequent it says more than the accuracy: whoever always names that class gets 0.

    Parameters
    ----------
    predictions : Tensor or array_like of shape (n, classes) or (n,)
    labels : Tensor or array_like of shape (n,)

    Returns
    -------
    float
        0 if all predictions, or all labels, are one class.

    Raises
    ------
    ShapeError, DTypeError, IndexOutOfRange
        As for `accuracy`.

    References
    ----------
    J. Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", 2004.

    Examples
    --------
    >>> matthews_corrcoef([1, 1, 1, 0], [1, 1, 0, 0])
    0.5773502691896258
    >>> matthews_corrcoef([1, 1, 1, 1], [1, 1, 1, 0])
    0.0
    """
    found, right, _ = _classes("matthews_corrcoef", predictions, labels)
    occurring = np.unique(np.concatenate([found, right]))
    put, belong = (classes == occurring[:, None] for classes in (found, right))  # (classes, n)
    n, hits = len(found), int((found == right).sum())
    in_put, in_belong = (one.sum(axis=1).astype(np.float64) for one in (put, belong))
    above = hits * n - in_put @ in_belong
    below = np.sqrt(n**2 - in_put @ in_put) * np.sqrt(n**2 - in_belong @ in_belong)
    return float(above / below) if below else 0.0


def _largest(scores: np.ndarray) -> np.ndarray:
    """The class of each row of scores; -1, which is none, where a score is nan."""
    return np.where(np.isnan(scores).any(axis=1), -1, scores.argmax(axis=1))


def _classes(who: str, predictions: Any, labels: Any, classes: int | None = None) -> tuple:
    """The class that each example was put into, the one it belongs to, and how many classes there are."""
    found, right = readable(predictions), readable(labels)
    if found.ndim not in (1, 2) or right.shape != found.shape[:1] or not found.size:
        raise ShapeError(
            f"{who}: got predictions of shape {found.shape} and labels of shape {right.shape}, wanted (n,) or "
            "(n, classes) and (n,), all at least 1"
        )
    if found.dtype.kind not in "biuf":
        raise DTypeError(f"{who}: got predictions of dtype {found.dtype}, wanted numbers")
    if found.ndim == 2:
        classes, found = found.shape[1], _largest(found)
    else:
        class_numbers(f"{who}, predictions", found, 2**31 if classes is None else classes)
    class_numbers(f"{who}, labels", right, 2**31 if classes is None else classes)
    found, right = found.astype(np.int64), right.astype(np.int64)
    return found, right, int(max(found.max(), right.max())) + 1 if classes is None else classes


def _counts(who: str, predictions: Any, labels: Any, average: str | None) -> tuple:
    """Per class that occurs: the hits, those put into it, those that belong to it."""
    if average not in AVERAGES:
        raise ValueError(f"{who}: average is one of {', '.join(map(repr, AVERAGES))}, got {average!r}")
    found, right, _ = _classes(who, predictions, labels)
    occurring = np.unique(np.concatenate([found[found >= 0], right]))
    if average == "binary":
        if occurring.max(initial=0) > 1:
            raise DataError(
                f"{who}: average='binary' is for the classes 0 and 1, found {occurring[-1]}; say average='macro'"
            )
        occurring = np.array([1])
    counts = [((found == k) & (right == k)).sum() for k in occurring]
    put, belong = ([(array == k).sum() for k in occurring] for array in (found, right))
    return tuple(np.array(column, float) for column in (counts, put, belong))


def _averaged(above: np.ndarray, below: np.ndarray, weights: np.ndarray, average: str | None) -> Any:
    """The quotients of all classes as one number; 0 / 0 is 0."""
    if average == "micro":
        above, below = above.sum(keepdims=True), below.sum(keepdims=True)
    shares = np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
    if average is None:
        return shares
    if average == "weighted":
        return float((shares * weights).sum() / weights.sum())
    return float(shares.mean())
