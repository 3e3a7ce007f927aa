"""Running text: words as numbers, columns side by side, and the word that follows."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import data, nn
from needle_edu.backend.errors import DataError, IndexOutOfRange, ShapeError
from needle_edu.data import Corpus, Dictionary, batchify, get_batch

TRAIN, TEST = "the cat sat on\n the   mat \n\nno cat\n", "a mat\nthe end"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train.txt").write_text(TRAIN)
    (tmp_path / "test.txt").write_text(TEST)
    return tmp_path


def words(corpus, numbers):
    return " ".join(corpus.dictionary.idx2word[k] for k in numbers)


def test_every_line_ends_with_a_word_of_its_own(folder):
    corpus = Corpus(folder)
    assert words(corpus, corpus.train) == "the cat sat on <eos> the mat <eos> <eos> no cat <eos>"
    assert words(corpus, corpus.test) == "a mat <eos> the end <eos>"
    found = corpus.dictionary
    assert found.idx2word == ["the", "cat", "sat", "on", "<eos>", "mat", "no", "a", "end"]
    assert found.word2idx == {word: k for k, word in enumerate(found.idx2word)} and len(found) == 9
    assert "12 and 6 words, 9 different" in repr(corpus) and repr(found) == "Dictionary(9 words)"


def test_max_lines_counts_for_both(folder):
    corpus = Corpus(folder, max_lines=1)
    assert (
        words(corpus, corpus.train) == "the cat sat on <eos>" and words(corpus, corpus.test) == "a mat <eos>"
    )
    assert len(corpus.dictionary) == 7


def test_the_published_names_and_a_text_in_one_file(tmp_path):
    (tmp_path / "ptb.train.txt").write_text("a b\n")
    (tmp_path / "ptb.test.txt").write_text("c\n")
    corpus = Corpus(tmp_path)
    assert words(corpus, [*corpus.train, *corpus.test]) == "a b <eos> c <eos>"
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "input.txt").write_text("".join(f"w{k}\n" for k in range(20)))
    corpus = Corpus(tmp_path / "x")
    assert len(corpus.train) == 36 and words(corpus, corpus.test) == "w18 <eos> w19 <eos>"
    assert len(Corpus(tmp_path / "x", max_lines=1).train) == 2


def test_batches_as_the_course_defines_them(rng):
    text = rng.integers(0, 1000, 103)
    batches = batchify(text.tolist(), 10, device=ndl.cpu(), dtype="float32")
    assert batches.shape == (10, 10) and batches.dtype == "float32"
    for b in range(10):
        np.testing.assert_array_equal(batches[:, b], text[10 * b : 10 * b + 10])
    for i, rows in ((0, 4), (5, 4), (6, 3), (8, 1)):
        x, y = get_batch(batches, i, 4, device=ndl.cpu(), dtype="float32")
        assert x.shape == (rows, 10) and y.shape == (rows * 10,) and not x.requires_grad
        for t in range(rows):
            for b in range(10):
                assert x.numpy()[t, b] == text[10 * b + i + t]
                assert y.numpy()[t * 10 + b] == text[10 * b + i + t + 1]
    assert batchify(range(4), 2, dtype="int64").dtype == "int64"
    assert data.datasets.get_batch is get_batch and data.datasets.Corpus is Corpus


def test_a_batch_goes_into_an_embedding(folder):
    corpus = Corpus(folder)
    x, y = get_batch(batchify(corpus.train, 3, None, "float32"), 0, 2)
    out = nn.Embedding(len(corpus.dictionary), 5)(x)
    assert out.shape == (2, 3, 5)
    scores = nn.Linear(5, len(corpus.dictionary))(out.reshape((6, 5)))
    nn.SoftmaxLoss()(scores, y).backward()


@pytest.mark.parametrize(
    ("make", "error", "wording"),
    [
        (lambda f: Corpus(f / "nowhere"), FileNotFoundError, "train.txt"),
        (lambda f: Corpus(f, max_lines=0), DataError, "max_lines is a whole number of at least 1, got 0"),
        (lambda f: Dictionary().add_word(3), TypeError, "a word is a string, got 3"),
        (lambda f: batchify([1, 2, 3], 0), ShapeError, "batch_size"),
        (lambda f: batchify([1, 2, 3], 4), ShapeError, r"at least batch_size = 4 numbers, got shape \(3,\)"),
        (lambda f: batchify([[1, 2]], 1), ShapeError, r"got shape \(1, 2\)"),
        (lambda f: get_batch(np.zeros(3), 0, 1), ShapeError, r"\(rows, batch_size\), got \(3,\)"),
        (lambda f: get_batch(np.zeros((3, 2)), 2, 1), IndexOutOfRange, "from 0 to 1.*got 2"),
        (lambda f: get_batch(np.zeros((3, 2)), -1, 1), IndexOutOfRange, "got -1"),
        (lambda f: get_batch(np.zeros((3, 2)), 0, 0), ValueError, "bptt"),
        (lambda f: get_batch(np.zeros((3, 2)), 0.5, 1), ShapeError, "i is a whole number"),
    ],
)
def test_what_makes_no_sense_is_said(folder, make, error, wording):
    with pytest.raises(error, match=wording):
        make(folder)


def test_a_file_that_is_no_text(folder):
    (folder / "test.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="test.txt: no text in UTF-8"):
        Corpus(folder)
