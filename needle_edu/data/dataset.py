"""What a data set is: something with a length whose items can be asked for by number.

Training code never sees more than this. A data set answers `len(ds)` and `ds[i]` (one example, a tuple
such as `(image, label)`); a `DataLoader` turns many such examples into one batch. A data set whose
`__getitem__` also understands an array of indices says so with `many_at_once`, which is faster.
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

    Attributes
    ----------
    many_at_once : bool
        Whether `self[array of indices]` gives one array per field, a row for each index. A subclass that
        defines `__getitem__` anew starts from False again: it may have one example in mind.

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

    transforms: Sequence[Callable] | None = None
    many_at_once = False

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "__getitem__" in vars(cls) and "many_at_once" not in vars(cls):
            cls.many_at_once = False

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

    def batch(self, indices: Sequence[int] | np.ndarray) -> tuple[np.ndarray, ...]:
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
        if self.many_at_once:
            return self[np.asarray(indices)]
        return stack_examples([self[int(i)] for i in indices])


def stack_examples(examples: list[Any]) -> tuple[np.ndarray, ...]:
    """Turn a list of examples into one array per field, each with a row per example.

    Examples
    --------
    >>> stack_examples([(1.5, 7), (2.5, 8)])
    (array([1.5, 2.5]), array([7, 8]))
    >>> stack_examples([1.5, 2.5])
    (array([1.5, 2.5]),)
    """
    rows = [example if isinstance(example, tuple) else (example,) for example in examples]
    return tuple(np.stack([np.asarray(field) for field in column]) for column in zip(*rows, strict=True))
