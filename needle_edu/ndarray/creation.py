"""Making arrays from a shape and a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from needle_edu.backend import Device, ShapeError
from needle_edu.backend.arguments import integer, switch
from needle_edu.backend.dtypes import DTYPES, F32, I64

from . import base
from .base import allocate
from .dtypes import as_code, shown
from .interchange import array, operand, usable
from .layout import Layout, as_shape, compact_layout
from .plans import remember
from .strided import Shape
from .writing import fill_new, number

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
    fill_new(out, fill_value, "full")
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
        fill_new(out, fill_value, "full_like")
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
    if dtype is None and device is None and (out := base.in_c_filled(a, 1.0)) is not None:
        return out
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


def scalar(operation: str, value: Any, code: int, device: Device) -> NDArray:
    """Return a number as an array of no axes, in the type with this code, which must hold it."""
    return full((), number(value, code, operation), DTYPES[code], device)
