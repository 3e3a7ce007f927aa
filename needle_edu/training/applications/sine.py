"""A recurrent network hears a sine, one value at a time, and says the cosine at the same moments.

One value of the sine does not tell the cosine, only its square: going up or going down? The value before tells it, so
the network must remember. At the first moment there is nothing to remember; no answer is better there than 0, with a
squared error of 1/2 on average. From the second moment on two values say all, for

    cos t = (cos d · sin t - sin(t - d)) / sin d,   where d is the time between two moments.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import nn, optim
from ...autograd import Tensor, no_grad
from ...backend.errors import DataError
from ...backend.random import generator
from ..application import Application, Settings

INTERVAL = 2 * np.pi / 20  # twenty moments a turn


class Listener(nn.Module):
    """Values (moments, batch, 1) give values of the same shape: a recurrent layer and a linear one.

    Examples
    --------
    >>> from needle_edu import init
    >>> Listener(8)(init.zeros(20, 3, 1)).shape
    (20, 3, 1)
    """

    def __init__(self, size: int):
        super().__init__()
        self.layer = nn.RNN(1, size)
        self.output = nn.Linear(size, 1)

    def forward(self, x: Any) -> Tensor:
        """The state begins at zero."""
        y, _ = self.layer(x)
        return self.output(y.reshape((-1, y.shape[2]))).reshape(x.shape)


class Sine(Application):
    """Pieces of a sine that begin anywhere, new ones at each step.

    Attributes
    ----------
    model : Listener
    fresh : pair of numpy.ndarray of shape (moments, 64, 1)
        Sines and cosines to test with: sixty-four beginnings, evenly spread over a turn.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("sine", small=True, epochs=1, progress=False)
    >>> sorted(result.metrics)
    ['first', 'later', 'loss']
    """

    name = "sine"
    summary = "a recurrent network hears a sine and says the cosine"
    epochs, batch_size, lr, watch, higher_is_better = 20, 32, 1e-2, "later", False
    moments = 40

    def __init__(self, settings: Settings):
        super().__init__(settings)
        if settings.data is not None:
            raise DataError(f"train: sine learns from no data, got data={settings.data!r}; leave it out")
        self.data = "sines that begin anywhere"
        self.steps, size = (5, 8) if settings.small else (100, 32)
        self.model = Listener(size)
        self.optimizer = optim.Adam(self.model.parameters(), lr=settings.lr)
        self.loss = nn.MSELoss()
        self.fresh = self.waves(np.arange(64) / 64)

    def waves(self, turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sines and cosines, float32 of shape (moments, n, 1), that begin after so many turns (n,)."""
        t = INTERVAL * np.arange(self.moments)[:, None, None] + 2 * np.pi * turns[None, :, None]
        return np.sin(t).astype(np.float32), np.cos(t).astype(np.float32)

    def batches(self) -> range:
        """So many steps; each draws where its sines begin."""
        return range(self.steps)

    def step(self, batch: Any) -> dict[str, float]:
        """One step down the gradient of the mean squared error over all moments."""
        heard, wanted = map(self._tensor, self.waves(generator().rand(self.settings.batch_size)))
        loss = self.loss(self.model(heard), wanted)
        self.optimizer.reset_grad()
        loss.backward()
        self.optimizer.step()
        return {"loss": loss.item()}

    def evaluate(self) -> dict[str, float]:
        """The mean squared error: of all moments, of the first one, of those that have three before them or more."""
        errors = self.errors()
        return {"loss": float(errors.mean()), "first": float(errors[0]), "later": float(errors[3:].mean())}

    def errors(self) -> np.ndarray:
        """The mean squared error at each moment, (moments,)."""
        return np.square(self.said(self.fresh[0]) - self.fresh[1]).mean(axis=(1, 2), dtype=np.float64)

    def said(self, heard: np.ndarray) -> np.ndarray:
        """What the network says to values (moments, n, 1)."""
        with no_grad():
            return self.model(self._tensor(heard)).numpy()

    def picture(self, figure: Any, history: Any) -> None:
        """A sine that was heard, the cosine that was said; and how wrong it is from moment to moment."""
        figure.set_size_inches(8, 6)
        above, below = figure.subplots(2, sharex=True)
        heard, wanted = self.waves(np.array([0.4]))
        above.plot(heard[:, 0, 0], color="0.6", label="heard: sine")
        above.plot(wanted[:, 0, 0], color="tab:orange", linewidth=5, alpha=0.4, label="cosine")
        above.plot(self.said(heard)[:, 0, 0], ".-", color="tab:blue", label="said")
        above.legend(loc="lower right")
        below.semilogy(self.errors(), ".-", color="tab:blue")
        below.axhline(0.5, color="0.5", linestyle="--", linewidth=1)
        below.set(xlabel="moment", ylabel="mean squared error; dashed: 1/2")

    def _tensor(self, values: np.ndarray) -> Tensor:
        return Tensor(values, device=self.model.output.weight.device, requires_grad=False)
