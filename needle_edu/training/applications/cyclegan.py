"""CycleGAN: two networks translate pictures of one kind into another and back, and no two pictures belong together.

Here one kind are digits, white on black and upright; the other are *other* digits, black on white and slanted. Nobody
shows a digit and its translation side by side. Two discriminators say whether a picture looks like its kind, patch by
patch. That alone could turn every 3 into a fine slanted 8; so what is translated there and back must be what it was
(the *cycle loss*). The paper knows a third one, the *identity loss*: what is of the wanted kind already must stay. It
is for kinds that share their colours, and left out here, where colours turn into their opposites (`identity`).

There is a second way to please everybody: to keep the colours, and to fill in what is no stroke. Such pictures come
back as well. Which way is taken is settled in the first epochs, by chance: seed 1 turns the colours, seed 0 keeps them.

Reference: J.-Y. Zhu, T. Park, P. Isola, A. Efros, "Unpaired image-to-image translation using cycle-consistent
adversarial networks", ICCV 2017.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ... import nn, ops, optim
from ...autograd import Tensor, no_grad
from ...backend.errors import ShapeError
from ...backend.random import generator
from ..application import Application, Settings
from ..image_pool import ImagePool
from ..pictures import find_pictures, tiled

SIDE = 16
SLANT = 0.35  # columns to the left, for each row further down
CYCLE = 5.0  # how much this loss counts beside the discriminators'; in the paper 10
READING = 15  # epochs that a classifier learns for
POOL = 50


def slanted(pictures: np.ndarray) -> np.ndarray:
    """Black on white and slanted: pictures (n, 1, H, W) between -1 (black) and 1.

    Examples
    --------
    >>> stroke = -np.ones((1, 1, 8, 3)); stroke[..., 1] = 1
    >>> slanted(stroke)[0, 0, [0, 3, 7]].tolist()
    [[1.0, 1.0, -1.0], [1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]]
    """
    height = pictures.shape[2]
    moved = np.full_like(pictures, -1)
    for row in range(height):
        shift = round(SLANT * ((height - 1) / 2 - row))
        width = pictures.shape[3] - abs(shift)
        to, since = max(shift, 0), max(-shift, 0)
        moved[:, :, row, to : to + width] = pictures[:, :, row, since : since + width]
    return -moved


def translator(channels: int) -> nn.Sequential:
    """Pictures (batch, 1, 16, 16) to pictures, between -1 and 1: halved, two residual blocks, doubled again.

    Examples
    --------
    >>> translator(4)(Tensor(np.ones((2, 1, 16, 16), np.float32))).shape
    (2, 1, 16, 16)
    """
    wide = 2 * channels

    def block() -> nn.Residual:
        inside = [nn.Conv2d(wide, wide, 3, padding=1, bias=False), nn.InstanceNorm2d(wide), nn.ReLU()]
        return nn.Residual(
            nn.Sequential(*inside, nn.Conv2d(wide, wide, 3, padding=1, bias=False), nn.InstanceNorm2d(wide))
        )

    return nn.Sequential(
        *(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(channels, wide, 4, 2, 1, bias=False), nn.InstanceNorm2d(wide), nn.ReLU()),
        *(block(), block()),
        *(nn.ConvTranspose2d(wide, channels, 4, 2, 1), nn.ReLU(), nn.Conv2d(channels, 1, 3, padding=1), nn.Tanh()),
    )  # fmt: skip


def patch_judge(channels: int) -> nn.Sequential:
    """Pictures (batch, 1, 16, 16) to scores (batch, 1, 4, 4): near 1 where a patch looks real, near 0 where forged.

    Examples
    --------
    >>> patch_judge(4)(Tensor(np.ones((2, 1, 16, 16), np.float32))).shape
    (2, 1, 4, 4)
    """
    return nn.Sequential(
        *(nn.Conv2d(1, channels, 4, 2, 1), nn.LeakyReLU(0.2)),
        *(
            nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False),
            nn.InstanceNorm2d(2 * channels),
            nn.LeakyReLU(0.2),
        ),
        nn.Conv2d(2 * channels, 1, 3, padding=1),
    )


def reader(pictures: np.ndarray, labels: np.ndarray, epochs: int) -> nn.Sequential:
    """A classifier of pictures (n, 1, 16, 16), trained: scores (n, 10)."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer, loss_of = optim.Adam(model.parameters(), lr=3e-3), nn.SoftmaxLoss()
    for _ in range(epochs):
        order = generator().permutation(len(pictures))
        for begin in range(0, len(order), 64):
            rows = order[begin : begin + 64]
            loss = loss_of(model(_constant(pictures[rows])), _constant(labels[rows]))
            optimizer.reset_grad()
            loss.backward()
            optimizer.step()
    return model


class CycleGAN(Application):
    """Two translators, two discriminators, and two classifiers that read what comes out.

    Attributes
    ----------
    there, back : Sequential
        From upright digits to slanted ones, and the other way.
    judges : ModuleList
        Of slanted pictures, and of upright ones.
    identity : float
        How much the identity loss counts; the paper has 5.
    readers : ModuleList
        Classifiers of upright pictures, and of slanted ones. They only measure; nobody learns from them.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("cyclegan", small=True, epochs=1, progress=False)
    >>> sorted(result.metrics)
    ['accuracy', 'there_accuracy']
    """

    name = "cyclegan"
    summary = "digits become slanted and black on white, and back, with no pairs to learn from"
    epochs, batch_size, lr, seed = 10, 32, 1e-3, 1
    identity: ClassVar[float] = 0.0

    def __init__(self, settings: Settings):
        super().__init__(settings)
        found = find_pictures(settings.data or "digits", (), small=settings.small)
        if found.shape[0] != 1 or max(found.shape) > 2 * SIDE:
            raise ShapeError(f"train: cyclegan wants small grey pictures, got {found.shape}; name other data")
        self.data = f"{found.said}, upright and slanted"
        pictures, labels = _enlarged(found.train)
        self.fresh, self.fresh_labels = _enlarged(found.test)
        half = len(pictures) // 2  # so that no picture is there in both kinds
        self.upright, self.slanted = pictures[:half], slanted(pictures[half:])
        channels, reading = (4, 2) if settings.small else (16, READING)
        self.there, self.back = translator(channels), translator(channels)
        self.judges = nn.ModuleList([patch_judge(channels), patch_judge(channels)])
        self.readers = nn.ModuleList(
            [reader(kind, labels, reading) for kind in (pictures, slanted(pictures))]
        )
        self.pool, self.other_pool = (ImagePool(POOL, (1, SIDE, SIDE)) for _ in range(2))
        betas = (0.5, 0.999)
        translators = [*self.there.parameters(), *self.back.parameters()]
        self.optimizer = optim.Adam(translators, lr=settings.lr, betas=betas)
        self.judges_optimizer = optim.Adam(self.judges.parameters(), lr=settings.lr, betas=betas)
        self.distance, self.squares = nn.L1Loss(), nn.MSELoss()

    def batches(self) -> range:
        """As many steps as there are batches in either kind; each draws its pictures."""
        return range(max(1, len(self.upright) // self.settings.batch_size))

    def step(self, batch: Any) -> dict[str, float]:
        """One step of both translators, then one of both discriminators."""
        n = self.settings.batch_size
        a = _constant(self.upright[generator().randint(0, len(self.upright), n)])
        b = _constant(self.slanted[generator().randint(0, len(self.slanted), n)])
        of_b, of_a = self.judges
        fake_b, fake_a = self.there(a), self.back(b)
        fooled = self._looks(of_b(fake_b), 1) + self._looks(of_a(fake_a), 1)
        cycle = self.distance(self.back(fake_b), a) + self.distance(self.there(fake_a), b)
        loss = fooled + CYCLE * cycle
        if self.identity:
            loss = loss + self.identity * (self.distance(self.there(b), b) + self.distance(self.back(a), a))
        self.optimizer.reset_grad()
        loss.backward()
        self.optimizer.step()

        old_b = _constant(self.pool.exchange(fake_b.numpy()))
        old_a = _constant(self.other_pool.exchange(fake_a.numpy()))
        judged = self._looks(of_b(b), 1) + self._looks(of_b(old_b), 0)
        judged = (judged + self._looks(of_a(a), 1) + self._looks(of_a(old_a), 0)) * 0.5
        self.judges_optimizer.reset_grad()
        judged.backward()
        self.judges_optimizer.step()
        return {"fooled": fooled.item(), "cycle": cycle.item(), "judged": judged.item()}

    def evaluate(self) -> dict[str, float]:
        """How many fresh digits are read rightly when they come back; and when they are there, by the other reader."""
        there, again = self.translated(self.fresh)
        return {
            "accuracy": self._read(0, again),
            "there_accuracy": self._read(1, there),
        }

    def translated(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Upright pictures (n, 1, 16, 16), translated; and these, translated back."""
        with no_grad():
            there = self.there(_constant(pictures))
            return there.numpy(), self.back(there).numpy()

    def picture(self, figure: Any, history: Any) -> None:
        """Ten fresh digits, their translations, and these, translated back; then slanted ones, and theirs."""
        figure.set_size_inches(9, 5)
        plot = figure.subplots()
        a = self.fresh[:10]
        b = slanted(self.fresh[10:20])
        with no_grad():
            upright = self.back(_constant(b)).numpy()
        rows = np.concatenate([a, *self.translated(a), b, upright])
        plot.imshow(tiled((rows + 1) / 2, columns=10))
        names = ("digit", "there", "and back", "slanted digit", "back")
        plot.set(xticks=[], yticks=(np.arange(len(names)) + 0.5) * (SIDE + 1), yticklabels=names)
        plot.tick_params(length=0)

    def _looks(self, scores: Tensor, wanted: int) -> Tensor:
        """The squared distance of all patches' scores from what is wanted."""
        return self.squares(scores, _constant(np.full(scores.shape, wanted, np.float32)))

    def _read(self, which: int, pictures: np.ndarray) -> float:
        with no_grad():
            answers = self.readers[which](_constant(pictures)).numpy().argmax(axis=1)
        return float((answers == self.fresh_labels).mean())


def _constant(values: np.ndarray) -> Tensor:
    return Tensor(values, requires_grad=False)


def _enlarged(dataset: Any) -> tuple[np.ndarray, np.ndarray]:
    """All pictures as (n, 1, 16, 16), between -1 and 1, and their labels."""
    pixels, labels = dataset[:]
    small = _constant(np.asarray(pixels, np.float32))
    large = ops.interpolate(small, (SIDE, SIDE), mode="bilinear", align_corners=False).numpy()
    return 2 * large - 1, np.asarray(labels)
