"""Softmax cross-entropy and negative log-likelihood of the NumPy reference, written as in the header."""

from typing import Any

import numpy as np

from ..dtypes import DTYPES
from ..errors import EDTYPE, EINDEX, OK
from .plan import ANY, FLOATS, Plan, kernel, last_error, operand
from .softmax import sum_of_exp

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
    losses = np.where(q != 0, q * (np.log(sum_of_exp(z)) - z), 0).sum(-1)
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
    p = np.exp(z) / sum_of_exp(z)
    used = (q != 0).any(-1, keepdims=True)
    scale = operand(plan, 1, g) / (divisor if reduction == MEAN else 1)
    operand(plan, 0, out)[...] = np.where(used, scale * (p * q.sum(-1, keepdims=True) - q), 0)
    return OK


@kernel
def soft_cross_entropy(
    plan: Plan, out: Array, a: Array, q: Array, weight: Array | None, smoothing: float, reduction: int
) -> int:
    """-sum over k of weight_k q_k log(softmax(a)_k) for each row, q given; or the sum or mean of it over all rows"""
    shares = _shares(plan, 1, q, weight, smoothing)
    if shares is None:
        return EDTYPE
    logits = operand(plan, 1, a)
    z = logits - logits.max(-1, keepdims=True)
    losses = (shares * (np.log(sum_of_exp(z)) - z)).sum(-1)
    return _reduced(plan, out, losses, losses.size, reduction)


@kernel
def soft_cross_entropy_backward(
    plan: Plan,
    out: Array,
    g: Array,
    a: Array,
    q: Array,
    weight: Array | None,
    smoothing: float,
    reduction: int,
) -> int:
    """g (softmax(a)_k sum_j weight_j q_j - weight_k q_k); g as the forward kernel's out"""
    shares = _shares(plan, 2, q, weight, smoothing)
    if shares is None:
        return EDTYPE
    logits = operand(plan, 2, a)
    e = np.exp(logits - logits.max(-1, keepdims=True))
    scale = operand(plan, 1, g) / (max(shares[..., 0].size, 1) if reduction == MEAN else 1)
    operand(plan, 0, out)[...] = scale * (
        e / e.sum(-1, keepdims=True, dtype=np.float64) * shares.sum(-1, keepdims=True) - shares
    )
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


def _shares(plan: Plan, first: int, q: Array, weight: Array | None, smoothing: float) -> Any:
    """Return the weighted, smoothed q, of the operand that follows `first`; or None if types differ."""
    types = set(plan.dtypes[: first + 2 + (weight is not None)])
    if len(types) > 1 or plan.dtypes[0] not in FLOATS:
        return None
    classes = plan.shape[-1]
    of_class = np.ones(classes) if weight is None else operand(plan, first + 2, weight, [plan.ndim - 1])
    return (operand(plan, first + 1, q) * (1 - smoothing) + smoothing / classes) * of_class


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
