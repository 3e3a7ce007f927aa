"""The five element types and the small numbers that stand for them in C.

In Python an element type is a `numpy.dtype`; a kernel gets its code, the position in `DTYPES`
(`enum nd_dtype` in csrc/include/needle_kernels.h).
"""

from functools import cache
from typing import Any

import numpy as np

from .errors import DTypeError

F32, F64, I32, I64, BOOL = range(5)

DTYPES: tuple[np.dtype, ...] = tuple(
    np.dtype(name) for name in ("float32", "float64", "int32", "int64", "bool")
)
ITEMSIZES: tuple[int, ...] = tuple(dtype.itemsize for dtype in DTYPES)
_CODES = {dtype: code for code, dtype in enumerate(DTYPES)}


def code_of(dtype: np.dtype) -> int:
    """Return the code of an element type.

    Examples
    --------
    >>> import numpy as np
    >>> code_of(np.dtype("int64")) == I64
    True
    >>> code_of(np.dtype("complex64"))
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.DTypeError: no kernels for complex64; use float32, float64, int32, int64, bool
    """
    code = _CODES.get(dtype)
    if code is None:
        names = ", ".join(known.name for known in DTYPES)
        raise DTypeError(f"no kernels for {np.dtype(dtype).name}; use {names}")
    return code


@cache
def name_of(dtype: np.dtype) -> str:
    """Return `dtype.name`, which NumPy puts together anew each time: that takes as long as the sum of a small array.

    Examples
    --------
    >>> name_of(np.dtype("float32"))
    'float32'
    """
    return dtype.name


def python_ints_as_int64(array: np.ndarray, data: Any) -> np.ndarray:
    """Return the NumPy array made from `data` with plain Python integers as int64, which they are on every platform.

    Where an address has 32 bits (Python in a browser), NumPy makes them int32.

    Examples
    --------
    >>> python_ints_as_int64(np.array([1, 2], dtype="int32"), [1, 2]).dtype
    dtype('int64')
    >>> python_ints_as_int64(np.array([1, 2], dtype="int32"), [np.int32(1), np.int32(2)]).dtype
    dtype('int32')
    """
    return array.astype(DTYPES[I64]) if array.dtype == DTYPES[I32] and _has_python_int(data) else array


def _has_python_int(data: Any) -> bool:
    if isinstance(data, range):
        return True
    if isinstance(data, (list, tuple)):
        return any(map(_has_python_int, data))
    return isinstance(data, int) and not isinstance(data, bool)
