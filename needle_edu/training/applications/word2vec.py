r"""Words become vectors, so that words that stand in the same company get similar ones: skip-gram, negative sampling.

For each pair of a word and one near it, and some words drawn at random in place of that one, the network says which
pair was in the text. It has two tables, u for the words in the middle and v for those around them, and nothing else:

    loss = -log σ(u·v) - Σₖ log σ(-u·vₖ),   vₖ drawn ∝ (how often the word occurs)^(3/4)

To foretell the neighbours of "king" and of "queen" takes almost the same u. Very frequent words stand beside
everything and say little: each occurrence is left out with probability 1 - √(t / share), where share is the word's in
the text and t four times that of the average word.

Reference: T. Mikolov et al., "Distributed representations of words and phrases and their compositionality", 2013.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from ... import data, nn, ops, optim
from ...autograd import Tensor, no_grad
from ...backend.errors import DataError
from ...backend.random import generator
from ...data.text import END_OF_LINE
from ..application import Application, Settings
from ..texts import find_words

FEWEST = 10  # occurrences; rarer words are left out
OFTEN = 4  # times as often as the average word: what occurs more often is thinned out
FRESH = 4096  # pairs to test with, at most
SHOWN = 100  # words in the picture


class SkipGram(nn.Module):
    """Words in the middle (batch,) and candidates around them (batch, k) give u·v for each, (batch, k).

    Examples
    --------
    >>> SkipGram(words=10, size=4)(np.zeros(3, np.int64), np.ones((3, 6), np.int64)).shape
    (3, 6)
    """

    def __init__(self, words: int, size: int):
        super().__init__()
        self.u, self.v = nn.Embedding(words, size), nn.Embedding(words, size)
        for table in (self.u, self.v):  # long vectors would be sure of what they cannot know yet
            table.weight.data = table.weight.data / size

    def forward(self, middle: Any, around: Any) -> Tensor:
        """All products of a row at once."""
        u, v = self.u(middle), self.v(around)
        return (v @ u.reshape((*u.shape, 1))).reshape(v.shape[:2])


class Word2Vec(Application):
    """Tiny Shakespeare where it is at hand, else made-up sentences.

    Attributes
    ----------
    words : list of str
        Word k of the vocabulary, the most frequent one first.
    model : SkipGram

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("word2vec", small=True, epochs=1, progress=False)
    >>> len(result.application.nearest("the", 3))
    3
    >>> result.application.nearest("unseen")
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.DataError: nearest: 'unseen' is not among the words that were learned
    """

    name = "word2vec"
    summary = "words in the same company get similar vectors"
    epochs, batch_size, lr, watch, higher_is_better = 5, 512, 3e-3, "loss", False
    size, window, negatives = 64, 3, 5

    def __init__(self, settings: Settings):
        super().__init__(settings)
        text = find_words(settings.data, ("tinyshakespeare",), settings.small)
        self.data = text.said
        if settings.small:
            self.size = 8
        counts = Counter(text.dictionary.idx2word[k] for k in text.train)
        del counts[END_OF_LINE]
        frequent = [(word, count) for word, count in counts.most_common() if count >= FEWEST]
        self.words = [word for word, _ in frequent]
        occurrences = np.array([count for _, count in frequent], np.float64)
        shares = occurrences / occurrences.sum()
        thinned = np.minimum(1, np.sqrt(OFTEN / max(len(shares), 1) / shares))
        kept = np.append(thinned, 0)  # the last: of a rare word
        self.drawn = np.cumsum(shares**0.75 / (shares**0.75).sum())
        place = {word: k for k, word in enumerate(self.words)}
        numbers = np.array([place.get(word, -1) for word in text.dictionary.idx2word])
        end, lots = text.dictionary.word2idx[END_OF_LINE], generator(settings.seed)
        train, test = (
            pairs(numbers[part], np.cumsum(np.array(part) == end), kept, self.window, lots)
            for part in (text.train, text.test)
        )
        if not train[0].size or not test[0].size:
            raise DataError(
                f"train: {self.data}: no two words that occur {FEWEST} times or more stand beside each other"
            )
        self.fresh = test[0][:FRESH], self.candidates(test[1][:FRESH], lots)
        self.loader = data.DataLoader(
            data.NDArrayDataset(*train), settings.batch_size,
            shuffle=True, num_workers=settings.workers, seed=settings.seed,
        )  # fmt: skip
        self.model = SkipGram(len(self.words), self.size)
        self.optimizer = optim.Adam(self.model.parameters(), lr=settings.lr)

    def candidates(self, around: np.ndarray, lots: Any) -> np.ndarray:
        """Each word of the text (n,) and five drawn in its place: (n, 6)."""
        drawn = np.searchsorted(self.drawn, lots.rand(len(around), self.negatives))
        return np.column_stack([around, np.minimum(drawn, len(self.words) - 1)])  # for what rounding left out

    def batches(self) -> data.DataLoader:
        """Every pair of the text once, shuffled."""
        return self.loader

    def step(self, batch: Any) -> dict[str, float]:
        """One step down the gradient of the mean loss of the pairs; each draws words of its own."""
        middle, around = batch
        loss = self._loss(middle, self.candidates(around.numpy(), generator()))
        self.optimizer.reset_grad()
        loss.backward()
        self.optimizer.step()
        return {"loss": loss.item()}

    def evaluate(self) -> dict[str, float]:
        """The mean loss of pairs in the text to test with, beside the same drawn words each time."""
        with no_grad():
            return {"loss": self._loss(*self.fresh).item()}

    def nearest(self, word: str, count: int = 5) -> list[str]:
        """The words with the most similar vectors, by the cosine of the angle between them.

        Raises
        ------
        DataError
            If the word is not in the vocabulary.
        """
        if word not in self.words:
            raise DataError(f"nearest: {word!r} is not among the words that were learned")
        directions = self.directions()
        likeness = directions @ directions[self.words.index(word)]
        order = [k for k in np.argsort(-likeness, kind="stable") if self.words[k] != word]
        return [self.words[k] for k in order[:count]]

    def directions(self) -> np.ndarray:
        """The words' vectors u, each of length 1: (words, size)."""
        u = self.model.u.weight.numpy().astype(np.float64)
        return u / np.linalg.norm(u, axis=1, keepdims=True)

    def picture(self, figure: Any, history: Any) -> None:
        """Frequent words in the plane in which they differ most, and the nearest words of some of them."""
        figure.set_size_inches(11, 6)
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        count = min(SHOWN, len(self.words))
        shown = self.directions()[:count]
        shown -= shown.mean(axis=0)
        places = shown @ np.linalg.svd(shown, full_matrices=False)[2][:2].T
        for word, (x, y) in zip(self.words, places, strict=False):
            left.text(x, y, word.replace("$", r"\$"), fontsize=8, ha="center", va="center")
        left.plot(*places.T, ",", color="white")  # texts alone do not say how large the plot is to be
        left.margins(0.07)
        left.set(xticks=[], yticks=[])
        left.set_title(f"the {count} most frequent words")
        spelt = [word for word in self.words if word.isalpha()]
        ranks = np.geomspace(2, min(len(spelt), 500), 14).astype(int) - 1  # ever rarer words
        lines = [f"{spelt[k]}:  {', '.join(self.nearest(spelt[k], 4))}" for k in dict.fromkeys(ranks)]
        right.axis("off")
        right.text(0, 1, "\n\n".join(lines).replace("$", r"\$"), fontsize=9, va="top")
        right.set_title("nearest words")

    def _loss(self, middle: Any, candidates: np.ndarray) -> Tensor:
        """-log σ(u·v) for the first candidate, -log σ(-u·v) for the others; added up, and the mean over pairs."""
        scores = self.model(middle, candidates)
        signs = Tensor([1.0] + [-1.0] * self.negatives, device=scores.device, requires_grad=False)
        return -ops.logsigmoid(scores * signs).sum() / len(candidates)


def pairs(
    words: np.ndarray, lines: np.ndarray, kept: np.ndarray, window: int, lots: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Words in the middle, and a word beside each: of the same line, and no more than `window` words away.

    Parameters
    ----------
    words, lines : numpy.ndarray of shape (n,)
        Each word's number, and that of the line it stands in.
    kept : numpy.ndarray of shape (words,)
        With which probability an occurrence of a word is kept; those that are not are gone before distances count.
    window : int
    lots : numpy.random.RandomState

    Examples
    --------
    >>> middle, around = pairs(np.array([7, 8, 9, 5]), np.array([0, 0, 0, 1]), np.ones(10), 2, generator(0))
    >>> sorted(zip(middle.tolist(), around.tolist()))
    [(7, 8), (7, 9), (8, 7), (8, 9), (9, 7), (9, 8)]
    """
    stay = lots.rand(len(words)) < kept[words]
    words, lines = words[stay], lines[stay]
    found = []
    for distance in range(1, window + 1):
        together = lines[distance:] == lines[:-distance]
        found.append((words[:-distance][together], words[distance:][together]))
    first, second = (np.concatenate(one) for one in zip(*found, strict=True))
    return np.concatenate([first, second]), np.concatenate([second, first])
