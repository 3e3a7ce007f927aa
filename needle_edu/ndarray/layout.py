"""A layout says how a flat block of memory is read as an array: shape, strides, offset, element type, device.

Element (i, j, …) lies at position ``offset + i*strides[0] + j*strides[1] + …`` of the block, counted in ELEMENTS.
Transposing, slicing, reversing, broadcasting and most reshapes only compute another layout over the same block, and
copy nothing. Layouts are interned: two equal layouts are never alive at once, so one `is` compares shape, strides, type
and device. Every function here is pure arithmetic on tuples.
"""

import os
import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import prod
from operator import index
from weakref import WeakValueDictionary

import numpy as np

from needle_edu.backend import Device, ShapeError, Storage
from needle_edu.backend.dtypes import DTYPES, F64

from .dtypes import shown

MAX_NDIM = 8
MAX_SIZE = 2**63 - 1  # kernels count in 64 bits; a view may have far more elements than its storage


class Layout:
    """How a block of memory is read as an array. Made by `make_layout`, never changed.

    Attributes
    ----------
    shape, strides : tuple of int
        Extent of each axis, and the distance in elements from one index to the next.
    offset : int
        Position of the first element.
    dtype : numpy.dtype
    code : int
        The dtype's number in the kernels.
    size, ndim : int
    compact : bool
        Row-major from position 0 without gaps: kernels may run through it as one line.
    dense : bool
        Compact but for the order of its axes: an elementwise kernel whose operands all have one such layout may
        still run through the memory as one line.
    expanded : bool
        Some axis of several elements has stride 0, so one element in memory stands for many: nothing may be
        written through this layout.
    dense_float : bool
        Dense and of a float type: the case every fast path asks for.
    device : Device
    kernels : dict
        The device's table of kernels, by name: the very dict in which an override is entered.
    allocate : callable
        Returns a new storage that holds an array of this size and type; it takes no arguments. Dense layouts
        alone have it.
    """

    __slots__ = (
        "shape", "strides", "offset", "dtype", "code", "device", "kernels", "size", "ndim",
        "compact", "dense", "expanded", "dense_float", "allocate", "__weakref__",
    )  # fmt: skip

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    dtype: np.dtype
    code: int
    device: Device
    kernels: dict[str, Callable[..., int]]
    size: int
    ndim: int
    compact: bool
    dense: bool
    expanded: bool
    dense_float: bool
    allocate: Callable[[], Storage]

    def __repr__(self) -> str:
        return (
            f"Layout(shape={self.shape}, strides={self.strides}, offset={self.offset}, "
            f"dtype={self.dtype.name}, device={self.device})"
        )


_alive: WeakValueDictionary[tuple, Layout] = WeakValueDictionary()
_making = threading.RLock()
# A child of a fork must not find it taken by a thread that it does not have.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_making.acquire, after_in_parent=_making.release, after_in_child=_making.release
    )


@lru_cache(maxsize=16384)
def make_layout(shape: tuple, strides: tuple, offset: int, code: int, device: Device) -> Layout:
    """Return THE layout with these properties: it outlives its place in this cache, for arrays and programs have it."""
    properties = shape, strides, offset, code, device
    with _making:
        layout = _alive.get(properties)
        if layout is None:
            layout = _alive[properties] = _described(*properties)
    return layout


def _described(shape: tuple, strides: tuple, offset: int, code: int, device: Device) -> Layout:
    if len(shape) > MAX_NDIM:
        raise ShapeError(
            f"arrays have at most {MAX_NDIM} dimensions, got shape {shape}; merge some with reshape"
        )
    if prod(shape) > MAX_SIZE:
        raise ShapeError(f"shape {shape} has {prod(shape):,} elements; an array has at most {MAX_SIZE:,}")
    if prod([max(extent, 1) for extent in shape]) * DTYPES[code].itemsize > MAX_SIZE:
        # As in NumPy, also where another extent is 0: a stride might not fit 64 bits.
        raise ShapeError(
            f"shape {shape} of {DTYPES[code].name} is too large: its extents, those of 0 left out, stand for "
            f"more than {MAX_SIZE:,} bytes"
        )
    layout = Layout()
    layout.shape, layout.strides, layout.offset = shape, strides, offset
    layout.dtype, layout.code = DTYPES[code], code
    layout.device, layout.kernels = device, vars(device.kernels)
    layout.size, layout.ndim = prod(shape), len(shape)
    layout.compact = offset == 0 and _is_row_major(shape, strides)
    layout.dense = layout.compact or (offset == 0 and _is_row_major(*_outermost_first(shape, strides)))
    layout.expanded = layout.size > 0 and any(
        stride == 0 and extent > 1 for extent, stride in zip(shape, strides, strict=True)
    )
    layout.dense_float = layout.dense and code <= F64
    if layout.dense:  # what is computed anew always is; views are many, and own no memory
        layout.allocate = device.allocator(code, layout.size)
    return layout


@lru_cache(maxsize=16384)
def compact_layout(shape: tuple, code: int, device: Device) -> Layout:
    """Return the row-major layout without gaps, which a freshly computed array has if nothing speaks for another."""
    return make_layout(shape, compact_strides(shape), 0, code, device)


def compact_strides(shape: tuple) -> tuple:
    """Return row-major strides, in elements.

    Examples
    --------
    >>> compact_strides((2, 3, 4))
    (12, 4, 1)
    """
    strides = []
    stride = 1
    for extent in reversed(shape):
        strides.append(stride)
        stride *= max(extent, 1)
    return tuple(reversed(strides))


def _is_row_major(shape: tuple, strides: tuple) -> bool:
    expected = 1
    for extent, stride in zip(reversed(shape), reversed(strides), strict=True):
        if extent == 0:
            return True
        if extent != 1:  # nobody walks along an axis of one element: its stride does not matter
            if stride != expected:
                return False
            expected *= extent
    return True


def _outermost_first(shape: tuple, strides: tuple) -> tuple[tuple, tuple]:
    """Return shape and strides with the axes in the order of their strides, the longest step first."""
    order = sorted(range(len(shape)), key=lambda axis: -strides[axis])
    return tuple(shape[axis] for axis in order), tuple(strides[axis] for axis in order)


def as_shape(shape: Iterable | int, operation: str) -> tuple:
    """Return a shape, or other tuple of integers, as a tuple; one integer stands for one axis.

    Examples
    --------
    >>> as_shape([2, 3], "zeros"), as_shape(4, "zeros")
    ((2, 3), (4,))
    >>> as_shape("ab", "zeros")
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.ShapeError: zeros: wanted a tuple of integers, got 'ab'
    """
    try:
        if isinstance(shape, (bytes, dict, set)):
            raise TypeError
        extents = tuple(index(extent) for extent in shape) if isinstance(shape, Iterable) else (index(shape),)
    except TypeError:
        raise ShapeError(f"{operation}: wanted a tuple of integers, got {shape!r}") from None
    for extent in extents:
        if extent > MAX_SIZE:
            raise ShapeError(
                f"{operation}: {shown(extent)} is too large; an array has at most {MAX_SIZE:,} elements"
            )
    return extents


def as_extents(shape: Iterable | int, operation: str) -> tuple:
    """Return the shape of new memory: as `as_shape` does, and no extent is negative.

    Examples
    --------
    >>> as_extents((2, -3), "make")
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.ShapeError: make: a shape has no negative extents, got (2, -3)
    """
    extents = as_shape(shape, operation)
    if min(extents, default=0) < 0:
        raise ShapeError(f"{operation}: a shape has no negative extents, got {extents}")
    return extents


def normalize_axis(axis: int, ndim: int, operation: str) -> int:
    """Return `axis` counted from the front, or raise `ShapeError` naming the operation.

    Examples
    --------
    >>> normalize_axis(-1, 3, "sum")
    2
    >>> normalize_axis(3, 2, "sum")
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.ShapeError: sum: axis 3 is out of range for an array of 2 dimensions (allowed: -2 to 1)
    """
    try:
        position = axis.__index__()
    except AttributeError:
        raise ShapeError(f"{operation}: an axis is an integer, got {axis!r}") from None
    if not -ndim <= position < ndim:
        allowed = f"allowed: {-ndim} to {ndim - 1}" if ndim else "it has no axes"
        raise ShapeError(
            f"{operation}: axis {position} is out of range for an array of {ndim} dimensions ({allowed})"
        )
    return position % ndim


def normalize_axes(axes: int | tuple | list | None, ndim: int, operation: str) -> tuple:
    """Return distinct axes counted from the front, in the order they were given; None means all of them.

    Examples
    --------
    >>> normalize_axes((-1, 0), 3, "sum"), normalize_axes(None, 2, "sum")
    ((2, 0), (0, 1))
    """
    if axes is None:
        return tuple(range(ndim))
    if not isinstance(axes, (tuple, list)):
        axes = (axes,)
    normal = tuple([normalize_axis(axis, ndim, operation) for axis in axes])
    if len(set(normal)) != len(normal):
        raise ShapeError(f"{operation}: an axis appears twice in {tuple(axes)}")
    return normal
