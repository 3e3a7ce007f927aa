"""Tokenizers: there and back without loss; byte pairs as a plain count of all pairs, again and again, finds them."""

import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, strategies as st

from needle_edu.autograd import Tensor
from needle_edu.backend.errors import DataError, DTypeError, IndexOutOfRange
from needle_edu.data import BPETokenizer, CharTokenizer
from needle_edu.data.tokens import PIECES

TEXT = (
    "She sells sea shells by the sea shore; the shells she sells, I'm sure.\n\n  naïve — 海\t海 aaaa aaa aa"
)


def test_characters():
    tokenizer = CharTokenizer(TEXT)
    assert tokenizer.characters == "".join(sorted(set(TEXT))) and len(tokenizer) == len(set(TEXT))
    assert tokenizer.decode(tokenizer.encode(TEXT)) == TEXT
    assert tokenizer.encode("海a") == [tokenizer.characters.index("海"), tokenizer.characters.index("a")]
    assert CharTokenizer("").encode("") == []


def counted_anew(text, vocab_size):
    """The definition: count all pairs of all pieces, merge the most frequent everywhere, and begin again."""
    words, merges = [list(piece.encode()) for piece in PIECES.findall(text)], []
    while 256 + len(merges) < vocab_size:
        counts = Counter(pair for word in words for pair in zip(word, word[1:], strict=False))
        best = max(counts.values(), default=0)
        if best < 2:
            break
        pair = min(pair for pair in counts if counts[pair] == best)
        merges.append(pair)
        for k, word in enumerate(words):
            new, rest = [], list(word)
            while rest:
                if tuple(rest[:2]) == pair:
                    new.append(255 + len(merges))
                    rest = rest[2:]
                else:
                    new.append(rest.pop(0))
            words[k] = new
    return merges, [token for word in words for token in word]


@pytest.mark.parametrize("size", [256, 257, 260, 275, 300, 1000])
def test_byte_pairs_are_those_of_the_definition(size):
    tokenizer = BPETokenizer(TEXT, size)
    merges, tokens = counted_anew(TEXT, size)
    assert tokenizer.merges == merges and len(tokenizer) == 256 + len(merges) <= size
    assert tokenizer.encode(TEXT) == tokens and tokenizer.decode(tokens) == TEXT
    assert len(tokens) < len(TEXT.encode()) or size == 256


@given(st.text(max_size=60), st.text(max_size=60), st.integers(256, 300))
def test_every_text_comes_back_and_learning_is_the_definition(text, other, size):
    tokenizer = BPETokenizer(text, size)
    assert tokenizer.merges == counted_anew(text, size)[0]
    for each in (text, other, text + other):
        assert tokenizer.decode(tokenizer.encode(each)) == each
    again = pickle.loads(pickle.dumps(tokenizer))
    assert again.encode(other) == tokenizer.encode(other)


def test_tokens_from_anywhere_and_half_a_character():
    tokenizer = BPETokenizer("ab ab", 257)
    assert tokenizer.vocabulary[256] == b"ab"
    assert (
        tokenizer.decode(Tensor([256.0, 32.0])) == "ab " and tokenizer.decode(np.array([97], "uint8")) == "a"
    )
    assert tokenizer.decode([]) == "" and tokenizer.decode(list("海".encode())[:2]) == "\ufffd"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: CharTokenizer(b"abc"), TypeError, "CharTokenizer: wants a string, got a bytes"),
        (
            lambda: CharTokenizer("abc").encode("abd"),
            DataError,
            "'d' at place 2 is not in the vocabulary of 3",
        ),
        (lambda: CharTokenizer("abc").decode([3]), IndexOutOfRange, "from 0 to 2, got 3"),
        (lambda: CharTokenizer("abc").decode([-1]), IndexOutOfRange, "got -1"),
        (lambda: CharTokenizer("abc").decode([0.5]), IndexOutOfRange, "got 0.5"),
        (
            lambda: CharTokenizer("abc").decode([[1]]),
            DTypeError,
            r"a row of tokens, got int64 of shape \(1, 1\)",
        ),
        (lambda: CharTokenizer("abc").decode("ab"), DTypeError, "a row of tokens"),
        (
            lambda: BPETokenizer("abc", 255),
            DataError,
            "vocab_size is a whole number of at least 256, got 255",
        ),
        (lambda: BPETokenizer(3, 256), TypeError, "BPETokenizer: wants a string"),
        (lambda: BPETokenizer("a", 256).encode(None), TypeError, "got a NoneType"),
        (lambda: BPETokenizer("a", 256).decode([256]), IndexOutOfRange, "from 0 to 255, got 256"),
    ],
)
def test_what_makes_no_sense_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_saved_and_read_again(tmp_path):
    characters, pairs = CharTokenizer(TEXT + "\ud800"), BPETokenizer(TEXT, 290)
    characters.save(tmp_path / "characters.json")
    pairs.save(tmp_path / "pairs.json")
    again = CharTokenizer.load(tmp_path / "characters.json")
    assert again.characters == characters.characters and again.encode(TEXT) == characters.encode(TEXT)
    again = BPETokenizer.load(tmp_path / "pairs.json")
    assert (again.merges, again.vocabulary) == (pairs.merges, pairs.vocabulary) and len(pairs.merges) > 10
    other = TEXT[::-1] + " sells"
    assert again.encode(other) == pairs.encode(other) and again.decode(again.encode(other)) == other


@pytest.mark.parametrize(
    "kind, content, message",
    [
        (CharTokenizer, "", "it has no characters"),
        (CharTokenizer, "[1]", "it has no characters"),
        (CharTokenizer, '{"merges": []}', "it has no characters"),
        (CharTokenizer, '{"characters": "ba"}', "in the order of Unicode, each once; got 'ba'"),
        (BPETokenizer, '{"characters": "ab"}', "it has no merges"),
        (
            BPETokenizer,
            '{"merges": [[1, 2], [257, 3]]}',
            r"merge 1 is a new pair of earlier tokens, got \[257, 3\]",
        ),
        (BPETokenizer, '{"merges": [[1, 2], [1, 2]]}', "merge 1 is a new pair"),
        (BPETokenizer, '{"merges": [[1, 2.0]]}', "merge 0 is a new pair"),
        (BPETokenizer, '{"merges": [[1, -2]]}', "merge 0 is a new pair"),
        (BPETokenizer, '{"merges": [3]}', "merge 0 is a new pair"),
    ],
)
def test_files_that_no_tokenizer_wrote(tmp_path, kind, content, message):
    path = tmp_path / "t.json"
    path.write_text(content)
    with pytest.raises(DataError, match=f"t.json: .*{message}"):
        kind.load(path)
