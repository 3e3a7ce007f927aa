"""A recurrent network reads digits as we read a page: row by row, from the top. After the last row it says what it saw.

A row is a step in time, so what was seen above must be remembered until the end: LSTM, whose memory is kept unless it
decides to forget, does. The picture shows what it would say after each row: at first nothing in particular, and now and
then another digit, until a row comes that tells them apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import nn, ops
from ...autograd import Tensor, no_grad
from ..application import Settings
from ..classifier import Classifier

SHOWN = 8  # digits in the picture


class RowReader(nn.Module):
    """Pictures (batch, C, H, W) give (batch, classes): LSTM over rows of C · W numbers, and a map of its last state.

    Examples
    --------
    >>> from needle_edu import init
    >>> model = RowReader((1, 8, 6), size=16, classes=10)
    >>> x = init.zeros(5, 1, 8, 6)
    >>> model(x).shape, model.after_each_row(x).shape
    ((5, 10), (8, 5, 10))
    """

    def __init__(self, shape: tuple[int, int, int], size: int, classes: int):
        super().__init__()
        channels, _, width = shape
        self.layer = nn.LSTM(channels * width, size)
        self.output = nn.Linear(size, classes)

    def forward(self, x: Tensor) -> Tensor:
        """What it says after the last row."""
        _, (h, _) = self.layer(self._rows(x))
        return self.output(h[-1])

    def after_each_row(self, x: Tensor) -> Tensor:
        """What it would say after each row, (H, batch, classes)."""
        y, _ = self.layer(self._rows(x))
        steps, batch, size = y.shape
        return self.output(y.reshape((steps * batch, size))).reshape((steps, batch, -1))

    def _rows(self, x: Tensor) -> Tensor:
        """(batch, C, H, W) as (H, batch, C · W): a row of all channels is a moment."""
        batch, channels, height, width = x.shape
        return ops.permute(x, (2, 0, 1, 3)).reshape((height, batch, channels * width))


class Rows(Classifier):
    """MNIST where it is at hand, else the digits that come with needle_edu.

    Examples
    --------
    >>> from needle_edu import training
    >>> training.run("rows", small=True, epochs=1, progress=False).application.data
    'digits'
    """

    name = "rows"
    summary = "LSTM reads digits row by row"
    epochs, batch_size, lr = 10, 32, 1e-2
    usual = ("mnist", "fashion-mnist")
    size = 128
    model: RowReader

    def __init__(self, settings: Settings):
        super().__init__(settings)
        self.shown = np.stack([self.fresh_examples[i][0] for i in range(SHOWN)])

    def network(self, shape: tuple[int, int, int], classes: int) -> RowReader:
        """128 numbers of state."""
        return RowReader(shape, 16 if self.settings.small else self.size, classes)

    def said(self, pixels: np.ndarray) -> np.ndarray:
        """How likely each class is after each row: (batch, H, classes)."""
        self.model.eval()
        device = self.model.output.weight.device
        with no_grad():
            scores = self.model.after_each_row(Tensor(pixels, device=device, requires_grad=False))
            return ops.softmax(scores).numpy().transpose(1, 0, 2)

    def picture(self, figure: Any, history: Any) -> None:
        """Fresh pictures, and beside each row of them how likely each class was then."""
        figure.set_size_inches(12, 4.5)
        plots = figure.subplots(2, SHOWN).reshape(-1, 2)
        for (left, right), pixels, said in zip(plots, self.shown, self.said(self.shown), strict=True):
            left.imshow(pixels[0], cmap="gray", aspect="auto")
            right.imshow(said, cmap="Blues", vmin=0, vmax=1, aspect="auto")
            left.axis("off")
            right.set(yticks=[], xticks=range(said.shape[1]), title=f"says {said[-1].argmax()}")
            right.tick_params(labelsize=6)
