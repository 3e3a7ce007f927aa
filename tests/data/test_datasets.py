"""The data sets that come with needle_edu, and data sets made of arrays."""

import numpy as np
import pytest

from needle_edu import data
from needle_edu.backend.errors import DataError


def test_all_digits_are_there_and_look_like_digits():
    images, labels = data.digits("all")
    assert images.shape == (1797, 64) and labels.shape == (1797,)
    assert images.min() == 0.0 and images.max() == 1.0
    assert set(np.unique(images * 16)) == set(range(17))
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    # The first image of the published file, transcribed: a zero with a hole in the middle.
    first = (images[0].reshape(8, 8) * 16).astype(int)
    assert first[0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0] and first[4].tolist() == [0, 5, 8, 0, 0, 9, 8, 0]
    assert labels[:10].tolist() == list(range(10))


@pytest.mark.parametrize("seed", [0, 1, 9])
def test_the_split_is_stratified_complete_and_repeatable(seed):
    train_x, train_y = data.digits("train", seed=seed)
    np.random.rand(3)  # what was drawn before does not matter
    test_x, test_y = data.digits("test", seed=seed)
    everything, labels = data.digits("all")
    assert len(test_y) == 359 and len(train_y) == 1438
    shares = np.bincount(test_y) / np.bincount(labels)
    assert np.all(np.abs(shares - 0.2) < 0.003)
    both = np.concatenate([train_x, test_x])
    together = sorted(zip(map(bytes, both), np.concatenate([train_y, test_y]).tolist(), strict=True))
    assert together == sorted(zip(map(bytes, everything), labels.tolist(), strict=True))
    np.testing.assert_array_equal(train_x, data.digits("train", seed=seed)[0])
    assert len(np.unique(train_y[:100])) > 7, "the training images should come in random order"


def test_other_seeds_split_otherwise():
    assert not np.array_equal(data.digits("test", seed=0)[0], data.digits("test", seed=1)[0])


def test_digits_do_not_touch_the_global_generator():
    np.random.seed(5)
    data.digits("train", seed=3)
    assert np.random.rand() == np.random.RandomState(5).rand()


def test_changing_the_answer_does_not_change_the_data_set():
    data.digits("all")[0][:] = 7
    assert data.digits("all")[0].max() == 1.0


def test_wrong_arguments_are_said():
    with pytest.raises(DataError, match="'trian'"):
        data.digits("trian")
    with pytest.raises(DataError, match="test_fraction"):
        data.digits("train", test_fraction=1.5)


def test_digits_dataset_items_and_transforms():
    ds = data.DigitsDataset("test", seed=2)
    images, labels = data.digits("test", seed=2)
    x, y = ds[7]
    assert x.shape == (64,) and x.dtype == np.float32 and y == labels[7]
    np.testing.assert_array_equal(x, images[7])
    mirrored = data.DigitsDataset("test", seed=2, transforms=[data.RandomFlipHorizontal(p=1.0)])
    np.testing.assert_array_equal(mirrored[7][0].reshape(8, 8), images[7].reshape(8, 8)[:, ::-1])
    assert mirrored[0:3][0].shape == (3, 64)


def test_ndarray_dataset():
    x, y = np.random.RandomState(0).rand(6, 2, 3), np.arange(6)
    ds = data.NDArrayDataset(x, y)
    assert len(ds) == 6
    np.testing.assert_array_equal(ds[4][0], x[4])
    np.testing.assert_array_equal(ds[1:3][1], [1, 2])
    assert data.NDArrayDataset([1, 2, 3])[1] == (2,)
    with pytest.raises(DataError, match=r"\[6, 5\]"):
        data.NDArrayDataset(x, np.arange(5))
    with pytest.raises(DataError):
        data.NDArrayDataset()


@pytest.mark.parametrize(
    ("make", "classes"), [(data.spiral, 3), (data.moons, 2), (data.circles, 2), (data.xor, 2)]
)
def test_point_sets(make, classes):
    points, labels = make(200, seed=4)
    assert points.shape == (200, 2) and points.dtype == np.float32
    assert labels.shape == (200,) and labels.dtype == np.int64 and set(labels) == set(range(classes))
    np.testing.assert_array_equal(points, make(200, seed=4)[0])
    assert not np.array_equal(points, make(200, seed=5)[0])
    np.random.seed(8)
    drawn = make(200, seed=None)[0]
    np.random.seed(8)
    np.testing.assert_array_equal(drawn, make(200, seed=None)[0])
    # No straight line separates the classes: least squares on [1, x, y] leaves many points on the wrong side.
    design = np.c_[np.ones(200), points]
    guess = (design @ np.linalg.lstsq(design, labels == 0, rcond=None)[0]) > 0.5
    assert np.mean(guess == (labels == 0)) < 0.92
    with pytest.raises(DataError, match=make.__name__):
        make(0)


@pytest.mark.parametrize("make", [data.halves, data.diagonal, data.stripes])
def test_point_sets_of_lines_repeat_and_look_at_what_they_are_given(make):
    points, labels = make(200, seed=4)
    assert points.shape == (200, 2) and points.dtype == np.float32 and labels.dtype == np.int64
    np.testing.assert_array_equal(points, make(200, seed=4)[0])
    assert not np.array_equal(points, make(200, seed=5)[0])
    with pytest.raises(DataError, match=f"{make.__name__}: n"):
        make(0)
    with pytest.raises(DataError, match=f"{make.__name__}: seed"):
        make(seed=-1)


def test_point_sets_have_the_stated_geometry():
    points, labels = data.circles(60, noise=0.0, inner=0.3)
    np.testing.assert_allclose(np.hypot(*points.T), np.where(labels == 0, 1.0, 0.3), rtol=1e-5)
    points, labels = data.moons(60, noise=0.0)
    centre = np.where(labels[:, None] == 0, [0.0, 0.0], [1.0, 0.5])
    np.testing.assert_allclose(np.hypot(*(points - centre).T), 1.0, rtol=1e-5)
    assert points[labels == 0, 1].min() > -1e-6 and points[labels == 1, 1].max() < 0.5 + 1e-6
    points, labels = data.xor(60)
    np.testing.assert_array_equal(labels == 1, points[:, 0] * points[:, 1] < 0)
    for make, inside in (
        (data.halves, lambda x, y: x < 0),
        (data.diagonal, lambda x, y: x + y < -1),
        (data.stripes, lambda x, y: (x < -0.6) | (x > 0.6)),
    ):
        points, labels = make(400)
        np.testing.assert_array_equal(labels == 1, inside(*points.T))
        assert set(labels) == {0, 1} and np.abs(points).max() <= 1 and np.ptp(points, axis=0).min() > 1.9
    points, labels = data.spiral(90, noise=0.0)
    first, last = points[labels == 1][0], points[labels == 1][-1]
    assert np.hypot(*first) == pytest.approx(0.05, rel=1e-4) and np.hypot(*last) == pytest.approx(1, rel=1e-4)
    np.testing.assert_allclose(
        np.arctan2(last[1], last[0]) % (2 * np.pi), (0.75 + 1 / 3) % 1 * 2 * np.pi, rtol=1e-5
    )
