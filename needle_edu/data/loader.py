"""From a data set to batches: which examples, in which order, how many at a time.

Stochastic gradient descent looks at a few examples per step. The loader decides the order once per epoch
(shuffled or not), cuts it into batches, fetches the examples and hands them over as tensors that carry no
gradient.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..backend import Device
from ..backend.arguments import floating, several, switch
from ..backend.errors import DataError
from ..backend.random import generator
from .dataset import Dataset, fetch, stack_examples


class DataLoader:
    """Iterate over a data set in batches.

    Each `for` loop over the loader is one epoch. With `shuffle=True` every epoch has a new order, drawn by
    one `np.random.shuffle(np.arange(n))`. `iter(loader)` is the loader itself, so one loader serves one loop
    at a time.

    Parameters
    ----------
    dataset : Dataset, or anything with `__len__` and `__getitem__`
    batch_size : int
        Examples per batch; the last batch of an epoch may be smaller.
    shuffle : bool
    drop_last : bool
        Leave out a last batch that is smaller than the others.
    collate_fn : callable, optional
        Makes the batch of the list of its examples, in place of the stacking that is usual; what it returns is handed
        over as it is. If it has parameters `device` and `dtype`, as `collate_ndarray`, it is given the loader's.
    device : device, optional
        Where the batches shall live; the default device if not given.
    dtype : optional
        Of the fields that are floating-point numbers; whole numbers keep theirs.

    Yields
    ------
    tuple of Tensor
        One per field of an example, each of shape (batch, ...), with `requires_grad=False`.

    Raises
    ------
    DataError
        If `batch_size` is not a positive integer, or the examples do not fit together into a batch.
    TypeError
        If the data set has no length, or no items to ask for by number.

    Examples
    --------
    >>> from needle_edu.data import NDArrayDataset
    >>> loader = DataLoader(NDArrayDataset(np.eye(5), np.arange(5)), batch_size=2)
    >>> [(x.shape, y.numpy().tolist()) for x, y in loader]
    [((2, 5), [0, 1]), ((2, 5), [2, 3]), ((1, 5), [4])]
    >>> len(loader)
    3
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        collate_fn: Callable | None = None,
        drop_last: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        if not isinstance(batch_size, (int, np.integer)) or isinstance(batch_size, bool) or batch_size < 1:
            raise DataError(f"DataLoader: batch_size must be a positive integer, got {batch_size!r}")
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise TypeError(
                f"DataLoader: a data set has a length and items, got a {type(dataset).__name__}; "
                "make one with NDArrayDataset(x, y), or define __len__ and __getitem__"
            )
        switch("DataLoader", shuffle=shuffle, drop_last=drop_last)
        if device is not None and not isinstance(device, Device):
            raise TypeError(f"DataLoader: device is a device such as cpu(), got {device!r}")
        if collate_fn is not None and not callable(collate_fn):
            raise TypeError(
                f"DataLoader: collate_fn makes a batch of a list of examples, got {collate_fn!r:.60}"
            )
        if dtype is not None:
            floating("DataLoader", "batches", dtype)
        self.dataset = dataset
        self.batch_size = int(batch_size)
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.collate_fn = collate_fn
        self.device = device
        self.dtype = dtype
        self._order: np.ndarray | None = None  # this epoch's order; None before the first epoch
        self._start = 0  # where in it the next batch begins

    def __repr__(self) -> str:
        name = self.dataset if isinstance(self.dataset, Dataset) else type(self.dataset).__name__
        return f"DataLoader({name}, batch_size={self.batch_size}, shuffle={self.shuffle})"

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole if self.drop_last or not rest else whole + 1

    def __iter__(self) -> DataLoader:
        self._order = self._new_order()
        self._start = 0
        return self

    def __next__(self) -> Any:
        if self._order is None:
            self._order = self._new_order()
        indices = self._order[self._start : self._start + self.batch_size]
        if len(indices) == 0 or (self.drop_last and len(indices) < self.batch_size):
            raise StopIteration
        self._start += self.batch_size
        if self.collate_fn is None:
            return _tensors(self._fetch(indices), self.device, self.dtype)
        return self._collated(fetch(self.dataset, indices))

    def _collated(self, examples: list[Any]) -> Any:
        assert self.collate_fn is not None
        try:
            named = inspect.signature(self.collate_fn).parameters
        except ValueError:  # some functions written in C do not tell
            named = inspect.Signature().parameters
        if "device" in named and "dtype" in named:
            return self.collate_fn(examples, device=self.device, dtype=self.dtype)
        return self.collate_fn(examples)

    def _new_order(self) -> np.ndarray:
        order = np.arange(len(self.dataset))
        if self.shuffle:
            generator().shuffle(order)
        return order

    def _fetch(self, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        """One array per field; the one step that worker processes could take over."""
        if isinstance(self.dataset, Dataset):
            return self.dataset.batch(indices)
        return stack_examples(fetch(self.dataset, indices))


def collate_ndarray(batch: list[Any], device: Any = None, dtype: Any = None) -> tuple[Tensor, ...]:
    """Make a batch of a list of examples: a tuple of Tensors, one per field, each of shape (len(batch), ...).

    What a `DataLoader` does of itself, under Needle's name.

    Parameters
    ----------
    batch : list of tuples of numbers and arrays
    device : device, optional
    dtype : optional
        Of the fields that are floating-point numbers; whole numbers keep theirs.

    Raises
    ------
    DataError
        If the examples do not fit together.

    Examples
    --------
    >>> x, y = collate_ndarray([(np.zeros(3), 7), (np.ones(3), 8)])
    >>> x.shape, y.numpy().tolist()
    ((2, 3), [7, 8])
    """
    batch = several("collate_ndarray", "examples", batch)
    if not batch:
        raise DataError("collate_ndarray: a batch of no examples")
    return _tensors(stack_examples(batch), device, dtype)


def _tensors(fields: Sequence[np.ndarray], device: Any, dtype: Any) -> tuple[Tensor, ...]:
    """Each field as a Tensor that carries no gradient, `dtype` for those of floating-point numbers."""
    return tuple(
        Tensor(field, device=device, dtype=dtype if field.dtype.kind == "f" else None, requires_grad=False)
        for field in fields
    )
