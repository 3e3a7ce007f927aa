"""A data set made of arrays that are already in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...autograd.arrays import readable
from ...backend.errors import DataError
from ..dataset import Dataset


class NDArrayDataset(Dataset):
    """Example number i is row i of every array.

    Parameters
    ----------
    *arrays : array_like
        One per field (inputs, labels, ...), all with the same number of rows.
    transforms : sequence of callables, optional
        Applied to the first field of each example, one row at a time.

    Raises
    ------
    DataError
        If there is no array, or the arrays differ in their number of rows.

    Examples
    --------
    >>> ds = NDArrayDataset(np.eye(3), np.array([7, 8, 9]))
    >>> len(ds)
    3
    >>> ds[1]
    (array([0., 1., 0.]), np.int64(8))
    """

    many_at_once = True

    def __init__(self, *arrays: Any, transforms: Sequence[Callable] | None = None):
        super().__init__(transforms)
        try:
            self.arrays = tuple(readable(array) for array in arrays)
        except ValueError as error:
            raise DataError(
                "NDArrayDataset: rows of different lengths make no array; pad or cut them"
            ) from error
        if not self.arrays or any(array.ndim == 0 for array in self.arrays):
            raise DataError("NDArrayDataset: wants at least one array, each with at least one dimension")
        rows = [array.shape[0] for array in self.arrays]
        if len(set(rows)) > 1:
            raise DataError(f"NDArrayDataset: all arrays need the same number of rows, got {rows}")

    def __len__(self) -> int:
        return self.arrays[0].shape[0]

    def __getitem__(self, index: Any) -> tuple:
        """A copy of row `index` of every array; a slice or an array of indices gives several rows."""
        first, *others = (own(array[index]) for array in self.arrays)
        if self.transforms:
            if isinstance(index, (int, np.integer)):
                first = self.apply_transforms(first)
            elif len(first):
                first = np.stack([self.apply_transforms(row) for row in first])
        return (first, *others)


def own(rows: Any) -> Any:
    """Rows that may be changed: a copy, where they look into the array they were taken from.

    Examples
    --------
    >>> array = np.zeros(3)
    >>> own(array[1:])[:] = 1
    >>> array
    array([0., 0., 0.])
    """
    return rows.copy() if isinstance(rows, np.ndarray) and rows.base is not None else rows
