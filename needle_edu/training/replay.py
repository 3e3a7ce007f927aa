"""A replay buffer: what was lived through lately, to learn from it again, in any order.

Steps that follow each other are alike, and a network that learns from them one by one forgets what it saw before. So a
deep Q-network stores each *transition* (state, action, reward, next state, whether it ended there), and learns from a
few that are drawn at random from all that are stored. When the buffer is full, the oldest goes.

Reference: L.-J. Lin, "Self-improving reactive agents based on reinforcement learning, planning and teaching", Machine
Learning 8 (1992).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..backend.arguments import whole
from ..backend.errors import DataError, ShapeError
from ..backend.random import generator

FIELDS = ("states", "actions", "rewards", "next_states", "ended")


class Transitions(NamedTuple):
    """Several transitions, a row each.

    Attributes
    ----------
    states, next_states : numpy.ndarray of shape (n, *shape), float32
    actions : (n,), int64
    rewards : (n,), float32
    ended : (n,), bool
        Whether the next state is an end, after which no reward follows.
    """

    states: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    next_states: np.ndarray
    ended: np.ndarray


class Replay:
    """The latest `capacity` transitions.

    Parameters
    ----------
    capacity : int
        How many are kept at most; the memory is taken at once.
    shape : tuple of int
        Of one state.

    Attributes
    ----------
    stored : int
        How many were ever stored, those that went included.

    Examples
    --------
    >>> replay = Replay(capacity=2, shape=(1,))
    >>> for k in range(3):
    ...     replay.store([k], action=0, reward=1.0, next_state=[k + 1], ended=False)
    >>> len(replay), replay.stored, replay.kept.states.ravel().tolist()
    (2, 3, [2.0, 1.0])
    >>> replay.sample(5).states.shape
    (5, 1)
    """

    def __init__(self, capacity: int, shape: tuple[int, ...]):
        whole("Replay", capacity=capacity)
        self.capacity, self.stored = capacity, 0
        self._all = Transitions(
            np.zeros((capacity, *shape), np.float32),
            np.zeros(capacity, np.int64),
            np.zeros(capacity, np.float32),
            np.zeros((capacity, *shape), np.float32),
            np.zeros(capacity, bool),
        )

    def __len__(self) -> int:
        """How many there are now."""
        return min(self.stored, self.capacity)

    @property
    def kept(self) -> Transitions:
        """All that there are now: views, the newest not at the end once the oldest had to go."""
        return Transitions(*(field[: len(self)] for field in self._all))

    def store(self, state: Any, action: int, reward: float, next_state: Any, ended: bool) -> None:
        """Store one transition, in place of the oldest if the buffer is full.

        Raises
        ------
        ShapeError
            If a state has another shape than was said.
        """
        wanted = self._all.states.shape[1:]
        for given in (state, next_state):
            if np.shape(given) != wanted:
                raise ShapeError(f"Replay.store: got a state of shape {np.shape(given)}, wanted {wanted}")
        place = self.stored % self.capacity
        for field, value in zip(self._all, (state, action, reward, next_state, ended), strict=True):
            field[place] = value
        self.stored += 1

    def sample(self, count: int) -> Transitions:
        """Draw `count` of them with the global generator, each time from all: some may be drawn twice.

        Raises
        ------
        DataError
            If nothing was stored yet.
        """
        whole("Replay.sample", count=count)
        if not self.stored:
            raise DataError("Replay.sample: nothing is stored yet; store a transition first")
        rows = generator().randint(0, len(self), count)
        return Transitions(*(field[rows] for field in self._all))

    def state_dict(self) -> dict[str, Any]:
        """Name → array: what is stored."""
        fields = {name: field.copy() for name, field in zip(FIELDS, self.kept, strict=True)}
        return {**fields, "stored": self.stored}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave.

        Raises
        ------
        DataError
            If it is of a buffer of another size. Nothing is changed then.
        """
        stored = int(saved["stored"])
        count = min(stored, self.capacity)
        for name, field in zip(FIELDS, self._all, strict=True):
            found, wanted = np.shape(saved[name]), (count, *field.shape[1:])
            if found != wanted:
                raise DataError(f"Replay.load_state_dict: {name}: got shape {found}, wanted {wanted}")
        for name, field in zip(FIELDS, self._all, strict=True):
            field[:count] = saved[name]
        self.stored = stored
