"""Softmax of the NumPy reference, written as its definition in the header."""

import numpy as np

from ..dtypes import DTYPES
from ..errors import EDTYPE, EPLAN, OK
from .plan import FLOATS, kernel

Array = np.ndarray


@kernel
def softmax_dense(dtype: int, n: int, out: Array, a: Array, width: int, log: int) -> int:
    """exp(a) divided by its sum along each row, or the logarithm of that"""
    if error := _error(dtype, n, width):
        return error
    x = _rows(dtype, a, n, width)
    z = x - x.max(1, keepdims=True)
    e = np.exp(z)
    total = e.sum(1, keepdims=True)
    out.view(DTYPES[dtype])[:n] = (z - np.log(total) if log else e / total).reshape(-1)
    return OK


@kernel
def softmax_backward_dense(dtype: int, n: int, out: Array, g: Array, y: Array, width: int, log: int) -> int:
    """y (g - sum of g y), or, of logarithms, g - exp(y) sum of g"""
    if error := _error(dtype, n, width):
        return error
    of_y, result = _rows(dtype, g, n, width), _rows(dtype, y, n, width)
    if log:
        adjoint = of_y - np.exp(result) * of_y.sum(1, keepdims=True)
    else:
        adjoint = result * (of_y - (of_y * result).sum(1, keepdims=True))
    out.view(DTYPES[dtype])[:n] = adjoint.reshape(-1)
    return OK


def _error(dtype: int, n: int, width: int) -> int:
    if dtype not in FLOATS:
        return EDTYPE
    return OK if width > 0 and n % width == 0 else EPLAN


def _rows(dtype: int, memory: Array, n: int, width: int) -> Array:
    return memory.view(DTYPES[dtype])[:n].astype(np.float64).reshape(-1, width)
