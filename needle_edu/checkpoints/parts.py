"""Parts of a checkpoint that are no module, optimiser or loader: random numbers, and plain dicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..backend import random
from ..backend.errors import DataError
from ..backend.naming import a_kind


class RandomNumbers:
    """The state of the global generators, as a part of a checkpoint: what is drawn next is drawn again after loading.

    Two generators are meant: NumPy's, from which everything in needle_edu draws, and that of Python's `random`, which
    somebody's own transform may use. The object itself holds nothing.

    Examples
    --------
    >>> import os, tempfile
    >>> from needle_edu import checkpoints
    >>> path = os.path.join(tempfile.mkdtemp(), "run.npz")
    >>> np.random.seed(3)
    >>> checkpoints.save(path, random=RandomNumbers())
    >>> first = np.random.rand()
    >>> checkpoints.load(path, random=RandomNumbers())
    >>> bool(np.random.rand() == first)
    True
    """

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name → array: where both generators are."""
        return random.global_state()

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Put both generators where `state_dict` found them. Both, or, after an error, neither.

        Raises
        ------
        DataError
            If the state is no such state.
        """
        random.set_global_state("RandomNumbers.load_state_dict", saved)


class Numbers:
    """A dict of numbers and words as a part: loading gives it what was saved.

    Examples
    --------
    >>> progress = {"epoch": 0}
    >>> Numbers("progress", progress).load_state_dict({"epoch": np.array(3), "losses": np.array([0.5, 0.25])})
    >>> progress
    {'epoch': 3, 'losses': array([0.5 , 0.25])}
    """

    def __init__(self, name: str, entries: dict[str, Any]):
        self.name, self.entries = name, entries

    def state_dict(self) -> dict[str, Any]:
        """The entries themselves."""
        wrong = [name for name in self.entries if not isinstance(name, str)]
        if wrong:
            raise DataError(f"checkpoints: {self.name}: the name of an entry is a string, got {wrong[0]!r}")
        return dict(self.entries)

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Replace the entries, numbers and words as Python's own."""
        new = {
            name: value.item() if isinstance(value, np.ndarray) and not value.ndim else value
            for name, value in saved.items()
        }
        self.entries.clear()
        self.entries.update(new)


def as_part(who: str, name: str, thing: Any, method: str) -> Any:
    """A part that has the method wanted, or a TypeError that names it."""
    if isinstance(thing, dict):
        return Numbers(name, thing)
    if isinstance(thing, type) or not hasattr(thing, method):
        raise TypeError(
            f"{who}: {name} is {a_kind(thing)}, wanted a module or an optimiser, or anything else with "
            f"{method}()"
        )
    return thing
