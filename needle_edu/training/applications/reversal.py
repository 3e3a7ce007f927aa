"""Attention learns to read backwards: a sequence of numbers goes in, and comes out in reverse.

The answer to place i stands at place n - 1 - i, and no place can know it by itself; it must look there. So the picture
of the weights, what each place looks at, should be the other diagonal, and after some hundred steps it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import metrics, nn, ops, optim
from ...autograd import Tensor, no_grad
from ...backend.random import generator
from ..application import Application, Settings

TOKENS, LENGTH = 10, 12


class Reverser(nn.Module):
    """Tokens (batch, length) give scores (batch, length, tokens): a table, positions, one layer of attention, a map.

    Examples
    --------
    >>> Reverser(10, 12, 16)(np.zeros((3, 12), np.int64)).shape
    (3, 12, 10)
    """

    def __init__(self, tokens: int, length: int, size: int):
        super().__init__()
        self.embedding = nn.Embedding(tokens, size)
        self.positions = nn.LearnedPositions(length, size)
        self.layer = nn.TransformerEncoderLayer(
            size, 1, 2 * size, dropout=0.0, batch_first=True, norm_first=True
        )
        self.output = nn.Linear(size, tokens)

    def forward(self, tokens: Any) -> Tensor:
        """Whole numbers of shape (batch, length)."""
        return self.output(self.layer(self.positions(self.embedding(tokens))))

    def looks_at(self, tokens: Any) -> np.ndarray:
        """The weights of attention: (batch, length, length), a row for each place that looks."""
        x = self.layer.norm1(self.positions(self.embedding(tokens)))
        with no_grad():
            _, weights = self.layer.self_attn(x, x, x)
        return weights.numpy()


class Reversal(Application):
    """Random sequences, new ones at each step.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("reversal", small=True, epochs=1, progress=False)
    >>> sorted(result.metrics)
    ['accuracy', 'loss', 'whole']
    """

    name = "reversal"
    summary = "attention reads a sequence backwards"
    epochs, batch_size, lr, watch = 4, 64, 3e-3, "whole"

    def __init__(self, settings: Settings):
        super().__init__(settings)
        self.data = f"random sequences of {LENGTH} numbers"
        self.steps, size = (5, 16) if settings.small else (100, 64)
        self.model = Reverser(TOKENS, LENGTH, size)
        self.optimizer = optim.Adam(self.model.parameters(), lr=settings.lr)
        self.loss = nn.SoftmaxLoss()
        self.fresh = generator(settings.seed + 1).randint(0, TOKENS, (512, LENGTH))

    def batches(self) -> range:
        """So many steps; each draws its sequences."""
        return range(self.steps)

    def step(self, batch: Any) -> dict[str, float]:
        """One step down the gradient of the mean cross-entropy over all places."""
        tokens = generator().randint(0, TOKENS, (self.settings.batch_size, LENGTH))
        logits, answers = self._answered(tokens)
        loss = self.loss(logits, answers)
        self.optimizer.reset_grad()
        loss.backward()
        self.optimizer.step()
        return {"loss": loss.item(), "accuracy": metrics.accuracy(logits, answers)}

    def evaluate(self) -> dict[str, float]:
        """Loss, share of right places, and share of sequences that are right as a whole."""
        with no_grad():
            logits, answers = self._answered(self.fresh)
        right = logits.numpy().argmax(-1) == answers.numpy()
        whole = right.reshape(-1, LENGTH).all(1).mean()
        return {
            "loss": self.loss(logits, answers).item(),
            "accuracy": float(right.mean()),
            "whole": float(whole),
        }

    def attention(self) -> np.ndarray:
        """What each place of a fresh sequence looks at."""
        return self.model.looks_at(self.fresh[:1])

    def picture(self, figure: Any, history: Any) -> None:
        """What each place of a fresh sequence looks at."""
        figure.set_size_inches(5, 4.5)
        plot = figure.subplots()
        tokens = self.fresh[:1]
        image = plot.imshow(self.model.looks_at(tokens)[0], vmin=0, vmax=1, cmap="Blues")
        answer = self.model(tokens).numpy().argmax(-1)[0]
        plot.set(
            xticks=range(LENGTH), yticks=range(LENGTH), xticklabels=tokens[0].tolist(), yticklabels=answer.tolist(),
            xlabel="goes in", ylabel="comes out", title="what each place looks at",
        )  # fmt: skip
        figure.colorbar(image)

    def _answered(self, tokens: np.ndarray) -> tuple[Tensor, Tensor]:
        """Scores (batch · length, tokens), and the right tokens."""
        logits = self.model(tokens)
        answers = Tensor(tokens[:, ::-1].reshape(-1), device=logits.device, requires_grad=False)
        return ops.reshape(logits, (-1, TOKENS)), answers
