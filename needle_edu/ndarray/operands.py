"""Operands of one operation: what may stand beside an array becomes an array too, or is refused in a clear sentence.

`operand` in interchange.py does it for one argument, `pair` and `beside` here for arguments that look at each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from needle_edu.backend import Device, DeviceError, DTypeError, ShapeError

from . import base
from .creation import full, scalar
from .dtypes import promote_scalar
from .interchange import ARRAY_LIKE, asarray, operand
from .plans import broadcast_shape

if TYPE_CHECKING:
    from .array import NDArray

EQUALITY = ("equal", "not_equal")  # of anything at all: what is no array is not equal
COMPARISONS = (*EQUALITY, "less", "less_equal", "greater", "greater_equal")


def pair(operation: str, a: Any, b: Any) -> tuple[NDArray, NDArray] | None:
    """Return two operands as NDArrays; None where Python should ask the class of the other one (NotImplemented)."""
    for x in (a, b):
        if not isinstance(x, (base.NDArray, *ARRAY_LIKE)):
            if operation in EQUALITY or getattr(type(x), "__array_ufunc__", operation) is None:
                return None
            raise DTypeError(f"{operation}: cannot combine an NDArray with {type(x).__name__}")
    return operand(operation, a, b), operand(operation, b, a)


def beside(operation: str, x: Any, other: Any, device: Device | None) -> NDArray:
    """Return x as an array on a device; a number is weak, it takes the type of the array `other` beside it."""
    if isinstance(x, base.NDArray):
        return x
    if isinstance(x, (bool, int, float)) and isinstance(other, base.NDArray):
        layout = other.layout
        return scalar(operation, x, promote_scalar(layout.code, x), layout.device)
    if isinstance(x, float):
        return full((), x, device=device)
    return asarray(x, device=device)


def check_together(operation: str, *operands: NDArray) -> None:
    """Raise unless the operands live on one device and their shapes broadcast."""
    devices = {a.layout.device for a in operands}
    if len(devices) > 1:
        places = " and ".join(str(a.layout.device) for a in operands)
        raise DeviceError(f"{operation}: operands live on {places}; move one with .to(device)")
    shapes = [a.layout.shape for a in operands]
    if broadcast_shape(*shapes) is None:
        raise ShapeError(
            f"{operation}: shapes {' and '.join(map(str, shapes))} do not broadcast; aligned at the right, "
            "extents must be equal or 1"
        )
