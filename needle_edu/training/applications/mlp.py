"""A multilayer perceptron: linear layers with rectifiers between them, the plainest network that reads handwriting."""

from __future__ import annotations

import math

from ... import nn
from ..classifier import Classifier


class MLP(Classifier):
    """Pixels - 400 - 100 - classes; on MNIST's pictures 784-400-100-10.

    Examples
    --------
    >>> from needle_edu import training
    >>> training.run("mlp", data="digits", epochs=10, progress=False).metrics["accuracy"] > 0.95
    True
    """

    name = "mlp"
    summary = "three linear layers, 784-400-100-10, tell clothes or digits apart"
    epochs = 10

    def network(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """(batch, *shape) gives (batch, classes)."""
        wide, narrow = (40, 10) if self.settings.small else (400, 100)
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(math.prod(shape), wide),
            nn.ReLU(),
            nn.Linear(wide, narrow),
            nn.ReLU(),
            nn.Linear(narrow, classes),
        )
