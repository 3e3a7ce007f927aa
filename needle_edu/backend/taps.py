"""Weighted sums along an axis, of a few places each, in NumPy: what resizing and irregular windows are made of.

A table says where each element of the result looks: element j at ``place[k]``, times ``weight[k]``, for k from
``start[j]`` up to ``start[j + 1]``. The NumPy reference computes with this function, and so does `NEEDLE_BACKEND=np`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Table(NamedTuple):
    """Where each of m elements looks among n.

    Attributes
    ----------
    start : numpy.ndarray of int64, shape (m + 1,)
    place : numpy.ndarray of int64
    weight : numpy.ndarray of float64, as long as `place`
    n : int
    """

    start: np.ndarray
    place: np.ndarray
    weight: np.ndarray
    n: int

    def transposed(self) -> Table:
        """Return the table of the adjoint: for each of the n elements, who looks at it.

        Examples
        --------
        >>> table = Table(np.array([0, 1, 3]), np.array([0, 0, 1]), np.array([1.0, 0.5, 0.5]), 2)
        >>> start, place, weight, n = table.transposed()
        >>> start.tolist(), place.tolist(), weight.tolist(), n
        ([0, 2, 3], [0, 1, 1], [1.0, 0.5, 0.5], 2)
        """
        order = np.argsort(self.place, kind="stable")
        looks = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))
        start = np.concatenate([[0], np.cumsum(np.bincount(self.place, minlength=self.n))])
        return Table(start.astype("int64"), looks[order], self.weight[order], len(self.start) - 1)


def taps(a: np.ndarray, axis: int, table: Table) -> np.ndarray:
    """Return the weighted sums along an axis, which has `table.n` elements.

    Examples
    --------
    >>> taps(np.array([1.0, 3.0]), 0, Table(np.array([0, 1, 3]), np.array([0, 0, 1]), np.array([1.0, 0.5, 0.5]), 2))
    array([1., 2.])
    """
    start, place, weight, _ = table
    along: Any = (slice(None),) * axis
    shape = (*a.shape[:axis], len(start) - 1, *a.shape[axis + 1 :])
    out = np.zeros(shape, a.dtype)
    some = start[:-1] < start[1:]
    if some.any() and out.size:
        terms = a[(*along, place)] * weight.astype(a.dtype).reshape((-1,) + (1,) * (a.ndim - axis - 1))
        out[(*along, some)] = np.add.reduceat(terms, start[:-1][some], axis=axis)
    return out
