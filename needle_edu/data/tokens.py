"""Tokenizers: text as whole numbers, and back without loss.

One number per character makes a small vocabulary and long texts; one per word makes short texts and a vocabulary
without end. Byte-pair encoding lies between: it begins with the 256 bytes, and the pair of neighbours that occurs most
often becomes a new token, again and again. Frequent words end as one token, and rare ones are spelt.

Reference: R. Sennrich, B. Haddow, A. Birch, "Neural machine translation of rare words with subword units", 2016.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.arguments import whole
from ..backend.errors import DataError, DTypeError, IndexOutOfRange
from ..backend.files import whole_file
from ..backend.naming import a_kind

PIECES = re.compile(r"\s?\S+|\s+")  # a word with the space before it; tokens do not reach beyond


class CharTokenizer:
    """One token per character: those of a text, in the order of Unicode.

    Parameters
    ----------
    text : str
        Has every character that will be wanted.

    Attributes
    ----------
    characters : str
        Token k stands for `characters[k]`.

    Examples
    --------
    >>> tokenizer = CharTokenizer("to be or not to be")
    >>> tokenizer.characters, len(tokenizer)
    (' benort', 7)
    >>> tokenizer.encode("bone"), tokenizer.decode([1, 4, 3, 2])
    ([1, 4, 3, 2], 'bone')
    """

    def __init__(self, text: str):
        self.characters = "".join(sorted(set(_text("CharTokenizer", text))))
        self._numbers = {character: k for k, character in enumerate(self.characters)}

    def __len__(self) -> int:
        return len(self.characters)

    def save(self, path: str | os.PathLike) -> None:
        """Write the vocabulary to a file, as JSON; `load` reads it."""
        _write(path, "characters", self.characters)

    @classmethod
    def load(cls, path: str | os.PathLike) -> CharTokenizer:
        """The tokenizer that `save` wrote to this file.

        Raises
        ------
        DataError
            If it is no such file, or a damaged one.

        Examples
        --------
        >>> import tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "characters.json")
        >>> CharTokenizer("to be").save(path)
        >>> CharTokenizer.load(path).characters
        ' beot'
        """
        characters = _read(path, "characters", str)
        made = cls(characters)
        if made.characters != characters:
            raise DataError(
                f"{path}: characters are in the order of Unicode, each once; got {characters!r:.60}"
            )
        return made

    def encode(self, text: str) -> list[int]:
        """The numbers of the characters.

        Raises
        ------
        DataError
            If one is not in the vocabulary.
        """
        try:
            return [self._numbers[character] for character in _text("CharTokenizer.encode", text)]
        except KeyError as error:
            place = text.index(error.args[0])
            raise DataError(
                f"CharTokenizer.encode: {error} at place {place} is not in the vocabulary of {len(self)} characters"
            ) from None

    def decode(self, tokens: Iterable[int]) -> str:
        """The characters of the numbers."""
        return "".join(self.characters[k] for k in _tokens("CharTokenizer.decode", tokens, len(self)))


class BPETokenizer:
    """Byte-pair encoding, learnt from a text. Every text can be encoded, and comes back as it was.

    Parameters
    ----------
    text : str
        To learn from.
    vocab_size : int
        At least 256, the bytes. There are fewer tokens if no pair is left that occurs twice.

    Attributes
    ----------
    merges : list of (int, int)
        Pair number k became token 256 + k. Of pairs that occur equally often the one with smaller numbers is taken.
    vocabulary : list of bytes
        What each token stands for.

    Examples
    --------
    >>> tokenizer = BPETokenizer("low low low lower lowest", vocab_size=259)
    >>> tokenizer.vocabulary[256:]
    [b'lo', b'low', b' low']
    >>> tokenizer.encode("low lowly"), tokenizer.decode(tokenizer.encode("low lowly"))
    ([257, 258, 108, 121], 'low lowly')
    """

    def __init__(self, text: str, vocab_size: int):
        (vocab_size,) = whole("BPETokenizer", 256, error=DataError, vocab_size=vocab_size)
        self.vocabulary = [bytes([byte]) for byte in range(256)]
        self.merges: list[tuple[int, int]] = []
        self._learn(Counter(PIECES.findall(_text("BPETokenizer", text))), vocab_size)
        self._ranks = {pair: 256 + k for k, pair in enumerate(self.merges)}
        self._known: dict[str, list[int]] = {}  # pieces that were encoded before

    def _learn(self, pieces: Counter[str], vocab_size: int) -> None:
        words = [(list(piece.encode("utf-8")), count) for piece, count in pieces.items()]
        counts: Counter[tuple[int, int]] = Counter()
        where: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        for k, (word, count) in enumerate(words):
            for pair in zip(word, word[1:], strict=False):
                counts[pair] += count
                where[pair].add(k)
        while len(self.vocabulary) < vocab_size and counts:
            pair = min(counts, key=lambda pair: (-counts[pair], pair))
            if counts[pair] < 2:
                return
            token = len(self.vocabulary)
            self.merges.append(pair)
            self.vocabulary.append(self.vocabulary[pair[0]] + self.vocabulary[pair[1]])
            for k in where.pop(pair):  # only words that have the pair change
                word, count = words[k]
                new = _merged(word, pair, token)
                for sign, version in ((-count, word), (count, new)):
                    for changed in zip(version, version[1:], strict=False):
                        counts[changed] += sign
                        where[changed].add(k)
                        if not counts[changed]:
                            del counts[changed]
                words[k] = (new, count)

    def __len__(self) -> int:
        return len(self.vocabulary)

    def save(self, path: str | os.PathLike) -> None:
        """Write the merges to a file, as JSON; `load` reads it. They say everything."""
        _write(path, "merges", self.merges)

    @classmethod
    def load(cls, path: str | os.PathLike) -> BPETokenizer:
        """The tokenizer that `save` wrote to this file.

        Raises
        ------
        DataError
            If it is no such file, or a damaged one.

        Examples
        --------
        >>> import tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "merges.json")
        >>> BPETokenizer("low low low lower", 258).save(path)
        >>> BPETokenizer.load(path).vocabulary[256:]
        [b'lo', b'low']
        """
        made = cls("", 256)
        for k, pair in enumerate(_read(path, "merges", list)):
            known = isinstance(pair, list) and len(pair) == 2 and all(type(n) is int for n in pair)
            if not known or not all(0 <= n < 256 + k for n in pair) or tuple(pair) in made._ranks:
                raise DataError(f"{path}: merge {k} is a new pair of earlier tokens, got {pair!r:.60}")
            made.merges.append((pair[0], pair[1]))
            made.vocabulary.append(made.vocabulary[pair[0]] + made.vocabulary[pair[1]])
            made._ranks[(pair[0], pair[1])] = 256 + k
        return made

    def encode(self, text: str) -> list[int]:
        """The tokens of a text: in each word the pair that was learnt first is merged first."""
        tokens: list[int] = []
        for piece in PIECES.findall(_text("BPETokenizer.encode", text)):
            if piece not in self._known:
                self._known[piece] = self._encoded(list(piece.encode("utf-8")))
            tokens += self._known[piece]
        return tokens

    def _encoded(self, word: list[int]) -> list[int]:
        while True:
            pairs = [pair for pair in zip(word, word[1:], strict=False) if pair in self._ranks]
            if not pairs:
                return word
            first = min(pairs, key=self._ranks.__getitem__)
            word = _merged(word, first, self._ranks[first])

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of the tokens. Bytes that are no UTF-8, as those of half a character, become U+FFFD."""
        found = _tokens("BPETokenizer.decode", tokens, len(self))
        return b"".join(self.vocabulary[k] for k in found).decode("utf-8", errors="replace")


def _merged(word: list[int], pair: tuple[int, int], token: int) -> list[int]:
    """The word with every pair replaced, from left to right."""
    new, place = [], 0
    while place < len(word):
        if tuple(word[place : place + 2]) == pair:
            new.append(token)
            place += 2
        else:
            new.append(word[place])
            place += 1
    return new


def _write(path: str | os.PathLike, name: str, value: Any) -> None:
    with whole_file(path) as file:
        json.dump({name: value}, file)  # in ASCII, whatever the characters


def _read(path: str | os.PathLike, name: str, kind: type) -> Any:
    with open(path, "rb") as file:
        content = file.read()
    try:
        value = json.loads(content).get(name)
    except (ValueError, AttributeError, RecursionError):
        value = None
    if not isinstance(value, kind):
        raise DataError(f"{path}: is no file of such a tokenizer: it has no {name}")
    return value


def _text(who: str, text: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{who}: wants a string, got {a_kind(text)}")
    return text


def _tokens(who: str, tokens: Iterable[int], size: int) -> list[int]:
    array = readable(list(tokens) if not hasattr(tokens, "shape") else tokens)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iuf"):
        raise DTypeError(f"{who}: wants a row of tokens, got {array.dtype} of shape {array.shape}")
    wrong = array[~((array >= 0) & (array < size) & (array == np.floor(array)))]
    if wrong.size:
        raise IndexOutOfRange(f"{who}: tokens are whole numbers from 0 to {size - 1}, got {wrong[0]}")
    return [int(k) for k in array]
