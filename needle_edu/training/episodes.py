"""A world of gymnasium to play in, one episode after another, which can be left in the middle and entered again.

An episode is determined by the seed it began with and the actions taken since: whoever begins with the same seed and
does the same again is at the same place. So that is what a checkpoint holds, and nothing of the world's insides.

Gymnasium says of an end whether the world is over (*terminated*: the pole fell) or only the time (*truncated*: 500
steps were made). After the first no reward can follow; after the second it would have, had one played on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..backend.errors import DataError
from ..backend.extras import needed
from ..backend.random import generator

LARGEST_SEED = 2**31 - 1


class Played(NamedTuple):
    """One step in the world: as `Replay.store` takes it."""

    state: np.ndarray
    action: int
    reward: float
    next_state: np.ndarray
    ended: bool


def world(name: str) -> Any:
    """An environment of gymnasium.

    Raises
    ------
    ImportError
        If gymnasium is not installed.

    Examples
    --------
    >>> world("CartPole-v1").observation_space.shape
    (4,)
    """
    gymnasium = needed("train: a world to play in", "gymnasium", "rl")
    return gymnasium.make(name, disable_env_checker=True)


class Episodes:
    """Episodes without end: where one is over, the next begins, with a seed from the global generator.

    No world is ever stepped in after its end (gymnasium would only warn and give reward 0).

    Attributes
    ----------
    state : numpy.ndarray, float32
        What the player sees now.
    returns : list of float
        The sum of rewards of each episode that is over.

    Examples
    --------
    >>> np.random.seed(0)
    >>> episodes = Episodes("CartPole-v1")
    >>> for _ in range(30):
    ...     step = episodes.play(1)
    >>> episodes.returns  # to push the cart always to the right does not go well for long
    [10.0, 8.0, 10.0]
    """

    def __init__(self, name: str):
        self.world = world(name)
        self.returns: list[float] = []
        self._begin(generator().randint(0, LARGEST_SEED))

    @property
    def actions(self) -> int:
        """How many actions there are to choose from: 0 to that, less one."""
        return int(self.world.action_space.n)

    def play(self, action: int) -> Played:
        """Do it, and tell what came of it; begins the next episode if this one is over."""
        state = self.state
        next_state, reward, terminated, truncated = self._do(action)
        if terminated or truncated:
            self.returns.append(self._return)
            self._begin(generator().randint(0, LARGEST_SEED))
        return Played(state, action, reward, next_state, terminated)

    def state_dict(self) -> dict[str, Any]:
        """The seed of this episode, what was done since, and the returns of those before."""
        return {
            "seed": self._seed,
            "done": np.array(self._done, np.int64),
            "returns": np.array(self.returns),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go to where `state_dict` was: begin with its seed, and do the same again.

        Raises
        ------
        DataError
            If the episode ends on the way there: the world is another one.
        """
        self._begin(int(saved["seed"]))
        for action in np.asarray(saved["done"]).tolist():
            _, _, terminated, truncated = self._do(action)
            if terminated or truncated:
                raise DataError(
                    f"Episodes.load_state_dict: played again, the episode ended after {len(self._done)} steps of "
                    f"{len(saved['done'])}; another version of gymnasium was there when it was saved"
                )
        self.returns = np.asarray(saved["returns"]).tolist()

    def _begin(self, seed: int) -> None:
        self._seed, self._return = int(seed), 0.0
        self._done: list[int] = []
        self.state, _ = self.world.reset(seed=self._seed)

    def _do(self, action: int) -> tuple[np.ndarray, float, bool, bool]:
        self.state, reward, terminated, truncated, _ = self.world.step(action)
        self._done.append(action)
        self._return += reward
        return self.state, float(reward), bool(terminated), bool(truncated)


def mean_return(name: str, policy: Callable[[np.ndarray], np.ndarray], count: int, seed: int) -> float:
    """The mean sum of rewards over `count` episodes, all played at the same time.

    Parameters
    ----------
    name : str
        Of the world.
    policy : callable
        States (n, *shape) to actions (n,).
    count : int
    seed : int
        The episodes begin with `seed`, `seed + 1`, …; nothing is drawn from the global generator.

    Examples
    --------
    >>> mean_return("CartPole-v1", lambda states: (states[:, 2] > 0).astype(int), 20, seed=0)  # push where it leans
    40.9
    """
    playing = [world(name) for _ in range(count)]
    states = [one.reset(seed=seed + k)[0] for k, one in enumerate(playing)]
    total = 0.0
    while playing:
        going_on = []
        for one, action in zip(playing, policy(np.stack(states)).tolist(), strict=True):
            state, reward, terminated, truncated, _ = one.step(action)
            total += float(reward)
            if not (terminated or truncated):
                going_on.append((one, state))
        playing, states = [one for one, _ in going_on], [state for _, state in going_on]
    return total / count
