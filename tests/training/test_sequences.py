"""Other applications that read sequences (cola, sine, rows, word2vec): what they learn, from what, what they show."""

import numpy as np
import pytest

from needle_edu import Tensor, training
from needle_edu.backend import DataError
from tests.training.making import made

pytestmark = pytest.mark.usefixtures("nothing_at_hand")


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
