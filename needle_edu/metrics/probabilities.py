"""Measures for classifiers that say how sure they are: the log loss, and the ROC curve.

A threshold turns scores into yes and no. A low one finds nearly all that is to be found, and much that is not: the ROC
curve ("receiver operating characteristic") shows the share found of each, for every threshold. The area under it is
the probability that an example of class 1 has a higher score than one of class 0.

Reference: T. Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27(8), 2006.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.errors import DataError, DTypeError, ShapeError
from ..init.basic import class_numbers


def log_loss(probabilities: Any, labels: Any) -> float:
    """The mean of -log(probability of the right class): the cross-entropy, of probabilities instead of logits.

    Parameters
    ----------
    probabilities : Tensor or array_like of shape (n, classes), or of shape (n,)
        Rows add up to 1; or the probability of class 1, of two. They are kept away from 0 and 1 by the smallest step of
        their dtype.
    labels : Tensor or array_like of shape (n,)

    Raises
    ------
    ShapeError, DTypeError, IndexOutOfRange
        As for `accuracy`.
    DataError
        If they are no probabilities.

    Examples
    --------
    >>> round(log_loss([[0.5, 0.5], [0.1, 0.9]], [0, 1]), 4)
    0.3993
    >>> round(log_loss([0.5, 0.9], [0, 1]), 4)
    0.3993
    """
    p, right = _scores("log_loss", probabilities, labels)
    if p.dtype.kind != "f":
        p = p.astype(float)
    if not ((p >= 0) & (p <= 1)).all():
        raise DataError("log_loss: probabilities lie between 0 and 1; of logits, take the softmax first")
    if p.ndim == 1:
        p = np.stack([1 - p, p], axis=1)
    class_numbers("log_loss, labels", right, p.shape[1])
    step = np.finfo(p.dtype).eps
    sums = p.sum(axis=1, dtype=float)
    if not np.allclose(sums, 1, atol=np.sqrt(step), rtol=0):
        raise DataError(f"log_loss: each row adds up to 1, got {sums[np.abs(sums - 1).argmax()]:.6g}")
    chosen = np.clip(p, step, 1 - step)[np.arange(len(p)), right.astype(np.int64)]
    return float(-np.log(chosen.astype(float)).mean())


def roc_curve(scores: Any, labels: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each threshold, the share of class 0 and the share of class 1 with a score at least so high.

    Parameters
    ----------
    scores : Tensor or array_like of shape (n,)
        Higher for class 1.
    labels : Tensor or array_like of shape (n,)
        0 or 1.

    Returns
    -------
    false positive rates, true positive rates, thresholds : numpy.ndarray of shape (m,)
        From the threshold infinity, which nothing reaches, down to the lowest score.

    Raises
    ------
    DataError
        If one of the classes is missing, or a score is nan.

    Examples
    --------
    >>> fpr, tpr, thresholds = roc_curve([0.9, 0.8, 0.3, 0.2], [1, 0, 1, 0])
    >>> fpr.tolist(), tpr.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    s, right = _scores("roc_curve", scores, labels)
    if s.ndim != 1:
        raise ShapeError(f"roc_curve: scores have shape (n,), got {s.shape}; see roc_auc for more classes")
    right = class_numbers("roc_curve, labels", right, 2).astype(bool)
    _both("roc_curve", right)
    order = np.argsort(-s.astype(float), kind="stable")
    s, right = s[order], right[order]
    last = np.append(np.flatnonzero(s[1:] != s[:-1]), len(s) - 1)  # of each run of equal scores
    ones, zeros = np.cumsum(right)[last], np.cumsum(~right)[last]
    tpr, fpr = (np.append(0.0, count / count[-1]) for count in (ones, zeros))
    return fpr, tpr, np.append(np.inf, s[last].astype(float))


def roc_auc(scores: Any, labels: Any) -> float:
    """The area under the ROC curve; of more than two classes, the mean over each one against the rest.

    Parameters
    ----------
    scores : Tensor or array_like of shape (n,) or (n, classes)
    labels : Tensor or array_like of shape (n,)

    Raises
    ------
    DataError
        If a class is missing among the labels, or a score is nan.

    Examples
    --------
    >>> roc_auc([0.9, 0.8, 0.3, 0.2], [1, 0, 1, 0])
    0.75
    """
    s, right = _scores("roc_auc", scores, labels)
    if s.ndim == 1:
        fpr, tpr, _ = roc_curve(s, class_numbers("roc_auc, labels", right, 2))
        return float(((tpr[1:] + tpr[:-1]) / 2 * np.diff(fpr)).sum())
    class_numbers("roc_auc, labels", right, s.shape[1])
    return float(np.mean([roc_auc(s[:, k], right == k) for k in range(s.shape[1])]))


def _both(who: str, right: np.ndarray) -> None:
    if right.all() or not right.any():
        raise DataError(f"{who}: all labels are the same; it takes examples of each class")


def _scores(who: str, scores: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    s, right = readable(scores), readable(labels)
    if s.ndim not in (1, 2) or right.shape != s.shape[:1] or not s.size:
        raise ShapeError(
            f"{who}: got scores of shape {s.shape} and labels of shape {right.shape}, wanted (n,) or (n, classes) "
            "and (n,), all at least 1"
        )
    if s.dtype.kind not in "biuf":
        raise DTypeError(f"{who}: got scores of dtype {s.dtype}, wanted numbers")
    if np.isnan(s).any():
        raise DataError(f"{who}: a score is nan")
    return s, right
