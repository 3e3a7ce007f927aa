"""The blocks of memory of a run: when each was first seen, when it was given back, and which values lie in it.

A value is no block: a reshape or a broadcast lies in the memory of another value, and one block may be an activation
and later nothing. So a block is known by its storage, and its end is the moment when the storage is gone.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from needle_edu.autograd.events import Event

ROLES = ("parameters", "data", "activations", "adjoints", "gradients")
_BACKWARD = {"seeded": 3, "vjp": 3, "accumulated": 3, "leaf": 4}


@dataclass(slots=True)
class Block:
    """One block of memory.

    Attributes
    ----------
    nbytes : int
    begin, end : int
        The event with which it was first seen, and that before which it was gone; None while it is there.
    role : int
        Place in `ROLES`: what was first seen in it. An adjoint that becomes a leaf's `.grad` is a gradient.
    values : dict of value id to event kind
        What lies in it: the value itself, or its adjoint.
    """

    nbytes: int
    begin: int
    role: int
    values: dict[int, str] = field(default_factory=dict)
    end: int | None = None

    def alive(self, moment: int) -> bool:
        """Whether it is there after event number `moment`."""
        return self.begin <= moment and (self.end is None or moment < self.end)


class Blocks:
    """All blocks that events told of, in the order in which they were first seen.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> with ndl.viz.record() as tape:
    ...     y = ndl.Tensor([3.0, 4.0]) * 2
    >>> [(block.nbytes, ROLES[block.role], block.end) for block in tape.blocks.all]
    [(8, 'parameters', None), (8, 'activations', None)]
    """

    def __init__(self) -> None:
        self.all: list[Block] = []
        self.now = -1  # the event that is being told
        self._freeing = False  # whether it says that a value is gone, whose memory goes right after
        self._alive: dict[int, tuple[Block, Any]] = {}

    def note(self, event: Event, array: Any) -> None:
        """Hear of the next event and the array it is about."""
        self.now += 1
        self._freeing = event.kind == "freed"
        parts = array if isinstance(array, tuple) else (array,)
        for part in parts:
            if part is not None:
                self._seen(event, _storage(part))

    def close(self) -> None:
        """The recording is over: what happens to the blocks now is not told any more."""
        self._alive.clear()

    def _seen(self, event: Event, storage: Any) -> None:
        key = id(storage)
        role = _BACKWARD.get(event.kind)
        known = self._alive.get(key)
        if known is None:
            if role is None:
                role = 2 if event.op else 0 if event.requires_grad else 1
            block = Block(int(storage.nbytes), self.now, role)
            self.all.append(block)
            self._alive[key] = block, weakref.ref(storage, lambda _: self._gone(key))
        else:
            block = known[0]
            if role == 4 and block.role == 3:
                block.role = 4
        block.values.setdefault(event.value, event.kind)
        if event.kind == "leaf":
            block.values[event.value] = "leaf"

    def _gone(self, key: int) -> None:
        found = self._alive.pop(key, None)
        if found is not None:
            found[0].end = self.now + (not self._freeing)

    def totals(self) -> np.ndarray:
        """Bytes by event and role: an array (events, roles)."""
        changes = np.zeros((self.now + 2, len(ROLES)), np.int64)
        for block in self.all:
            changes[block.begin, block.role] += block.nbytes
            if block.end is not None:
                changes[block.end, block.role] -= block.nbytes
        return changes.cumsum(0)[: self.now + 1]


def _storage(array: Any) -> Any:
    """What owns the memory of an NDArray, or in np mode of a numpy.ndarray."""
    if isinstance(array, np.ndarray):
        while isinstance(array.base, np.ndarray):
            array = array.base
        return array
    return array.storage
