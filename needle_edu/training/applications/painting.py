"""A network paints: from a place in a picture, (x, y), it learns the colour there, and so becomes the picture.

This is regression, with nothing to generalise to but the places between the pixels: the network can be asked for a
picture twice as large. A network of rectifiers learns slow changes long before sharp edges; given sines and cosines of
the place besides the place, it learns both, and `waves = 0` shows what happens without.

References: M. Tancik et al., "Fourier features let networks learn high frequency functions in low dimensional domains",
NeurIPS 2020; the game of painting is A. Karpathy's, ConvNetJS, 2014.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ... import nn, optim
from ...autograd import Tensor, no_grad
from ...backend.errors import DataError
from ...data import DataLoader, NDArrayDataset
from ..application import Application, Settings

CHUNK = 4096  # places that are asked for at once


def sunset(side: int = 64) -> np.ndarray:
    """The picture: a sun over hills and water, by formulas.

    Parameters
    ----------
    side : int
        Pixels.

    Returns
    -------
    numpy.ndarray, float32 of shape (side, side, 3), red, green and blue in [0, 1]

    Examples
    --------
    >>> sunset(32).shape
    (32, 32, 3)
    """
    x, y = places(side).reshape(side, side, 2).transpose(2, 0, 1)

    def colour(*rgb: float) -> np.ndarray:
        return np.broadcast_to(np.array(rgb), (side, side, 3))

    def mix(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
        share = np.clip(share, 0, 1)[..., None]
        return one * (1 - share) + other * share

    distance = np.hypot(x - 0.35, y + 0.15)
    picture = mix(colour(0.16, 0.18, 0.45), colour(0.98, 0.62, 0.35), (y + 1) / 1.2)  # the sky
    picture = mix(picture, colour(1.0, 0.80, 0.45), np.exp(-5 * distance))  # glows
    picture = mix(picture, colour(1.0, 0.95, 0.70), (0.28 - distance) * 40)  # the sun
    far = 0.12 + 0.10 * np.sin(4 * x + 1) + 0.05 * np.sin(9 * x)
    picture = mix(picture, colour(0.42, 0.28, 0.48), (y - far) * 40)  # hills, far and near
    near = 0.28 + 0.12 * np.sin(3 * x + 3.4) + 0.03 * np.sin(11 * x)
    picture = mix(picture, colour(0.22, 0.16, 0.34), (y - near) * 40)
    water = mix(colour(0.80, 0.48, 0.38), colour(0.12, 0.14, 0.32), (y - 0.4) * 1.5)
    water = mix(water, colour(1.0, 0.85, 0.55), np.exp(-30 * (x - 0.35) ** 2) * (np.sin(45 * y) > 0) * 0.8)
    return mix(picture, water, (y - 0.45) * 60).astype(np.float32)


def places(side: int) -> np.ndarray:
    """The middles of all pixels, row by row: float32 of shape (side * side, 2), x and y from -1 to 1, y downwards.

    Examples
    --------
    >>> places(2).tolist()
    [[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5], [0.5, 0.5]]
    """
    middles = (np.arange(side) + 0.5) * 2 / side - 1
    x, y = np.meshgrid(middles, middles)
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def with_waves(xy: np.ndarray, waves: int) -> np.ndarray:
    """Places (n, 2), and the sine and cosine of pi, 2 pi, 4 pi, ... times them: float32 of shape (n, 2 + 4 waves).

    Examples
    --------
    >>> with_waves(np.array([[0.5, 0.0]]), 1).round(2).tolist()
    [[0.5, 0.0, 1.0, 0.0, 0.0, 1.0]]
    """
    angles = [np.pi * 2**k * xy for k in range(waves)]
    return np.concatenate([xy, *(f(a) for a in angles for f in (np.sin, np.cos))], axis=1).astype(np.float32)


class Painting(Application):
    """Places to colours: four linear layers, the squared error, Adam.

    Attributes
    ----------
    image : numpy.ndarray
        What is painted, (side, side, 3).

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("painting", small=True, epochs=2, progress=False)
    >>> result.application.painted(10).shape
    (10, 10, 3)
    """

    name = "painting"
    summary = "a network learns the colour of each place of a picture, and so paints it"
    epochs, batch_size, lr, watch, higher_is_better = 60, 256, 2e-3, "loss", False
    waves, width = 4, 64

    def __init__(self, settings: Settings):
        super().__init__(settings)
        if settings.data is not None:
            raise DataError(
                f"train: painting has a picture of its own, got data={settings.data!r}; leave it out"
            )
        self.side = 16 if settings.small else 64
        self.image = sunset(self.side)
        colours = self.image.reshape(-1, 3)
        self.data = f"a picture of {self.side} × {self.side} pixels, drawn by formulas"
        self.loader = DataLoader(
            NDArrayDataset(with_waves(places(self.side), self.waves), colours),
            settings.batch_size,
            shuffle=True,
            num_workers=settings.workers,
            seed=settings.seed,
        )
        width = 16 if settings.small else self.width
        self.model = nn.Sequential(
            *(nn.Linear(2 + 4 * self.waves, width), nn.ReLU()),
            *(nn.Linear(width, width), nn.ReLU()),
            *(nn.Linear(width, width), nn.ReLU()),
            *(nn.Linear(width, 3), nn.Sigmoid()),
        )
        self.loss = nn.MSELoss()
        self.optimizer = optim.Adam(self.model.parameters(), lr=settings.lr)

    def batches(self) -> DataLoader:
        """Every pixel once, shuffled: a place with its waves, and its colour."""
        return self.loader

    def step(self, batch: Any) -> dict[str, float]:
        """One step down the gradient of the mean squared error."""
        where, colours = batch
        loss = self.loss(self.model(where), colours)
        self.optimizer.reset_grad()
        loss.backward()
        self.optimizer.step()
        return {"loss": loss.item()}

    def painted(self, side: int) -> np.ndarray:
        """The picture as the network sees it now, of any size: (side, side, 3)."""
        rows = with_waves(places(side), self.waves)
        with no_grad():
            parts = [self.model(Tensor(part)).numpy() for part in _chunks(rows)]
        return np.concatenate(parts).reshape(side, side, 3)

    def samples(self) -> np.ndarray:
        """The picture as the network sees it now, as `Application.samples` has it."""
        return self.painted(self.side).transpose(2, 0, 1)[None]

    def evaluate(self) -> dict[str, float]:
        """The mean squared error between the pixels: against the picture drawn twice as large."""
        return {"loss": float(np.mean((self.painted(2 * self.side) - sunset(2 * self.side)) ** 2))}

    def picture(self, figure: Any, history: Any) -> None:
        """The picture, what the network painted, and that painted four times as large."""
        figure.set_size_inches(9, 3.4)
        plots = figure.subplots(1, 3)
        for plot, image, title in zip(
            plots,
            (self.image, self.painted(self.side), self.painted(4 * self.side)),
            ("the picture", "painted", f"painted {4 * self.side} × {4 * self.side}"),
            strict=True,
        ):
            plot.imshow(image, interpolation="nearest")
            plot.set(title=title, xticks=[], yticks=[])


def _chunks(rows: np.ndarray) -> Iterator[np.ndarray]:
    for begin in range(0, len(rows), CHUNK):
        yield rows[begin : begin + CHUNK]
