"""What a data set is: something with a length whose items can be asked for by number.

Training code never sees more than this. A data set answers `len(ds)` and `ds[i]` (one example, a tuple
such as `(image, label)`); a `DataLoader` turns many such examples into one batch. A data set that can fetch
many examples at once faster than one by one may override `batch`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Dataset:
    """The base of every data set: define `__getitem__` and `__len__`.

    Parameters
    ----------
    transforms : sequence of callables, optional
        Applied in order to each example's input by `apply_transforms`; see `needle_edu.data.Transform`.

    Examples
    --------
    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 5
    ...     def __getitem__(self, i):
    ...         return np.float32(i), i * i
    >>> [array.tolist() for array in Squares().batch([1, 3])]
    [[1.0, 3.0], [1, 9]]
    """

    def __init__(self, transforms: Sequence[Callable] | None = None):
        self.transforms = transforms

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index)")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__(self)")

    def apply_transforms(self, x: np.ndarray) -> np.ndarray:
        """`x` passed through every transform in order; `x` itself if there are none."""
        for transform in self.transforms or ():
            x = transform(x)
        return x

    def batch(self, indices: Sequence[int]) -> tuple[np.ndarray, ...]:
        """The examples at `indices` as one array per field, stacked along a new first axis.

        Parameters
        ----------
        indices : sequence of int

        Returns
        -------
        tuple of numpy.ndarray
            One per field of an example, each with `len(indices)` rows. A data set whose items are not tuples
            has one field.
        """
        examples = [self[int(i)] for i in indices]
        if not isinstance(examples[0], tuple):
            examples = [(example,) for example in examples]
        return tuple(
            np.stack([np.asarray(field) for field in column]) for column in zip(*examples, strict=True)
        )
