"""The perceptron, and what it cannot do: points in the plane, parted by one layer and by a network with hidden layers.

In 1958 Rosenblatt's perceptron learned to tell classes apart from examples alone, by a short rule: only where the
answer was wrong, move the weights of the right class towards the example, and those of the class that was said away
from it. If a straight line parts the classes, this finds one. In 1969 Minsky and Papert proved in "Perceptrons" what
follows when none does. XOR is the smallest case: four quarters of the plane, two classes, crosswise, and no line is
right for more than three of the four. A way to teach the layers between was not at hand, and most people left the
subject until backpropagation brought it back (Rumelhart, Hinton, Williams, "Learning representations by back-
propagating errors", 1986).

Here both learn from the same batches. `--data halves` and `diagonal` have a line; `stripes`, `xor`, `circles`,
`moons` and `spiral` have none.

The rule is a descent. For scores s = W x + b of an example whose class is y, the loss

    L = max_j s_j - s_y

is 0 where the answer is right; where class k was said, its gradient is x in the row of k and -x in the row of y.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import data, metrics, nn, ops, optim
from ...autograd import Tensor, no_grad
from ...backend.errors import DataError
from ..application import Application, Settings

POINTS: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "halves": data.halves,
    "diagonal": data.diagonal,
    "stripes": data.stripes,
    "xor": data.xor,
    "circles": data.circles,
    "moons": data.moons,
    "spiral": data.spiral,
}


class PerceptronLoss(nn.Module):
    """The mean over examples of the greatest score minus the right class's: Rosenblatt's rule is a step down this.

    Source: F. Rosenblatt, "The perceptron", 1958; for several classes as in K. Crammer, Y. Singer, 2003.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> PerceptronLoss()(Tensor([[2.0, 5.0], [1.0, 0.0]]), Tensor([0, 0])).item()
    1.5
    """

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Scores (batch, classes) and labels (batch,) give one number."""
        right = (scores * ops.one_hot(labels, scores.shape[1])).sum(axis=1)
        return (scores.max(axis=1) - right).mean()


class Perceptron(Application):
    """One layer that learns by Rosenblatt's rule, and beside it a network with two hidden layers.

    Attributes
    ----------
    perceptron : nn.Linear
        (batch, 2) gives a score for each class.
    model : nn.Sequential
        2 - 32 - 32 - classes, with tanh between; cross-entropy and Adam.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("perceptron", data="xor", progress=False)
    >>> result.metrics["perceptron accuracy"] < 0.8 and result.metrics["network accuracy"] > 0.95
    True
    """

    name = "perceptron"
    summary = "points in the plane: what one layer can tell apart, and what it takes hidden layers for"
    epochs, batch_size, lr, watch = 40, 10, 1e-2, "network accuracy"

    def __init__(self, settings: Settings):
        super().__init__(settings)
        self.data = settings.data or "xor"
        if self.data not in POINTS:
            raise DataError(
                f"train: perceptron learns from {', '.join(POINTS)}, got data={settings.data!r}; "
                "its points lie in the plane, to be drawn"
            )
        make, count = POINTS[self.data], 60 if settings.small else 300
        self.points, self.labels = make(count, seed=settings.seed)
        self.fresh = make(1000, seed=settings.seed + 1)
        self.loader = data.DataLoader(
            data.NDArrayDataset(self.points, self.labels),
            settings.batch_size,
            shuffle=True,
            num_workers=settings.workers,
            seed=settings.seed,
        )
        classes, size = int(self.labels.max()) + 1, 8 if settings.small else 32
        self.perceptron = nn.Linear(2, classes)
        self.model = nn.Sequential(
            nn.Linear(2, size), nn.Tanh(), nn.Linear(size, size), nn.Tanh(), nn.Linear(size, classes)
        )
        self.rule, self.loss = PerceptronLoss(), nn.SoftmaxLoss()
        self.rosenblatt = optim.SGD(self.perceptron.parameters(), lr=settings.lr)
        self.optimizer = optim.Adam(self.model.parameters(), lr=settings.lr)

    def batches(self) -> data.DataLoader:
        """Every point once, shuffled."""
        return self.loader

    def step(self, batch: Any) -> dict[str, float]:
        """One step of each."""
        x, y = batch
        numbers = {}
        for kind, model, loss, optimizer in (
            ("perceptron", self.perceptron, self.rule, self.rosenblatt),
            ("network", self.model, self.loss, self.optimizer),
        ):
            scores = model(x)
            value = loss(scores, y)
            optimizer.reset_grad()
            value.backward()
            optimizer.step()
            numbers[f"{kind} loss"] = value.item()
            numbers[f"{kind} accuracy"] = metrics.accuracy(scores, y)
        return numbers

    def evaluate(self) -> dict[str, float]:
        """The accuracy of both on a thousand points that they have not learned from."""
        points, labels = self.fresh
        return {
            f"{kind} accuracy": metrics.accuracy(self.scores(model, points), labels)
            for kind, model in self._both()
        }

    def scores(self, model: nn.Module, points: np.ndarray) -> np.ndarray:
        """What a model gives points (n, 2): (n, classes)."""
        with no_grad():
            return model(Tensor(points, device=self.perceptron.weight.device)).numpy()

    def plane(self) -> tuple[np.ndarray, np.ndarray]:
        """The points that are learned from."""
        return self.points, self.labels

    def picture(self, figure: Any, history: Any) -> None:
        """The plane as each of the two cuts it, and the points."""
        figure.set_size_inches(9, 4.5)
        right = self.evaluate()
        low, high = self.points.min() - 0.2, self.points.max() + 0.2
        side = np.linspace(low, high, 200, dtype=np.float32)
        grid = np.stack(np.meshgrid(side, side), axis=-1)
        for axes, (kind, model) in zip(figure.subplots(1, 2), self._both(), strict=True):
            said = self.scores(model, grid.reshape(-1, 2)).argmax(1).reshape(grid.shape[:2])
            axes.contourf(
                side, side, said, levels=np.arange(said.max() + 2) - 0.5, cmap="tab10", vmax=9, alpha=0.25
            )
            axes.scatter(*self.points.T, c=self.labels, s=8, cmap="tab10", vmax=9)
            axes.set(title=f"{kind}: {right[f'{kind} accuracy']:.1%} of fresh points", aspect="equal")

    def _both(self) -> tuple[tuple[str, nn.Module], ...]:
        return ("perceptron", self.perceptron), ("network", self.model)
