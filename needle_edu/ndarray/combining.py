"""Several index arrays at once, ``a[rows, columns]``, brought to one array for the gather and scatter kernels.

Where an index array counts in equal steps, as `arange` does, it is no lookup: walking along the result is walking along
the array, by a fixed number of elements. Such arrays become strides. If one array is left, the kernel looks it up as it
is; several are added up to one that says how far to walk along all their axes together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from needle_edu.backend import IndexOutOfRange

from . import functions, plans
from .advanced import AdvancedIndex, check
from .host import host_values
from .layout import Layout, make_layout
from .views import broadcasted

if TYPE_CHECKING:
    from .array import NDArray

Arrays = list[tuple[int, "NDArray"]]  # (axis, index array)


def combine(layout: Layout, view: Layout, arrays: Arrays, position: int) -> AdvancedIndex:
    """Return what the arrays name together; `view` has the axes that none of them indexes.

    Parameters
    ----------
    layout : Layout
        Of the indexed array.
    view : Layout
    arrays : list of (axis, int64 array)
        At least one; their shapes broadcast.
    position : int
        The axes of the arrays stand before this axis of the view.
    """
    shapes = [index.shape for _, index in arrays]
    shape = plans.broadcast_shape(*shapes)
    if shape is None:
        raise IndexOutOfRange(f"index arrays of shapes {' and '.join(map(str, shapes))} do not broadcast")
    arrays, offset, along = _without_steps(layout, arrays, view.offset, len(shape))
    axis, where = arrays[0]
    step, limit = layout.strides[axis], layout.shape[axis]
    if len(arrays) > 1:
        where, limit, offset = _walk(layout, arrays, offset)
        step = 1
    if where.shape != shape:
        where = where._view(broadcasted(where.layout, shape))
    base = make_layout(view.shape, view.strides, offset, view.code, view.device)
    return AdvancedIndex(base, where, position, along, step, limit, axis)


def _without_steps(
    layout: Layout, arrays: Arrays, offset: int, ndim: int
) -> tuple[Arrays, int, tuple[int, ...]]:
    """Return the arrays that do not count in equal steps, and what the others mean: an offset and strides.

    In ``a[arange(n), labels]`` and in `gather`, the places along all axes but one are 0, 1, 2, … along an axis of the
    result: that is then an axis of `a` as well. One array is left in any case.
    """
    along = [0] * ndim
    left: Arrays = []
    for number, (axis, index) in enumerate(arrays):
        needed = not left and number == len(arrays) - 1
        found = None if needed else _equal_steps(index, layout.shape[axis])
        if found is None:
            left.append((axis, index))
            continue
        first, step, own = found
        offset += first * layout.strides[axis]
        if step:
            along[ndim - index.ndim + own] += step * layout.strides[axis]
    return left, offset, tuple(along)


def _equal_steps(index: NDArray, extent: int) -> tuple[int, int, int] | None:
    """Return (first, step, axis) of places in [0, extent) that count in equal steps along one axis; else None."""
    long = [axis for axis, n in enumerate(index.shape) if n != 1]
    if len(long) > 1 or not index.size or index.device.host_view is None:
        return None
    places = host_values(index).reshape(-1)
    first, last = int(places[0]), int(places[-1])
    step, rest = divmod(last - first, max(len(places) - 1, 1))
    inside = 0 <= first < extent and 0 <= last < extent
    if rest or not inside or (np.diff(places) != step).any():
        return None
    return first, step, long[0] if long else 0


def _walk(layout: Layout, arrays: Arrays, offset: int) -> tuple[NDArray, int, int]:
    """Return how far to walk along all axes together, counted from the lowest address: (where, limit, offset)."""
    walk: Any = None
    limit = 1
    for axis, index in arrays:
        extent, stride = layout.shape[axis], layout.strides[axis]
        check(index, extent, axis)
        index = functions.where(index < 0, index + extent, index)
        if stride < 0:
            offset += (extent - 1) * stride
            index, stride = (extent - 1) - index, -stride
        limit += max(extent - 1, 0) * stride
        walk = index * stride if walk is None else walk + index * stride
    return walk, limit, offset
