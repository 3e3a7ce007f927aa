"""Knowledge distillation, and Kim's network for sentences: that they learn, from what, and what they show."""

import numpy as np
import pytest

from needle_edu import training
from needle_edu.backend import DataError
from tests.training.making import made

pytestmark = pytest.mark.usefixtures("nothing_at_hand")


def test_a_teacher_helps():
    """One example in ten, and a teacher who saw all: the taught student does better than the one that is alone."""
    result = training.run("distillation", data="thumbnails", epochs=12, progress=False)
    teacher, alone, taught = (result.metrics[f"{who}_accuracy"] for who in ("teacher", "alone", "taught"))
    assert teacher > taught > alone + 0.01 and alone > 0.7
    assert result.application.schedule.last_epoch == 6 * 63
    first_half = [result.history.test[f"{who}_accuracy"][:6] for who in ("alone", "taught")]
    assert (
        first_half[0] == first_half[1] and len(set(first_half[0])) == 1
    )  # the same, and they do not learn yet


def test_students_see_a_tenth():
    app = made("distillation", data="thumbnails")
    for steps, different in ((0, 4000), (app.schedule.T_max, 400)):
        app.schedule.last_epoch = steps
        pictures = np.concatenate([x.numpy() for x, _ in app.batches()]).reshape(-1, 196)
        assert len(pictures) == 4000 and len(np.unique(pictures, axis=0)) == different


@pytest.mark.parametrize(
    ("data", "names"), [("thumbnails", "ankle boot"), ("digits", 9), ("fashion-mnist", "ankle boot")]
)
def test_the_classes_have_their_names(monkeypatch, data, names):
    from needle_edu.training.applications import distillation

    found = training.pictures.find_pictures("digits", ())
    monkeypatch.setattr(distillation, "find_pictures", lambda wanted, *a, **b: found._replace(said=wanted))
    assert made("distillation", data=data).names[9] == names


def test_kims_network_judges_sentences():
    """What stands close together it learns; what stands far apart it cannot see."""
    result = training.run("kimcnn", data="sentences", lr=3e-3, epochs=5, progress=False)
    app = result.application
    assert result.metrics["accuracy"] > 0.8
    right = app.model.eval()(app.fresh[0]).numpy().argmax(axis=1) == app.fresh[1]
    share = {rule: right[np.array(app.kinds) == rule].mean() for rule in app.kinds}
    assert share["auxiliary"] > 0.9 and share["agreement"] > 0.9
    assert share["far agreement"] < share["agreement"] - 0.1
    assert app.judge("the boy will sleep now") > 0.8 > 0.2 > app.judge("the boy will sleeps now")
    assert app.judge("") == app.judge("    ")


@pytest.fixture
def cola(tmp_path):
    """Two files in CoLA's format."""
    raw = tmp_path / "cola_public" / "raw"
    raw.mkdir(parents=True)
    lines = [
        "gj04\t1\t\tIt rains.\n",
        "gj04\t0\t*\tRains it often, or so they say, in some parts of the north.\n",
    ]
    (raw / "in_domain_train.tsv").write_text("".join(lines * 4))
    (raw / "in_domain_dev.tsv").write_text("".join(lines + ["gj04\t1\t\tWhy does it never snow here?\n"]))
    return tmp_path


def test_kims_network_reads_cola(monkeypatch, cola):
    app = made("kimcnn", data=str(cola))
    assert app.data == f"the sentences in {cola}" and app.length == 16
    assert made("kimcnn", data=str(cola / "cola_public")).length == 16
    assert app.kinds == ["up to 5 words", "longer", "up to 8 words"]
    row = app.fresh[0][2]
    assert row.tolist()[:8] == [1, 1, app.numbers["it"], 1, 1, 1, 1, 0]  # words that were never met
    home = cola.with_name(f"{cola.name} data")
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(home))
    home.mkdir()
    assert made("kimcnn").data == "sentences, made up by a small grammar"
    (home / "cola").symlink_to(cola)
    assert made("kimcnn").data == "cola" and made("kimcnn", small=True).data.startswith("sentences, made up")
    figure = pytest.importorskip("matplotlib.figure").Figure()
    app.picture(figure, None)
    assert {text.get_text() for text in figure.axes[0].get_yticklabels()} == set(app.kinds)


def test_kims_network_wants_sentences(tmp_path):
    with pytest.raises(
        DataError, match="'digits' holds no sentences: wanted 'cola', 'sentences', or a folder"
    ):
        training.run("kimcnn", data="digits", progress=False)
    with pytest.raises(DataError, match="holds no sentences"):
        training.run("kimcnn", data=str(tmp_path), progress=False)


def test_no_test_word_is_numbered_before_it_is_met():
    """Numbers come from the sentences to learn from alone, each word has its own, and 0 is for what fills up."""
    app = made("kimcnn", data="sentences")
    assert sorted(app.numbers.values()) == list(range(2, len(app.numbers) + 2))
    text, _ = training.sentences.data.SentencesDataset(True)[0]
    rows = np.concatenate([numbers.numpy() for numbers, _ in app.loader])
    row = [app.numbers[word] for word in text.split()]
    assert (rows[:, : len(row)] == row).all(axis=1).any() and rows.shape == (6000, 13)
    assert not app.model.embedding.weight.numpy()[0].any()
