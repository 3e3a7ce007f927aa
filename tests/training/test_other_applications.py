"""Applications that are no classifiers: beside their twins in PyTorch, stopped and resumed, and what they draw."""

import itertools

import numpy as np
import pytest

from needle_edu import init, nn, training
from needle_edu.backend import DataError, ShapeError
from tests.training.torch_twins import TWINS

NAMES = tuple(TWINS)
STEPS = 20


@pytest.fixture(autouse=True)
def nothing_at_hand(monkeypatch, tmp_path_factory):
    """As on a fresh machine: only what comes with needle_edu."""
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(tmp_path_factory.mktemp("empty")))


def made(name, **settings):
    kind = training.APPLICATIONS[name]
    settings = kind.settings_with(**settings)
    init.seed(settings.seed)
    return kind(settings)


def plain(field, dtype):
    """A NumPy array; pixels as `dtype`, labels and words as they are."""
    array = field.numpy()
    return array.astype(dtype) if array.dtype.kind == "f" else array


def endless(app):
    while True:
        yield from app.batches()


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def narrow(monkeypatch):
    """A DCGAN of fewer channels, for the sake of time."""
    monkeypatch.setattr(training.APPLICATIONS["dcgan"], "channels", 16)


# Two networks that learn from each other magnify rounding: in float32 the DCGAN takes smaller steps here, for with its
# own the losses are 3e-4 apart after twenty of them, and in float64 1e-8.
SMALLER = {"dcgan": 1e-4}


@pytest.mark.parametrize(
    ("name", "dtype", "lr", "apart"),
    [(name, "float32", SMALLER.get(name), 1e-4) for name in NAMES]
    + [(name, "float64", None, 1e-7) for name in SMALLER],
)
def test_the_first_losses_are_those_of_its_twin(torch, narrow, name, dtype, lr, apart):
    """Same weights, same batches, same random numbers."""
    options = (
        {"epochs": 2, "batch_size": 400} if name == "distillation" else {}
    )  # ten steps each of both halves
    app = made(name, lr=lr, **options)
    if dtype == "float64":
        torch.set_default_dtype(torch.float64)
        for network in vars(app).values():
            if isinstance(network, nn.Module):
                network.to(dtype=dtype)
    twin, ours, theirs = TWINS[name](torch, app), [], []
    for batch in itertools.islice(endless(app), STEPS):
        before = np.random.get_state()
        ours.append(app.step(batch))
        after = np.random.get_state()
        np.random.set_state(before)
        theirs.append(twin(batch if isinstance(batch, int) else [plain(field, dtype) for field in batch]))
        assert np.random.get_state()[2] == after[2], "they drew differently often"
    assert [sorted(numbers) for numbers in ours] == [sorted(numbers) for numbers in theirs]
    for key in theirs[0]:
        mine, wanted = ([numbers[key] for numbers in each] for each in (ours, theirs))
        np.testing.assert_allclose(mine, wanted, rtol=0, atol=apart, err_msg=key)
        assert np.ptp(wanted) > 1e-3, "nothing happens"


@pytest.mark.parametrize("name", NAMES)
def test_stopped_and_resumed_it_is_the_same_training(monkeypatch, tmp_path, name):
    """Within an epoch and between two, to the last bit: numbers, parameters and what is drawn."""
    monkeypatch.setattr(training.curves, "can_draw", lambda: False)  # which takes a second each time
    kind = training.APPLICATIONS[name]
    length = len(made(name, small=True).batches())
    options = {"small": True, "epochs": 3, "progress": False}
    whole = training.run(kind, **options)
    for k, steps in enumerate((1, length, length + 2)):
        training.run(kind, **options, out=tmp_path, steps=steps, resume=k > 0)
    again = training.run(kind, progress=False, epochs=3, out=tmp_path, resume=True)
    assert len(again.history) == 3 * length
    states = [
        {
            f"{part}/{key}": np.asarray(value)
            for part, thing in (*result.application.parts().items(), ("history", result.history))
            for key, value in thing.state_dict().items()
        }
        for result in (whole, again)
    ]
    assert states[0].keys() == states[1].keys()
    for key, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][key], err_msg=key)


@pytest.mark.parametrize("name", NAMES)
def test_its_picture_shows_something(tmp_path, name):
    image = pytest.importorskip("matplotlib.image", reason="matplotlib is not installed")
    steps = 100 if name == "dcgan" else 3  # its first pictures are grey all over
    training.run(name, small=True, epochs=100, steps=steps, progress=False, out=tmp_path)
    pixels = image.imread(tmp_path / "picture.png")
    height, width, channels = pixels.shape
    assert min(height, width) > 300 and channels in (3, 4)
    assert len(np.unique((pixels[..., :3] * 255).round().reshape(-1, 3), axis=0)) > 2


def test_walks_lead_down_and_are_all_in_the_picture():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    result = training.run("descent", steps=40, progress=False)
    app = result.application
    for method in ("SGD", "momentum", "Adam"):
        assert app.walks.of(method, 1).shape == (40, 2)
        assert app.walks.of(method, 0)[0] == 4.6 and (app.walks.of(method, 2)[0] == [-1.2, 1.0]).all()
        assert result.history.steps[method][-1] < result.history.steps[method][0] / 10
    app.picture(figure, result.history)
    assert [axes.get_title() for axes in figure.axes] == [
        *("Hollows", "Valley", "Rosenbrock", "Saddle", "Himmelblau", "mean height"),
    ]
    lines = figure.axes[1].get_lines()
    np.testing.assert_array_equal(lines[0].get_xydata(), app.walks.of("SGD", 1))
    curve = figure.axes[0].get_lines()[0].get_xydata()
    x, y = figure.axes[0].get_lines()[1].get_xydata().T
    np.testing.assert_allclose(y, np.interp(x, *curve.T), atol=0.01)  # they walk on the curve


def test_where_the_walks_end():
    """Known lowest points; momentum alone rolls out of the hollow, and a step twice as long leaves the valley."""
    done = training.run("descent", progress=False)
    last = {method: [done.application.walks.of(method, k)[-1] for k in range(5)] for method in TWINS_ENDS}
    for method, (hollow, valley, himmelblau) in TWINS_ENDS.items():
        assert last[method][0] == pytest.approx([hollow], abs=0.01)
        assert last[method][1] == pytest.approx(valley, abs=0.02)
        assert np.abs(last[method][3]) == pytest.approx([0, 1], abs=0.02)
        assert last[method][4] == pytest.approx(himmelblau, abs=0.02)
    for method in ("momentum", "Adam"):
        assert last[method][2] == pytest.approx([1, 1], abs=0.05)
    assert training.run("descent", lr=2.0, steps=300, progress=False).history.steps["SGD"][-1] > 1e6


TWINS_ENDS = {  # in the hollows; in the valley; on Himmelblau's
    "SGD": (3.382, (0, 0), (3, 2)),
    "momentum": (-0.487, (0, 0), (3.584, -1.848)),
    "Adam": (3.382, (0, 0), (3, 2)),
}


def test_the_painting_resembles_the_picture():
    result = training.run("painting", epochs=6, progress=False)
    app = result.application
    assert result.metrics["loss"] < 0.01 < np.var(app.image)
    assert np.abs(app.painted(64) - app.image).mean() < 0.07
    assert np.abs(app.painted(64).transpose(1, 0, 2) - app.image).mean() > 0.1  # not mirrored


def test_the_sunset_is_a_picture():
    from needle_edu.training.applications.painting import sunset

    picture = sunset(64)
    assert picture.min() >= 0 and picture.max() <= 1 and picture.dtype == np.float32
    sky, sun, water = picture[2, 5], picture[27, 43], picture[60, 5]
    assert sky[2] > sky[0] and sun.min() > 0.65 and water.max() < 0.5


def test_the_autoencoder_takes_noise_away():
    result = training.run("autoencoder", data="thumbnails", epochs=3, progress=False)
    assert result.metrics["loss"] < 0.6 * result.metrics["noise"]
    assert result.metrics["noise"] == pytest.approx(
        0.0544, abs=0.002
    )  # cut off at 0 and 1, less than 0.3 ** 2
    assert result.application.evaluate() == result.metrics  # the same noise each time


@pytest.mark.parametrize("channels", [1, 3])
def test_tiled_pictures_lie_row_by_row(rng, channels):
    pictures = rng.random((6, channels, 4, 5))
    grid = training.pictures.tiled(pictures, columns=3)
    assert grid.shape == (4 + 1 + 4, 5 + 1 + 5 + 1 + 5, 3)
    for k in range(6):
        top, left = k // 3 * 5, k % 3 * 6
        for colour in range(3):
            np.testing.assert_array_equal(
                grid[top : top + 4, left : left + 5, colour], pictures[k, min(colour, channels - 1)]
            )
    assert (grid[4] == 1).all() and (grid[:, 5] == 1).all() and (grid[:, 11] == 1).all()


def test_pictures_show_what_the_networks_made():
    figures = pytest.importorskip("matplotlib.figure")
    for name, columns in (("dcgan", 8), ("autoencoder", 10), ("painting", 1)):
        app, figure = made(name, small=True), figures.Figure()
        app.picture(figure, None)
        image = np.asarray(figure.axes[0].get_images()[0].get_array())
        if name == "dcgan":
            wanted = app.forged()
        elif name == "autoencoder":
            clean = np.stack([app.fresh_examples[i][0] for i in range(10)])
            noisy = np.clip(clean + 0.3 * np.random.RandomState(0).randn(*clean.shape), 0, 1).astype(
                "float32"
            )
            wanted = np.concatenate([clean, noisy, app.reconstruct(noisy).numpy().reshape(clean.shape)])
        else:
            np.testing.assert_array_equal(image, app.image)
            for plot, side in zip(figure.axes[1:], (16, 64), strict=True):
                shown = np.asarray(plot.get_images()[0].get_array())
                np.testing.assert_array_equal(shown, app.painted(side))
            continue
        np.testing.assert_allclose(image, training.pictures.tiled(wanted, columns), atol=1e-6)


def test_sides_and_windows_of_the_dcgan_fit():
    from needle_edu.training.applications import dcgan

    for side in range(4, 70):
        shape = (3, side, side)
        noise = np.zeros((1, 5, 1, 1), np.float32)
        pictures = dcgan.forger(5, 2, shape).eval()(noise)
        assert pictures.shape == (1, *shape)
        assert dcgan.judge(2, shape).eval()(pictures).shape == (1, 1)


def test_the_dcgan_learns_what_pictures_are_like(narrow):
    """After two epochs they are dark at the edges and bright in the middle, as the thumbnails are."""
    app = training.run("dcgan", data="thumbnails", epochs=2, lr=2e-3, progress=False).application
    pictures = app.forged()
    assert pictures.min() >= 0 and pictures.max() <= 1
    assert pictures[:, 0, 5:9, 5:9].mean() > 2 * pictures[:, 0, :2, :2].mean()
    assert pictures.std(axis=0).mean() > 0.05, "all alike"
    np.testing.assert_array_equal(pictures, app.forged())  # of the same noise


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("descent", "learns from no data, got data='digits'"),
        ("painting", "has a picture of its own, got data="),
    ],
)
def test_without_data_none_is_taken(name, message):
    with pytest.raises(DataError, match=message):
        training.run(name, data="digits", progress=False)


def test_the_dcgan_wants_squares(monkeypatch):
    from needle_edu.training.applications import dcgan

    def oblong(*args, **options):
        return training.pictures.find_pictures("digits", (), shape=(1, 8, 16))

    monkeypatch.setattr(dcgan, "find_pictures", oblong)
    with pytest.raises(ShapeError, match=r"wants square pictures, larger than 3 × 3, got \(1, 8, 16\)"):
        made("dcgan")


@pytest.mark.parametrize("name", ["autoencoder", "dcgan"])
def test_what_is_learned_from_is_said(name):
    assert made(name).data.startswith("thumbnails (which come with needle_edu; ")
    assert made(name, small=True).data == "digits"
    assert made(name, data="thumbnails").data == "thumbnails"
    with pytest.raises(DataError, match="did you mean thumbnails"):
        made(name, data="thumbnail")


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
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(cola.parent / "data"))
    (cola.parent / "data").mkdir()
    assert made("kimcnn").data == "sentences, made up by a small grammar"
    (cola.parent / "data/cola").symlink_to(cola)
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
    text, _ = training.applications.kimcnn.data.SentencesDataset(True)[0]
    rows = np.concatenate([numbers.numpy() for numbers, _ in app.loader])
    row = [app.numbers[word] for word in text.split()]
    assert (rows[:, : len(row)] == row).all(axis=1).any() and rows.shape == (6000, 13)
    assert not app.model.embedding.weight.numpy()[0].any()
