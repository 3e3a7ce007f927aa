"""Writing into arrays in place.

Every write gives the storage a new version, so that autograd can tell when a value it still needs is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from needle_edu.backend import DTypeError, ShapeError
from needle_edu.backend.dtypes import BOOL, DTYPES, F32, F64, I64
from needle_edu.backend.storage import new_version

from .base import kernel_failed
from .dtypes import shown
from .host import host_values
from .interchange import adopted, array
from .plans import check_writable, copy_plan, fill_plan

if TYPE_CHECKING:
    from .array import NDArray

EXACT = 2**53  # every integer up to here is a double, and kernels take their number as a double


def number(value: Any, code: int, operation: str) -> bool | int | float:
    """Return a Python or NumPy number, or an array of one element, as what an array of type `code` can hold."""
    if not isinstance(value, (int, float)):
        if not isinstance(value, (np.number, np.bool_)) and getattr(value, "size", 0) != 1:
            raise DTypeError(f"{operation}: wanted a number, got {type(value).__name__}")
        value = value.item()
    if code in (F32, F64):
        try:
            return float(value)
        except OverflowError:
            raise DTypeError(f"{operation}: {shown(value)} does not fit {DTYPES[code].name}") from None
    if code == BOOL:
        return bool(value)
    bits = 8 * DTYPES[code].itemsize - 1
    if not -(2**bits) <= value < 2**bits:  # nan and the infinities do not pass either
        raise DTypeError(f"{operation}: {shown(value)} does not fit {DTYPES[code].name}")
    return int(value)


def fill_new(out: NDArray, value: Any, operation: str = "fill") -> None:
    """Write one number into every element of an array that nobody has seen yet: its version stays."""
    layout = out.layout
    value = number(value, layout.code, operation)
    if layout.code == I64 and abs(value) > EXACT:
        check_writable(layout)
        one = array(value, "int64", layout.device)
        err = layout.kernels["copy"](copy_plan(layout, one.layout), out.storage.ptr, one.storage.ptr)
    elif layout.compact:
        err = layout.kernels["fill_dense"](layout.code, layout.size, out.storage.ptr, value)
    else:
        err = layout.kernels["fill"](fill_plan(layout), out.storage.ptr, value)
    if err:
        kernel_failed("fill", err, out)


def fill(a: NDArray, value: Any, operation: str = "fill") -> None:
    """Write one number into every element, in place."""
    fill_new(a, value, operation)
    a.storage.version = new_version()


def write(out: NDArray, value: NDArray, operation: str = "assignment") -> None:
    """Write `value` into `out` in place; it broadcasts to `out` or has as many elements."""
    layout = out.layout
    if value.layout.device is not layout.device:
        value = array(value, value.dtype, layout.device)
    plan = copy_plan(layout, value.layout)
    if plan is None:
        if value.layout.size != layout.size:
            raise ShapeError(
                f"{operation}: a value of shape {value.shape} does not fit the shape {out.shape} it is written to"
            )
        value = value.reshape(layout.shape)  # as many elements are enough
        plan = copy_plan(layout, value.layout)
    if may_overlap(out, value):
        value = value.copy()
        plan = copy_plan(layout, value.layout)
    err = layout.kernels["copy"](plan, out.storage.ptr, value.storage.ptr)
    if err:
        kernel_failed(operation, err, out, value)
    out.storage.version = new_version()


def may_overlap(a: NDArray, b: NDArray) -> bool:
    """Whether writing into `a` might change `b`: they share a storage, or the NumPy buffer under theirs."""
    if a.storage is b.storage:
        return True
    if adopted and (id(a.storage) in adopted or id(b.storage) in adopted):
        return np.may_share_memory(host_values(a), host_values(b))
    return False
