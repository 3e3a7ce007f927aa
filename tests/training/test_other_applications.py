"""Applications that are no classifiers: beside their twins in PyTorch, stopped and resumed, and what they draw."""

import itertools

import numpy as np
import pytest

from needle_edu import init, training
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
# own the losses are 5e-3 apart after twenty of them, and in float64 1e-8.
@pytest.mark.parametrize(
    ("name", "dtype", "lr", "apart"),
    [(name, "float32", None if name != "dcgan" else 3e-5, 1e-4) for name in NAMES]
    + [("dcgan", "float64", None, 1e-7)],
)
def test_the_first_losses_are_those_of_its_twin(torch, narrow, name, dtype, lr, apart):
    """Same weights, same batches, same random numbers."""
    app = made(name, lr=lr)
    if dtype == "float64":
        torch.set_default_dtype(torch.float64)
        for network in (app.generator, app.discriminator):
            network.to(dtype=dtype)
    twin, ours, theirs = TWINS[name](torch, app), [], []
    for batch in itertools.islice(endless(app), STEPS):
        before = np.random.get_state()
        ours.append(app.step(batch))
        after = np.random.get_state()
        np.random.set_state(before)
        plain = batch if isinstance(batch, int) else [field.numpy() for field in batch]
        theirs.append(twin([plain[0].astype(dtype), *plain[1:]] if isinstance(plain, list) else plain))
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
    training.run(name, small=True, steps=3, progress=False, out=tmp_path)
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
