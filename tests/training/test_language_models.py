"""Language models, plain and with LSTM: what they learn, from which text, and what they show."""

import math

import numpy as np
import pytest

from needle_edu import nn, optim, training
from needle_edu.apps import simple_ml
from needle_edu.backend import DataError
from needle_edu.training.texts import find_words
from tests.training.making import made

pytestmark = pytest.mark.usefixtures("nothing_at_hand")
LANGUAGE_MODELS = "rnn-lm", "lstm-lm"


class Noting(nn.Module):
    """The cross-entropy, and what it was each time."""

    def __init__(self):
        super().__init__()
        self.loss, self.noted = nn.SoftmaxLoss(), []

    def forward(self, logits, y):
        loss = self.loss(logits, y)
        self.noted.append(loss.item())
        return loss


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_a_language_models_epoch_is_the_courses(name):
    """The same losses to the last bit as `epoch_general_ptb`, and the perplexity of `evaluate_ptb`."""
    result = training.run(name, small=True, epochs=2, progress=False)
    app, course = result.application, made(name, small=True)
    assert course.train.shape == app.train.shape and len(app.train) % app.length != 1
    opt, noting = optim.SGD(course.model.parameters(), lr=app.settings.lr), Noting()
    for _ in range(2):
        simple_ml.epoch_general_ptb(course.train, course.model, app.length, noting, opt, clip=0.25)
    assert result.history.steps["loss"] == noting.noted
    _, loss = simple_ml.evaluate_ptb(course.model, course.fresh, app.length)
    assert result.metrics["perplexity"] == pytest.approx(math.exp(loss), rel=1e-6)


def test_language_models_know_more_than_how_often_words_occur():
    """And memory that lasts knows more than memory that fades."""
    perplexities = []
    for name in LANGUAGE_MODELS:
        result = training.run(name, data="sentences", epochs=3, progress=False)
        perplexities.append(result.metrics["perplexity"])
    app = result.application
    shares = np.bincount(app.train.ravel(), minlength=len(app.words)) / app.train.size
    by_count = math.exp(-np.log(shares[app.fresh.ravel()]).mean())
    assert by_count > 25 > 10 > perplexities[0] > perplexities[1]


def test_what_surprises_and_what_is_written():
    """Bits add up to the loss; after "will" comes no "-s", mostly; the seed decides."""
    app = training.run("lstm-lm", data="sentences", epochs=3, progress=False).application
    rows = len(app.fresh) - 1
    words, bits = app.surprises(rows)
    assert words == [app.words[k] for k in app.fresh[1:, 0]] and len(bits) == rows
    app.fresh = app.fresh[:, :1]
    assert bits.mean() * math.log(2) == pytest.approx(app.evaluate()["loss"], rel=1e-4)
    written = app.write(1000)
    assert written[:50] == app.write(50) != app.write(50, seed=1)
    ends = [k for k, word in enumerate(written) if word == "<eos>"]
    assert len(ends) > 90 and max(np.diff(ends)) < 25
    ends_in_s = [written[k + 1].endswith("s") for k, word in enumerate(written[:-1]) if word == "will"]
    assert len(ends_in_s) > 10 and np.mean(ends_in_s) < 0.25


def test_a_language_models_picture_has_its_words():
    figures = pytest.importorskip("matplotlib.figure")
    app, figure = made("rnn-lm", small=True), figures.Figure()
    app.picture(figure, None)
    above, below = ([text.get_text() for text in plot.texts] for plot in figure.axes)
    assert above == app.surprises(16)[0] and below == app.write(16)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "ptb.train.txt").write_text(" the cat <unk> \n" * 60)
    (tmp_path / "ptb.test.txt").write_text(" a cat N \n" * 60)
    (tmp_path / "ptb.valid.txt").write_text("\n")
    return tmp_path


def test_texts_that_are_found(folder, monkeypatch):
    text = find_words(str(folder), ())
    assert text.said == f"the text in {folder}" and len(text.train) == len(text.test) == 240
    assert text.dictionary.idx2word == ["the", "cat", "<unk>", "<eos>", "a", "N"]
    home = folder.with_name(f"{folder.name} data")
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(home))
    home.mkdir()
    assert find_words(None, ("ptb",)).said == "right sentences, made up by a small grammar"
    (home / "ptb").symlink_to(folder)
    assert find_words(None, ("tinyshakespeare", "ptb"))[:3] == find_words("ptb", ())[:3]
    assert find_words(None, ("ptb",)).said == "ptb"
    assert find_words(None, ("ptb",), small=True).said.startswith("right sentences")
    assert len(find_words(str(folder), (), small=True).train) == 240


def test_a_text_in_one_file(tmp_path, monkeypatch):
    """Words and punctuation in small letters; the last tenth of the lines is for the test."""
    (tmp_path / "data/tinyshakespeare").mkdir(parents=True)
    (tmp_path / "data/tinyshakespeare/input.txt").write_text(
        "Speak, SPEAK!\n\n" * 450 + "'Tis well.\n\n" * 50
    )
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(tmp_path / "data"))
    for wanted, usual in (("tinyshakespeare", ()), (None, ("tinyshakespeare",))):
        text = find_words(wanted, usual)
        assert text.said == "tiny Shakespeare"
        assert text.train == [0, 1, 0, 2, 3] * 450 and text.test == [4, 5, 6, 3] * 50
        assert text.dictionary.idx2word == ["speak", ",", "!", "<eos>", "'tis", "well", "."]
    again = find_words(str(tmp_path / "data/tinyshakespeare"), ())
    assert again.train == text.train and again.said.endswith("data/tinyshakespeare")
    file = tmp_path / "data/tinyshakespeare/input.txt"
    assert find_words(str(file), ()).train == text.train
    assert len(find_words("tinyshakespeare", (), small=True).train) == 5 * 100


def test_made_up_sentences_are_right_ones():
    from needle_edu.data import SentencesDataset

    text = find_words("sentences", ())
    spelt = " ".join(text.dictionary.idx2word[k] for k in text.train)
    sentences = SentencesDataset(True)
    right = [sentence for sentence, label in (sentences[k] for k in range(6000)) if label]
    assert spelt == " <eos> ".join(right) + " <eos>"


def test_no_text_in_another_alphabets_code(tmp_path):
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9 " * 500)
    with pytest.raises(DataError, match=r"latin.txt: no text in UTF-8 \("):
        find_words(str(tmp_path / "latin.txt"), ())


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_no_text_is_said(name, tmp_path):
    with pytest.raises(
        DataError, match="train: 'shakespear' holds no running text: wanted 'ptb', 'tinyshakes"
    ):
        training.run(name, data="shakespear", progress=False)
    (tmp_path / "train.txt").write_text("a few words\n" * 10)
    with pytest.raises(DataError, match="holds no running text"):
        training.run(name, data=str(tmp_path), progress=False)
    (tmp_path / "test.txt").write_text("a few words\n" * 100)
    with pytest.raises(
        DataError, match="40 words to learn from and 400 to test with; wanted 200 at least of each"
    ):
        training.run(name, data=str(tmp_path), progress=False)
