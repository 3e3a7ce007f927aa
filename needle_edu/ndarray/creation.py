"""Making arrays from a shape and a number, and writing into arrays in place.

Every write gives the storage a new version, so that autograd can tell when a value it still needs is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from needle_edu.backend import Device, DTypeError, ShapeError
from needle_edu.backend.arguments import integer, switch
from needle_edu.backend.dtypes import BOOL, DTYPES, F32, F64, I64
from needle_edu.backend.storage import new_version

from . import base
from .base import allocate, kernel_failed
from .dtypes import as_code, shown
from .host import host_values
from .interchange import adopted, array, operand, usable
from .layout import Layout, as_shape, compact_layout
from .plans import check_writable, copy_plan, fill_plan, remember
from .strided import Shape

if TYPE_CHECKING:
    from .array import NDArray


def _layout(shape: int | Shape, dtype: Any, device: Device | None) -> Layout:
    shape = shape if type(shape) is tuple else as_shape(shape, "a shape")
    if not isinstance(dtype, (str, np.dtype)):
        dtype = DTYPES[as_code(dtype)]
    return _known_layout(shape, dtype, usable(device))


@remember
def _known_layout(shape: Shape, dtype: Any, device: Device) -> Layout:
    shape = as_shape(shape, "a shape")
    if min(shape, default=0) < 0:
        raise ShapeError(f"a shape has no negative extents, got {shape}")
    return compact_layout(shape, as_code(dtype), device)


def empty(shape: int | Shape, dtype: Any = "float32", device: Device | None = None) -> NDArray:
    """Return an array whose elements are whatever the memory held.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.empty((2, 3)).shape
    (2, 3)
    """
    return allocate(_layout(shape, dtype, device))


def full(
    shape: int | Shape, fill_value: bool | int | float, dtype: Any = "float32", device: Device | None = None
) -> NDArray:
    """Return an array with the same number everywhere.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.full((2,), 7, dtype="int32")
    NDArray([7, 7], dtype=int32, device=cpu())
    """
    out = allocate(_layout(shape, dtype, device))
    _fill(out, fill_value, "full")
    return out


def zeros(shape: int | Shape, dtype: Any = "float32", device: Device | None = None) -> NDArray:
    """Return an array of zeros.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.zeros((2, 2))
    NDArray([[0., 0.],
             [0., 0.]], dtype=float32, device=cpu())
    """
    return full(shape, 0, dtype, device)


def ones(shape: int | Shape, dtype: Any = "float32", device: Device | None = None) -> NDArray:
    """Return an array of ones.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.ones(3, dtype="int32")
    NDArray([1, 1, 1], dtype=int32, device=cpu())
    """
    return full(shape, 1, dtype, device)


def _like(a: Any, dtype: Any, device: Device | None, operation: str) -> tuple:
    a = operand(operation, a)
    return a.shape, a.dtype if dtype is None else dtype, a.device if device is None else device


def empty_like(a: NDArray, dtype: Any = None, device: Device | None = None) -> NDArray:
    """Return an uninitialised array with the shape, dtype and device of `a`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.empty_like(nd.zeros((2, 3), dtype="int32")).dtype
    dtype('int32')
    """
    return empty(*_like(a, dtype, device, "empty_like"))


def full_like(
    a: NDArray, fill_value: bool | int | float, dtype: Any = None, device: Device | None = None
) -> NDArray:
    """Return an array of one number with the shape, dtype and device of `a`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.full_like(nd.zeros(2), 7)
    NDArray([7., 7.], dtype=float32, device=cpu())
    """
    if dtype is None and device is None and type(a) is base.NDArray and a.layout.compact:
        out = allocate(a.layout)
        _fill(out, fill_value, "full_like")
        return out
    shape, dtype, device = _like(a, dtype, device, "full_like")
    return full(shape, fill_value, dtype, device)


def zeros_like(a: NDArray, dtype: Any = None, device: Device | None = None) -> NDArray:
    """Return zeros with the shape, dtype and device of `a`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.zeros_like(nd.arange(2))
    NDArray([0, 0], dtype=int64, device=cpu())
    """
    return full_like(a, 0, dtype, device)


def ones_like(a: NDArray, dtype: Any = None, device: Device | None = None) -> NDArray:
    """Return ones with the shape, dtype and device of `a`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.ones_like(nd.arange(2))
    NDArray([1, 1], dtype=int64, device=cpu())
    """
    return full_like(a, 1, dtype, device)


def arange(
    start: int | float | None = None, stop: int | float | None = None, step: int | float = 1, dtype: Any = None,
    device: Device | None = None,
) -> NDArray:  # fmt: skip
    """Return ``start, start + step, …`` up to but without `stop`; int64 for integers, float32 for floats.

    A single bound is `stop`, and the numbers begin at 0.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.arange(1, 7, 2)
    NDArray([1, 3, 5], dtype=int64, device=cpu())
    >>> nd.arange(5, step=2)
    NDArray([0, 2, 4], dtype=int64, device=cpu())
    """
    if stop is None:
        start, stop = None, start
    if stop is None:
        raise TypeError("arange: wanted where to stop: arange(5) or arange(1, 5)")
    start = 0 if start is None else start
    if step == 0:
        raise ShapeError(f"arange: step 0 leads nowhere from {start} to {stop}")
    try:
        values = np.arange(start, stop, step)
    except (TypeError, ValueError, OverflowError) as error:
        given = ", ".join(shown(bound) for bound in (start, stop, step))
        raise ShapeError(f"arange: wanted numbers for start, stop and step, got {given} ({error})") from None
    if dtype is None:
        dtype = DTYPES[F32 if values.dtype.kind == "f" else I64]
    return array(values, dtype, device)


def linspace(
    start: float, stop: float, num: int = 50, dtype: Any = "float32", device: Device | None = None,
    endpoint: bool = True,
) -> NDArray:  # fmt: skip
    """Return `num` numbers evenly spaced from `start` to `stop`, which is the last one unless `endpoint` is False.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.linspace(0, 1, 5)
    NDArray([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32, device=cpu())
    """
    num = integer("linspace", "num", num, 0)
    switch("linspace", endpoint=endpoint)
    try:
        values = np.linspace(float(start + 0.0), float(stop + 0.0), num, endpoint)
    except (TypeError, ValueError, OverflowError):
        raise ShapeError(f"linspace: wanted two numbers, got {shown(start)}, {shown(stop)}") from None
    return array(values, dtype, device)


def eye(
    n: int, m: int | None = None, k: int = 0, dtype: Any = "float32", device: Device | None = None
) -> NDArray:
    """Return a matrix with ones on diagonal `k` and zeros elsewhere.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.eye(2, 3, k=1)
    NDArray([[0., 1., 0.],
             [0., 0., 1.]], dtype=float32, device=cpu())
    """
    n = integer("eye", "n", n, 0)
    m = n if m is None else integer("eye", "m", m, 0)
    return array(np.eye(n, m, integer("eye", "k", k)), dtype, device)


# ---- writing ----------------------------------------------------------------------------------------------------

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


def scalar(operation: str, value: Any, code: int, device: Device) -> NDArray:
    """Return a number as an array of no axes, in the type with this code, which must hold it."""
    return full((), number(value, code, operation), DTYPES[code], device)


def _fill(out: NDArray, value: Any, operation: str = "fill") -> None:
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
    _fill(a, value, operation)
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
