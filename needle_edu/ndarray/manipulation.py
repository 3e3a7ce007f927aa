"""Shapes and order of axes: mostly views, under the array API's names.

Only `concat`, `stack` and `pad` copy, since their result is larger than any operand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import index
from typing import TYPE_CHECKING

from needle_edu.backend import DeviceError, DTypeError, ShapeError

from .base import allocate
from .creation import full
from .dtypes import promote
from .indexing import getitem, setitem
from .interchange import operand
from .layout import as_shape, compact_layout, normalize_axes, normalize_axis
from .plans import broadcast_shape
from .strided import Shape
from .writing import write

if TYPE_CHECKING:
    from .array import NDArray


def reshape(a: NDArray, shape: Shape) -> NDArray:
    """Return the same elements in another shape; a view where strides can express it. One extent may be -1.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.reshape(nd.arange(6), (2, -1))
    NDArray([[0, 1, 2],
             [3, 4, 5]], dtype=int64, device=cpu())
    """
    return operand("reshape", a).reshape(shape)


def broadcast_to(a: NDArray, shape: Shape) -> NDArray:
    """Return the view expanded to `shape`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.broadcast_to(nd.arange(2), (2, 2))
    NDArray([[0, 1],
             [0, 1]], dtype=int64, device=cpu())
    """
    return operand("broadcast_to", a).broadcast_to(shape)


def broadcast_arrays(*arrays: NDArray) -> list[NDArray]:
    """Return views of all arrays, expanded to their common shape.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> [a.shape for a in nd.broadcast_arrays(nd.zeros((2, 1)), nd.zeros(3))]
    [(2, 3), (2, 3)]
    """
    arrays = tuple(_operands("broadcast_arrays", arrays))
    shape = broadcast_shape(*(a.shape for a in arrays))
    if shape is None:
        raise ShapeError(
            f"broadcast_arrays: shapes {' and '.join(str(a.shape) for a in arrays)} do not broadcast"
        )
    return [a.broadcast_to(shape) for a in arrays]


def permute_dims(a: NDArray, axes: Shape) -> NDArray:
    """Return the view whose axis k is axis ``axes[k]`` of `a`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.permute_dims(nd.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    return operand("permute_dims", a).permute(axes)


def transpose(a: NDArray, axes: Shape | None = None) -> NDArray:
    """Return the view with permuted axes; by default their order is reversed.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.transpose(nd.zeros((2, 3, 4))).shape
    (4, 3, 2)
    """
    a = operand("transpose", a)
    return a.T if axes is None else a.permute(axes)


def swapaxes(a: NDArray, axis1: int, axis2: int) -> NDArray:
    """Return the view with two axes swapped.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.swapaxes(nd.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    a = operand("swapaxes", a)
    axes = list(range(a.ndim))
    first, second = normalize_axis(axis1, a.ndim, "swapaxes"), normalize_axis(axis2, a.ndim, "swapaxes")
    axes[first], axes[second] = axes[second], axes[first]
    return a.permute(tuple(axes))


def moveaxis(a: NDArray, source: int, destination: int) -> NDArray:
    """Return the view with one axis moved to another place, the others keeping their order.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.moveaxis(nd.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    a = operand("moveaxis", a)
    axes = list(range(a.ndim))
    axis = axes.pop(normalize_axis(source, a.ndim, "moveaxis"))
    axes.insert(normalize_axis(destination, a.ndim, "moveaxis"), axis)
    return a.permute(tuple(axes))


def matrix_transpose(a: NDArray) -> NDArray:
    """Return the view with the last two axes swapped.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.matrix_transpose(nd.zeros((2, 3, 4))).shape
    (2, 4, 3)
    """
    return operand("matrix_transpose", a).mT


def expand_dims(a: NDArray, axis: int | tuple[int, ...] = 0) -> NDArray:
    """Return the view with new axes of extent 1 at the given places of the result.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.expand_dims(nd.zeros((2, 3)), (0, -1)).shape
    (1, 2, 3, 1)
    """
    a = operand("expand_dims", a)
    axes = as_shape(axis, "expand_dims")
    ndim = a.ndim + len(axes)
    new = normalize_axes(axes, ndim, "expand_dims")
    extents = iter(a.shape)
    return a.reshape(tuple(1 if axis in new else next(extents) for axis in range(ndim)))


def squeeze(
    a: NDArray, axis: int | tuple[int, ...] | None = None, *, axes: int | tuple[int, ...] | None = None
) -> NDArray:
    """Return the view without the given axes of extent 1 (default: all of them).

    `axes` is Needle's word for `axis`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.squeeze(nd.zeros((1, 2, 1))).shape
    (2,)
    """
    a = operand("squeeze", a)
    axis = axis if axes is None else axes
    if axis is None:
        gone = tuple(axis for axis, extent in enumerate(a.shape) if extent == 1)
    else:
        gone = normalize_axes(axis, a.ndim, "squeeze")
    if any(a.shape[axis] != 1 for axis in gone):
        raise ShapeError(f"squeeze: axis {axis} of shape {a.shape} has an extent other than 1")
    return getitem(a, tuple(0 if axis in gone else slice(None) for axis in range(a.ndim)))


def flip(
    a: NDArray, axis: int | tuple[int, ...] | None = None, *, axes: int | tuple[int, ...] | None = None
) -> NDArray:
    """Return the view with the order of elements reversed along the axes (default: all).

    `axes` is Needle's word for `axis`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.flip(nd.arange(3))
    NDArray([2, 1, 0], dtype=int64, device=cpu())
    """
    a = operand("flip", a)
    reversed_axes = normalize_axes(axis if axes is None else axes, a.ndim, "flip")
    return getitem(
        a, tuple(slice(None, None, -1 if axis in reversed_axes else None) for axis in range(a.ndim))
    )


def concat(arrays: Sequence[NDArray], axis: int | None = 0) -> NDArray:
    """Return the arrays joined along an existing axis; with axis None, each is flattened first.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.concat([nd.zeros((1, 2)), nd.ones((2, 2))])
    NDArray([[0., 0.],
             [1., 1.],
             [1., 1.]], dtype=float32, device=cpu())
    """
    return joined("concat", arrays, axis)


def joined(called: str, arrays: Sequence[NDArray], axis: int | None) -> NDArray:
    """Do what `concat` says; errors name the function that was `called`."""
    arrays = _operands(called, arrays)
    if axis is None:
        arrays, axis = [a.reshape((-1,)) for a in arrays], 0
    first = arrays[0]
    axis = normalize_axis(axis, first.ndim, called)
    for a in arrays:
        if a.shape[:axis] + a.shape[axis + 1 :] != first.shape[:axis] + first.shape[axis + 1 :]:
            raise ShapeError(f"{called}: shapes {first.shape} and {a.shape} differ in more than axis {axis}")
    extent = sum(a.shape[axis] for a in arrays)
    out = _room(called, arrays, (*first.shape[:axis], extent, *first.shape[axis + 1 :]))
    start = 0
    for a in arrays:
        stop = start + a.shape[axis]
        setitem(out, (slice(None),) * axis + (slice(start, stop),), a)
        start = stop
    return out


def stack(arrays: Sequence[NDArray], axis: int = 0) -> NDArray:
    """Return the arrays, all of one shape, joined along a new axis.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.stack([nd.zeros(2), nd.ones(2)], axis=1)
    NDArray([[0., 1.],
             [0., 1.]], dtype=float32, device=cpu())
    """
    arrays = _operands("stack", arrays)
    shape = arrays[0].shape
    for a in arrays:
        if a.shape != shape:
            raise ShapeError(f"stack: shapes {shape} and {a.shape} differ")
    axis = normalize_axis(axis, len(shape) + 1, "stack")
    out = _room("stack", arrays, (*shape[:axis], len(arrays), *shape[axis:]))
    for position, a in enumerate(arrays):
        write(getitem(out, (slice(None),) * axis + (position,)), a)
    return out


def pad(a: NDArray, axes: Sequence[tuple[int, int]], value: bool | int | float = 0) -> NDArray:
    """Return the array with ``axes[k] = (before, after)`` elements added around axis k.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.pad(nd.ones((2,)), [(1, 2)])
    NDArray([0., 1., 1., 0., 0.], dtype=float32, device=cpu())
    """
    a = operand("pad", a)
    try:
        pairs = [(index(before), index(after)) for before, after in axes]
    except (TypeError, ValueError):
        pairs = []
    if len(pairs) != a.ndim or len(axes) != a.ndim or any(min(pair) < 0 for pair in pairs):
        raise ShapeError(f"pad: wanted a pair of numbers of at least 0 for each of {a.ndim} axes, got {axes}")
    shape = tuple(before + extent + after for extent, (before, after) in zip(a.shape, pairs, strict=True))
    out = full(shape, value, a.dtype, a.device)
    setitem(out, tuple(slice(b, b + extent) for extent, (b, _) in zip(a.shape, pairs, strict=True)), a)
    return out


def _operands(operation: str, arrays: Sequence[NDArray]) -> list[NDArray]:
    if isinstance(arrays, (str, bytes, dict)) or not isinstance(arrays, Iterable):
        raise DTypeError(f"{operation}: wanted a list of arrays, got {type(arrays).__name__}")
    arrays = [operand(operation, a) for a in arrays]
    if not arrays:
        raise ShapeError(f"{operation}: no arrays")
    return arrays


def _room(operation: str, arrays: list[NDArray], shape: Shape) -> NDArray:
    code = arrays[0].layout.code
    for a in arrays[1:]:
        if a.device is not arrays[0].device:
            places = f"{arrays[0].device} and {a.device}"
            raise DeviceError(f"{operation}: arrays live on {places}; move one with .to(device)")
        code = promote(code, a.layout.code)
    return allocate(compact_layout(shape, code, arrays[0].device))
