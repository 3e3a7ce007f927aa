"""The same network three times, plain, with dropout and with batch normalisation, learning from few pictures.

With 320 faces to learn from, a network with half a million weights soon knows all of them by heart. What it says of
faces that it has not seen shows what dropout and normalisation are for. All three see the same batches.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import metrics, nn, optim
from ...autograd import no_grad
from ...data import DataLoader, Subset
from ..application import Application, Settings
from ..history import History
from ..pictures import find_pictures

KINDS = ("plain", "dropout", "batchnorm")
FEW = 320  # the faces are so many; of larger data sets the first ones are taken


class Regularisation(Application):
    """Pixels - 128 - 64 - people, on the Olivetti faces; where they are not at hand, on some of the digits.

    One Adam looks after all three, for it treats each weight by itself; and the gradient of the sum of three losses is
    that of each, for they share no weight.

    Examples
    --------
    >>> from needle_edu import training
    >>> sorted(training.run("regularisation", small=True, epochs=1, progress=False).metrics)
    ['batchnorm accuracy', 'dropout accuracy', 'plain accuracy']
    """

    name = "regularisation"
    summary = "plain, with dropout, with batch normalisation: three networks learn faces from few pictures"
    epochs, batch_size = 40, 32
    watch = "dropout accuracy"

    def __init__(self, settings: Settings):
        super().__init__(settings)
        found = find_pictures(settings.data, ("olivetti",), small=settings.small)
        few = Subset(found.train, range(min(FEW, len(found.train))))
        self.data = found.said + (f", {FEW} of them" if len(few) < len(found.train) else "")
        self.fresh_examples = found.test
        self.loader = DataLoader(
            few, settings.batch_size, shuffle=True, num_workers=settings.workers, seed=settings.seed
        )
        pixels = math.prod(found.shape)
        self.models = nn.ModuleDict({kind: network(kind, pixels, found.classes) for kind in KINDS})
        self.optimizer = optim.Adam(self.models.parameters(), lr=settings.lr)
        self.loss = nn.SoftmaxLoss()

    def batches(self) -> DataLoader:
        """Every picture once, shuffled."""
        return self.loader

    def step(self, batch: Any) -> dict[str, float]:
        """One step of all three."""
        x, y = batch
        self.models.train()
        logits = {kind: model(x) for kind, model in self.models.items()}
        losses = {kind: self.loss(logits[kind], y) for kind in KINDS}
        self.optimizer.reset_grad()
        (losses["plain"] + losses["dropout"] + losses["batchnorm"]).backward()
        self.optimizer.step()
        return {
            **{f"{kind} loss": losses[kind].item() for kind in KINDS},
            **{f"{kind} accuracy": metrics.accuracy(logits[kind], y) for kind in KINDS},
        }

    def evaluate(self) -> dict[str, float]:
        """The accuracy of each on pictures that none has seen."""
        self.models.eval()
        right = dict.fromkeys(KINDS, 0.0)
        with no_grad():
            for x, y in DataLoader(self.fresh_examples, 500):
                for kind, model in self.models.items():
                    right[kind] += metrics.accuracy(model(x), y) * len(x)
        return {f"{kind} accuracy": right[kind] / len(self.fresh_examples) for kind in KINDS}

    def picture(self, figure: Any, history: History) -> bool:
        """What the three know of pictures that they learn from, dashed, and of others."""
        axes = figure.subplots()
        for number, kind in enumerate(KINDS):
            name, colour = f"{kind} accuracy", f"C{number}"
            epochs = np.arange(1, len(history.ends) + 1)
            axes.plot(epochs, history.train.get(name, []), "--", color=colour, label=f"{kind}, training")
            axes.plot(epochs, history.test.get(name, []), color=colour, label=f"{kind}, test")
        axes.set_xlabel("epoch")
        axes.set_ylabel("accuracy")
        axes.legend()
        return True


def network(kind: str, pixels: int, classes: int) -> nn.Sequential:
    """(batch, ...) gives (batch, classes); dropout or normalisation stand after each hidden layer's rectifier or sum.

    Examples
    --------
    >>> len(list(network("dropout", 64, 10)))
    8
    """

    def hidden(inputs: int, outputs: int) -> list[nn.Module]:
        linear, relu = nn.Linear(inputs, outputs), nn.ReLU()
        if kind == "dropout":
            return [linear, relu, nn.Dropout(0.5)]
        return [linear, nn.BatchNorm1d(outputs), relu] if kind == "batchnorm" else [linear, relu]

    return nn.Sequential(nn.Flatten(), *hidden(pixels, 128), *hidden(128, 64), nn.Linear(64, classes))
