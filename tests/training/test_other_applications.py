"""Descent, painting, autoencoder, DCGAN: that they learn, from what; and what all draw."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import training
from needle_edu.backend import DataError, ShapeError
from tests.training.all_twins import TWINS
from tests.training.making import made

pytestmark = pytest.mark.usefixtures("nothing_at_hand")
NAMES = tuple(TWINS)


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
    last = {method: [done.application.walks.of(method, k)[-1] for k in range(5)] for method in ENDS}
    for method, (hollow, valley, himmelblau) in ENDS.items():
        assert last[method][0] == pytest.approx([hollow], abs=0.01)
        assert last[method][1] == pytest.approx(valley, abs=0.02)
        assert np.abs(last[method][3]) == pytest.approx([0, 1], abs=0.02)
        assert last[method][4] == pytest.approx(himmelblau, abs=0.02)
    for method in ("momentum", "Adam"):
        assert last[method][2] == pytest.approx([1, 1], abs=0.05)
    assert training.run("descent", lr=2.0, steps=300, progress=False).history.steps["SGD"][-1] > 1e6


ENDS = {  # in the hollows; in the valley; on Himmelblau's
    "SGD": (3.382, (0, 0), (3, 2)),
    "momentum": (-0.487, (0, 0), (3.584, -1.848)),
    "Adam": (3.382, (0, 0), (3, 2)),
}


@pytest.mark.parametrize(
    ("points", "one_layer", "network"),
    [
        ("halves", (0.98, 1), 0.97),
        ("stripes", (0.5, 0.75), 0.95),
        ("xor", (0.4, 0.78), 0.95),
        ("moons", (0.8, 0.92), 0.98),
    ],
)
def test_a_perceptron_parts_what_a_line_parts_and_hidden_layers_the_rest(points, one_layer, network):
    result = training.run("perceptron", data=points, progress=False)
    low, high = one_layer
    assert low <= result.metrics["perceptron accuracy"] <= high
    assert result.metrics["network accuracy"] >= network


def test_the_perceptrons_step_is_rosenblatts_rule():
    from needle_edu import optim
    from needle_edu.training.applications.perceptron import PerceptronLoss

    w = ndl.Tensor([[1.0, 0.0], [0.0, 1.0]])  # the scores are the point itself
    x, y = np.array([[3.0, 1.0], [0.0, 2.0]], "float32"), np.array([1, 1])  # the first is taken for class 0
    loss = PerceptronLoss()(ndl.Tensor(x) @ w, ndl.Tensor(y))
    assert loss.item() == 1.0  # (3 - 1 + 0) / 2
    loss.backward()
    optim.SGD([w], lr=2.0).step()  # twice the mean of two: once the rule
    np.testing.assert_allclose(w.numpy(), [[1 - 3, 0 + 3], [0 - 1, 1 + 1]])


def test_the_painting_resembles_the_picture():
    from needle_edu.training.applications import painting

    result = training.run("painting", epochs=6, progress=False)
    app = result.application
    error = np.square(app.painted(128) - painting.sunset(128)).mean()
    assert result.metrics["loss"] == pytest.approx(error, rel=1e-4)
    assert error < 0.01 < np.var(app.image)
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
    before = app.generator.state_dict()
    np.testing.assert_array_equal(pictures, app.forged())  # of the same noise
    for name, values in app.generator.state_dict().items():
        np.testing.assert_array_equal(values, before[name], err_msg=name)  # to look is not to learn
    assert app.generator.training


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("descent", "learns from no data, got data='digits'"),
        ("painting", "has a picture of its own, got data="),
        ("perceptron", "learns from halves, diagonal, stripes, xor"),
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


def test_attention_learns_to_read_backwards():
    """Whole sequences, not single places: guessing gets one in 10^12 of them right."""
    result = training.run("reversal", epochs=3, progress=False)
    assert result.metrics["whole"] > 0.95
