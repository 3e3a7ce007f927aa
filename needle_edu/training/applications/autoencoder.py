"""A denoising autoencoder: pictures go through a narrow place and come out whole, though noise was added before.

Between encoder and decoder a picture is only 32 numbers, its *code*. What fits through must say what most pictures have
in common, and noise has nothing in common with anything: so it stays behind, and nobody had to label an example.

Reference: P. Vincent et al., "Extracting and composing robust features with denoising autoencoders", ICML 2008.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import nn, optim
from ...autograd import Tensor, no_grad
from ...backend.random import generator
from ...data import DataLoader
from ..application import Application, Settings
from ..pictures import find_pictures, tiled

NOISE = 0.3  # its standard deviation; pixels lie between 0 and 1


def noisy(pictures: np.ndarray, rng: Any) -> np.ndarray:
    """Pictures with noise added to every pixel, and cut off at 0 and 1.

    Examples
    --------
    >>> noisy(np.zeros((2, 2), np.float32), generator(4)).round(2)
    array([[0.02, 0.15],
           [0.  , 0.21]], dtype=float32)
    """
    noise = rng.randn(*pictures.shape).astype(np.float32)
    return np.clip(pictures + np.float32(NOISE) * noise, 0, 1)


class Autoencoder(Application):
    """Pixels - 128 - 32 - 128 - pixels; the squared error to the picture without noise.

    Attributes
    ----------
    encoder, decoder : Sequential
        Pictures (batch, C, H, W) to codes (batch, 32), and back.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("autoencoder", small=True, epochs=2, progress=False)
    >>> sorted(result.metrics)
    ['loss', 'noise']
    """

    name = "autoencoder"
    summary = "pictures through a narrow place: a denoising autoencoder"
    epochs, watch, higher_is_better = 20, "loss", False

    def __init__(self, settings: Settings):
        super().__init__(settings)
        found = find_pictures(settings.data, ("fashion-mnist", "mnist", "thumbnails"), small=settings.small)
        self.data, self.fresh_examples, self.shape = found.said, found.test, found.shape
        self.loader = DataLoader(
            found.train, settings.batch_size, shuffle=True, num_workers=settings.workers, seed=settings.seed
        )
        pixels, (wide, code) = math.prod(found.shape), (32, 8) if settings.small else (128, 32)
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(pixels, wide), nn.ReLU(), nn.Linear(wide, code), nn.ReLU()
        )
        self.decoder = nn.Sequential(nn.Linear(code, wide), nn.ReLU(), nn.Linear(wide, pixels), nn.Sigmoid())
        self.loss = nn.MSELoss()
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimizer = optim.Adam(parameters, lr=settings.lr)

    def reconstruct(self, pictures: Any) -> Tensor:
        """(batch, C, H, W), noisy or not, gives (batch, C H W)."""
        return self.decoder(self.encoder(pictures))

    def batches(self) -> DataLoader:
        """Every picture once, shuffled."""
        return self.loader

    def step(self, batch: Any) -> dict[str, float]:
        """Add fresh noise, and take one step towards the picture without it."""
        pictures, _ = batch
        clean = pictures.numpy()
        output = self.reconstruct(Tensor(noisy(clean, generator()), requires_grad=False))
        loss = self.loss(output, Tensor(clean.reshape(len(clean), -1), requires_grad=False))
        self.optimizer.reset_grad()
        loss.backward()
        self.optimizer.step()
        return {"loss": loss.item()}

    def evaluate(self) -> dict[str, float]:
        """The squared error on fresh pictures, always with the same noise; and that of the noise, were it left."""
        loss = noise = 0.0
        for begin in range(0, len(self.fresh_examples), 500):
            clean, spoilt, output = self._seen(slice(begin, begin + 500))
            loss += float(((output - clean) ** 2).mean()) * len(clean)
            noise += float(((spoilt - clean) ** 2).mean()) * len(clean)
        return {"loss": loss / len(self.fresh_examples), "noise": noise / len(self.fresh_examples)}

    def picture(self, figure: Any, history: Any) -> None:
        """Ten fresh pictures: as they are, with noise, and as they come out."""
        figure.set_size_inches(9, 3)
        plot = figure.subplots()
        rows = self._seen(slice(0, 10))
        plot.imshow(tiled(np.concatenate(rows), columns=10))
        middles = (np.arange(3) + 0.5) * (self.shape[1] + 1)
        plot.set(xticks=[], yticks=middles, yticklabels=("picture", "with noise", "comes out"))
        plot.tick_params(length=0)

    def _seen(self, which: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Fresh pictures, the same with noise, and what the network makes of those."""
        clean = np.asarray(self.fresh_examples[which][0], np.float32)
        spoilt = noisy(clean, generator(which.start))
        with no_grad():
            output = self.reconstruct(Tensor(spoilt, requires_grad=False)).numpy()
        return clean, spoilt, output.reshape(clean.shape)
