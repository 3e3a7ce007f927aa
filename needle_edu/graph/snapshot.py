"""A small picture of an array: all of its numbers if there are few, a summary if there are many.

A recorder may see arrays of any size, and what it keeps must neither change later (kernels write in place)
nor fill the memory. So it keeps a `Snapshot`: a copy of arrays up to `LIMIT` elements; of larger ones the
shape, the minimum, mean and maximum, and the first few values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from needle_edu.autograd.arrays import readable

LIMIT = 64
FIRST = 6


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is kept of one array.

    Attributes
    ----------
    shape : tuple of int
    dtype : str
    array : numpy.ndarray or None
        A copy of all values, or None if there are more than the limit.
    low, mean, high : float
        Minimum, mean and maximum (nan if the array is empty; nan values propagate).
    first : tuple
        The first few values in row-major order.
    parts : tuple of Snapshot or None
        The elements, if the value is a tuple of arrays; None where an adjoint has nothing yet.

    Examples
    --------
    >>> snapshot = take_snapshot(np.arange(1000.0))
    >>> snapshot.shape, snapshot.low, snapshot.mean, snapshot.high
    ((1000,), 0.0, 499.5, 999.0)
    """

    shape: tuple
    dtype: str
    array: np.ndarray | None
    low: float
    mean: float
    high: float
    first: tuple
    parts: tuple = ()

    @property
    def size(self) -> int:
        """How many elements the array has."""
        return math.prod(self.shape)


def take_snapshot(array: Any, limit: int = LIMIT) -> Snapshot | None:
    """Copy what is worth keeping of `array` (an NDArray, a NumPy array, a tuple of them, or None).

    Examples
    --------
    >>> take_snapshot(np.array([[1.0, 4.0]])).first
    (1.0, 4.0)
    >>> take_snapshot(np.arange(1000)).array is None
    True
    """
    if array is None:
        return None
    if isinstance(array, (tuple, list)):
        parts = tuple(take_snapshot(part, limit) for part in array)
        return Snapshot((len(parts),), "tuple", None, math.nan, math.nan, math.nan, (), parts)
    data = readable(array)
    first = tuple(data.flat[i].item() for i in range(min(FIRST, data.size)))
    if data.size:
        low, mean, high = float(data.min()), float(data.mean(dtype=np.float64)), float(data.max())
    else:
        low = mean = high = math.nan
    copy = data.copy() if data.size <= limit else None
    return Snapshot(tuple(data.shape), str(data.dtype), copy, low, mean, high, first)
