"""From a data set to batches: which examples, in which order, how many at a time.

Stochastic gradient descent looks at a few examples per step. The loader decides the order once per epoch
(shuffled or not), cuts it into batches, fetches the examples and hands them over as tensors that carry no
gradient. Reading may be left to worker processes, which prepare the next batches while the model learns from this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend import Device
from ..backend.arguments import floating, integer, switch, whole
from ..backend.errors import DataError
from ..backend.naming import a_kind
from ..backend.random import fingerprint, seeded
from . import epoch as epochs
from .collate import collated, tensors
from .dataset import Dataset, fetch, read
from .samplers import BatchSampler, RandomSampler, Sampler, SequentialSampler

if TYPE_CHECKING:
    from .workers import Pool


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
    sampler : Sampler, or any iterable of whole numbers with a length, optional
        The order of the examples, instead of `shuffle`.
    batch_sampler : BatchSampler, or any iterable of sequences of whole numbers with a length, optional
        The batches themselves, instead of `batch_size`, `shuffle`, `sampler` and `drop_last`.
    drop_last : bool
        Leave out a last batch that is smaller than the others.
    collate_fn : callable, optional
        Makes the batch of the list of its examples, in place of the stacking that is usual; what it returns is handed
        over as it is. If it has parameters `device` and `dtype`, as `collate_ndarray`, it is given the loader's. It
        runs in this process, with workers too.
    device : device, optional
        Where the batches shall live; the default device if not given.
    dtype : optional
        Of the fields that are floating-point numbers; whole numbers keep theirs.
    num_workers : int
        Processes that read examples ahead; 0 reads them here, when they are asked for. Batches come in the same order.
        Each batch has a seed of its own, so the transforms draw the same for any number of workers.
    prefetch_factor : int
        How many batches each worker may be ahead.
    persistent_workers : bool
        Keep the workers for the next epoch: they start once, and know the data set as it was then.
    multiprocessing_context : {"fork", "spawn", "forkserver"}, optional
        How workers start. "fork", the usual one on Linux, needs nothing of the data set. "spawn", the usual one
        elsewhere, sends it there as a pickle, and wants a script to begin with `if __name__ == "__main__":`.
    seed : int, optional
        With a number, order and transforms depend on it and on the number of the epoch alone, with no workers too;
        nothing is drawn from the global generator.
    shard : (int, int)
        (rank, size): this is one of `size` loaders, in as many processes, that divide each batch among them, and gets
        its examples rank, rank + size, … All need the same `seed`; what `state_dict` gives is of all of them.

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
    WorkerError
        If a worker dies; it says while reading which example. What a data set raises in a worker is raised here.

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
        sampler: Any = None,
        batch_sampler: Any = None,
        collate_fn: Callable | None = None,
        drop_last: bool = False,
        device: Any = None,
        dtype: Any = None,
        num_workers: int = 0,
        prefetch_factor: int = 2,
        persistent_workers: bool = False,
        multiprocessing_context: str | None = None,
        seed: int | None = None,
        shard: tuple[int, int] = (0, 1),
    ):
        if not isinstance(batch_size, (int, np.integer)) or isinstance(batch_size, bool) or batch_size < 1:
            raise DataError(f"DataLoader: batch_size must be a positive integer, got {batch_size!r}")
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise TypeError(
                f"DataLoader: a data set has a length and items, got {a_kind(dataset)}; "
                "make one with NDArrayDataset(x, y), or define __len__ and __getitem__"
            )
        switch("DataLoader", shuffle=shuffle, drop_last=drop_last, persistent_workers=persistent_workers)
        whole("DataLoader", 0, num_workers=num_workers)
        whole("DataLoader", 1, prefetch_factor=prefetch_factor)
        if seed is not None:
            seed = integer("DataLoader", "seed", seed, 0, ValueError)
        shard = _shard(shard, seed)
        if device is not None and not isinstance(device, Device):
            raise TypeError(f"DataLoader: device is a device such as cpu(), got {device!r}")
        if collate_fn is not None and not callable(collate_fn):
            raise TypeError(
                f"DataLoader: collate_fn makes a batch of a list of examples, got {collate_fn!r:.60}"
            )
        if dtype is not None:
            floating("DataLoader", "batches", dtype)
        _one_order(batch_size, shuffle, sampler, batch_sampler, drop_last)
        self.dataset = dataset
        self.batch_size = int(batch_size)
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.collate_fn = collate_fn
        self.device = device
        self.dtype = dtype
        self.seed = seed
        self.shard = shard
        self._whole: epochs.Epoch | None = None  # the epoch of which `_share` is this loader's
        self.num_workers = int(num_workers)
        self.persistent_workers = persistent_workers
        if sampler is None:
            sampler = RandomSampler(dataset) if shuffle else SequentialSampler(dataset)
        self.sampler: Sampler | Any = sampler
        self.batch_sampler: Any = batch_sampler
        if batch_sampler is None:
            self.batch_sampler = BatchSampler(sampler, self.batch_size, drop_last)
        self._epoch = epochs.BEFORE_THE_FIRST
        self._goes_on = False  # whether the next loop goes on with it, after a checkpoint was loaded
        self._pool: Pool | None = None
        if num_workers:
            from .workers import Pool  # not before somebody wants workers

            self._pool = Pool(
                dataset, collate_fn is None, self.num_workers, int(prefetch_factor), multiprocessing_context
            )
        elif multiprocessing_context is not None:
            raise ValueError("DataLoader: multiprocessing_context is for num_workers of at least 1, got 0")

    def __repr__(self) -> str:
        name = self.dataset if isinstance(self.dataset, Dataset) else type(self.dataset).__name__
        return f"DataLoader({name}, batch_size={self.batch_size}, shuffle={self.shuffle})"

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return len(self.batch_sampler)

    def __iter__(self) -> DataLoader:
        if not self._goes_on:
            self._begin()
        self._goes_on = False
        return self

    def __next__(self) -> Any:
        if self._epoch.number < 0:
            self._begin()
        self._goes_on = False
        epoch = self._epoch
        if epoch.position >= len(epoch):
            epoch.over = True
            if self._pool is not None and not self.persistent_workers:
                self._pool.stop()
            raise StopIteration
        k = epoch.position
        epoch.position += 1  # an example that cannot be read is not read again by the next call
        if self._pool is not None:
            if epoch.base < 0:  # from a checkpoint of a loader without workers
                epoch.base = fingerprint(epoch.number)
            found = self._pool.batch(self._own(epoch), k)
        elif epoch.base >= 0:
            with seeded(epoch.base, k):
                found = self._read(self._own(epoch).indices(k))
        else:
            found = self._read(epoch.indices(k))
        if self.collate_fn is None:
            return tensors(found, self.device, self.dtype)
        return collated(self.collate_fn, found, self.device, self.dtype)

    def _begin(self) -> None:
        if self._pool is not None and not self._epoch.over:
            self._pool.stop()  # they are busy with an epoch that nobody wants any more
        number = self._epoch.number + 1
        self._epoch = epochs.draw(self.batch_sampler, number, self.seed, self._pool is not None)

    def _own(self, epoch: epochs.Epoch) -> epochs.Epoch:
        """This loader's share of an epoch."""
        if self.shard == (0, 1):
            return epoch
        if self._whole is not epoch:
            self._whole, self._share = epoch, epoch.share(*self.shard)
        return self._share

    def _read(self, indices: np.ndarray) -> Any:
        """One array per field, or, for somebody's own collate_fn, the list of examples."""
        return read(self.dataset, indices) if self.collate_fn is None else fetch(self.dataset, indices)

    def close(self) -> None:
        """End the worker processes, if there are any; the next epoch starts new ones."""
        if self._pool is not None:
            self._pool.stop()

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name → array: this epoch's batches, and how many were handed over."""
        return self._epoch.state()

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave: the next loop goes on with the batch that would have been the next.

        Where transforms draw from the global generator (no workers and no `seed`), that one's state belongs to it:
        `checkpoints.RandomNumbers`.

        Raises
        ------
        DataError
            If it is no such state, or of a data set of another length. The loader is as it was then.
        """
        new = epochs.restored("DataLoader.load_state_dict", saved, len(self.dataset))
        self.close()
        self._epoch = new
        self._goes_on = not new.over


def _shard(shard: Any, seed: int | None) -> tuple[int, int]:
    """Which of how many loaders this is; several must draw the same order."""
    if not isinstance(shard, (tuple, list)) or len(shard) != 2:
        raise ValueError(f"DataLoader: shard is (rank, size), got {shard!r}")
    rank, size = whole("DataLoader", 0, rank=shard[0], size=shard[1])
    if rank >= size:
        raise ValueError(f"DataLoader: shard is (rank, size) with rank < size, got {shard!r}")
    if size > 1 and seed is None:
        raise ValueError("DataLoader: loaders that divide batches need the same seed, to draw the same order")
    return rank, size


def _one_order(batch_size: int, shuffle: bool, sampler: Any, batch_sampler: Any, drop_last: bool) -> None:
    """Complain about two answers to one question."""
    for name, given in (("sampler", sampler), ("batch_sampler", batch_sampler)):
        if given is not None and not (hasattr(given, "__iter__") and hasattr(given, "__len__")):
            raise TypeError(f"DataLoader: {name} has a length and gives numbers, got {a_kind(given)}")
        if given is not None and shuffle:
            raise ValueError(f"DataLoader: shuffle=True and a {name} both say the order; give one of them")
    if batch_sampler is not None and (batch_size != 1 or drop_last or sampler is not None):
        raise ValueError(
            "DataLoader: a batch_sampler says all of the batches; give no batch_size, sampler or drop_last beside it"
        )
