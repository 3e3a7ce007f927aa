"""Parts of a data set, and several data sets as one."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..backend.errors import DataError, IndexOutOfRange
from ..backend.naming import a_kind
from ..backend.random import generator
from .dataset import Dataset
from .samplers import numbers


class Subset(Dataset):
    """Some examples of a data set, in the order given.

    Parameters
    ----------
    dataset : data set
    indices : sequence of int
        Which of its examples; negative ones count from the end.

    Examples
    --------
    >>> some = Subset(["a", "b", "c", "d"], [3, 1])
    >>> len(some), some[0], some[-1]
    (2, 'd', 'b')
    """

    def __init__(self, dataset: Any, indices: Sequence[int] | np.ndarray):
        super().__init__()
        self.dataset, self.indices, n = dataset, numbers(indices), len(dataset)
        wrong = self.indices[(self.indices < -n) | (self.indices >= n)]
        if wrong.size:
            raise IndexOutOfRange(f"Subset: example {wrong[0]} of a data set of {n}")
        self.indices = np.where(self.indices < 0, self.indices + n, self.indices)
        self.many_at_once = getattr(dataset, "many_at_once", False)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        """One example; or several, if the data set can give several at once."""
        chosen = self.indices[index]
        return self.dataset[chosen if self.many_at_once and np.ndim(chosen) else int(chosen)]


class ConcatDataset(Dataset):
    """Several data sets, one after another, as one.

    Examples
    --------
    >>> both = ConcatDataset(["a", "b"], ["c"])
    >>> len(both), [both[i] for i in (0, 2, -1)]
    (3, ['a', 'c', 'c'])
    """

    def __init__(self, *datasets: Any):
        super().__init__()
        if len(datasets) == 1 and isinstance(datasets[0], (list, tuple)):
            datasets = tuple(datasets[0])  # as in PyTorch
        if not datasets:
            raise DataError("ConcatDataset: wants at least one data set")
        for dataset in datasets:
            if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
                raise TypeError(f"ConcatDataset: a data set has a length and items, got {a_kind(dataset)}")
        self.datasets = datasets
        self.ends = np.cumsum([len(dataset) for dataset in datasets])

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, index: int) -> Any:
        """Example number `index`, counted through all data sets."""
        place = operator.index(index)
        if not -len(self) <= place < len(self):
            raise IndexOutOfRange(f"ConcatDataset: example {place} of {len(self)}")
        place %= len(self)
        which = int(np.searchsorted(self.ends, place, side="right"))
        return self.datasets[which][place - (int(self.ends[which - 1]) if which else 0)]


def random_split(dataset: Any, lengths: Iterable[float], seed: int | None = None) -> list[Subset]:
    """Split a data set at random into parts that share no example.

    Parameters
    ----------
    dataset : data set
    lengths : sequence of int, or of shares
        The sizes, which add up to the whole; or shares that add up to 1. Shares are rounded down, and what is left
        goes to the first parts, one each.
    seed : int, optional
        Another seed gives another split, the same in every run. If not given, the order comes from one
        `np.random.permutation(n)` of the global generator.

    Raises
    ------
    DataError
        If the sizes do not add up.

    Examples
    --------
    >>> train, test = random_split(range(10), [0.8, 0.2], seed=1)
    >>> len(train), len(test), sorted([*train, *test]) == list(range(10))
    (8, 2, True)
    """
    n, parts = len(dataset), list(lengths)
    numbers_only = all(isinstance(part, (int, float, np.number)) and part >= 0 for part in parts)
    if not parts or not numbers_only or any(isinstance(part, bool) for part in parts):
        raise DataError(f"random_split: lengths are sizes or shares of at least 0, got {parts!r:.80}")
    if any(isinstance(part, (float, np.floating)) for part in parts):
        if abs(sum(parts) - 1) > 1e-6:
            raise DataError(f"random_split: shares add up to 1, got {parts!r:.80}")
        sizes = [int(np.floor(n * part + 1e-9)) for part in parts]
        for k in range(n - sum(sizes)):
            sizes[k % len(sizes)] += 1
    else:
        sizes = [int(part) for part in parts]
    if sum(sizes) != n:
        raise DataError(f"random_split: sizes {sizes} add up to {sum(sizes)}, but there are {n} examples")
    order = generator(seed).permutation(n)
    ends = np.cumsum(sizes)
    return [Subset(dataset, order[end - size : end]) for end, size in zip(ends, sizes, strict=True)]
