"""Measures for classifiers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.errors import DTypeError, ShapeError
from ..init.basic import class_numbers


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
    known = ~np.isnan(scores).any(axis=1)
    return float((known & (scores.argmax(axis=1) == labels)).mean())
