"""Running text for language models: words as numbers, cut into columns that are read side by side.

A text of n words is cut into `batch_size` pieces of equal length, which become the columns of a table. A step of
training sees `bptt` rows of it: each column is a text of its own, and row after row the model guesses the next word.

Reference: the course "Deep Learning Systems" (CMU 10-414/714), homework 4; W. Zaremba, I. Sutskever, O. Vinyals,
"Recurrent neural network regularization", 2014.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..autograd.arrays import readable
from ..backend.arguments import integer, whole
from ..backend.errors import DataError, IndexOutOfRange, ShapeError

END_OF_LINE = "<eos>"
SHARE_TO_LEARN_FROM = 0.9  # of a text that comes in one file


class Dictionary:
    """A number for every word, in the order in which they were first met.

    Attributes
    ----------
    word2idx : dict of str to int
    idx2word : list of str

    Examples
    --------
    >>> words = Dictionary()
    >>> [words.add_word(word) for word in "to be or not to be".split()]
    [0, 1, 2, 3, 0, 1]
    >>> len(words), words.idx2word
    (4, ['to', 'be', 'or', 'not'])
    """

    def __init__(self) -> None:
        self.word2idx: dict[str, int] = {}
        self.idx2word: list[str] = []

    def add_word(self, word: str) -> int:
        """The number of a word; a new one if it is new."""
        if not isinstance(word, str):
            raise TypeError(f"Dictionary.add_word: a word is a string, got {word!r:.40}")
        number = self.word2idx.setdefault(word, len(self.idx2word))
        if number == len(self.idx2word):
            self.idx2word.append(word)
        return number

    def __len__(self) -> int:
        return len(self.idx2word)

    def __repr__(self) -> str:
        return f"Dictionary({len(self):,} words)"


class Corpus:
    """A text to learn from and one to test with, as numbers of words. Each line ends with the word `<eos>`.

    Parameters
    ----------
    base_dir : path
        A folder with `train.txt` and `test.txt`, or `ptb.train.txt` and `ptb.test.txt`; or with `input.txt` alone, of
        which the last tenth of the lines is the text to test with.
    max_lines : int, optional
        Read no more lines than these, of each file.

    Attributes
    ----------
    train, test : list of int
    dictionary : Dictionary
        The words of both.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    DataError
        If `max_lines` is no number of lines, or a file is no text in UTF-8.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "train.txt").write_text("the cat sat\\nthe dog\\n")
    >>> _ = (folder / "test.txt").write_text("a cat\\n")
    >>> corpus = Corpus(folder)
    >>> corpus.train, corpus.test
    ([0, 1, 2, 3, 0, 4, 3], [5, 1, 3])
    >>> corpus.dictionary.idx2word
    ['the', 'cat', 'sat', '<eos>', 'dog', 'a']
    """

    def __init__(self, base_dir: str | os.PathLike, max_lines: int | None = None):
        if max_lines is not None:
            (max_lines,) = whole("Corpus", 1, error=DataError, max_lines=max_lines)
        self.dictionary = Dictionary()
        folder = Path(base_dir)
        if (folder / "input.txt").is_file() and not (folder / "train.txt").is_file():
            lines = _lines(folder / "input.txt")
            cut = round(len(lines) * SHARE_TO_LEARN_FROM)
            self.train, self.test = (self._numbers(part[:max_lines]) for part in (lines[:cut], lines[cut:]))
            return
        self.train, self.test = (
            self.tokenize(_either(folder / name, folder / f"ptb.{name}"), max_lines)
            for name in ("train.txt", "test.txt")
        )

    def tokenize(self, path: str | os.PathLike, max_lines: int | None = None) -> list[int]:
        """The numbers of a file's words; new words go into the dictionary."""
        return self._numbers(_lines(path)[:max_lines])

    def _numbers(self, lines: Sequence[str]) -> list[int]:
        return [self.dictionary.add_word(word) for line in lines for word in (*line.split(), END_OF_LINE)]

    def __repr__(self) -> str:
        return f"Corpus({len(self.train):,} and {len(self.test):,} words, {len(self.dictionary):,} different)"


def batchify(data: Any, batch_size: int, device: Any = None, dtype: Any = "float32") -> np.ndarray:
    """Cut a text into `batch_size` pieces of equal length, one per column. What is left over at the end goes.

    Parameters
    ----------
    data : sequence of int
    batch_size : int
    device : ignored
        As in the course: `get_batch` decides where its tensors live.
    dtype : optional
        Of the numbers: `nn.Embedding` takes floating-point ones, as in the course, and whole ones.

    Returns
    -------
    numpy.ndarray of shape (len(data) // batch_size, batch_size)

    Raises
    ------
    ShapeError
        If the text is no row of numbers, or shorter than `batch_size`.

    Examples
    --------
    >>> batchify(range(7), 2)
    array([[0., 3.],
           [1., 4.],
           [2., 5.]], dtype=float32)
    """
    (batch_size,) = whole("batchify", 1, error=ShapeError, batch_size=batch_size)
    numbers = np.array(readable(list(data) if isinstance(data, range) else data), dtype)
    if numbers.ndim != 1 or len(numbers) < batch_size:
        raise ShapeError(
            f"batchify: wants a row of at least batch_size = {batch_size} numbers, got shape {numbers.shape}"
        )
    rows = len(numbers) // batch_size
    return np.ascontiguousarray(numbers[: rows * batch_size].reshape(batch_size, rows).T)


def get_batch(
    batches: np.ndarray, i: int, bptt: int, device: Any = None, dtype: Any = None
) -> tuple[Tensor, Tensor]:
    """Rows i to i + bptt of what `batchify` made, and the words that follow each.

    Parameters
    ----------
    batches : numpy.ndarray of shape (rows, batch_size)
    i : int
        0 to rows - 2.
    bptt : int
        How many rows ("backpropagation through time"); fewer at the end.
    device, dtype : optional
        Of the tensors.

    Returns
    -------
    X : Tensor of shape (bptt, batch_size)
    y : Tensor of shape (bptt * batch_size,)
        y[t * batch_size + b] is the word after X[t, b].

    Raises
    ------
    IndexOutOfRange
        If no word follows row i.

    Examples
    --------
    >>> x, y = get_batch(batchify(range(7), 2), 0, bptt=2)
    >>> x.numpy().tolist(), y.numpy().tolist()
    ([[0.0, 3.0], [1.0, 4.0]], [1.0, 4.0, 2.0, 5.0])
    """
    batches = readable(batches)
    if batches.ndim != 2:
        raise ShapeError(f"get_batch: batches have shape (rows, batch_size), got {batches.shape}")
    (bptt,) = whole("get_batch", 1, bptt=bptt)
    i = integer("get_batch", "i", i)
    if not 0 <= i < len(batches) - 1:
        raise IndexOutOfRange(
            f"get_batch: i is a row from 0 to {len(batches) - 2}, the last with one after it; got {i}"
        )
    stop = min(i + bptt, len(batches) - 1)
    parts = (batches[i:stop], batches[i + 1 : stop + 1].reshape(-1))
    x, y = (Tensor(part, device=device, dtype=dtype, requires_grad=False) for part in parts)
    return x, y


def _lines(path: str | os.PathLike) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return file.readlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: no text in UTF-8 ({error})") from error


def _either(first: Path, second: Path) -> Path:
    return second if second.is_file() and not first.is_file() else first
