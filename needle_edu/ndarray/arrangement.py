"""Elements in other places: rolled, repeated, and the triangles of a matrix; new arrays, under NumPy's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from needle_edu.backend import ShapeError
from needle_edu.backend.arguments import integer

from .creation import arange, zeros
from .functions import greater_equal, less_equal, where
from .interchange import operand
from .layout import as_shape, normalize_axis
from .manipulation import concat

if TYPE_CHECKING:
    from .array import NDArray
    from .strided import Shape


def roll(a: NDArray, shift: int | Shape, axis: int | Shape | None = None) -> NDArray:
    """Return the elements moved on by `shift` places along axes; those that fall off one end come in at the other.

    Without axes the array is rolled as if it were flat. Several axes take as many shifts.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.roll(nd.arange(4), 1)
    NDArray([3, 0, 1, 2], dtype=int64, device=cpu())
    """
    a, shifts = operand("roll", a), as_shape(shift, "roll")
    if axis is None:
        if len(shifts) != 1:
            raise ShapeError(f"roll: wanted one shift where no axis is named, got {shift}")
        return _rolled(a.reshape((-1,)), shifts[0], 0).reshape(a.shape)
    axes = as_shape(axis, "roll")
    if len(axes) != len(shifts):
        raise ShapeError(f"roll: wanted a shift for each of the axes {axis}, got {shift}")
    for places, along in zip(shifts, axes, strict=True):
        a = _rolled(a, places, normalize_axis(along, a.ndim, "roll"))
    return a if axes else a.copy()


def _rolled(a: NDArray, shift: int, axis: int) -> NDArray:
    n = a.shape[axis]
    cut = -shift % n if n else 0
    front = (slice(None),) * axis
    return concat([a[(*front, slice(cut, None))], a[(*front, slice(0, cut))]], axis=axis)


def tril(a: NDArray, k: int = 0) -> NDArray:
    """Return the lower triangle of each matrix, zeros above diagonal `k` (0 the main one, 1 the one above it).

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.tril(nd.array([[1, 2], [3, 4]]))
    NDArray([[1., 0.],
             [3., 4.]], dtype=float32, device=cpu())
    """
    a, distance = _matrices("tril", a)
    return where(less_equal(distance, integer("tril", "k", k)), a, zeros((), a.dtype, a.device))


def triu(a: NDArray, k: int = 0) -> NDArray:
    """Return the upper triangle of each matrix, zeros below diagonal `k` (0 the main one, 1 the one above it).

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.triu(nd.array([[1, 2], [3, 4]]), 1)
    NDArray([[0., 2.],
             [0., 0.]], dtype=float32, device=cpu())
    """
    a, distance = _matrices("triu", a)
    return where(greater_equal(distance, integer("triu", "k", k)), a, zeros((), a.dtype, a.device))


def _matrices(who: str, a: NDArray) -> tuple[NDArray, NDArray]:
    """Return the array, and how far right of the main diagonal each place of a matrix is."""
    a = operand(who, a)
    if a.ndim < 2:
        raise ShapeError(f"{who}: wanted matrices, at least 2 axes, got shape {a.shape}")
    rows, columns = [arange(n, device=a.device) for n in a.shape[-2:]]
    return a, columns.reshape((1, -1)) - rows.reshape((-1, 1))


def repeat(a: NDArray, repeats: int, axis: int | None = None) -> NDArray:
    """Return each element `repeats` times along an axis; without one, of the flat array.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.repeat(nd.arange(3), 2)
    NDArray([0, 0, 1, 1, 2, 2], dtype=int64, device=cpu())
    """
    a, times = operand("repeat", a), integer("repeat", "repeats", repeats, 0)
    if axis is None:
        a, axis = a.reshape((-1,)), 0
    axis = normalize_axis(axis, a.ndim, "repeat")
    front, n, rear = a.shape[:axis], a.shape[axis], a.shape[axis + 1 :]
    each = a.reshape((*front, n, 1, *rear)).broadcast_to((*front, n, times, *rear))
    return each.copy().reshape((*front, n * times, *rear))


def tile(a: NDArray, reps: int | Shape) -> NDArray:
    """Return the array laid out several times: `reps` along each axis, the last ones if there are fewer.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.tile(nd.arange(2), (2, 2))
    NDArray([[0, 1, 0, 1],
             [0, 1, 0, 1]], dtype=int64, device=cpu())
    """
    a, times = operand("tile", a), as_shape(reps, "tile")
    if min(times, default=0) < 0:
        raise ShapeError(f"tile: wanted numbers of copies from 0 on, got {reps}")
    ndim = max(a.ndim, len(times))
    times, shape = (1,) * (ndim - len(times)) + times, (1,) * (ndim - a.ndim) + a.shape
    apart = tuple([n for extent in shape for n in (1, extent)])
    copies = tuple([n for pair in zip(times, shape, strict=True) for n in pair])
    whole = tuple([count * extent for count, extent in zip(times, shape, strict=True)])
    return a.reshape(apart).broadcast_to(copies).copy().reshape(whole)
