"""In which order the examples of a data set are looked at, and how often each.

A sampler gives the numbers of the examples of one epoch. A `DataLoader` has one inside (`SequentialSampler`, or
`RandomSampler` with `shuffle=True`), and takes another one as `sampler=`. All draw from NumPy's global generator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.arguments import switch, whole
from ..backend.errors import DataError
from ..backend.naming import a_kind
from ..backend.random import generator


class Sampler:
    """The base of samplers: define `__len__`, and either `indices` (an array) or `__iter__`.

    Examples
    --------
    >>> class Backwards(Sampler):
    ...     def __init__(self, n):
    ...         self.n = n
    ...     def __len__(self):
    ...         return self.n
    ...     def indices(self):
    ...         return np.arange(self.n)[::-1]
    >>> list(Backwards(3))
    [2, 1, 0]
    """

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__(self)")

    def indices(self) -> np.ndarray:
        """The numbers of one epoch as an array; drawn anew at each call."""
        if type(self).__iter__ is Sampler.__iter__:
            raise NotImplementedError(f"{type(self).__name__} must define indices(self) or __iter__(self)")
        return numbers(self)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices().tolist())


class SequentialSampler(Sampler):
    """0, 1, 2, … in order.

    Examples
    --------
    >>> list(SequentialSampler(["a", "b", "c"]))
    [0, 1, 2]
    """

    def __init__(self, data_source: Any):
        self.data_source = data_source

    def __len__(self) -> int:
        return len(self.data_source)

    def indices(self) -> np.ndarray:
        """0 to n - 1."""
        return np.arange(len(self.data_source))


class RandomSampler(Sampler):
    """Every example once, shuffled by one `shuffle(arange(n))`; or `num_samples` drawn with replacement.

    Parameters
    ----------
    data_source : anything with a length
    replacement : bool
        Whether an example may come more than once; then one `randint(0, n, num_samples)` is drawn.
    num_samples : int, optional
        How many; as many as there are examples if not given. Without replacement, more than n go on with another
        shuffle.

    Examples
    --------
    >>> np.random.seed(0)
    >>> list(RandomSampler("abcd")), list(RandomSampler("abcd", replacement=True, num_samples=6))
    ([2, 3, 1, 0], [3, 3, 3, 3, 1, 3])
    """

    def __init__(self, data_source: Any, replacement: bool = False, num_samples: int | None = None):
        switch("RandomSampler", replacement=replacement)
        if num_samples is not None:
            (num_samples,) = whole("RandomSampler", 1, error=DataError, num_samples=num_samples)
        self.data_source, self.replacement, self._num_samples = data_source, replacement, num_samples

    def __len__(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def indices(self) -> np.ndarray:
        """The numbers of one epoch, drawn anew."""
        n, wanted = len(self.data_source), len(self)
        if wanted and not n:
            raise DataError(f"RandomSampler: {wanted} samples of no examples")
        if self.replacement:
            return generator().randint(0, n, wanted) if wanted else np.arange(0)
        parts = []
        for start in range(0, wanted, n) if n else ():
            order = np.arange(n)
            generator().shuffle(order)
            parts.append(order[: wanted - start])
        return np.concatenate(parts) if parts else np.arange(0)


class SubsetRandomSampler(Sampler):
    """Some examples, shuffled.

    Examples
    --------
    >>> np.random.seed(0)
    >>> list(SubsetRandomSampler([10, 20, 30]))
    [30, 20, 10]
    """

    def __init__(self, indices: Sequence[int] | np.ndarray):
        self._chosen = numbers(indices)

    def __len__(self) -> int:
        return len(self._chosen)

    def indices(self) -> np.ndarray:
        """The examples chosen, in a new order."""
        order = self._chosen.copy()
        generator().shuffle(order)
        return order


class WeightedRandomSampler(Sampler):
    """Examples drawn with the given weights: for classes of very different sizes, 1 / size of its class.

    Draws one `choice(n, num_samples, replace=replacement, p=weights / sum)`.

    Parameters
    ----------
    weights : array_like of shape (n,)
        Numbers of at least 0, not all 0; they need not add up to 1.
    num_samples : int
    replacement : bool
        Whether an example may come more than once.

    Examples
    --------
    >>> np.random.seed(0)
    >>> list(WeightedRandomSampler([0, 1, 3], 8))
    [2, 2, 2, 2, 2, 2, 2, 2]
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True):
        who = "WeightedRandomSampler"
        self.weights = np.array(readable(weights), float)
        (self.num_samples,) = whole(who, 1, error=DataError, num_samples=num_samples)
        switch(who, replacement=replacement)
        self.replacement = replacement
        if self.weights.ndim != 1:
            raise DataError(f"{who}: weights have shape (n,), got {self.weights.shape}")
        if not (np.isfinite(self.weights).all() and (self.weights >= 0).all() and self.weights.any()):
            raise DataError(f"{who}: weights are finite numbers of at least 0, and not all 0")
        possible = np.count_nonzero(self.weights)
        if not replacement and possible < self.num_samples:
            raise DataError(
                f"{who}: {self.num_samples} samples without replacement, but only {possible} weights above 0"
            )

    def __len__(self) -> int:
        return self.num_samples

    def indices(self) -> np.ndarray:
        """The numbers of one epoch, drawn anew."""
        shares = self.weights / self.weights.sum()
        return generator().choice(len(shares), self.num_samples, replace=self.replacement, p=shares)


class BatchSampler:
    """What another sampler gives, cut into batches; for `DataLoader(batch_sampler=)`.

    Parameters
    ----------
    sampler : Sampler, or any iterable of whole numbers with a length
    batch_size : int
    drop_last : bool
        Leave out a last batch that is smaller than the others.

    Examples
    --------
    >>> [batch.tolist() for batch in BatchSampler(SequentialSampler("abcde"), 2)]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool = False):
        if not isinstance(sampler, Iterable):
            raise TypeError(f"BatchSampler: sampler gives the numbers of examples, got {a_kind(sampler)}")
        (self.batch_size,) = whole("BatchSampler", 1, error=DataError, batch_size=batch_size)
        switch("BatchSampler", drop_last=drop_last)
        self.sampler, self.drop_last = sampler, drop_last

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return full if self.drop_last or not rest else full + 1

    def __iter__(self) -> Iterator[np.ndarray]:
        order = self.sampler.indices() if isinstance(self.sampler, Sampler) else numbers(self.sampler)
        last = len(order) - len(order) % self.batch_size if self.drop_last else len(order)
        for start in range(0, last, self.batch_size):
            yield order[start : start + self.batch_size]


def numbers(given: Iterable) -> np.ndarray:
    """Whole numbers from anywhere as an array.

    Examples
    --------
    >>> numbers(range(3))
    array([0, 1, 2])
    """
    array = np.array(list(given)) if not isinstance(given, np.ndarray) else given
    if not array.size:
        return np.arange(0)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise DataError(f"a sampler gives whole numbers, the places of examples; got {array.tolist()!r:.60}")
    return array.astype(np.int64)
