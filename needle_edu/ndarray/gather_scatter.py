"""Taking and adding along one axis by an integer array: `take`, `gather`, and `gather`'s adjoint `scatter_add`."""

from __future__ import annotations

from needle_edu.backend import DTypeError, ShapeError
from needle_edu.backend.dtypes import F64

from .array import NDArray
from .creation import arange
from .indexing import getitem, index_add
from .interchange import asarray, operand
from .layout import normalize_axis


def take(a: NDArray, indices: NDArray, axis: int | None = None) -> NDArray:
    """Return the slices of `a` at `indices` along `axis`; with axis None, of the flattened array.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.take(nd.eye(3), [2, 0], axis=0)
    NDArray([[0., 0., 1.],
             [1., 0., 0.]], dtype=float32, device=cpu())
    """
    a = operand("take", a)
    if axis is None:
        a, axis = a.reshape((-1,)), 0
    axis = normalize_axis(axis, a.ndim, "take")
    return getitem(a, (slice(None),) * axis + (asarray(indices, device=a.device),))


def gather(a: NDArray, index: NDArray, axis: int = -1) -> NDArray:
    """Return ``out[i, j] = a[i, index[i, j]]`` (for axis 1 of two): one element of each row.

    Parameters
    ----------
    a : NDArray
    index : NDArray of integers
        As many dimensions as `a`; its extents equal those of `a` or are 1, except along `axis`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> logits = nd.array([[1, 2, 3], [4, 5, 6]])
    >>> nd.gather(logits, nd.array([[2], [0]], dtype="int64"))
    NDArray([[3.],
             [4.]], dtype=float32, device=cpu())
    """
    a = operand("gather", a)
    return getitem(a, _along(a, index, axis, "gather"))


def scatter_add(a: NDArray, index: NDArray, value: NDArray, axis: int = -1) -> NDArray:
    """Return a copy of `a` with ``value[i, j]`` added at ``a[i, index[i, j]]``: the adjoint of `gather`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.scatter_add(nd.zeros((2, 3)), nd.array([[2], [0]], dtype="int64"), nd.ones((2, 1)))
    NDArray([[0., 0., 1.],
             [1., 0., 0.]], dtype=float32, device=cpu())
    """
    a = operand("scatter_add", a)
    return index_add(a, _along(a, index, axis, "scatter_add"), value)


def _along(a: NDArray, index: NDArray, axis: int, operation: str) -> tuple:
    index = asarray(index, device=a.device)
    axis = normalize_axis(axis, a.ndim, operation)
    if index.ndim != a.ndim:
        raise ShapeError(
            f"{operation}: the index has {index.ndim} dimensions, the array {a.ndim}; reshape the index"
        )
    if index.layout.code <= F64:
        raise DTypeError(
            f"{operation}: the index holds integers, got {index.dtype}; convert with astype('int64')"
        )
    key = []
    for other, extent in enumerate(a.shape):
        if other == axis:
            key.append(index)
        else:
            shape = tuple(extent if k == other else 1 for k in range(a.ndim))
            key.append(arange(extent, device=a.device).reshape(shape))
    return tuple(key)
