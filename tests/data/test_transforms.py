"""The transforms change images as they say, and draw random numbers in the published order."""

import numpy as np
import pytest

from needle_edu.data import RandomCrop, RandomFlipHorizontal

IMAGE = np.arange(1, 13, dtype=np.float32).reshape(3, 4, 1)


def test_flip_draws_one_number_per_image_whether_flipped_or_not():
    for p in (0.0, 0.5, 1.0):
        np.random.seed(0)
        flips = RandomFlipHorizontal(p)
        results = [np.array_equal(flips(IMAGE), IMAGE[:, ::-1]) for _ in range(20)]
        follower = np.random.rand()
        rng = np.random.RandomState(0)
        assert results == [rng.rand() < p for _ in range(20)]
        assert follower == rng.rand()


def test_flip_mirrors_left_and_right_only():
    np.testing.assert_array_equal(
        RandomFlipHorizontal(1.0)(IMAGE)[:, :, 0], [[4, 3, 2, 1], [8, 7, 6, 5], [12, 11, 10, 9]]
    )


def test_crop_shifts_rows_then_columns_and_fills_with_zeros():
    np.random.seed(3)
    crop = RandomCrop(padding=2)
    rng = np.random.RandomState(3)
    seen = set()
    for _ in range(40):
        down, right = rng.randint(-2, 3, size=2)
        seen.add((down, right))
        wanted = np.zeros_like(IMAGE)
        for i in range(3):
            for j in range(4):
                if 0 <= i + down < 3 and 0 <= j + right < 4:
                    wanted[i, j] = IMAGE[i + down, j + right]
        np.testing.assert_array_equal(crop(IMAGE), wanted)
    assert len(seen) > 10


def test_crop_by_more_than_the_image_leaves_nothing():
    np.random.seed(0)
    results = [RandomCrop(padding=28)(IMAGE) for _ in range(20)]
    assert all(r.shape == IMAGE.shape for r in results) and any(r.sum() == 0 for r in results)


def test_pictures_without_channels_and_settings_that_are_none():
    flat = IMAGE[:, :, 0]
    np.testing.assert_array_equal(RandomFlipHorizontal(1.0)(flat), flat[:, ::-1])
    np.random.seed(3)
    wanted = RandomCrop(2)(IMAGE)[:, :, 0]
    np.random.seed(3)
    np.testing.assert_array_equal(RandomCrop(2)(flat), wanted)
    for make, wrong in [(RandomFlipHorizontal, 1.5), (RandomCrop, -1), (RandomCrop, 1.5)]:
        with pytest.raises(ValueError, match=f"{make.__name__}.*{wrong}"):
            make(wrong)
