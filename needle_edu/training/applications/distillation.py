"""Knowledge distillation: a small network learns from a large one, which is not only right but knows what looks alike.

In the first half of the training a convolutional network, the *teacher*, learns from all pictures. In the second half
two small networks with the same first weights learn from a tenth of them, in the same batches: one *alone*, from the
labels, the other *taught*: it also imitates the teacher's probabilities, softened by a temperature. "Mostly a shirt,
but rather like a coat" says more than "a shirt", and that helps most where there are few examples.

Reference: G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network", 2015; sections 2 and 6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import metrics, nn, ops, optim
from ...autograd import Tensor, no_grad
from ...data import DataLoader, RandomSampler, Sampler
from ...data.datasets.fashion_thumbnails import CLASSES
from ..application import Application, Settings
from ..pictures import find_pictures

TEMPERATURE, ALPHA = 2.0, 0.9  # how soft; how much the teacher counts beside the labels
SHARE = 10  # the students see one picture of so many


class Distillation(Application):
    """A teacher and two students, an optimiser for each; the numbers of a step are the cross-entropies of all three.

    Attributes
    ----------
    teacher, alone, taught : Sequential
    schedule : CosineAnnealingLR
        The teacher's. It also knows how many steps the teacher has learned, and how many it shall.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("distillation", small=True, epochs=2, progress=False)
    >>> sorted(result.metrics)
    ['alone_accuracy', 'taught_accuracy', 'teacher_accuracy']
    """

    name = "distillation"
    summary = "a small network learns from a large one, and another like it learns alone"
    epochs, batch_size, lr, watch = 24, 64, 2e-3, "taught_accuracy"
    wide, narrow = 32, 64  # channels of the teacher, hidden units of the students

    def __init__(self, settings: Settings):
        super().__init__(settings)
        found = find_pictures(settings.data, ("fashion-mnist", "mnist", "thumbnails"), small=settings.small)
        self.data, self.fresh_examples = found.said, found.test
        clothes = found.said.split()[0] in ("fashion-mnist", "thumbnails")
        self.names = CLASSES if clothes else range(found.classes)
        self.loader = DataLoader(
            found.train, settings.batch_size, sampler=InTurn(len(found.train), self.teacher_learns),
            num_workers=settings.workers, seed=settings.seed,
        )  # fmt: skip
        wide, narrow = (4, 8) if settings.small else (self.wide, self.narrow)
        channels, height, width = found.shape
        self.teacher = nn.Sequential(
            *(
                nn.Conv2d(channels, wide, 3, padding=1, bias=False),
                nn.BatchNorm2d(wide),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ),
            *(
                nn.Conv2d(wide, 2 * wide, 3, padding=1, bias=False),
                nn.BatchNorm2d(2 * wide),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ),
            *(
                nn.Flatten(),
                nn.Dropout(0.3),
                nn.Linear(2 * wide * (height // 4) * (width // 4), found.classes),
            ),
        )
        self.alone, self.taught = (
            nn.Sequential(
                nn.Flatten(), nn.Linear(math.prod(found.shape), narrow), nn.ReLU(), nn.Linear(narrow, found.classes),
            )
            for _ in range(2)
        )  # fmt: skip
        self.taught.load_state_dict(self.alone.state_dict())
        self.loss, self.imitation = nn.SoftmaxLoss(), nn.DistillationLoss(TEMPERATURE, ALPHA)
        self.teacher_optimizer, self.alone_optimizer, self.taught_optimizer = (
            optim.Adam(network.parameters(), lr=settings.lr)
            for network in (self.teacher, self.alone, self.taught)
        )
        lessons = max(1, settings.epochs // 2) * len(self.loader)
        self.schedule = optim.CosineAnnealingLR(self.teacher_optimizer, T_max=lessons)

    def batches(self) -> DataLoader:
        """For the teacher every picture once, shuffled; for the students as many: the few, again and again."""
        return self.loader

    def teacher_learns(self) -> bool:
        """Whether it is still the teacher's half of the training."""
        return self.schedule.last_epoch < self.schedule.T_max

    def step(self, batch: Any) -> dict[str, float]:
        """A step of the teacher, or one of each student."""
        x, y = batch
        if self.teacher_learns():
            self.teacher.train()
            teacher = self.loss(self.teacher(x), y)
            _learn(self.teacher_optimizer, teacher)
            self.schedule.step()
            with no_grad():
                alone, taught = self.loss(self.alone(x), y), self.loss(self.taught(x), y)
        else:
            self.teacher.eval()
            with no_grad():
                advice = self.teacher(x)
                teacher = self.loss(advice, y)
            alone = self.loss(self.alone(x), y)
            _learn(self.alone_optimizer, alone)
            logits = self.taught(x)
            taught = self.loss(logits, y)
            _learn(self.taught_optimizer, self.imitation(logits, advice, y))
        return {"teacher": teacher.item(), "alone": alone.item(), "taught": taught.item()}

    def evaluate(self) -> dict[str, float]:
        """The accuracy of each on fresh pictures."""
        self.teacher.eval()
        networks = {"teacher": self.teacher, "alone": self.alone, "taught": self.taught}
        right = dict.fromkeys(networks, 0.0)
        with no_grad():
            for x, y in DataLoader(self.fresh_examples, 500):
                for name, network in networks.items():
                    right[name] += metrics.accuracy(network(x), y) * len(x)
        return {f"{name}_accuracy": count / len(self.fresh_examples) for name, count in right.items()}

    def picture(self, figure: Any, history: Any) -> None:
        """How the three got better, and what the teacher says of three pictures: hard, and softened."""
        figure.set_size_inches(9, 6)
        whole = figure.add_gridspec(2, 3)
        curves = figure.add_subplot(whole[0, :])
        for name, colour in (("teacher", "tab:green"), ("alone", "tab:red"), ("taught", "tab:blue")):
            values = history.test.get(f"{name}_accuracy", [])
            curves.plot(np.arange(1, len(values) + 1), values, ".-", color=colour, label=name)
        curves.set(xlabel="epoch", ylabel="accuracy")
        curves.legend()
        pictures = self.fresh_examples[:100][0]
        self.teacher.eval()
        with no_grad():
            logits = self.teacher(Tensor(pictures, requires_grad=False))
            hard, soft = (ops.softmax(logits / t).numpy() for t in (1.0, TEMPERATURE))
        for k, unsure in enumerate(hard.max(axis=1).argsort()[:3]):
            bars = figure.add_subplot(whole[1, k])
            where = np.arange(len(self.names))
            bars.barh(where - 0.2, hard[unsure], 0.4, color="tab:green", label="temperature 1")
            bars.barh(where + 0.2, soft[unsure], 0.4, color="tab:olive", label=f"temperature {TEMPERATURE:g}")
            bars.set(yticks=where, yticklabels=self.names if k == 0 else [], ylim=(len(where) - 0.5, -0.5))
            bars.set_xlim(0, 1.6 * hard[unsure].max())
            image = bars.inset_axes((0.64, 0.5, 0.36, 0.48))
            pixels = pictures[unsure].transpose(1, 2, 0)
            image.imshow(pixels if pixels.shape[2] == 3 else pixels[..., 0], cmap="gray", vmin=0, vmax=1)
            image.axis("off")
        figure.axes[1].legend(loc="lower right", fontsize="small")


class InTurn(Sampler):
    """All of n pictures, shuffled, while the teacher learns; then a tenth of them, again and again, as many in all.

    Examples
    --------
    >>> len(set(InTurn(30, lambda: True))), sorted(set(InTurn(30, lambda: False)))
    (30, [0, 1, 2])
    """

    def __init__(self, n: int, teacher_learns: Callable[[], bool]):
        self.all, self.few = RandomSampler(range(n)), RandomSampler(range(n // SHARE), num_samples=n)
        self.teacher_learns = teacher_learns

    def __len__(self) -> int:
        return len(self.all)

    def indices(self) -> np.ndarray:
        """Drawn when an epoch begins."""
        return (self.all if self.teacher_learns() else self.few).indices()


def _learn(optimizer: optim.Optimizer, loss: Tensor) -> None:
    optimizer.reset_grad()
    loss.backward()
    optimizer.step()
