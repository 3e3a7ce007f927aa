"""Sentences, right or wrong: what applications share that learn to tell them apart, and where sentences come from.

Each word becomes a number, in the order in which words are first met; every sentence becomes a row as long as the
longest to learn from, filled up with zeros. The picture says how often fresh sentences are judged rightly: where they
are made up by a grammar, for each rule that half of them break, and else by their length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import data, metrics, nn, ops, optim
from ..autograd import Tensor, no_grad
from ..backend.errors import DataError
from ..data.downloads import at_hand
from .application import Application, Settings
from .texts import words_of

PADDING, UNKNOWN = 0, 1
SMALL = 256, 128  # sentences of a trial run, to learn from and to test with


def as_numbers(sentences: Iterable[str], numbers: dict[str, int], length: int) -> np.ndarray:
    """A row for each sentence, int64 of shape (n, length): cut, or filled up with zeros; 1 is an unknown word.

    Examples
    --------
    >>> as_numbers(["it rains", "it rains cats and dogs"], {"it": 2, "rains": 3}, 4).tolist()
    [[2, 3, 0, 0], [2, 3, 1, 1]]
    """
    rows = [[numbers.get(word, UNKNOWN) for word in words_of(text)][:length] for text in sentences]
    return np.array([row + [PADDING] * (length - len(row)) for row in rows], np.int64).reshape(-1, length)


class SentenceJudge(Application):
    """The base of applications that judge sentences by one network, the cross-entropy and Adam: define `network`.

    Attributes
    ----------
    numbers : dict of str to int
        The words, numbered in the order in which they occur.
    kinds : list of str
        What group each test sentence belongs to: the rule that is at stake, or how long it is.
    length : int
        Words of a row.

    Examples
    --------
    >>> from needle_edu import nn, training
    >>> class Places(SentenceJudge):
    ...     name, summary = "places", "a vector for each word, and a map of all at their places"
    ...     def network(self, words, length):
    ...         return nn.Sequential(nn.Embedding(words, 4), nn.Flatten(), nn.Linear(4 * length, 2))
    >>> training.run(Places, data="sentences", epochs=1, progress=False).metrics["accuracy"] < 0.8
    True
    """

    epochs, batch_size, lr = 10, 64, 2e-3
    shortest = 1  # row that the network can read

    def __init__(self, settings: Settings):
        super().__init__(settings)
        self.data, parts = find_sentences(settings.data, settings.small)
        examples = [[part[i] for i in range(len(part))] for part in parts]
        if settings.small:
            examples = [part[:count] for part, count in zip(examples, SMALL, strict=True)]
        words = dict.fromkeys(word for text, _ in examples[0] for word in words_of(text))
        self.numbers = {word: k for k, word in enumerate(words, UNKNOWN + 1)}
        longest = max(len(words_of(text)) for text, _ in examples[0])
        self.length = max(longest, self.shortest)
        rows = [as_numbers((text for text, _ in part), self.numbers, self.length) for part in examples]
        labels = [np.array([label for _, label in part], np.int64) for part in examples]
        self.fresh = rows[1], labels[1]
        rules = getattr(parts[1], "rules", None)
        self.kinds = rules[: len(rows[1])] if rules else [_by_length(row) for row in rows[1]]
        self.loader = data.DataLoader(
            data.NDArrayDataset(rows[0], labels[0]), settings.batch_size,
            shuffle=True, num_workers=settings.workers, seed=settings.seed,
        )  # fmt: skip
        self.model = self.network(len(self.numbers) + 2, self.length)
        self.optimizer = optim.Adam(self.model.parameters(), lr=settings.lr)
        self.loss = nn.SoftmaxLoss()

    def network(self, words: int, length: int) -> nn.Module:
        """The network: numbers below `words`, of shape (batch, length), give (batch, 2)."""
        raise NotImplementedError(f"{type(self).__name__} must define network(self, words, length)")

    def batches(self) -> data.DataLoader:
        """Every sentence once, shuffled."""
        return self.loader

    def step(self, batch: Any) -> dict[str, float]:
        """One step down the gradient of the mean cross-entropy."""
        numbers, labels = batch
        self.model.train()
        logits = self.model(numbers)
        loss = self.loss(logits, labels)
        self.optimizer.reset_grad()
        loss.backward()
        self.optimizer.step()
        return {"loss": loss.item(), "accuracy": metrics.accuracy(logits, labels)}

    def evaluate(self) -> dict[str, float]:
        """Loss and accuracy on fresh sentences."""
        logits = self._judged(self.fresh[0])
        labels = Tensor(self.fresh[1], requires_grad=False)
        return {"loss": self.loss(logits, labels).item(), "accuracy": metrics.accuracy(logits, labels)}

    def judge(self, sentence: str) -> float:
        """How sure the network is, 0 to 1, that a sentence is right."""
        return float(
            ops.softmax(self._judged(as_numbers([sentence], self.numbers, self.length))).numpy()[0, 1]
        )

    def picture(self, figure: Any, history: Any) -> None:
        """The share of right answers in each group of fresh sentences."""
        figure.set_size_inches(7, 4)
        right = self._judged(self.fresh[0]).numpy().argmax(axis=1) == self.fresh[1]
        groups = list(dict.fromkeys(self.kinds))
        share = {g: float(np.mean(right[[kind == g for kind in self.kinds]])) for g in groups}
        groups.sort(key=lambda group: share[group])
        plot = figure.subplots()
        bars = plot.barh(groups, [share[group] for group in groups], color="tab:blue")
        plot.bar_label(bars, [f"{share[group]:.0%}" for group in groups], padding=3)
        plot.axvline(0.5, color="0.5", linestyle="--", linewidth=1)
        plot.set(
            xlim=(0, 1.12), xlabel="right answers; dashed: guessing", title=f"{len(right):,} fresh sentences"
        )

    def _judged(self, rows: np.ndarray) -> Tensor:
        self.model.eval()
        with no_grad():
            parts = [self.model(rows[begin : begin + 500]) for begin in range(0, len(rows), 500)]
        return ops.concatenate(parts, 0)


def find_sentences(wanted: str | None, small: bool = False) -> tuple[str, Sequence[Any]]:
    """Sentences to learn from and to test with: what is wanted, else CoLA if it is at hand, else the made-up ones.

    Parameters
    ----------
    wanted : str or None
        "cola", which may be downloaded, "sentences", or a folder: `cola_public`, or one in which it lies.
    small : bool
        For a trial run: the made-up ones if none are wanted.

    Returns
    -------
    str
        What they are, in words.
    sequence of two data sets
        Items are (sentence, 1 or 0).

    Raises
    ------
    DataError
        If there are none.

    Examples
    --------
    >>> said, (train, test) = find_sentences("sentences")
    >>> said, len(train)
    ('sentences, made up by a small grammar', 6000)
    """
    if wanted is None:
        wanted = "cola" if not small and at_hand("cola") else "sentences"
    if wanted in ("cola", "sentences"):
        said = "cola" if wanted == "cola" else "sentences, made up by a small grammar"
        return said, [data.load(wanted, train) for train in (True, False)]
    for folder in (Path(wanted), Path(wanted) / "cola_public"):
        if (folder / "raw").is_dir():
            return f"the sentences in {wanted}", [data.CoLADataset(folder, train) for train in (True, False)]
    raise DataError(
        f"train: {wanted!r} holds no sentences: wanted 'cola', 'sentences', or a folder with cola_public"
    )


def _by_length(row: np.ndarray) -> str:
    """The group of a sentence that belongs to no rule."""
    count = int(np.count_nonzero(row))
    return next((f"up to {most} words" for most in (5, 8, 12) if count <= most), "longer")
