"""Indexing and assignment, as in NumPy.

Integers, slices, `...` and None only compute another layout: the result is a view. Integer arrays and boolean masks
are advanced indices, which name elements one by one: they copy when read, and write through when assigned to. Such
an index is brought to one form, a view of the untouched axes plus ONE integer array that says how far to walk along
the indexed axes, so that one gather and one scatter kernel serve every combination.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from needle_edu.backend import DTypeError, IndexOutOfRange, ShapeError, compatibility
from needle_edu.backend.dtypes import BOOL, F64, I64

from . import base, functions, plans
from .advanced import AdvancedIndex, gather, scatter
from .base import convert
from .combining import combine
from .creation import full, scalar
from .dtypes import shown
from .host import host_values
from .interchange import asarray, operand
from .layout import Layout, make_layout, normalize_axis
from .writing import fill, write

if TYPE_CHECKING:
    from .array import NDArray

_INTEGERS = (int, np.integer)
_NUMBERS = (int, float, np.number, np.bool_)


def subscript(a: NDArray, key: Any) -> NDArray:
    """Return what a user's ``a[key]`` means: `getitem`, but under the name `needle` an integer keeps its axis."""
    return getitem(a, compatibility.subscript(key) if compatibility.integers_keep_axis else key)


def getitem(a: NDArray, key: Any) -> NDArray:
    """Return ``a[key]``: a view for integers, slices, ... and None; a copy for arrays and masks."""
    if type(key) is int:
        return a._view(_plain_view(a.layout, (key,)))
    view, advanced = resolve(a, key, to_read=True)
    return a._view(view) if advanced is None else gather(a, advanced)


def setitem(a: NDArray, key: Any, value: Any) -> None:
    """Do ``a[key] = value`` in place; the value broadcasts or has as many elements, and takes the array's dtype."""
    plans.check_writable(a.layout)
    view, advanced = resolve(a, key)
    if advanced is not None:
        value = _as_value(a, value)
        scatter(a, advanced, value, add=False)
    elif isinstance(value, _NUMBERS):
        fill(a._view(view), value, "assignment")
    else:
        write(a._view(view), value if isinstance(value, base.NDArray) else asarray(value, device=a.device))


def index_add(a: NDArray, key: Any, value: Any) -> NDArray:
    """Return a copy of `a` with `value` added at ``a[key]``; a place named twice gets both.

    This is the adjoint of indexing: if ``y = a[key]``, the gradient of a is ``index_add(zeros, key, gradient of y)``.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.index_add(nd.zeros(3), [0, 2, 2], nd.array([1, 2, 3]))
    NDArray([1., 0., 5.], dtype=float32, device=cpu())
    """
    return add_at(operand("index_add", a).copy(), key, value)


def add_at(out: NDArray, key: Any, value: Any) -> NDArray:
    """Do what `index_add` does in place, in an array that nobody else has yet; return it."""
    view, advanced = resolve(out, key)
    value = _as_value(out, value)
    if advanced is None:
        target = out._view(view)
        write(target, functions.add(target, value))
    else:
        scatter(out, advanced, value, add=True)
    return out


def _as_value(a: NDArray, value: Any) -> NDArray:
    if isinstance(value, _NUMBERS):
        return scalar("assignment", value, a.layout.code, a.device)
    return convert(asarray(value, device=a.device), a.layout.code)


def process_slice(a: NDArray, item: slice, axis: int) -> slice:
    """Return the slice with start, stop and step filled in for axis `axis`, negative positions resolved."""
    if not isinstance(item, slice):
        raise ShapeError(f"process_slice: wanted a slice, got {item!r}")
    return slice(*item.indices(a.shape[normalize_axis(axis, a.ndim, "process_slice")]))


# ---- reading the key ------------------------------------------------------------------------------------------


def resolve(a: NDArray, key: Any, to_read: bool = False) -> tuple[Layout, AdvancedIndex | None]:
    """Return the layout of the view that `key` means, and if it has arrays, what they name (in a view of its own).

    `to_read` says that nothing will be written there: see `_index_array`.
    """
    key = key if type(key) is tuple else (key,)
    plain = _plain(key)
    return _read(a.layout, key, to_read) if plain is None else (_plain_view(a.layout, plain), None)


def _read(layout: Layout, key: tuple, to_read: bool = False) -> tuple[Layout, AdvancedIndex | None]:
    items = _expand(layout, key, to_read)
    shape, strides, offset = [], [], layout.offset
    arrays: list[tuple[int, NDArray]] = []  # (axis, index array)
    places: list[
        tuple[int, int]
    ] = []  # of integers and arrays: (position in the key, axes of the view before it)
    axis = 0
    for position, item in enumerate(items):
        if item is None:
            shape.append(1)
            strides.append(0)
            continue
        if isinstance(item, slice):
            start, length, step = _slice(item, layout.shape[axis], axis)
            offset += start * layout.strides[axis]
            shape.append(length)
            strides.append(layout.strides[axis] * step)
            axis += 1
            continue
        places.append((position, len(shape)))
        if isinstance(item, _INTEGERS):
            offset += _integer(item, layout.shape[axis], axis) * layout.strides[axis]
            axis += 1
            continue
        for index in _places(item, layout, axis) if item.layout.code == BOOL else [item]:
            arrays.append((axis, index))
            axis += 1
    shape += layout.shape[axis:]
    strides += layout.strides[axis:]
    view = make_layout(tuple(shape), tuple(strides), offset, layout.code, layout.device)
    if not arrays:
        return view, None
    # NumPy: side by side, the indexed axes stay in their place; separated by slices, they go to the front.
    together = places[-1][0] - places[0][0] == len(places) - 1
    return view, combine(layout, view, arrays, places[0][1] if together else 0)


def _plain(key: tuple) -> tuple | None:
    """Return a key of plain integers, slices, None and `...` with (start, stop, step) for a slice; else None.

    Most keys are plain and come again and again. In this form, unlike with slices, they can be looked up.
    """
    plain: list = []
    for item in key:
        if type(item) is slice:
            item = item.start, item.stop, item.step
            for bound in item:
                if bound is not None and type(bound) is not int:
                    return None
        elif type(item) is not int and item is not None and item is not Ellipsis:
            return None
        plain.append(item)
    return tuple(plain)


@plans.remember
def _plain_view(layout: Layout, key: tuple) -> Layout:
    """Return the layout of the view that a key in plain form means."""
    return _read(layout, tuple(slice(*item) if type(item) is tuple else item for item in key))[0]


def _expand(layout: Layout, key: tuple, to_read: bool) -> list:
    """Return the key with one item per axis or None: `...` becomes full slices, arrays NDArrays.

    The key may be shorter than the shape; the other axes stay as they are.
    """
    items: list[Any] = []
    used = 0
    ellipsis = None
    for item in key:
        if item is Ellipsis:
            if ellipsis is not None:
                raise IndexOutOfRange("an index may contain only one '...'")
            ellipsis = len(items)
        elif item is not None:
            if not isinstance(item, slice) and (isinstance(item, bool) or not isinstance(item, _INTEGERS)):
                item = _index_array(item, layout, to_read)
            used += item.ndim if isinstance(item, base.NDArray) and item.layout.code == BOOL else 1
        items.append(item)
    missing = layout.ndim - used
    if missing < 0:
        raise IndexOutOfRange(f"too many indices: {used} for an array of shape {layout.shape}")
    if ellipsis is None:
        return items
    return items[:ellipsis] + [slice(None)] * missing + items[ellipsis + 1 :]


def _index_array(item: Any, layout: Layout, to_read: bool) -> NDArray:
    """Return an int64 array, or a mask of at least one dimension, that nobody else can write to unless it is `to_read`.

    A scatter checks all places before it writes to the first, and kernels run without Python's lock: an index that
    another thread changes in between would lead out of the array. A gather checks each place as it goes there.
    """
    if isinstance(item, (list, tuple)) and not len(item):
        return full(0, 0, "int64", layout.device)
    try:
        # NumPy's own copy is the cheapest, and its memory is then ours.
        index = asarray(item.copy() if isinstance(item, np.ndarray) else item, device=layout.device)
    except DTypeError:
        raise DTypeError(
            f"an index is an integer, slice, None, '...', integer array or mask, got {type(item).__name__}"
        ) from None
    if index.layout.code <= F64:
        raise DTypeError(
            f"index arrays hold integers or bools, got {index.dtype}; convert with astype('int64')"
        )
    if index.layout.code == BOOL and not index.ndim:
        raise IndexOutOfRange("a single bool is not an index; use None to add an axis")
    own = index if index.layout.code == BOOL else convert(index, I64)
    shared = own is index and not isinstance(item, (list, tuple, np.ndarray))
    return own.copy() if shared and not to_read else own


def _places(mask: NDArray, layout: Layout, axis: int) -> list[NDArray]:
    """Return where a mask over the axes from `axis` on is True, as one integer array for each of its dimensions."""
    covered = layout.shape[axis : axis + mask.ndim]
    if covered != mask.shape:
        axes = f"axis {axis}" if mask.ndim == 1 else f"axes {axis} to {axis + mask.ndim - 1}"
        raise IndexOutOfRange(f"a mask of shape {mask.shape} does not fit {axes}, of shape {covered}")
    # NumPy's positions have as many bits as an address, kernels' 64.
    return [convert(asarray(places, device=layout.device), I64) for places in np.nonzero(host_values(mask))]


def _slice(item: slice, extent: int, axis: int) -> tuple[int, int, int]:
    """Return (first position, number of positions, step)."""
    try:
        start, stop, step = item.indices(extent)
    except TypeError:
        raise DTypeError(f"a slice of axis {axis} has integer bounds, got {item}") from None
    length = len(range(start, stop, step))
    return (start, length, step) if length else (0, 0, 1)


def _integer(index: Any, extent: int, axis: int) -> int:
    if not -extent <= index < extent:
        raise IndexOutOfRange(f"index {shown(index)} is out of range for axis {axis} with size {extent}")
    return int(index) % extent
