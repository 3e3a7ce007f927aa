"""A deep convolutional GAN: one network forges pictures, another judges them, and each learns from the other.

The generator makes pictures of noise by *transposed* convolutions, which spread each number over a window, as the
backward pass of a convolution does: they enlarge where a convolution shrinks. The discriminator says how real a picture
looks. There is no loss that shows whether the forger got better, for the judge gets better too; so look at the picture.

References: I. Goodfellow et al., "Generative adversarial nets", NeurIPS 2014; A. Radford, L. Metz, S. Chintala,
"Unsupervised representation learning with deep convolutional generative adversarial networks", ICLR 2016.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import nn, optim
from ...autograd import Tensor, no_grad
from ...backend.errors import ShapeError
from ...backend.random import generator
from ...data import DataLoader
from ..application import Application, Settings
from ..pictures import find_pictures, tiled

SMALLEST, DEVIATION = 3, 0.02  # the side at which halving ends; the standard deviation of the first weights


def sides(side: int) -> list[int]:
    """The sides of a picture that is halved until it is small, rounding down: the discriminator's way.

    Examples
    --------
    >>> sides(28), sides(8)
    ([28, 14, 7, 3], [8, 4, 2])
    """
    found = [side]
    while found[-1] > SMALLEST:
        found.append(found[-1] // 2)
    return found


def window(side: int) -> tuple[int, int, int]:
    """Kernel size, stride and padding of the convolution that halves a side; the transposed one gives it back.

    Examples
    --------
    >>> window(14), window(7)
    ((4, 2, 1), (3, 2, 0))
    """
    odd = side % 2
    return 4 - odd, 2, 1 - odd


def forger(noise: int, channels: int, shape: tuple[int, int, int]) -> nn.Sequential:
    """(batch, noise, 1, 1) becomes pictures (batch, *shape), in [-1, 1]; each doubling halves the channels.

    Examples
    --------
    >>> forger(10, 4, (1, 28, 28))(Tensor(np.ones((2, 10, 1, 1), np.float32))).shape
    (2, 1, 28, 28)
    """
    colours, side, _ = shape
    *larger, smallest = sides(side)
    width = channels * 2 ** (len(larger) - 1)
    layers = [nn.ConvTranspose2d(noise, width, smallest, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    for side in reversed(larger[1:]):
        layers += [
            nn.ConvTranspose2d(width, width // 2, *window(side), bias=False), nn.BatchNorm2d(width // 2), nn.ReLU(),
        ]  # fmt: skip
        width //= 2
    return nn.Sequential(*layers, nn.ConvTranspose2d(width, colours, *window(larger[0])), nn.Tanh())


def judge(channels: int, shape: tuple[int, int, int]) -> nn.Sequential:
    """Pictures (batch, *shape) become scores (batch, 1), above 0 for real ones; each halving doubles the channels.

    Examples
    --------
    >>> judge(4, (1, 28, 28))(Tensor(np.ones((2, 1, 28, 28), np.float32))).shape
    (2, 1)
    """
    colours, side, _ = shape
    *larger, smallest = sides(side)
    layers = [nn.Conv2d(colours, channels, *window(larger[0])), nn.LeakyReLU(0.2)]
    width = channels
    for side in larger[1:]:
        layers += [
            nn.Conv2d(width, 2 * width, *window(side), bias=False), nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2),
        ]  # fmt: skip
        width *= 2
    return nn.Sequential(*layers, nn.Conv2d(width, 1, smallest), nn.Flatten())


class DCGAN(Application):
    """A forger and a judge, an optimiser for each.

    Attributes
    ----------
    generator, discriminator : Sequential
    noise : numpy.ndarray
        What the pictures that are shown are made of: always the same.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("dcgan", small=True, steps=2, progress=False)
    >>> result.application.forged().shape
    (64, 1, 8, 8)
    """

    name = "dcgan"
    summary = "one network forges pictures, another judges them (transposed convolutions)"
    epochs, batch_size, lr, watch, higher_is_better = 20, 64, 5e-4, "generator", False
    noise_size, channels = 64, 64

    def __init__(self, settings: Settings):
        super().__init__(settings)
        found = find_pictures(settings.data, ("mnist", "fashion-mnist", "thumbnails"), small=settings.small)
        _, height, width = found.shape
        if height != width or height <= SMALLEST:
            raise ShapeError(f"train: dcgan wants square pictures, larger than 3 × 3, got {found.shape}")
        self.data = found.said
        self.loader = DataLoader(
            found.train, settings.batch_size, shuffle=True, drop_last=True,
            num_workers=settings.workers, seed=settings.seed,
        )  # fmt: skip
        size, channels = (8, 4) if settings.small else (self.noise_size, self.channels)
        self.generator = forger(size, channels, found.shape)
        self.discriminator = judge(channels, found.shape)
        self.loss = nn.BCEWithLogitsLoss()
        for network in (self.generator, self.discriminator):
            for parameter in network.parameters():
                if len(parameter.shape) == 4:
                    parameter.data = Tensor(_normal(*parameter.shape) * np.float32(DEVIATION))
        betas = (0.5, 0.999)
        self.generator_optimizer = optim.Adam(self.generator.parameters(), lr=settings.lr, betas=betas)
        self.discriminator_optimizer = optim.Adam(
            self.discriminator.parameters(), lr=settings.lr, betas=betas
        )
        self.noise = generator(settings.seed).randn(64, size, 1, 1).astype(np.float32)

    def batches(self) -> DataLoader:
        """Every picture once, shuffled, but the last few that make no whole batch."""
        return self.loader

    def step(self, batch: Any) -> dict[str, float]:
        """One step of the judge, on real and forged pictures, and one of the forger, on what the judge says then."""
        real = Tensor(batch[0].numpy() * 2 - 1, requires_grad=False)
        count = len(real)
        ones, zeros = (Tensor(np.full((count, 1), v, np.float32), requires_grad=False) for v in (1, 0))
        fake = self.generator(Tensor(_normal(count, *self.noise.shape[1:]), requires_grad=False))

        self.discriminator_optimizer.reset_grad()
        judged = self.loss(self.discriminator(real), ones)
        judged = judged + self.loss(self.discriminator(fake.detach()), zeros)
        judged.backward()
        self.discriminator_optimizer.step()

        self.generator_optimizer.reset_grad()
        forged = self.loss(self.discriminator(fake), ones)
        forged.backward()
        self.generator_optimizer.step()
        return {"generator": forged.item(), "discriminator": judged.item()}

    def forged(self) -> np.ndarray:
        """Pictures made of `noise`, in [0, 1]: (64, C, H, W)."""
        self.generator.eval()
        with no_grad():
            pictures = self.generator(Tensor(self.noise, requires_grad=False)).numpy()
        self.generator.train()
        return (pictures + 1) / 2

    samples = forged

    def picture(self, figure: Any, history: Any) -> None:
        """Sixty-four pictures that nobody took."""
        figure.set_size_inches(6, 6)
        plot = figure.subplots()
        plot.imshow(tiled(self.forged(), columns=8))
        plot.axis("off")


def _normal(*shape: int) -> np.ndarray:
    return generator().randn(*shape).astype(np.float32)
