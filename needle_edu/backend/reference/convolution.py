"""Convolution of the NumPy reference: one matrix product for each position of the kernel."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..dtypes import DTYPES
from ..errors import EDTYPE, EPLAN, OK
from .plan import FLOATS, Plan, kernel
from .windows import positions

Array = np.ndarray


@kernel
def conv(plan: Plan, out: Array, x: Array, w: Array, window: Any) -> int:
    """y[n, g, o, i, j] = sum over c, k, l of x[n, g, c, …] w[g, o, c, k, l]"""
    if error := _error(plan):
        return error
    y = _view(plan, 0, out, (0, 1, 2, 4, 5))
    y[...] = 0
    for k, ij, seen in _positions(plan, 1, x, window):
        y[:, :, :, *ij] += np.einsum("ngcij,goc->ngoij", seen, _view(plan, 2, w, (1, 2, 3, 6, 7))[..., *k])
    return OK


@kernel
def conv_input_backward(plan: Plan, out: Array, g: Array, w: Array, window: Any) -> int:
    """The adjoint of x: every element of g spreads the weights over it"""
    if error := _error(plan):
        return error
    _image(plan, 0, out, window)[...] = 0
    y = _view(plan, 1, g, (0, 1, 2, 4, 5))
    for k, ij, seen in _positions(plan, 0, out, window):
        weights = _view(plan, 2, w, (1, 2, 3, 6, 7))[..., *k]
        seen += np.einsum("ngoij,goc->ngcij", y[:, :, :, *ij], weights)
    return OK


@kernel
def conv_weight_backward(plan: Plan, out: Array, x: Array, g: Array, window: Any) -> int:
    """The adjoint of w: what each weight has seen, times the adjoint g of what came of it"""
    if error := _error(plan):
        return error
    weights, y = _view(plan, 0, out, (1, 2, 3, 6, 7)), _view(plan, 2, g, (0, 1, 2, 4, 5))
    weights[...] = 0
    for k, ij, seen in _positions(plan, 1, x, window):
        weights[..., *k] = np.einsum("ngcij,ngoij->goc", seen, y[:, :, :, *ij])
    return OK


def _error(plan: Plan) -> int:
    if plan.ndim != 8:
        return EPLAN
    return OK if plan.dtypes[0] in FLOATS and len(set(plan.dtypes[:3])) == 1 else EDTYPE


def _view(plan: Plan, k: int, memory: Array, dims: tuple[int, ...]) -> Array:
    return _strided(plan, k, memory, [plan.shape[d] for d in dims], [plan.strides[k][d] for d in dims])


def _strided(plan: Plan, k: int, memory: Array, shape: Any, strides: Any, first: int | None = None) -> Array:
    dtype = DTYPES[plan.dtypes[k]]
    if 0 in shape:
        return np.empty(shape, dtype)
    offset = (plan.offsets[k] if first is None else first) * dtype.itemsize
    return np.ndarray(shape, dtype, memory, offset, [s * dtype.itemsize for s in strides])


def _image(plan: Plan, k: int, memory: Array, window: Any) -> Array:
    """x itself: (images, groups, channels, extent, extent)."""
    (start, step, _, extent), (start2, step2, _, extent2) = window[:4], window[4:]
    strides = plan.strides[k]
    down, across = strides[4] // step, strides[5] // step2
    first = plan.offsets[k] - start * down - start2 * across
    shape = (plan.shape[0], plan.shape[1], plan.shape[3], extent, extent2)
    return _strided(plan, k, memory, shape, (strides[0], strides[1], strides[3], down, across), first)


def _positions(plan: Plan, k: int, memory: Array, window: Any) -> Iterator[tuple[Any, Any, Array]]:
    """Yield each kernel position at which windows see something, these windows, and what they see."""
    image = _image(plan, k, memory, window)
    for position, windows, seen in positions(plan.shape[6:8], plan.shape[4:6], (window[:4], window[4:])):
        yield position, windows, image[:, :, :, *seen]
