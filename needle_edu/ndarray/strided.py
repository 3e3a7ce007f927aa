"""An array is a storage seen through a layout. Here is what it knows from the layout alone; array.py has the rest."""

from __future__ import annotations

import numpy as np

from needle_edu.backend import Device, ShapeError, Storage

from .layout import Layout

Shape = tuple[int, ...]


class StridedArray:
    """A storage and a layout, and what the layout alone knows.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> a = nd.zeros((2, 3))
    >>> a.shape, a.strides, a.offset, a.nbytes
    ((2, 3), (3, 1), 0, 24)
    """

    __slots__ = ("layout", "storage", "__weakref__")

    layout: Layout
    storage: Storage

    @property
    def shape(self) -> Shape:
        """Extent of each axis."""
        return self.layout.shape

    @property
    def strides(self) -> Shape:
        """Distance from one index to the next along each axis, in elements."""
        return self.layout.strides

    @property
    def offset(self) -> int:
        """Position of the first element in the storage, in elements."""
        return self.layout.offset

    @property
    def dtype(self) -> np.dtype:
        """Element type."""
        return self.layout.dtype

    @property
    def device(self) -> Device:
        """Where the storage lives."""
        return self.layout.device

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.layout.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.layout.size

    @property
    def nbytes(self) -> int:
        """Bytes of the elements, each counted once per position."""
        return self.layout.size * self.layout.dtype.itemsize

    def is_compact(self) -> bool:
        """Return whether the elements lie row-major from position 0 of the storage, without gaps."""
        return self.layout.compact

    def __len__(self) -> int:
        if not self.layout.ndim:
            raise ShapeError("len: an array of 0 dimensions has no length")
        return self.layout.shape[0]
