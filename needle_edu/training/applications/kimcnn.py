"""Kim's network for sentences: a convolution slides over the words, and the best match anywhere in the sentence counts.

Each word becomes a vector. Filters as wide as three, four and five words look for phrases, wherever they stand: the
maximum over all places says whether a phrase occurs. So the network judges what can be seen in five words; of two words
that stand farther apart it cannot know that they belong together. The picture shows it.

Reference: Y. Kim, "Convolutional neural networks for sentence classification", EMNLP 2014.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ... import data, metrics, nn, ops, optim
from ...autograd import Tensor, no_grad
from ...backend.errors import DataError
from ...data.downloads import at_hand
from ..application import Application, Settings

PADDING, UNKNOWN = 0, 1
WIDTHS = (3, 4, 5)
SMALL = 256, 128  # sentences of a trial run, to learn from and to test with


def words_of(sentence: str) -> list[str]:
    """Words and punctuation, in small letters.

    Examples
    --------
    >>> words_of("It doesn't rain.")
    ['it', "doesn't", 'rain', '.']
    """
    return re.findall(r"[\w'-]+|[^\w\s]", sentence.lower())


def as_numbers(sentences: Iterable[str], numbers: dict[str, int], length: int) -> np.ndarray:
    """A row for each sentence, int64 of shape (n, length): cut, or filled up with zeros; 1 is an unknown word.

    Examples
    --------
    >>> as_numbers(["it rains", "it rains cats and dogs"], {"it": 2, "rains": 3}, 4).tolist()
    [[2, 3, 0, 0], [2, 3, 1, 1]]
    """
    rows = [[numbers.get(word, UNKNOWN) for word in words_of(text)][:length] for text in sentences]
    return np.array([row + [PADDING] * (length - len(row)) for row in rows], np.int64).reshape(-1, length)


class SentenceNet(nn.Module):
    """Numbers of words (batch, length) give (batch, 2).

    Examples
    --------
    >>> SentenceNet(words=10, size=4, filters=3)(np.zeros((5, 7), np.int64)).shape
    (5, 2)
    """

    def __init__(self, words: int, size: int, filters: int):
        super().__init__()
        self.embedding = nn.Embedding(words, size, padding_idx=PADDING)
        self.convolutions = nn.ModuleList([nn.Conv1d(size, filters, width) for width in WIDTHS])
        self.dropout = nn.Dropout(0.5)
        self.output = nn.Linear(len(WIDTHS) * filters, 2)

    def forward(self, numbers: Any) -> Tensor:
        """The length is at least that of the widest filter."""
        vectors = ops.permute(self.embedding(numbers), (0, 2, 1))  # (batch, size, length)
        found = [ops.max(ops.relu(layer(vectors)), axes=(2,)) for layer in self.convolutions]
        return self.output(self.dropout(ops.concatenate(found, 1)))


class KimCNN(Application):
    """Sentences, right or wrong.

    Attributes
    ----------
    numbers : dict of str to int
        The words, numbered in the order in which they occur.
    kinds : list of str
        What group each test sentence belongs to: the rule that is at stake, or how long it is.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("kimcnn", small=True, epochs=2, progress=False)
    >>> result.application.data
    'sentences, made up by a small grammar'
    """

    name = "kimcnn"
    summary = "Kim's convolutional network tells right sentences from wrong ones"
    epochs, batch_size, lr = 10, 64, 2e-3
    size, filters = 64, 64

    def __init__(self, settings: Settings):
        super().__init__(settings)
        self.data, parts = find_sentences(settings.data, settings.small)
        examples = [[part[i] for i in range(len(part))] for part in parts]
        if settings.small:
            examples = [part[:count] for part, count in zip(examples, SMALL, strict=True)]
        words = dict.fromkeys(word for text, _ in examples[0] for word in words_of(text))
        self.numbers = {word: k for k, word in enumerate(words, UNKNOWN + 1)}
        longest = max(len(words_of(text)) for text, _ in examples[0])
        self.length = max(longest, *WIDTHS)
        rows = [as_numbers((text for text, _ in part), self.numbers, self.length) for part in examples]
        labels = [np.array([label for _, label in part], np.int64) for part in examples]
        self.fresh = rows[1], labels[1]
        rules = getattr(parts[1], "rules", None)
        self.kinds = rules[: len(rows[1])] if rules else [_by_length(row) for row in rows[1]]
        self.loader = data.DataLoader(
            data.NDArrayDataset(rows[0], labels[0]), settings.batch_size,
            shuffle=True, num_workers=settings.workers, seed=settings.seed,
        )  # fmt: skip
        size, filters = (8, 8) if settings.small else (self.size, self.filters)
        self.model = SentenceNet(len(self.numbers) + 2, size, filters)
        self.optimizer = optim.Adam(self.model.parameters(), lr=settings.lr)
        self.loss = nn.SoftmaxLoss()

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
