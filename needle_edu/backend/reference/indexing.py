"""Gather and scatter of the NumPy reference."""

import numpy as np

from ..dtypes import BOOL, DTYPES, I64
from ..errors import EDTYPE, EINDEX, OK
from .plan import Plan, kernel, last_error, operand

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
