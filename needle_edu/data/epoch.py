"""One epoch of a loader: which examples each batch has, how many batches were handed over, and the seed of each.

An epoch is drawn as a whole when it begins. So it can be given to worker processes, and written into a checkpoint:
training goes on with the very next batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.errors import DataError
from ..backend.random import digest, fingerprint, seeded
from .samplers import numbers


class Epoch:
    """The batches of one epoch.

    Attributes
    ----------
    number : int
        Epochs before this one.
    order : numpy.ndarray, int64
        The examples of all batches, one after another.
    ends : numpy.ndarray, int64
        Where in `order` each batch ends.
    position : int
        Batches handed over.
    base : int
        Of which the seed of each batch is made; -1 if batches have none.
    over : bool
        Whether the loop has seen the end.
    """

    def __init__(
        self,
        number: int,
        order: np.ndarray,
        ends: np.ndarray,
        base: int,
        position: int = 0,
        over: bool = False,
    ):
        self.number, self.order, self.ends, self.base, self.position = number, order, ends, base, position
        self.over = over

    def __len__(self) -> int:
        return len(self.ends)

    def indices(self, k: int) -> np.ndarray:
        """The examples of batch k."""
        return self.order[self.ends[k - 1] if k else 0 : self.ends[k]]

    def share(self, rank: int, size: int) -> Epoch:
        """The epoch of one of several loaders that divide each batch: examples rank, rank + size, … of it.

        A batch that does not come out even goes on with its first examples again, so that all get as many.
        """
        batches = [self.indices(k) for k in range(len(self))]
        shares = [np.resize(batch, -(-len(batch) // size) * size)[rank::size] for batch in batches]
        ends = np.cumsum([len(share) for share in shares], dtype=np.int64)
        return Epoch(self.number, np.concatenate([np.arange(0), *shares]), ends, self.base)

    def state(self) -> dict[str, np.ndarray]:
        """The epoch as arrays with names."""
        return {
            "epoch": np.asarray(self.number),
            "order": self.order,
            "ends": self.ends,
            "base": np.asarray(self.base),
            "position": np.asarray(-1 if self.over else self.position),
        }


BEFORE_THE_FIRST = Epoch(-1, np.arange(0), np.arange(0), -1, over=True)


def draw(batch_sampler: Iterable, number: int, seed: int | None, with_seeds: bool) -> Epoch:
    """A new epoch.

    Parameters
    ----------
    batch_sampler : iterable of sequences of int
    number : int
        Epochs before this one.
    seed : int or None
        With a number, everything depends on it and on `number` alone, and nothing is drawn from the global generator.
    with_seeds : bool
        Whether batches need seeds even if `seed` is None; they come from where the global generator is then.
    """
    if seed is not None:
        base = digest(seed, number)
        with seeded(base):
            batches = [numbers(batch) for batch in batch_sampler]
    else:
        batches = [numbers(batch) for batch in batch_sampler]
        base = fingerprint(number) if with_seeds else -1
    order = np.concatenate([np.arange(0), *batches])
    return Epoch(number, order, np.cumsum([len(batch) for batch in batches], dtype=np.int64), base)


def restored(who: str, saved: Mapping[str, Any], examples: int) -> Epoch:
    """The epoch of which `saved` is the state.

    Raises
    ------
    DataError
        If it is none, or one of a data set of another length.
    """
    wanted = {"epoch": 0, "order": 1, "ends": 1, "base": 0, "position": 0}
    if set(saved) != set(wanted):
        raise DataError(f"{who}: wanted {', '.join(wanted)}, got {sorted(saved)}")
    state = {name: readable(value) for name, value in saved.items()}
    for name, ndim in wanted.items():
        kinds = "iuf" if not state[name].size else "iu"
        if state[name].ndim != ndim or state[name].dtype.kind not in kinds:
            raise DataError(
                f"{who}: {name} is {'whole numbers' if ndim else 'a whole number'}, got {saved[name]!r:.60}"
            )
    order, ends = state["order"].astype(np.int64), state["ends"].astype(np.int64)
    number, base, position = (int(state[name]) for name in ("epoch", "base", "position"))
    sound = (np.diff(ends, prepend=0) >= 0).all() and (ends[-1] if ends.size else 0) == order.size
    if not sound or not -1 <= position <= len(ends) or number < -1 or base < -1:
        raise DataError(f"{who}: this is no state of a loader: its numbers do not fit together")
    if order.size and not 0 <= order.min() <= order.max() < examples:
        raise DataError(f"{who}: saved with example {order.max()}, but this data set has {examples} examples")
    return Epoch(number, order, ends, base, max(position, 0), position == -1)
