"""Which element type comes out: entry conversions, promotion, weak Python scalars.

Arrays hold float32 (the default), float64, int32, int64 or bool. The result type of two operands follows three
rules: within a kind the wider type wins, bool takes the other's type, and an integer takes the type of the float beside
it (NumPy would go to float64; a network's float32 must not double because an index joined in). A Python number
is *weak*: it adopts the type of the array beside it. True division and functions such as `exp` turn integers
into float32.
"""

from typing import Any

import numpy as np

from needle_edu.backend import DTypeError, compatibility
from needle_edu.backend.dtypes import BOOL, DTYPES, F32, F64, I32, I64

float32, float64, int32, int64 = DTYPES[F32], DTYPES[F64], DTYPES[I32], DTYPES[I64]
bool_ = DTYPES[BOOL]

# What other types become when they enter; the value range always fits.
_ON_ENTRY = {
    "uint8": I32, "int8": I32, "int16": I32, "uint16": I32, "uint32": I64, "float16": F32,
    "float32": F32, "float64": F64, "int32": I32, "int64": I64, "bool": BOOL,
}  # fmt: skip
_CODE_BY_DTYPE = _ON_ENTRY | {np.dtype(name): code for name, code in _ON_ENTRY.items()}


def as_code(dtype: Any) -> int:
    """Return the code of the element type that `dtype` becomes on entry; None is the default, float32.

    Examples
    --------
    >>> DTYPES[as_code("uint8")]
    dtype('int32')
    >>> as_code("complex64")
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.DTypeError: complex64 arrays are not supported; convert to one of float32, ...
    """
    if dtype is None:
        return F32
    code = _CODE_BY_DTYPE.get(dtype) if isinstance(dtype, (str, np.dtype)) else None
    if code is None:
        try:
            known = np.dtype(dtype)
        except TypeError:
            raise DTypeError(f"{dtype!r} is not a dtype; {_WANTED}") from None
        code = _CODE_BY_DTYPE.get(known.newbyteorder("="))
        if code is None:
            raise DTypeError(f"{known.name} arrays are not supported; convert to {_WANTED}")
    return code


def shown(value: object) -> str:
    """Return what an error message says about a number that does not fit: a very long integer is not written out.

    Examples
    --------
    >>> shown(2**64), shown(-(10**400))
    ('18446744073709551616', 'an integer of 1329 bits')
    """
    if isinstance(value, int) and value.bit_length() > 128:
        return f"an integer of {value.bit_length()} bits"
    return str(value)


_WANTED = "one of " + ", ".join(dtype.name for dtype in DTYPES)


def promote(a: int, b: int) -> int:
    """Return the code of the result type of codes `a` and `b`.

    Examples
    --------
    >>> promote(I64, F32) == F32, promote(F32, F64) == F64, promote(BOOL, I32) == I32
    (True, True, True)
    """
    return _PROMOTED[a][b]


#             F32  F64  I32  I64  BOOL
_PROMOTED = ((F32, F64, F32, F32, F32),
             (F64, F64, F64, F64, F64),
             (F32, F64, I32, I64, I32),
             (F32, F64, I64, I64, I64),
             (F32, F64, I32, I64, BOOL))  # fmt: skip


def promote_scalar(code: int, scalar: bool | int | float) -> int:
    """Return the code of the result type of an array of type `code` and a weak Python number.

    Examples
    --------
    >>> promote_scalar(F32, 2) == F32, promote_scalar(I32, 2) == I32, promote_scalar(I32, 0.5) == F32
    (True, True, True)
    """
    if code <= F64:
        return code
    if isinstance(scalar, float):
        return F32
    if isinstance(scalar, bool):
        return code
    return I64 if code == BOOL else code


def counted(code: int) -> int:
    """Return the type in which arithmetic on such elements computes: its own, but Needle's bools are float32.

    >>> counted(BOOL) == BOOL, counted(I32) == I32
    (True, True)
    """
    return F32 if code == BOOL and compatibility.bools_are_numbers else code


def floating(code: int) -> int:
    """Return `code` if it is a float type, else float32: the type of `exp`, `mean` and `/` of integers."""
    return code if code <= F64 else F32


def result_type(*dtypes: object) -> np.dtype:
    """Return the result type of dtypes or arrays: the one in which an operation on them computes.

    Examples
    --------
    >>> result_type("int64", "float32")
    dtype('float32')
    """
    codes = [as_code(getattr(item, "dtype", item)) for item in dtypes]
    code = codes[0]
    for other in codes[1:]:
        code = promote(code, other)
    return DTYPES[code]
