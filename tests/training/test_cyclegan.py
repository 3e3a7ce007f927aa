"""CycleGAN, and the pool of pictures that its discriminators see."""

import numpy as np
import pytest

from needle_edu import checkpoints, training
from needle_edu.backend import DataError, ShapeError
from needle_edu.training.applications import cyclegan
from needle_edu.training.image_pool import ImagePool
from tests.training.making import made

pytestmark = pytest.mark.usefixtures("nothing_at_hand")


def numbered(start, count):
    return np.arange(start, start + count, dtype=np.float32).reshape(-1, 1, 1, 1)


def test_a_pool_that_is_not_full_gives_back_what_it_gets():
    pool = ImagePool(5, (1, 1, 1))
    for start in (0, 3):
        np.testing.assert_array_equal(pool.exchange(numbered(start, 2)), numbered(start, 2))
    assert len(pool) == 4


def test_a_full_pool_exchanges_half_of_them_and_loses_none():
    np.random.seed(0)
    pool = ImagePool(20, (1, 1, 1))
    given = numbered(0, 1000)
    got = pool.exchange(given).ravel()
    inside = pool.state_dict()["pictures"].ravel()
    assert sorted([*got[20:], *inside]) == list(range(1000))  # the first twenty came back, and stayed too
    assert 0.4 < (got[20:] == np.arange(20, 1000)).mean() < 0.6
    assert (got[20:] <= np.arange(20, 1000)).all()
    np.testing.assert_array_equal(given, numbered(0, 1000))  # what was given is not written to


def test_a_pool_comes_back_from_a_checkpoint(tmp_path):
    pool, other = ImagePool(4, (1, 1, 1)), ImagePool(4, (1, 1, 1))
    pool.exchange(numbered(0, 3))
    other.exchange(numbered(50, 9))
    checkpoints.save(tmp_path / "p.npz", pool=pool)
    checkpoints.load(tmp_path / "p.npz", pool=other)
    np.random.seed(1)
    mine = other.exchange(numbered(10, 30))
    np.random.seed(1)
    np.testing.assert_array_equal(mine, pool.exchange(numbered(10, 30)))


def test_a_pool_says_what_is_wrong():
    with pytest.raises(ValueError, match="ImagePool: capacity is a whole number of at least 1, got 0"):
        ImagePool(0, (1, 1, 1))
    pool = ImagePool(2, (1, 1, 1))
    with pytest.raises(
        ShapeError, match=r"ImagePool.exchange: got pictures of shape \(1, 2\), wanted \(1, 1, 1\)"
    ):
        pool.exchange(np.zeros((3, 1, 2)))
    for shape in ((3, 1, 1, 1), (1, 1, 1, 2)):
        with pytest.raises(DataError, match="ImagePool.load_state_dict: got pictures of shape"):
            pool.load_state_dict({"pictures": np.zeros(shape)})


def test_slanted_digits_lean_to_the_right_and_are_black_on_white():
    picture = -np.ones((1, 1, 16, 16), np.float32)
    picture[0, 0, :, 8] = 1
    found = cyclegan.slanted(picture)[0, 0]
    assert (found.min(axis=1) == -1).all() and ((found == -1).sum(axis=1) == 1).all()
    columns = found.argmin(axis=1)
    np.testing.assert_array_equal(columns, [8 + round(0.35 * (7.5 - row)) for row in range(16)])
    assert columns[0] > columns[-1]


def test_both_kinds_are_of_different_digits():
    app = made("cyclegan", small=True)
    upright = {picture.tobytes() for picture in app.upright}
    of_slanted = {picture.tobytes() for picture in app.slanted}
    assert len(app.upright) == len(app.slanted) == 128
    assert (
        not {cyclegan.slanted(p[None])[0].tobytes() for p in app.upright} & of_slanted and len(upright) > 100
    )


def test_digits_come_back_and_are_slanted_between():
    """The second number is the honest one: a network that changes nothing has the first for nothing."""
    result = training.run("cyclegan", epochs=4, progress=False)
    app = result.application
    assert result.metrics["accuracy"] >= 0.9
    assert result.metrics["there_accuracy"] >= 0.6
    there, again = app.translated(app.fresh)
    wanted = cyclegan.slanted(app.fresh)
    assert np.abs(there - wanted).mean() < 0.5 * np.abs(app.fresh - wanted).mean()
    right = app.readers[0](again).numpy().argmax(axis=1) == app.fresh_labels
    assert right.mean() == result.metrics["accuracy"]


def test_with_the_identity_loss_it_keeps_the_colours(monkeypatch):
    """And digits come back as well as ever: the cycle loss alone says little about what is between."""
    monkeypatch.setattr(cyclegan.CycleGAN, "identity", 5.0)
    result = training.run("cyclegan", seed=0, epochs=2, progress=False)
    assert result.metrics["accuracy"] >= 0.8 and result.metrics["there_accuracy"] < 0.1


def test_pictures_that_it_cannot_translate():
    with pytest.raises(
        ShapeError, match=r"cyclegan wants small grey pictures, got \(3, 32, 32\); name other data"
    ):
        found = training.pictures.find_pictures("digits", (), shape=(3, 32, 32))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cyclegan, "find_pictures", lambda *a, **b: found)
            made("cyclegan")


def test_its_picture_has_five_rows():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    app = made("cyclegan", small=True)
    app.picture(figure, None)
    plot = figure.axes[0]
    image = np.asarray(plot.get_images()[0].get_array())
    assert image.shape == (5 * 17 - 1, 10 * 17 - 1, 3)
    there, again = app.translated(app.fresh[:10])
    rows = [app.fresh[:10], there, again, cyclegan.slanted(app.fresh[10:20])]
    for k, row in enumerate(rows):
        wanted = training.pictures.tiled((row + 1) / 2, columns=10)
        np.testing.assert_allclose(image[17 * k : 17 * k + 16], wanted, atol=1e-6)
