"""Applications that read sequences: what they learn, from what, and what they show."""

import math

import numpy as np
import pytest

from needle_edu import Tensor, nn, optim, training
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
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(folder.parent / "data"))
    (folder.parent / "data").mkdir()
    assert find_words(None, ("ptb",)).said == "right sentences, made up by a small grammar"
    (folder.parent / "data/ptb").symlink_to(folder)
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
    assert len(find_words("tinyshakespeare", (), small=True).train) == 5 * 100


def test_made_up_sentences_are_right_ones():
    from needle_edu.data import SentencesDataset

    text = find_words("sentences", ())
    spelt = " ".join(text.dictionary.idx2word[k] for k in text.train)
    sentences = SentencesDataset(True)
    right = [sentence for sentence, label in (sentences[k] for k in range(6000)) if label]
    assert spelt == " <eos> ".join(right) + " <eos>"


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


def test_a_transformer_sees_what_stands_far_apart():
    """Where `kimcnn`, which sees five words at a time, is far worse than with neighbours."""
    result = training.run("cola", data="sentences", batch_size=64, epochs=4, progress=False)
    app = result.application
    right = app.model.eval()(app.fresh[0]).numpy().argmax(axis=1) == app.fresh[1]
    share = {rule: right[np.array(app.kinds) == rule].mean() for rule in app.kinds}
    assert result.metrics["accuracy"] == pytest.approx(right.mean()) and right.mean() > 0.8
    assert share["far agreement"] > max(0.8, share["agreement"] - 0.1)
    assert app.judge("the boys near the tall house sleep now") > 0.8
    assert app.judge("the boys near the tall house sleeps now") < 0.2
    assert 0.5 < result.metrics["matthews"] <= 2 * right.mean() - 1 + 0.05  # as many right ones as wrong ones


def test_what_fills_a_sentence_up_counts_for_nothing():
    """A row gives the same without its zeros, not without its order; an empty sentence gives numbers too."""
    model = made("cola", small=True).model.eval()
    row = np.array([[4, 9, 3, 7, 0, 0, 0, 0]])
    full, short, other = (model(x).numpy() for x in (row, row[:, :4], row[:, [1, 0, 2, 3, 4, 5, 6, 7]]))
    np.testing.assert_allclose(full, short, rtol=1e-5, atol=1e-6)
    assert np.abs(full - other).max() > 1e-3 and np.isfinite(model(row * 0).numpy()).all()


def test_the_transformer_wants_sentences():
    with pytest.raises(
        DataError, match="'digits' holds no sentences: wanted 'cola', 'sentences', or a folder"
    ):
        training.run("cola", data="digits", progress=False)


def test_the_cosine_is_heard():
    """The first moment tells nothing, so 0 is the best answer and 1/2 the error; later ones tell all."""
    result = training.run("sine", progress=False)
    app = result.application
    assert result.metrics["first"] == pytest.approx(0.5, abs=0.02)
    assert result.metrics["later"] < 1e-3 and (app.errors()[3:] < 2e-3).all()
    t = 1.2 + 2 * np.pi / 20 * np.arange(100)[:, None, None]  # longer than any that it learnt from
    np.testing.assert_allclose(app.said(np.sin(t).astype("float32"))[3:], np.cos(t)[3:], atol=0.1)
    errors = np.square(app.said(app.fresh[0]) - app.fresh[1])
    assert result.metrics["loss"] == pytest.approx(errors.mean(), rel=1e-5)
    assert result.metrics["later"] == pytest.approx(errors[3:].mean(), rel=1e-5)


def test_waves_begin_where_they_are_told():
    app = made("sine", small=True)
    sines, cosines = app.waves(np.array([0, 0.25]))
    assert sines.shape == cosines.shape == (app.moments, 2, 1) and sines.dtype == np.float32
    np.testing.assert_allclose(sines[[0, 5, 10, 15, 20], 0, 0], [0, 1, 0, -1, 0], atol=1e-6)
    np.testing.assert_allclose(sines[:, 1], cosines[:, 0], atol=1e-6)
    np.testing.assert_allclose(cosines[[0, 5], 1, 0], [0, -1], atol=1e-6)
    with pytest.raises(DataError, match="train: sine learns from no data, got data='digits'; leave it out"):
        training.run("sine", data="digits", progress=False)


def test_digits_are_read_row_by_row():
    """And what is below a row does not count for what is said after it."""
    result = training.run("rows", progress=False)
    app = result.application
    assert app.data.startswith("digits") and result.metrics["accuracy"] >= 0.95
    labels = [int(app.fresh_examples[k][1]) for k in range(len(app.shown))]
    said = app.said(app.shown)
    assert said.shape == (8, 8, 10) and (said[:, -1].argmax(axis=1) == labels).mean() >= 0.75
    np.testing.assert_allclose(said.sum(axis=2), 1, rtol=1e-5)
    spoilt = app.shown.copy()
    spoilt[:, :, 5:] = 1 - spoilt[:, :, 5:]
    np.testing.assert_allclose(app.said(spoilt)[:, :5], said[:, :5], rtol=1e-5, atol=1e-6)
    assert np.abs(app.said(spoilt)[:, 5] - said[:, 5]).max() > 0.1
    np.testing.assert_allclose(
        app.model.after_each_row(Tensor(app.shown)).numpy()[-1],
        app.model(Tensor(app.shown)).numpy(),
        rtol=1e-5,
    )


def test_rows_of_three_colours():
    """A row has all its colours, one behind the other."""
    from needle_edu.training.applications.rows import RowReader

    model, x = RowReader((3, 4, 5), 6, 10), np.arange(2 * 3 * 4 * 5, dtype="float32").reshape(2, 3, 4, 5)
    rows = model._rows(Tensor(x)).numpy()
    assert rows.shape == (4, 2, 15)
    np.testing.assert_array_equal(rows[2, 1], np.concatenate([x[1, 0, 2], x[1, 1, 2], x[1, 2, 2]]))
    with pytest.raises(DataError, match="did you mean digits"):
        training.run("rows", data="digit", progress=False)


def kinds():
    """What kind of word each of the made-up sentences is: those of one kind stand in the same company."""
    from needle_edu.data.datasets import sentences

    found = {
        "adjective": sentences.ADJECTIVES,
        "preposition": sentences.PREPOSITIONS,
        "end": sentences.ENDINGS,
    }
    for number in (0, 1):
        found |= {f"determiner {number}": sentences.DETERMINERS[number]}
        found |= {f"person {number}": [row[number] for row in sentences.PEOPLE]}
    for name, verbs in (("intransitive", sentences.INTRANSITIVE), ("transitive", sentences.TRANSITIVE)):
        found |= {f"{name} {form}": [row[form] for row in verbs] for form in range(3)}
    return {word: kind for kind, words in found.items() for word in words}


def test_words_in_the_same_company_get_similar_vectors():
    """Kind and number of the nearest word are right; chance would be one in twelve."""
    result = training.run("word2vec", data="sentences", lr=5e-3, epochs=4, progress=False)
    app, kind = result.application, kinds()
    right = [kind.get(app.nearest(word, 1)[0]) == kind[word] for word in app.words if word in kind]
    assert len(right) == 81 and np.mean(right) > 0.9
    assert set(app.nearest("king", 9)) == {
        *("boy", "girl", "man", "woman", "queen", "father", "mother", "brother", "sister")
    }
    u = app.model.u.weight.numpy()[[app.words.index("king"), app.words.index("queen")]]
    likeness = app.directions() @ app.directions()[app.words.index("king")]
    wanted = u[0] @ u[1] / np.linalg.norm(u[0]) / np.linalg.norm(u[1])
    assert likeness[app.words.index("queen")] == pytest.approx(wanted, rel=1e-5)
    assert app.words[0] == "the" and "<eos>" not in app.words


def test_pairs_are_near_and_of_one_line(rng):
    """Against a loop over all places; a word that is left out brings its neighbours together."""
    from needle_edu.backend.random import generator
    from needle_edu.training.applications.word2vec import pairs

    words, lines = rng.integers(0, 6, 200), np.cumsum(rng.random(200) < 0.2)
    kept = np.array([1, 1, 0.5, 0, 1, 0.2])
    found = sorted(zip(*pairs(words, lines, kept, 2, generator(3)), strict=True))
    stay = [k for k, lot in enumerate(generator(3).rand(200)) if lot < kept[words[k]]]
    wanted = [
        (words[i], words[j])
        for a, i in enumerate(stay)
        for b, j in enumerate(stay)
        if 0 < abs(a - b) <= 2 and lines[i] == lines[j]
    ]
    assert found == sorted(wanted) and len(wanted) > 100
    assert 3 not in {middle for middle, _ in found}


def test_words_are_drawn_as_often_as_they_should_be(tmp_path):
    """Shares to the power of three quarters; rare words are neither drawn nor learned."""
    for name in ("train.txt", "test.txt"):
        (tmp_path / name).write_text("a a a a b c\n" * 80 + "a b rare\n" * 9)
    app = made("word2vec", data=str(tmp_path))
    assert app.words == ["a", "b", "c"] and app.data == f"the text in {tmp_path}"
    counts = np.array([4 * 80 + 9, 80 + 9, 80]) ** 0.75
    np.testing.assert_allclose(np.diff(app.drawn, prepend=0), counts / counts.sum())
    candidates = app.candidates(np.full(4000, 2), np.random.RandomState(0))
    assert candidates.shape == (4000, 6) and (candidates[:, 0] == 2).all()
    shares = np.bincount(candidates[:, 1:].ravel(), minlength=3) / 20000
    np.testing.assert_allclose(shares, counts / counts.sum(), atol=0.02)


def test_word2vec_says_what_it_cannot_learn_from(tmp_path):
    with pytest.raises(
        DataError, match="train: 'cola' holds no running text: wanted 'ptb', 'tinyshakespeare'"
    ):
        training.run("word2vec", data="cola", progress=False)
    for name in ("train.txt", "test.txt"):
        (tmp_path / name).write_text("\n".join(f"w{k}" for k in range(300)))
    with pytest.raises(DataError, match="no two words that occur 10 times or more stand beside each other"):
        training.run("word2vec", data=str(tmp_path), progress=False)
    with pytest.raises(DataError, match="nearest: 'nowhere' is not among the words that were learned"):
        made("word2vec", small=True).nearest("nowhere")
