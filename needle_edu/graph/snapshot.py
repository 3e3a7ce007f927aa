"""A small picture of an array: all of its numbers if there are few, a summary if there are many.

A recorder may see arrays of any size, and what it keeps must neither change later (kernels write in place)
nor fill the memory. So it keeps a `Snapshot`: a copy of arrays up to `LIMIT` elements; of larger ones the
shape, a few statistics, the first few values, and a sample: every so many rows and columns, at most
`SAMPLE` × `SAMPLE` numbers, from which a picture of the whole can be drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from needle_edu.autograd.arrays import readable
from needle_edu.backend.dtypes import name_of

LIMIT = 64
FIRST = 6
SAMPLE = 16
STRIP = 64  # of a vector, so many numbers in one row
RTOL = 1e-4  # adjoints added up in another order differ by less


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
    sample : numpy.ndarray or None
        Of a large array, numbers at even distances, as a table: see `sample_steps`.
    counted : tuple
        Of a large array, its norm, how many zeros it holds, and how many NaN and infinities.

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
    sample: np.ndarray | None = None
    counted: tuple = ()

    @property
    def size(self) -> int:
        """How many elements the array has."""
        return math.prod(self.shape)

    @property
    def norm(self) -> float:
        """The root of the sum of the squares."""
        return self._counts[0]

    @property
    def zeros(self) -> int:
        """How many elements are zero."""
        return self._counts[1]

    @property
    def not_finite(self) -> int:
        """How many elements are NaN or infinite."""
        return self._counts[2]

    @property
    def largest(self) -> float:
        """The largest absolute value; NaN if there is one, or if the array is empty."""
        return max(abs(self.low), abs(self.high)) if self.low == self.low else math.nan

    @property
    def _counts(self) -> tuple:
        return self.counted or (count(self.array) if self.array is not None else (math.nan, 0, 0))


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
    first = tuple(data.flat[:FIRST].tolist())
    if data.size:
        low, mean, high = float(data.min()), float(data.mean(dtype=np.float64)), float(data.max())
    else:
        low = mean = high = math.nan
    kind = tuple(data.shape), name_of(data.dtype)
    if data.size <= limit:
        return Snapshot(*kind, data.copy(), low, mean, high, first)
    return Snapshot(*kind, None, low, mean, high, first, sample=sampled(data), counted=count(data))


def alike(a: Snapshot | None, b: Snapshot | None, rtol: float = RTOL) -> bool:
    """Whether two snapshots show the same numbers, up to rounding; of large arrays what was kept is compared.

    Examples
    --------
    >>> a, b = take_snapshot(np.array([1.0, 2.0])), take_snapshot(np.array([1.00001, 2.0]))
    >>> alike(a, b), alike(a, b, rtol=1e-6), alike(a, None)
    (True, False, False)
    """
    if a is None or b is None or a.shape != b.shape:
        return a is b
    if a.parts or b.parts:
        return len(a.parts) == len(b.parts) and all(
            alike(x, y, rtol) for x, y in zip(a.parts, b.parts, strict=True)
        )
    left, right = map(_kept, (a, b))
    scale = float(np.nan_to_num(np.abs(right)).max(initial=0.0))
    return bool(np.allclose(left, right, rtol=rtol, atol=0.01 * rtol * max(1.0, scale), equal_nan=True))


def _kept(snapshot: Snapshot) -> np.ndarray:
    """The numbers of a snapshot, or what is kept of them, in one row."""
    if snapshot.array is not None:
        return snapshot.array.reshape(-1)
    assert snapshot.sample is not None
    return np.array(
        [snapshot.low, snapshot.mean, snapshot.high, *snapshot.first, *snapshot.sample.reshape(-1)]
    )


def count(array: np.ndarray) -> tuple[float, int, int]:
    """The norm of an array, how many zeros it holds, and how many NaN and infinities.

    Examples
    --------
    >>> count(np.array([3.0, 0.0, -4.0]))
    (5.0, 1, 0)
    """
    flat = array.reshape(-1)
    with np.errstate(all="ignore"):
        norm = math.sqrt(np.einsum("i,i->", flat, flat, dtype=np.float64))  # no array of the squares
    unusual = 0 if math.isfinite(norm) else array.size - int(np.count_nonzero(np.isfinite(array)))
    return norm, int(np.count_nonzero(array == 0)), unusual


def sample_steps(shape: tuple) -> tuple[int, int]:
    """At which distances a sample takes rows (of all axes but the last) and columns.

    Examples
    --------
    >>> sample_steps((1000,)), sample_steps((2, 40, 8))
    ((1, 16), (5, 1))
    """
    if len(shape) < 2:
        return 1, max(1, math.ceil(math.prod(shape) / STRIP))
    return max(1, math.ceil(math.prod(shape[:-1]) / SAMPLE)), max(1, math.ceil(shape[-1] / SAMPLE))


def sampled(data: np.ndarray) -> np.ndarray:
    """A table of at most `SAMPLE` × `SAMPLE` elements at even distances.

    Examples
    --------
    >>> sampled(np.arange(6400).reshape(80, 80))[:2, :3]
    array([[  0,   5,  10],
           [400, 405, 410]])
    """
    down, across = sample_steps(data.shape)
    if data.ndim < 2:
        return data.reshape(1, -1)[:, ::across].copy()
    rows = np.unravel_index(np.arange(0, math.prod(data.shape[:-1]), down), data.shape[:-1])
    return data[..., ::across][rows]
