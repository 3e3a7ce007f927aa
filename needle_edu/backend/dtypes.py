"""The five element types and the small numbers that stand for them in C.

In Python an element type is a `numpy.dtype`; a kernel gets its code, the position in `DTYPES`
(`enum nd_dtype` in csrc/include/needle_kernels.h).
"""

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
