"""Softmax along the last dimension, its logarithm, and their vjps, in the NumPy reference."""

import numpy as np

from ..errors import EDTYPE, OK
from .plan import FLOATS, Plan, kernel, operand

Array = np.ndarray


def sum_of_exp(z: Array) -> Array:
    """The sum of ``exp(z)`` along the last axis, which stays; in float64, as NumPy may add one by one."""
    return np.exp(z).sum(-1, keepdims=True, dtype=np.float64)


@kernel
def softmax(plan: Plan, out: Array, a: Array, log: int) -> int:
    """exp(a) / sum of exp(a) for each line, or its logarithm"""
    if plan.dtypes[0] not in FLOATS or plan.dtypes[1] != plan.dtypes[0]:
        return EDTYPE
    if plan.size:
        x = operand(plan, 1, a)
        z = x - x.max(-1, keepdims=True)
        total = sum_of_exp(z)
        operand(plan, 0, out)[...] = z - np.log(total) if log else np.exp(z) / total
    return OK


@kernel
def softmax_backward(plan: Plan, out: Array, g: Array, y: Array, log: int) -> int:
    """y (g - sum of g y) for each line, or g - exp(y) (sum of g)"""
    if plan.dtypes[0] not in FLOATS or len(set(plan.dtypes[:3])) != 1:
        return EDTYPE
    if plan.size:
        x, r = (operand(plan, k, memory).astype(np.float64) for k, memory in ((1, g), (2, y)))
        if log:
            result = x - np.exp(r) * x.sum(-1, keepdims=True)
        else:
            result = r * (x - (x * r).sum(-1, keepdims=True))
        operand(plan, 0, out)[...] = result
    return OK
