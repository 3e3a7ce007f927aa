"""`a.flat`: the elements of an array in row-major order, numbered from 0, however they lie in memory.

Reading and writing always reach the array itself: through a view where strides can express one line, else through
the index of each element. Writing through a compact copy would be lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from needle_edu.backend import IndexOutOfRange

from .host import as_host
from .indexing import getitem, setitem
from .views import reshaped

if TYPE_CHECKING:
    from .array import NDArray


class Flat:
    """One-dimensional access to an array; get it from `a.flat`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> a = nd.zeros((2, 3))
    >>> a.T.flat[1] += 5
    >>> a
    NDArray([[0., 0., 0.],
             [5., 0., 0.]], dtype=float32, device=cpu())
    """

    __slots__ = ("_array",)

    def __init__(self, array: NDArray):
        self._array = array

    def __len__(self) -> int:
        return self._array.size

    def __getitem__(self, key: Any) -> NDArray:
        return getitem(*self._locate(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        setitem(*self._locate(key), value)

    def __iter__(self) -> Iterator[NDArray]:
        return (self[j] for j in range(len(self)))

    @property
    def shape(self) -> tuple[int]:
        """(number of elements,)"""
        return (self._array.size,)

    def numpy(self) -> np.ndarray:
        """Return a copy of the elements as a one-dimensional NumPy array."""
        return self._array.numpy().reshape(-1)

    def _locate(self, key: Any) -> tuple[NDArray, Any]:
        """Return an array and a key for it that mean the same elements."""
        a = self._array
        line, _ = reshaped(a.layout, (a.size,))
        if line is not None:
            return a._view(line), key
        try:
            return a, np.unravel_index(
                np.arange(a.size)[key if isinstance(key, slice) else as_host(key)], a.shape
            )
        except IndexError:
            raise IndexOutOfRange(f"flat: index {key} is out of range for {a.size} elements") from None
