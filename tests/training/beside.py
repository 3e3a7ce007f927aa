"""Applications beside their PyTorch twins: the same weights at the start, the same batches, each step made twice.

`beside("mlp")` is the application with a twin inside: its history has the twin's numbers too, as "twin loss" and "twin
accuracy", and `seconds` what each step of each took.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from needle_edu import data, training
from tests import twins


def flat(network: Any) -> Any:
    import torch

    return torch.nn.Sequential(torch.nn.Flatten(), network)


def twin_of(app: Any) -> Any:
    """PyTorch's network for an application's."""
    import torch

    inputs = math.prod(app.loader.dataset[0][0].shape)
    return {
        "mlp": lambda: flat(twins.mlp(torch, inputs)),
        "lenet": lambda: twins.lenet(torch),
        "resmlp": lambda: flat(twins.residual_mlp(torch, inputs)),
        "resnet9": lambda: twins.resnet9(torch),
    }[app.name]()


def beside(name: str) -> type[training.Application]:
    """The application of this name with its twin: a class that `training.run` takes."""
    import torch

    kind: Any = training.APPLICATIONS[name]

    class Beside(kind):
        def __init__(self, settings: Any):
            super().__init__(settings)
            self.twin = twin_of(self)
            twins.share_weights(self.model, self.twin)
            self.theirs = torch.optim.Adam(self.twin.parameters(), lr=settings.lr, fused=True)
            # Ours falls after each step, by the same formula.
            self.falls = torch.optim.lr_scheduler.CosineAnnealingLR(self.theirs, self.scheduler.T_max)
            self.seconds: dict[str, list[float]] = {"needle_edu": [], "PyTorch": []}

        def parts(self) -> dict[str, Any]:
            return {
                key: thing for key, thing in super().parts().items() if "torch" not in type(thing).__module__
            }

        def step(self, batch: Any) -> dict[str, float]:
            before, began = np.random.get_state(), time.perf_counter()
            numbers = super().step(batch)
            between = time.perf_counter()
            np.random.set_state(before)  # for dropout: the twin draws the same masks
            numbers |= self.twin_step(*batch)
            self.seconds["needle_edu"].append(between - began)
            self.seconds["PyTorch"].append(time.perf_counter() - between)
            return numbers

        def twin_step(self, x: Any, y: Any) -> dict[str, float]:
            labels = torch.from_numpy(y.numpy().astype("int64"))
            self.twin.train()
            self.theirs.zero_grad()
            logits = self.twin(torch.from_numpy(x.numpy()))
            loss = torch.nn.functional.cross_entropy(logits, labels)
            loss.backward()
            self.theirs.step()
            self.falls.step()
            right = (logits.argmax(1) == labels).float().mean()
            return {"twin loss": loss.item(), "twin accuracy": right.item()}

        def evaluate(self) -> dict[str, float]:
            self.twin.eval()
            loss = right = 0.0
            with torch.no_grad():
                for x, y in data.DataLoader(self.fresh_examples, 500):
                    labels = torch.from_numpy(y.numpy().astype("int64"))
                    logits = self.twin(torch.from_numpy(x.numpy()))
                    loss += torch.nn.functional.cross_entropy(logits, labels, reduction="sum").item()
                    right += (logits.argmax(1) == labels).sum().item()
            n = len(self.fresh_examples)
            return {**super().evaluate(), "twin loss": loss / n, "twin accuracy": right / n}

    return Beside


def beside_twin(name: str) -> type[training.Application]:
    """The same for applications that read sequences: each step is made twice, and so is each evaluation."""
    import torch

    from tests.training.sequence_twins import FASTEST

    kind: Any = training.APPLICATIONS[name]

    class Beside(kind):
        def __init__(self, settings: Any):
            super().__init__(settings)
            self.twin_step = FASTEST[name](torch, self)
            self.seconds: dict[str, list[float]] = {"needle_edu": [], "PyTorch": []}

        def step(self, batch: Any) -> dict[str, float]:
            before, began = np.random.get_state(), time.perf_counter()
            numbers = super().step(batch)
            after, between = np.random.get_state(), time.perf_counter()
            np.random.set_state(before)
            plain = batch if isinstance(batch, int) else [field.numpy() for field in batch]
            numbers |= {f"twin {key}": value for key, value in self.twin_step(plain).items()}
            self.seconds["needle_edu"].append(between - began)
            self.seconds["PyTorch"].append(time.perf_counter() - between)
            np.random.set_state(after)
            return numbers

        def evaluate(self) -> dict[str, float]:
            theirs = self.twin_step.evaluate()
            return super().evaluate() | {f"twin {key}": value for key, value in theirs.items()}

    return Beside


def regularised_losses(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The losses of the application `regularisation` and those of its twins, both (steps, 3)."""
    import torch

    mine, wanted = [], []

    class Beside(training.APPLICATIONS["regularisation"]):  # type: ignore[misc]
        def step(self, batch: Any) -> dict[str, float]:
            x, y = (torch.from_numpy(part.numpy()) for part in batch)
            if not mine:
                self.twin = twins.regularised(torch, x[0].numel(), 10)
                twins.share_weights(self.models, self.twin)
                self.theirs = torch.optim.Adam(self.twin.parameters(), lr=self.settings.lr)
            before = np.random.get_state()
            numbers = super().step(batch)
            np.random.set_state(before)
            losses = [torch.nn.functional.cross_entropy(model(x.flatten(1)), y.long()) for model in self.twin]
            self.theirs.zero_grad()
            sum(losses).backward()
            self.theirs.step()
            mine.append([numbers[f"{kind} loss"] for kind in ("plain", "dropout", "batchnorm")])
            wanted.append([loss.item() for loss in losses])
            return numbers

    training.run(Beside, data="digits", steps=steps, progress=False)
    return np.array(mine), np.array(wanted)
