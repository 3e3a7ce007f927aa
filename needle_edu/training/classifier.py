"""Learning to tell classes of pictures apart: what all classifiers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from .. import metrics, nn, optim
from ..autograd import no_grad
from ..data import DataLoader
from .application import Application, Settings
from .pictures import find_pictures


class Classifier(Application):
    """The base of applications with one network, the cross-entropy, and Adam with a cosine: define `network`.

    Attributes
    ----------
    usual : sequence of str
        The data sets that are taken, if at hand, where none is named.
    shape : (channels, height, width), optional
        What the network wants; smaller pictures are enlarged, see `pictures.py`.
    transforms : sequence of callables, optional
        Random changes to pictures that are learned from.
    mistaken : numpy.ndarray, optional
        Of the last evaluation, how often a class (the row) was taken for each one: (classes, classes).

    Examples
    --------
    >>> from needle_edu import nn, training
    >>> class Linear(training.Classifier):
    ...     name, summary, lr = "linear", "one layer", 0.1
    ...     def network(self, shape, classes):
    ...         return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))
    >>> training.run(Linear, data="digits", epochs=3, progress=False).metrics["accuracy"] > 0.8
    True
    """

    batches_divide = True
    usual: ClassVar[Sequence[str]] = ("fashion-mnist", "mnist")
    shape: ClassVar[tuple[int, int, int] | None] = None
    transforms: ClassVar[Sequence[Callable] | None] = None

    def __init__(self, settings: Settings):
        super().__init__(settings)
        found = find_pictures(
            settings.data, self.usual, small=settings.small, shape=self.shape, transforms=self.transforms
        )
        self.data, self.fresh_examples, self.classes = found.said, found.test, found.classes
        self.mistaken: np.ndarray | None = None
        # With a seed of its own the order is the same for any number of workers.
        self.loader = DataLoader(
            found.train, settings.batch_size, shuffle=True, num_workers=settings.workers, seed=settings.seed
        )
        self.model = self.network(found.shape, found.classes)
        self.optimizer = optim.Adam(self.model.parameters(), lr=settings.lr)
        # Large steps at first, and ever smaller ones: the last of them settle what the first have found.
        every_step = settings.epochs * len(self.loader)
        self.scheduler = optim.CosineAnnealingLR(self.optimizer, T_max=every_step)
        self.loss = nn.SoftmaxLoss()

    def network(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network: pictures (batch, *shape) give (batch, classes)."""
        raise NotImplementedError(f"{type(self).__name__} must define network(self, shape, classes)")

    def batches(self) -> DataLoader:
        """Every picture once, shuffled."""
        return self.loader

    def step(self, batch: Any) -> dict[str, float]:
        """One step down the gradient of the mean cross-entropy."""
        x, y = batch
        self.model.train()
        logits = self.model(x)
        loss = self.loss(logits, y)
        self.optimizer.reset_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        return {"loss": loss.item(), "accuracy": metrics.accuracy(logits, y)}

    def evaluate(self) -> dict[str, float]:
        """Loss and accuracy on the pictures to test with, means over the pictures."""
        self.model.eval()
        loss = right = 0.0
        tables = []
        with no_grad():
            for x, y in DataLoader(self.fresh_examples, 500):
                logits = self.model(x)
                loss += self.loss(logits, y).item() * len(x)
                right += metrics.accuracy(logits, y) * len(x)
                table = np.zeros((logits.shape[1],) * 2, int)
                np.add.at(table, (y.numpy().astype(int), logits.numpy().argmax(1)), 1)
                tables.append(table)
        self.mistaken = sum(tables[1:], tables[0])
        return {"loss": loss / len(self.fresh_examples), "accuracy": right / len(self.fresh_examples)}
