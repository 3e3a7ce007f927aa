"""A recurrent network reads a text word by word, and at each word guesses the next one: plain (RNN) and with LSTM.

The text is cut into columns that are read side by side, some rows at a time. The state goes on from one step to the
next, so the network remembers what stood before; gradients end where a step begins. How good it is says the perplexity,
e to the power of the loss: between how many words, equally likely, it still wavers.

Reference: the course "Deep Learning Systems" (CMU 10-414/714), homework 4, whose model and epochs these are; T. Mikolov
et al., "Recurrent neural network based language model", 2010.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ... import data, nn, optim
from ...apps.models import LanguageModel
from ...apps.ptb import detached
from ...autograd import Tensor, no_grad
from ...backend.random import generator
from ..application import Application, Settings
from ..texts import find_words


class RNNLanguageModel(Application):
    """The Penn Treebank where it is at hand, else made-up sentences.

    Attributes
    ----------
    words : list of str
        Word k of the vocabulary.
    train, fresh : numpy.ndarray of shape (rows, batch)
        The text to learn from and the one to test with, as `data.batchify` cuts them.
    model : LanguageModel
    state : State
        What the network remembers of the words before.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("rnn-lm", small=True, epochs=1, progress=False)
    >>> sorted(result.metrics), result.application.model.model.__class__.__name__
    (['loss', 'perplexity'], 'RNN')
    """

    name = "rnn-lm"
    summary = "a recurrent network guesses the next word"
    epochs, batch_size, lr, watch, higher_is_better = 6, 16, 4.0, "perplexity", False
    kind: ClassVar[str] = "rnn"
    size, length, clip = 100, 40, 0.25

    def __init__(self, settings: Settings):
        super().__init__(settings)
        text = find_words(settings.data, ("ptb",), settings.small)
        self.data, self.words = text.said, text.dictionary.idx2word
        if settings.small:
            self.size, self.length = 16, 10
        self.train, self.fresh = (
            data.batchify(part, min(settings.batch_size, len(part) // 2), dtype="int64")
            for part in (text.train, text.test)
        )
        self.model = LanguageModel(self.size, len(self.words), self.size, 1, self.kind)
        self.optimizer = optim.SGD(self.model.parameters(), lr=settings.lr)
        self.loss = nn.SoftmaxLoss()
        self.state = State()

    def batches(self) -> range:
        """Where the steps begin: rows 0, 40, 80, …"""
        return range(0, len(self.train) - 1, self.length)

    def step(self, batch: int) -> dict[str, float]:
        """One step down the gradient of the mean cross-entropy; its norm is cut at 0.25."""
        if batch == 0:
            self.state.parts = None
        self.model.train()
        loss, self.state.parts = self._read(self.train, batch, self.state.parts)
        self.optimizer.reset_grad()
        loss.backward()
        self.optimizer.clip_grad_norm(self.clip)
        self.optimizer.step()
        return {"loss": loss.item()}

    def evaluate(self) -> dict[str, float]:
        """The mean loss over all words of the text to test with, and the perplexity."""
        self.model.eval()
        state, total, rows = None, 0.0, len(self.fresh) - 1
        with no_grad():
            for row in range(0, rows, self.length):
                loss, state = self._read(self.fresh, row, state)
                total += loss.item() * min(self.length, rows - row)
        return {"loss": total / rows, "perplexity": math.exp(total / rows)}

    def surprises(self, count: int) -> tuple[list[str], np.ndarray]:
        """The first words of the text to test with, and -log₂ of the probability that each had, given those before."""
        numbers = self.fresh[: count + 1, 0]
        logits, _ = self._logits(numbers[:-1, None])
        scores = logits.numpy().astype(np.float64)
        scores -= np.logaddexp.reduce(scores, axis=1, keepdims=True)
        bits = -scores[np.arange(len(scores)), numbers[1:]] / math.log(2)
        return [self.words[k] for k in numbers[1:]], bits

    def write(self, count: int, seed: int = 0) -> list[str]:
        """So many words, each drawn as likely as the network thinks; it begins as after the end of a line."""
        drawn, number, state = generator(seed), self.words.index(data.text.END_OF_LINE), None
        written = []
        for _ in range(count):
            logits, state = self._logits(np.array([[number]]), state)
            scores = logits.numpy()[-1].astype(np.float64)
            shares = np.exp(scores - scores.max())
            number = int(drawn.choice(len(shares), p=shares / shares.sum()))
            written.append(self.words[number])
        return written

    def picture(self, figure: Any, history: Any) -> None:
        """Fresh text, each word the darker the more it surprised the network; and words that the network wrote."""
        figure.set_size_inches(10, 5)
        above, below = figure.subplots(2)
        words, bits = self.surprises(16 if self.settings.small else 80)
        _set_words(above, words, bits / math.log2(len(self.words)))
        above.set_title(
            f"fresh text; the darker, the less expected (on average {bits.mean():.1f} bits a word)"
        )
        written = self.write(16 if self.settings.small else 80)
        _set_words(below, written, np.zeros(len(written)))
        below.set_title("written by the network")

    def _read(self, text: np.ndarray, row: int, state: Any) -> tuple[Tensor, Any]:
        """The mean loss on the rows from `row` on, and the state after them, where gradients end."""
        device = self.model.embedding.weight.device
        x, y = data.get_batch(text, row, self.length, device=device)
        logits, state = self.model(x, state)
        return self.loss(logits, y), detached(state)

    def _logits(self, numbers: np.ndarray, state: Any = None) -> tuple[Tensor, Any]:
        self.model.eval()
        with no_grad():
            logits, state = self.model(Tensor(numbers, device=self.model.embedding.weight.device), state)
        return logits, state


class LSTMLanguageModel(RNNLanguageModel):
    """The same with long short-term memory, which forgets only what it decides to forget.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("lstm-lm", small=True, epochs=1, progress=False)
    >>> len(result.application.write(5)), [len(each) for each in result.application.surprises(7)]
    (5, [7, 7])
    """

    name = "lstm-lm"
    summary = "the same with long short-term memory"
    lr = 10.0
    kind = "lstm"


class State:
    """A recurrent network's state between two steps, as checkpoints hold it: one tensor, a pair, or None at the start.

    Examples
    --------
    >>> state = State()
    >>> state.parts = Tensor([1.0]), Tensor([2.0])
    >>> {name: part.tolist() for name, part in state.state_dict().items()}
    {'0': [1.0], '1': [2.0]}
    """

    def __init__(self) -> None:
        self.parts: Any = None

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name → array."""
        parts = () if self.parts is None else self.parts if isinstance(self.parts, tuple) else (self.parts,)
        return {str(k): part.numpy() for k, part in enumerate(parts)}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        parts = tuple(Tensor(saved[name], requires_grad=False) for name in sorted(saved))
        self.parts = None if not parts else parts if len(parts) > 1 else parts[0]


def _set_words(plot: Any, words: list[str], shades: np.ndarray, width: int = 96) -> None:
    """Words in lines of `width` letters, each on a ground as dark as its shade, 0 to 1, says."""
    from matplotlib import colormaps

    plot.axis("off")
    column = line = 0
    for word, shade in zip(words, np.clip(shades, 0, 1), strict=True):
        if column and column + len(word) > width:
            column, line = 0, line + 1
        ground = colormaps["Oranges"](0.8 * float(shade))
        plot.text(
            column / width, 0.95 - line / 8, word.replace("$", r"\$"), family="monospace", fontsize=9, va="top",
            bbox={"facecolor": ground, "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
        column += len(word) + 1
