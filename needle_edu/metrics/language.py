"""A measure for language models: the perplexity, how many tokens they hesitate between.

    perplexity = exp(−mean of log p(next token))

A model that always gives the right token the probability 1/k has perplexity k: it might as well throw a die with k
sides. It is the exponential of the mean cross-entropy, so only models with the same tokens can be compared by it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.arguments import integer
from ..backend.errors import DTypeError, ShapeError
from ..init.basic import class_numbers


def perplexity(logits: Any, labels: Any, ignore_index: int | None = None) -> float:
    """exp of the mean of -log p, p the probability that the softmax of logits gives to the right token.

    Parameters
    ----------
    logits : Tensor or array_like of shape (..., tokens)
    labels : Tensor or array_like of shape (...)
        The right token at each position.
    ignore_index : int, optional
        Positions with this label, which only fill up, do not count.

    Returns
    -------
    float of at least 1; inf where a right token has probability 0 or the loss is beyond all numbers

    Raises
    ------
    ShapeError
        If the shapes do not belong together, or no position counts.
    DTypeError
        If the logits are no numbers.
    IndexOutOfRange
        If a label is not a token.

    Examples
    --------
    >>> round(perplexity([[0.0, 0.0, 0.0, 0.0]], [2]), 4)                   # four tokens, none preferred
    4.0
    >>> round(perplexity([[0.0, 0.0], [9.0, -9.0]], [1, -1], ignore_index=-1), 4)
    2.0
    """
    try:
        scores, right = readable(logits), readable(labels)
    except ValueError as error:
        raise ShapeError(f"perplexity: rows of different lengths ({error})") from None
    if scores.dtype.kind not in "fiu":
        raise DTypeError(f"perplexity: logits are numbers, got {scores.dtype}")
    if not scores.ndim or not scores.shape[-1] or scores.shape[:-1] != right.shape:
        raise ShapeError(
            f"perplexity: wanted logits (..., tokens) and labels (...), got {scores.shape} and {right.shape}"
        )
    scores, right = scores.reshape(-1, scores.shape[-1]).astype(float), right.reshape(-1)
    if ignore_index is not None:
        counts = right != integer("perplexity", "ignore_index", ignore_index)
        scores, right = scores[counts], right[counts]
    if not len(right):
        raise ShapeError("perplexity: no position counts, so there is no mean")
    right = class_numbers("perplexity, labels", right, scores.shape[1]).astype(np.int64)
    with np.errstate(invalid="ignore", over="ignore"):
        scores = scores - scores.max(1, keepdims=True)
        loss = np.log(np.exp(scores).sum(1)) - scores[np.arange(len(right)), right]
        return float(np.exp(loss.mean())) if not math.isnan(loss.mean()) else math.nan
