"""Which running text an application learns from: what is asked for, else a corpus at hand, else made-up sentences.

A text is a row of numbers, one for each word. Texts that come in two files, as the Penn Treebank does, are cut at the
blanks; of a text in one file words and punctuation are told apart, and the last tenth is kept for the test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from .. import data
from ..backend.errors import DataError
from ..data.downloads import at_hand, download
from ..data.text import END_OF_LINE, SHARE_TO_LEARN_FROM

SMALL = 200  # lines of a trial run, to learn from and to test with
FEWEST = 200  # words


class Words(NamedTuple):
    """A text to learn from and one to test with, as numbers of words; `said` is what it is, in words."""

    said: str
    train: list[int]
    test: list[int]
    dictionary: data.Dictionary


def words_of(text: str) -> list[str]:
    """Words and punctuation, in small letters.

    Examples
    --------
    >>> words_of("It doesn't rain.")
    ['it', "doesn't", 'rain', '.']
    """
    return re.findall(r"[\w'-]+|[^\w\s]", text.lower())


def find_words(wanted: str | None, usual: Sequence[str], small: bool = False) -> Words:
    """Open a running text.

    Parameters
    ----------
    wanted : str or None
        "ptb" or "tinyshakespeare", which may be downloaded, or "sentences"; or a file; or a folder with `train.txt`
        and `test.txt`, the files of PTB, or `input.txt`.
    usual : sequence of str
        What is looked for if none is wanted: the first that is at hand is taken, and else the made-up sentences.
    small : bool
        A few lines; of the made-up sentences, if nothing is wanted.

    Raises
    ------
    DataError
        If there is no such text, or too little of it.

    Examples
    --------
    >>> text = find_words("sentences", ())
    >>> text.said, len(text.dictionary)
    ('right sentences, made up by a small grammar', 105)
    >>> " ".join(text.dictionary.idx2word[k] for k in text.test[:8])
    'the father has helped the river today <eos>'
    """
    if wanted is None:
        wanted = next((name for name in usual if not small and at_hand(name)), "sentences")
    lines, one = SMALL if small else None, Path(wanted)
    if (one / "input.txt").is_file() and not (one / "train.txt").is_file():
        one = one / "input.txt"
    if wanted == "sentences":
        parts = ([text for text, right in data.load(wanted, train) if right] for train in (True, False))
        found = _numbered("right sentences, made up by a small grammar", *(part[:lines] for part in parts))
    elif wanted == "tinyshakespeare":
        found = _in_one_file("tiny Shakespeare", Path(download(wanted)) / "input.txt", lines)
    elif one.is_file():
        found = _in_one_file(f"the text in {wanted}", one, lines)
    else:
        said, folder = ("ptb", download(wanted)) if wanted == "ptb" else (f"the text in {wanted}", wanted)
        try:
            corpus = data.Corpus(folder, lines)
        except (FileNotFoundError, NotADirectoryError):
            raise DataError(
                f"train: {wanted!r} holds no running text: wanted 'ptb', 'tinyshakespeare', 'sentences', a file, or a "
                "folder with train.txt and test.txt, or with input.txt"
            ) from None
        found = Words(said, corpus.train, corpus.test, corpus.dictionary)
    if min(len(found.train), len(found.test)) < FEWEST:
        raise DataError(
            f"train: {found.said}: {len(found.train)} words to learn from and {len(found.test)} to test with; wanted "
            f"{FEWEST} at least of each"
        )
    return found


def _in_one_file(said: str, file: Path, most: int | None) -> Words:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: no text in UTF-8 ({error})") from error
    cut = round(len(lines) * SHARE_TO_LEARN_FROM)
    return _numbered(said, lines[:cut][:most], lines[cut:][:most])


def _numbered(said: str, train: Iterable[str], test: Iterable[str]) -> Words:
    """Lines as numbers; each ends with the word `<eos>`, and those without a word are left out."""
    words = data.Dictionary()
    learned, kept = (
        [words.add_word(word) for line in part if (found := words_of(line)) for word in (*found, END_OF_LINE)]
        for part in (train, test)
    )
    return Words(said, learned, kept, words)
