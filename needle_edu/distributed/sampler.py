"""Each worker looks at other examples: one order for all, of which every worker takes each N-th."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend.arguments import integer, switch, whole
from ..backend.naming import a_kind
from ..backend.random import digest, generator
from ..data.samplers import Sampler
from .group import init


class DistributedSampler(Sampler):
    """The examples of one worker: rank, rank + size, rank + 2 size, … of an order that is the same in all workers.

    Parameters
    ----------
    data_source : anything with a length
    rank, size : int, optional
        Which worker of how many; by default those of `init()`.
    shuffle : bool
        Whether each epoch has a new order, which depends on `seed` and on the number of the epoch alone.
    seed : int
        The same in all workers.
    drop_last : bool
        All workers get equally many examples. True leaves out a few for that, False (the default) lets the first ones
        come a second time.

    Attributes
    ----------
    epoch : int
        The number of the next epoch: counted on each time that an order is asked for.

    Examples
    --------
    >>> [list(DistributedSampler("abcdefg", rank, 3, shuffle=False)) for rank in range(3)]
    [[0, 3, 6], [1, 4, 0], [2, 5, 1]]
    """

    def __init__(
        self,
        data_source: Any,
        rank: int | None = None,
        size: int | None = None,
        *,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ):
        who = "DistributedSampler"
        if not hasattr(data_source, "__len__"):
            raise TypeError(f"{who}: a data set has a length, got {a_kind(data_source)}")
        (self.size,) = whole(who, size=init().size if size is None else size)
        self.rank = integer(who, "rank", init().rank if rank is None else rank, 0, ValueError)
        if self.rank >= self.size:
            raise ValueError(f"{who}: rank is less than size {self.size}, got {self.rank}")
        switch(who, shuffle=shuffle, drop_last=drop_last)
        self.data_source, self.shuffle, self.drop_last = data_source, shuffle, drop_last
        self.seed, self.epoch = integer(who, "seed", seed, 0, ValueError), 0

    def __len__(self) -> int:
        n = len(self.data_source)
        return n // self.size if self.drop_last else -(-n // self.size)

    def indices(self) -> np.ndarray:
        """The numbers of this worker's examples in the next epoch."""
        order = np.arange(len(self.data_source))
        if self.shuffle:
            generator(digest(self.seed, self.epoch) % 2**32).shuffle(order)
        self.epoch += 1
        return np.resize(order, len(self) * self.size)[self.rank :: self.size]

    def set_epoch(self, epoch: int) -> None:
        """Let the next epoch be this one: for a training that goes on in the middle.

        Examples
        --------
        >>> sampler = DistributedSampler("abcdef", 0, 2)
        >>> first = list(sampler)
        >>> sampler.set_epoch(0)
        >>> list(sampler) == first
        True
        """
        self.epoch = integer("set_epoch", "epoch", epoch, 0, ValueError)

    def state_dict(self) -> dict[str, np.ndarray]:
        """What a checkpoint holds: the number of the next epoch."""
        return {"epoch": np.asarray(self.epoch)}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.set_epoch(int(saved["epoch"]))
