"""A deep Q-network learns to balance a pole on a cart, from nothing but trying.

Q(s, a) says what is to be had after action a in state s, if one always does what is best from then on. It obeys
Bellman's equation,

    Q(s, a) = r + gamma max_b Q(s', b),

and a network is trained to obey it on what was tried. Two things keep that from running away: transitions come from a
replay buffer, where neighbours are strangers, and the right side is computed by a *target network*, an older copy that
holds still for a while. Even so a network that balances well may forget how, so the best one is kept.

Reference: V. Mnih et al., "Human-level control through deep reinforcement learning", Nature 518 (2015). The world is
gymnasium's CartPole-v1: a reward of 1 for each step until the pole falls, the cart leaves, or 500 steps are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import nn, ops, optim
from ...autograd import Tensor, no_grad
from ...backend.random import generator
from ..application import Application, Settings
from ..episodes import Episodes, mean_return
from ..replay import Replay

WORLD = "CartPole-v1"
UNITS = np.array(
    [1, 1, 10, 1], np.float32
)  # place, speed, angle, its speed: the angle is never above a fifth
GAMMA = np.float32(0.99)  # what a reward is worth one step later
HORIZON = (
    100.0  # 1 / (1 - gamma), the largest Q there can be where each step gives 1; the network says Q / HORIZON
)
DELTA = 10.0  # errors of Q beyond this pull no harder
CAPACITY, WARM_UP = 50_000, 1_000  # transitions kept; made at random before the first step
PLAYED = 4  # steps in the world for each step of the optimiser
LAST_EPSILON, EXPLORED = (
    0.05,
    10_000,
)  # the share of random actions falls to this in so many steps in the world
RENEWED = 100  # the target network is renewed after so many steps of the optimiser
JUDGED_BY, TESTED_BY = (
    1_000_000,
    2_000_000,
)  # the first seeds of the episodes that choose the best, and that test it


def epsilon(played: int) -> float:
    """The share of random actions after so many steps in the world.

    Examples
    --------
    >>> epsilon(0), epsilon(5_000), epsilon(1_000_000)
    (1.0, 0.525, 0.05)
    """
    return max(LAST_EPSILON, 1 - (1 - LAST_EPSILON) * played / EXPLORED)


def value_network(inputs: int, actions: int, width: int) -> nn.Sequential:
    """States (batch, inputs) give values (batch, actions), one for each action; all zero at first.

    First values of any size would be taken for rewards to come, and handed on from state to state.

    Examples
    --------
    >>> value_network(4, 2, 8)(Tensor(np.ones((1, 4), np.float32))).numpy().tolist()
    [[0.0, 0.0]]
    """
    last = nn.Linear(width, actions)
    for parameter in last.parameters():
        parameter.data = parameter * 0
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), last)


class Best:
    """The best network so far: a copy, by what it was chosen, and how it did in a test.

    Examples
    --------
    >>> best = Best(value_network(4, 2, 8))
    >>> best.beaten_by(9.0), best.beaten_by(9.0)
    (True, False)
    """

    def __init__(self, network: nn.Module):
        self.network, self.chosen_by, self.tested = network, -np.inf, -np.inf

    def beaten_by(self, value: float) -> bool:
        """Whether this is better than all before; it is what counts from now on."""
        better = value > self.chosen_by
        self.chosen_by = max(self.chosen_by, value)
        return better

    def state_dict(self) -> dict[str, Any]:
        """The network's, and both numbers."""
        return {**self.network.state_dict(), "chosen_by": self.chosen_by, "tested": self.tested}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        weights = dict(saved)
        chosen_by, tested = (float(weights.pop(name)) for name in ("chosen_by", "tested"))
        self.network.load_state_dict(weights)
        self.chosen_by, self.tested = chosen_by, tested


class DQN(Application):
    """Play a little, then learn from what is remembered.

    Attributes
    ----------
    model, target : Sequential
        The network that learns, and the older copy that says what it should have said.
    best : Best
        The network that did best after an epoch.
    replay : Replay
    episodes : Episodes

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("dqn", small=True, epochs=1, progress=False)
    >>> sorted(result.metrics), sorted(result.history.steps)
    (['best return', 'return'], ['loss', 'return'])
    """

    name = "dqn"
    summary = "balance a pole on a cart: a deep Q-network (wants gymnasium)"
    epochs, batch_size, lr, watch = 20, 128, 1e-3, "return"

    def __init__(self, settings: Settings):
        super().__init__(settings)
        self.data = f"episodes of {WORLD}"
        self.steps, self.judges, width = (5, 5, 16) if settings.small else (500, 100, 128)
        self.episodes = Episodes(WORLD)
        sizes = (len(self.episodes.state), self.episodes.actions, width)
        self.model, self.target, best = (value_network(*sizes) for _ in range(3))
        self.best = Best(best)
        self.target.load_state_dict(self.model.state_dict())
        self.optimizer = optim.Adam(self.model.parameters(), lr=settings.lr)
        self.schedule = optim.CosineAnnealingLR(self.optimizer, T_max=settings.epochs * self.steps)
        self.loss = nn.HuberLoss(delta=DELTA)
        self.replay = Replay(CAPACITY, self.episodes.state.shape)
        for _ in range(WARM_UP):
            self.replay.store(*self.episodes.play(generator().randint(self.episodes.actions)))

    def values(self, states: np.ndarray, network: nn.Module | None = None) -> Tensor:
        """What each action is worth: (n, 4) gives (n, 2)."""
        return (network or self.model)(Tensor(states * UNITS, requires_grad=False)) * HORIZON

    def act(self, states: np.ndarray, network: nn.Module | None = None) -> np.ndarray:
        """The best action, as far as the network knows: (n, 4) gives (n,)."""
        with no_grad():
            return self.values(states, network).numpy().argmax(axis=1)

    def batches(self) -> range:
        """So many steps; each plays, and draws from the replay buffer."""
        return range(self.steps)

    def step(self, batch: Any) -> dict[str, float]:
        """Play a few steps; then one step towards Bellman's equation on a batch of transitions."""
        for _ in range(PLAYED):
            self.replay.store(*self.episodes.play(self._tried()))
        old = self.replay.sample(self.settings.batch_size)
        with no_grad():
            ahead = self.values(old.next_states, self.target).numpy().max(axis=1)
        wanted = old.rewards + GAMMA * ahead * ~old.ended  # after an end there is nothing to come
        said = ops.gather(self.values(old.states), 1, old.actions[:, None])
        loss = self.loss(said, Tensor(wanted[:, None], requires_grad=False))
        self.optimizer.reset_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        if self.schedule.last_epoch % RENEWED == 0:
            self.target.load_state_dict(self.model.state_dict())
        return {"loss": loss.item(), "return": self.episodes.returns[-1]}

    def evaluate(self) -> dict[str, float]:
        """The mean return of 100 episodes without random actions; and that of the best network on 100 others."""
        now = mean_return(WORLD, self.act, self.judges, JUDGED_BY)
        if self.best.beaten_by(now):
            self.best.network.load_state_dict(self.model.state_dict())
            self.best.tested = mean_return(
                WORLD, lambda states: self.act(states, self.best.network), self.judges, TESTED_BY
            )
        return {"return": now, "best return": self.best.tested}

    def picture(self, figure: Any, history: Any) -> None:
        """The return of each episode played in training; and what the best network would do where."""
        figure.set_size_inches(10, 4)
        left, right = figure.subplots(1, 2)
        returns = np.array(self.episodes.returns)
        window = max(1, len(returns) // 20)
        means = np.convolve(returns, np.ones(window) / window, "valid")
        left.plot(returns, ".", color="0.7", markersize=3, label="an episode, some actions random")
        left.plot(np.arange(window - 1, len(returns)), means, label=f"mean of {window}")
        left.axhline(195, color="tab:green", linestyle="--", label="195")
        left.set(xlabel="episode", ylabel="return", title=WORLD)
        left.legend()
        angle, speed = np.meshgrid(np.linspace(-0.2, 0.2, 61), np.linspace(-2, 2, 61))
        nothing = np.zeros_like(angle)
        states = np.stack([nothing, nothing, angle, speed], axis=-1).reshape(-1, 4).astype(np.float32)
        values = self.values(states, self.best.network).numpy()
        gain = (values[:, 1] - values[:, 0]).reshape(angle.shape)
        limit = max(np.abs(gain).max(), 1e-9)
        image = right.pcolormesh(angle, speed, gain, cmap="RdBu", vmin=-limit, vmax=limit)
        right.set(
            xlabel="angle of the pole", ylabel="its angular velocity", title="blue: push right; red: left"
        )
        figure.colorbar(image, label="Q(right) - Q(left)")

    def _tried(self) -> int:
        """An action for the present state: the best, or with probability epsilon any."""
        if generator().rand() < epsilon(self.replay.stored):
            return int(generator().randint(self.episodes.actions))
        return int(self.act(self.episodes.state[None])[0])
