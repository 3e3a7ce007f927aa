"""The course's language model on the Penn Treebank itself loses, step by step, what its PyTorch twin loses.

The text is not part of needle_edu: NEEDLE_EDU_DATA is a folder with `ptb/ptb.valid.txt` and `ptb/ptb.test.txt` in it.
"""

import math
import os
from pathlib import Path

import numpy as np
import pytest

import needle_edu
from needle_edu import data
from tests import twins

STEPS, ROWS, TEXTS = 6, 20, 8


@pytest.fixture
def corpus(tmp_path):
    folder = Path(os.environ.get("NEEDLE_EDU_DATA", "")) / "ptb"
    parts = {"train.txt": folder / "ptb.valid.txt", "test.txt": folder / "ptb.test.txt"}
    if not all(path.is_file() for path in parts.values()):
        pytest.skip(
            "*** THE PENN TREEBANK IS ABSENT: set NEEDLE_EDU_DATA to a folder with ptb/ptb.valid.txt in it ***"
        )
    for name, path in parts.items():
        (tmp_path / name).write_text(path.read_text())
    return data.Corpus(tmp_path)


@pytest.fixture
def torch():
    """On one thread: on a busy machine a second one is mostly waited for."""
    torch = pytest.importorskip("torch", reason="compares with PyTorch; pip install torch==2.13.0")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(before)


def test_the_text_is_that_of_mikolov(corpus):
    """Counted in the published files: 70,390 words and 3,370 lines; 78,669 and 3,761."""
    assert (len(corpus.train), len(corpus.test)) == (70_390 + 3_370, 78_669 + 3_761)
    ends = [text.count(corpus.dictionary.word2idx["<eos>"]) for text in (corpus.train, corpus.test)]
    assert ends == [3_370, 3_761] and "<unk>" in corpus.dictionary.word2idx


@pytest.mark.parity
@pytest.mark.parametrize(("kind", "lr"), [("RNN", 1.0), ("LSTM", 4.0)])
def test_first_steps_lose_what_pytorch_loses(torch, corpus, kind, lr):
    needle_edu.init.seed(0)
    words = len(corpus.dictionary)
    models = [twins.language_model(lib, words, 32, 48, 2, kind) for lib in (needle_edu, torch)]
    twins.share_language(*models)
    batches = data.batchify(corpus.train, TEXTS)
    states, losses = [None, None], []
    steps = [
        twins.language_step(lib, model, lr) for lib, model in zip((needle_edu, torch), models, strict=True)
    ]
    for i in range(STEPS):
        x, y = data.get_batch(batches, i * ROWS, ROWS)
        row = []
        for k, lib in enumerate((needle_edu, torch)):
            given = [twins.constant(lib, part.numpy().astype("int64")) for part in (x, y)]
            loss, states[k] = steps[k](*given, states[k])
            row.append(loss.item())
        losses.append(row)
    ours, theirs = np.array(losses).T
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert abs(ours[0] - math.log(words)) < 0.5 and ours[-1] < ours[0] - 0.2
