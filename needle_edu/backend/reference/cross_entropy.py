"""Softmax cross-entropy and negative log-likelihood of the NumPy reference, written as in the header."""

from typing import Any

import numpy as np

from ..dtypes import DTYPES
from ..errors import EDTYPE, EINDEX, OK
from .plan import ANY, FLOATS, Plan, kernel, last_error, operand

Array = np.ndarray
EACH, SUM, MEAN = 0, 1, 2


@kernel
def cross_entropy(
    plan: Plan, out: Array, a: Array, labels: Array, weight: Array | None,
    smoothing: float, ignore: int, reduction: int,
) -> int:  # fmt: skip
    """-sum over k of weight_k q_k log(softmax(a)_k) for each row, or the sum or mean of it over all rows"""
    read = _read(plan, 1, a, labels, weight, smoothing, ignore)
    if isinstance(read, int):
        return read
    z, q, divisor = read
    losses = np.where(q != 0, q * (np.log(np.exp(z).sum(-1, keepdims=True)) - z), 0).sum(-1)
    return _reduced(plan, out, losses, divisor, reduction)


@kernel
def cross_entropy_backward(
    plan: Plan, out: Array, g: Array, a: Array, labels: Array, weight: Array | None,
    smoothing: float, ignore: int, reduction: int,
) -> int:  # fmt: skip
    """g (softmax(a)_k sum_j weight_j q_j - weight_k q_k); g as the forward kernel's out"""
    if plan.dtypes[1] != plan.dtypes[0]:
        return EDTYPE
    read = _read(plan, 2, a, labels, weight, smoothing, ignore)
    if isinstance(read, int):
        return read
    z, q, divisor = read
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    used = (q != 0).any(-1, keepdims=True)
    scale = operand(plan, 1, g) / (divisor if reduction == MEAN else 1)
    operand(plan, 0, out)[...] = np.where(used, scale * (p * q.sum(-1, keepdims=True) - q), 0)
    return OK


@kernel
def nll(
    plan: Plan, out: Array, a: Array, labels: Array, weight: Array | None, ignore: int, reduction: int
) -> int:
    """-weight_label a_label for each row, or the sum or mean of it over all rows"""
    read = _one_hot(plan, 1, labels, weight, 0.0, ignore)
    if isinstance(read, int):
        return read
    q, divisor = read
    losses = -(np.where(q != 0, operand(plan, 1, a), 0) * q).sum(-1)
    return _reduced(plan, out, losses, divisor, reduction)


@kernel
def nll_backward(
    plan: Plan, out: Array, g: Array, labels: Array, weight: Array | None, ignore: int, reduction: int
) -> int:
    """-g weight_k [k = label]; g as the forward kernel's out"""
    read = _one_hot(plan, 1, labels, weight, 0.0, ignore)
    if isinstance(read, int):
        return read
    q, divisor = read
    scale = operand(plan, 1, g) / (divisor if reduction == MEAN else 1)
    operand(plan, 0, out)[...] = np.where(q != 0, -scale * q, 0)
    return OK


def _reduced(plan: Plan, out: Array, losses: Array, divisor: Any, reduction: int) -> int:
    """Write the losses of all rows, or their sum or mean."""
    if reduction == EACH:
        operand(plan, 0, out, range(plan.ndim - 1))[...] = losses
    else:
        total = losses.sum() / (divisor if reduction == MEAN else 1)
        out.view(DTYPES[plan.dtypes[0]])[plan.offsets[0]] = total
    return OK


def _read(
    plan: Plan, first: int, a: Array, labels: Array, weight: Array | None, smoothing: float, ignore: int
) -> Any:
    """Return z = a - max(a), the weighted q, and what a mean divides by; or an error code. `first` is a's operand."""
    read = _one_hot(plan, first, labels, weight, smoothing, ignore)
    if isinstance(read, int):
        return read
    logits = operand(plan, first, a)
    return logits - logits.max(-1, keepdims=True), *read


def _one_hot(
    plan: Plan, first: int, labels: Array, weight: Array | None, smoothing: float, ignore: int
) -> Any:
    """Return the weighted, smoothed q and what a mean divides by; or an error code. Labels follow operand `first`."""
    type_ = plan.dtypes[first]
    if type_ not in FLOATS or plan.dtypes[0] != type_ or plan.dtypes[first + 1] not in ANY:
        return EDTYPE
    if weight is not None and plan.dtypes[first + 2] != type_:
        return EDTYPE
    classes = plan.shape[-1]
    y = operand(plan, first + 1, labels, range(plan.ndim - 1)).astype(np.float64)
    ignored = y == ignore
    wrong = ~ignored & ~((y >= 0) & (y < classes) & (np.floor(y) == y))
    if wrong.any():
        last_error.detail = int(y[wrong][0])
        return EINDEX
    of_class = np.ones(classes) if weight is None else operand(plan, first + 2, weight, [plan.ndim - 1])
    right = (y[..., None] == np.arange(classes)) & ~ignored[..., None]
    smooth = np.where(ignored[..., None], 0, smoothing / classes)
    q = ((1 - smoothing) * right + smooth) * of_class
    return q, (right * of_class).sum()
