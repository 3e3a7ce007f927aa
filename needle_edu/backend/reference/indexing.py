"""Gather, scatter and the optimiser steps of the NumPy reference."""

import numpy as np

from ..dtypes import BOOL, DTYPES, I64
from ..errors import EDTYPE, EINDEX, OK
from .plan import FLOATS, Plan, kernel, last_error, operand

Array = np.ndarray


@kernel
def gather(plan: Plan, out: Array, src: Array, index: Array, step: int, limit: int) -> int:
    """out[point] = src[offset + strides.point + index[point]*step]"""
    if plan.dtypes[0] != plan.dtypes[1] or plan.dtypes[2] != I64:
        return EDTYPE
    places = _places(plan, 1, operand(plan, 2, index), step, limit)
    if places is None:
        return EINDEX
    operand(plan, 0, out)[...] = src.view(DTYPES[plan.dtypes[1]])[places]
    return OK


@kernel
def scatter(plan: Plan, dst: Array, val: Array, index: Array, step: int, limit: int, add: int) -> int:
    """dst[offset + strides.point + index[point]*step] = or += val[point], points in row-major order"""
    if plan.dtypes[0] != plan.dtypes[1] or plan.dtypes[2] != I64 or (add and plan.dtypes[0] == BOOL):
        return EDTYPE
    places = _places(plan, 0, operand(plan, 2, index), step, limit)
    if places is None:
        return EINDEX
    flat = dst.view(DTYPES[plan.dtypes[0]])
    values = operand(plan, 1, val)
    if add:
        np.add.at(flat, places, values)
    else:
        flat[places.ravel()] = values.ravel()  # NumPy assigns in order, so the last of equal places wins
    return OK


def _places(plan: Plan, k: int, index: Array, step: int, limit: int) -> Array | None:
    """Return the element number that each point touches in operand `k`; None if an index is out of range."""
    wrapped = np.where(index < 0, index + limit, index)
    outside = (wrapped < 0) | (wrapped >= limit)
    if outside.any():
        last_error.detail = int(index[outside][0])
        return None
    places = plan.offsets[k] + wrapped * step
    for d in range(plan.ndim):
        shape = [1] * plan.ndim
        shape[d] = plan.shape[d]
        places = places + (np.arange(plan.shape[d]) * plan.strides[k][d]).reshape(shape)
    return places


@kernel
def sgd_step_dense(
    dtype: int, n: int, out: Array, p: Array, g: Array, u: Array | None,
    lr: float, momentum: float, fresh: float, weight_decay: float, nesterov: int,
) -> int:  # fmt: skip
    """u <- momentum*u + fresh*d, out = p - lr*u, d = g + weight_decay*p; without u, out = p - lr*d"""
    if dtype not in FLOATS:
        return EDTYPE
    out, p, g = (memory.view(DTYPES[dtype])[:n] for memory in (out, p, g))
    d = g + weight_decay * p
    if u is not None:
        average = u.view(DTYPES[dtype])[:n]
        average[...] = momentum * average + fresh * d
        d = d + momentum * average if nesterov else average
    out[...] = p - lr * d
    return OK


@kernel
def adam_step_dense(
    dtype: int, n: int, out: Array, p: Array, g: Array, m: Array, v: Array, top: Array | None,
    lr: float, b1: float, b2: float, eps: float, weight_decay: float, shrink: float,
    correct1: float, correct2: float,
) -> int:  # fmt: skip
    """One step of Adam (Kingma and Ba, 2015); m and v are updated in place. AdamW: weight_decay 0, shrink < 1;
    AMSGrad: top"""
    if dtype not in FLOATS:
        return EDTYPE
    out, p, g, m, v = (memory.view(DTYPES[dtype])[:n] for memory in (out, p, g, m, v))
    d = g + weight_decay * p
    m[...] = b1 * m + (1 - b1) * d
    v[...] = b2 * v + (1 - b2) * d * d
    square = v
    if top is not None:
        square = top.view(DTYPES[dtype])[:n]
        np.maximum(square, v, out=square)
    out[...] = shrink * p - lr * (m / correct1) / (np.sqrt(square / correct2) + eps)
    return OK
