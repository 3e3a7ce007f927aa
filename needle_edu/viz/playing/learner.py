"""What the playground plays with: points in a plane, a network, and one step after another.

A step is the library's own: forward, backward, plain gradient descent. All random numbers come from generators of the
learner's own, so the same settings and seed give the same steps, whatever is drawn elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from needle_edu import data, nn, optim
from needle_edu.autograd import Tensor, no_grad
from needle_edu.autograd.events import unheard
from needle_edu.backend.random import apart, generator, start_at
from needle_edu.graph import Graph, graph_of
from needle_edu.graph.replay import add_adjoints
from needle_edu.viz.plane import Plane, cut

DATA: dict[str, Callable[[int, int], Any]] = {
    "moons": lambda n, seed: data.moons(n, 0.15, seed),
    "circles": lambda n, seed: data.circles(n, 0.08, 0.5, seed),
    "xor": lambda n, seed: data.xor(n, 0.05, seed),
    "spiral": lambda n, seed: data.spiral(n, 2, 0.15, 0.75, seed),
}
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "none": nn.Identity,
}
POINTS, GRID, UNIT_GRID = 200, 40, 20
SAME = 1  # added to the seed for the points to test with


@dataclass(frozen=True)
class Choice:
    """What somebody chose to play with."""

    data: str
    layers: tuple[int, ...]
    activation: str
    lr: float
    batch_size: int
    seed: int


@dataclass(frozen=True, slots=True)
class Moment:
    """The network after so many steps, and the graph of the step that led there, with its weights before it."""

    step: int
    loss: float
    test_loss: float
    accuracy: float
    plane: Plane
    units: list[
        np.ndarray
    ]  # for each hidden layer what its units give over the plane, (units, UNIT_GRID, UNIT_GRID)
    graph: Graph


class Learner:
    """A network that learns, and its losses."""

    def __init__(self, choice: Choice):
        self.choice = choice
        self.points, self.labels = DATA[choice.data](POINTS, choice.seed)
        self.fresh, self.answers = DATA[choice.data](POINTS, choice.seed + SAME)
        with apart(), unheard():
            start_at(choice.seed)
            sizes = [2, *choice.layers, 2]
            parts: list[nn.Module] = []
            for fan_in, fan_out in zip(sizes[:-1], sizes[1:], strict=True):
                parts += [nn.Linear(fan_in, fan_out), ACTIVATIONS[choice.activation]()]
            self.model = nn.Sequential(*parts[:-1])
        self.optimizer = optim.SGD(self.model.parameters(), lr=choice.lr)
        self.criterion = nn.SoftmaxLoss()
        self.losses: list[float] = []
        self._order = generator(choice.seed)

    def step(self) -> None:
        """One step down the gradient of a batch."""
        with unheard():
            loss = self._forward()
            self._learn(loss)

    def moment(self, step: bool = True) -> Moment:
        """One step, and all that there is to see of it; without `step` the network as it is, and what it would do."""
        before = self._order.get_state()
        with unheard():
            loss = self._forward()
        graph = graph_of(loss, None, self._names)
        add_adjoints(graph, loss)  # before the weights move: they are part of the picture
        if step:
            with unheard():
                self._learn(loss)
        else:
            self._order.set_state(before)
        with unheard(), no_grad():
            plane = cut(self.model, self.points, self.labels, GRID)
            units = self._units(plane)
            all_, fresh = (self.model(_data(x)) for x in (self.points, self.fresh))
            loss_all = self.criterion(all_, _data(self.labels)).item()
            test = self.criterion(fresh, _data(self.answers)).item()
            right = float((fresh.numpy().argmax(1) == self.answers).mean())
        return Moment(len(self.losses), loss_all, test, right, plane, units, graph)

    def _units(self, plane: Plane) -> list[np.ndarray]:
        """What each unit of the hidden layers gives at the places of a grid, rows from the top."""
        left, right, bottom, top = plane.box
        x, y = np.meshgrid(np.linspace(left, right, UNIT_GRID), np.linspace(top, bottom, UNIT_GRID))
        out, found = _data(np.stack([x.ravel(), y.ravel()], 1).astype(np.float32)), []
        for part in self.model.modules[:-1]:
            out = part(out)
            if not isinstance(part, nn.Linear):
                found.append(out.numpy().T.reshape(-1, UNIT_GRID, UNIT_GRID).copy())
        return found

    def _forward(self) -> Tensor:
        rows = self._order.choice(POINTS, self.choice.batch_size, replace=False)
        x, y = _data(self.points[rows]), _data(self.labels[rows])
        loss = self.criterion(self.model(x), y)
        linear = [part for part in self.model.modules if isinstance(part, nn.Linear)]
        self._names: Sequence[tuple[Any, str]] = [
            (x, "points"), (y, "classes"), (loss, "loss"),
            *((layer.weight, f"W{k}") for k, layer in enumerate(linear, 1)),
            *((layer.bias, f"b{k}") for k, layer in enumerate(linear, 1)),
        ]  # fmt: skip
        return loss

    def _learn(self, loss: Tensor) -> None:
        self.optimizer.reset_grad()
        loss.backward()
        self.optimizer.step()
        self.losses.append(loss.item())


def _data(array: np.ndarray) -> Tensor:
    return Tensor(array, requires_grad=False)
