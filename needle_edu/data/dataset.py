"""What a data set is: something with a length whose items can be asked for by number.

Training code never sees more than this. A data set answers `len(ds)` and `ds[i]` (one example, a tuple
such as `(image, label)`); a `DataLoader` turns many such examples into one batch. A data set whose
`__getitem__` also understands an array of indices says so with `many_at_once`, which is faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.errors import DataError
from ..backend.naming import a_kind


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
        who = f"{type(self).__name__}: transforms"
        if callable(transforms):
            raise TypeError(f"{who} is a list, such as [RandomCrop()]; got one alone")
        if transforms is not None:
            if isinstance(transforms, str) or not isinstance(transforms, Iterable):
                raise TypeError(f"{who} is a list, such as [RandomCrop()]; got {transforms!r}")
            transforms = list(transforms)
            for transform in transforms:
                if not callable(transform) or isinstance(transform, type):
                    raise TypeError(f"{who} are callables, such as RandomCrop(); got {transform!r}")
        self.transforms = transforms

    def __repr__(self) -> str:
        try:
            return f"{type(self).__name__}({len(self):,} examples)"
        except Exception:  # not finished yet, or no super().__init__()
            return f"{type(self).__name__}()"

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index)")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__(self)")

    def apply_transforms(self, x: np.ndarray) -> np.ndarray:
        """`x` passed through every transform in order; `x` itself if there are none.

        A transform may change its input in place: it gets a copy, never the data set's own array.
        """
        if self.transforms and hasattr(x, "copy"):  # an array of NumPy's or ours, a list, a picture
            x = x.copy()
        for transform in self.transforms or ():
            x = transform(x)
            if x is None:
                raise DataError(f"the transform {transform!r} gave back None; does it end with a `return`?")
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
            return self[readable(indices)]
        return stack_examples(fetch(self, indices))


def read(
    dataset: Any, indices: np.ndarray, note: Callable[[int], None] | None = None
) -> tuple[np.ndarray, ...]:
    """The examples at `indices` as one array per field, the way that is fastest for this data set.

    Those with transforms are asked for one by one: so an error, and `note`, know which example it is.
    """
    own = isinstance(dataset, Dataset)
    if own and (
        type(dataset).batch is not Dataset.batch or (dataset.many_at_once and not dataset.transforms)
    ):
        return dataset.batch(indices)
    return stack_examples(fetch(dataset, indices, note))


def fetch(
    dataset: Any, indices: Sequence[int] | np.ndarray, note: Callable[[int], None] | None = None
) -> list[Any]:
    """The examples at `indices`, asked for one by one; an error on the way says which one was asked for.

    `note`, if given, is called with each number before that example is read.

    Examples
    --------
    >>> fetch(["a", "b", "c"], [2, 0])
    ['c', 'a']
    """
    examples = []
    for i in map(int, indices):
        if note is not None:
            note(i)
        try:
            examples.append(dataset[i])
        except StopIteration as error:  # it would end the loop over the batches, as if there were no more
            raise DataError(f"example {i} of {a_kind(dataset)} raised StopIteration") from error
        except Exception as error:
            error.add_note(f"This happened while reading example {i} of {a_kind(dataset)}.")
            raise
    return examples


def stack_examples(examples: list[Any]) -> tuple[np.ndarray, ...]:
    """Turn a list of examples into one array per field, each with a row per example.

    Raises
    ------
    DataError
        If the examples do not fit together, or hold something else than numbers and arrays.

    Examples
    --------
    >>> stack_examples([(1.5, 7), (2.5, 8)])
    (array([1.5, 2.5]), array([7, 8]))
    >>> stack_examples([1.5, 2.5])
    (array([1.5, 2.5]),)
    """
    rows = [example if isinstance(example, tuple) else (example,) for example in examples]
    if len({len(row) for row in rows}) > 1:
        raise DataError(f"a batch of examples with different numbers of fields: {[len(row) for row in rows]}")
    return tuple(_stack(k, column) for k, column in enumerate(columns_of(rows)))


def columns_of(rows: list[tuple]) -> list[list[np.ndarray]]:
    """Field after field, the arrays of all examples."""
    try:
        return [[readable(field) for field in column] for column in zip(*rows, strict=True)]
    except ValueError as error:
        raise DataError(f"a field of an example has rows of different lengths: {error}") from None


def _stack(k: int, fields: list[np.ndarray]) -> np.ndarray:
    """Field number `k` of all examples of a batch as one array."""
    for field in fields:
        if field.dtype.kind not in "biuf":
            raise DataError(
                f"field {k} of an example is no number and no array of numbers: {field.tolist()!r:.60}"
            )
        if field.shape != fields[0].shape:
            raise DataError(
                f"field {k} has shape {fields[0].shape} in one example and {field.shape} in another: a batch needs "
                "equal shapes; pad or crop them, or, if your data are whole arrays, use NDArrayDataset(x, y)"
            )
    return np.stack(fields)
