"""A GPT that writes letter by letter: it learns what comes next in a text, and then goes on by itself.

The text is tiny Shakespeare where it is at hand. Where not, it is the source of needle_edu, which every installation
has: the network then learns to write something like this file.

Reference: A. Karpathy, "char-rnn" (2015) and "nanoGPT" (2022), whose text and sizes these are.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ... import data, nn, ops, optim
from ...autograd import Tensor, no_grad
from ...backend.errors import DataError
from ...backend.random import generator
from ...data.downloads import at_hand, download
from ...models import GPT
from ..application import Application, Settings


class CharGPT(Application):
    """Random pieces of a text, new ones at each step; the last tenth of the text is kept for the test.

    Attributes
    ----------
    tokenizer : CharTokenizer
    model : GPT

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("gpt", small=True, epochs=1, progress=False)
    >>> result.application.data, len(result.application.write("def ", 20))
    ('the source of needle_edu', 24)
    """

    name = "gpt"
    summary = "a small GPT learns to write, letter by letter"
    epochs, batch_size, lr, watch, higher_is_better = 10, 16, 1e-3, "loss", False
    length, layers, heads, size = 256, 4, 4, 128

    def __init__(self, settings: Settings):
        super().__init__(settings)
        self.data, text = find_text(settings.data, settings.small)
        self.tokenizer = data.CharTokenizer(text)
        tokens = np.array(self.tokenizer.encode(text))
        kept = len(tokens) // 10
        self.tokens, self.fresh = tokens[:-kept], tokens[-kept:]
        self.steps = 5 if settings.small else 200
        if settings.small:
            self.length, self.layers, self.heads, self.size = 32, 1, 2, 16
        self.model = GPT(len(self.tokenizer), self.length, self.layers, self.heads, self.size)
        self.optimizer = optim.AdamW(
            self.model.parameters(), lr=settings.lr, betas=(0.9, 0.99), weight_decay=0.1
        )
        self.loss = nn.SoftmaxLoss()

    def batches(self) -> range:
        """So many steps; each draws the pieces it learns from."""
        return range(self.steps)

    def step(self, batch: Any) -> dict[str, float]:
        """One step down the gradient of the mean cross-entropy over all places; its norm is cut at 1."""
        starts = generator().randint(0, len(self.tokens) - self.length, self.settings.batch_size)
        self.model.train()
        loss = self._loss(self.tokens, starts)
        self.optimizer.reset_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return {"loss": loss.item()}

    def evaluate(self) -> dict[str, float]:
        """Loss on text that was kept back, and 2 to the power of bits: between how many letters it still wavers."""
        starts = np.linspace(0, len(self.fresh) - self.length - 1, 2 if self.settings.small else 48).astype(
            int
        )
        self.model.eval()
        with no_grad():
            parts = [
                self._loss(self.fresh, part).item()
                for part in np.array_split(starts, max(len(starts) // 16, 1))
            ]
        return {"loss": float(np.mean(parts)), "perplexity": math.exp(np.mean(parts))}

    def write(self, beginning: str, count: int, **how: Any) -> str:
        """Go on with a text by so many letters; keywords as for `GPT.generate`."""
        made = self.model.generate(self.tokenizer.encode(beginning), count, **how)
        return self.tokenizer.decode(made.tolist())

    def picture(self, figure: Any, history: Any) -> None:
        """A piece of writing."""
        figure.set_size_inches(7, 5)
        letters = self.tokenizer.characters
        beginning = "\n" if "\n" in letters else letters[0]
        text = self.write(beginning, 60 if self.settings.small else 500, temperature=0.8, seed=0)
        plot = figure.subplots()
        plot.axis("off")
        plot.text(0, 1, text.strip("\n").replace("$", r"\$"), family="monospace", fontsize=8, va="top")
        plot.set_title("written by the network")

    def _loss(self, tokens: np.ndarray, starts: np.ndarray) -> Tensor:
        """The loss on the pieces that begin at some places: each letter is to foretell the next one."""
        pieces = tokens[starts[:, None] + np.arange(self.length + 1)]
        device = self.model.wte.weight.device
        logits = self.model(Tensor(pieces[:, :-1], device=device, requires_grad=False))
        wanted = Tensor(pieces[:, 1:].reshape(-1), device=device, requires_grad=False)
        return self.loss(ops.reshape(logits, (-1, self.model.tokens)), wanted)


def find_text(wanted: str | None, small: bool = False) -> tuple[str, str]:
    """A text to learn from: what is wanted, else tiny Shakespeare if it is at hand, else the source of needle_edu.

    Parameters
    ----------
    wanted : str or None
        "tinyshakespeare", which may be downloaded, "source", or a file or a folder with `input.txt`.
    small : bool
        For a trial run: a part of the source, if nothing is wanted.

    Returns
    -------
    str, str
        What it is, in words; the text.

    Raises
    ------
    DataError
        If there is none, or too little.

    Examples
    --------
    >>> said, text = find_text("source")
    >>> said, len(text) > 500_000
    ('the source of needle_edu', True)
    """
    if wanted is None:
        wanted = "tinyshakespeare" if not small and at_hand("tinyshakespeare") else "source"
    if wanted == "source":
        files = sorted(Path(__file__).parents[2].rglob("*.py"))
        text = "\n".join(file.read_text(encoding="utf-8") for file in (files[:8] if small else files))
        return "the source of needle_edu", text.encode(
            "ascii", "ignore"
        ).decode()  # its formulas have rare letters
    if wanted == "tinyshakespeare":
        found = Path(download(wanted))
        wanted, said = str(found), "tiny Shakespeare"
    else:
        said = f"the text in {wanted}"
    place = Path(wanted)
    place = place / "input.txt" if place.is_dir() else place
    if not place.is_file():
        raise DataError(
            f"train: {wanted!r} is no text: wanted 'tinyshakespeare', 'source', a file, or a folder with input.txt"
        )
    text = place.read_text(encoding="utf-8")
    if len(text) < 10_000:
        raise DataError(f"train: the text in {place} has {len(text)} letters; 10,000 at least are wanted")
    return said, text
