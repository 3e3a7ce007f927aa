"""The transforms change images as they say, and draw random numbers in the published order."""

import pickle

import numpy as np
import pytest

from needle_edu import data, ndarray as nd
from needle_edu.backend.errors import DataError, ShapeError
from needle_edu.data import (
    Compose,
    DataLoader,
    Dataset,
    DigitsDataset,
    MNISTDataset,
    NDArrayDataset,
    Normalize,
    RandomCrop,
    RandomFlipHorizontal,
    RandomFlipVertical,
    ToFloat,
    Transform,
    write_idx,
)

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


class Blacken(Transform):
    """Changes the picture it is given."""

    def __call__(self, x):
        x *= 0
        return x


def mnist(tmp_path, transforms):
    write_idx(tmp_path / "images", np.full((3, 2, 2), 255, dtype="uint8"))
    write_idx(tmp_path / "labels", np.arange(3, dtype="uint8"))
    return MNISTDataset(tmp_path / "images", tmp_path / "labels", transforms)


MAKERS = {
    "NDArrayDataset": lambda _, t: NDArrayDataset(np.ones((3, 4, 4)), np.arange(3), transforms=t),
    "MNISTDataset": mnist,
    "DigitsDataset": lambda _, t: DigitsDataset("test", transforms=t),
}


@pytest.mark.parametrize("index", [0, slice(0, 2), np.array([0, 1])], ids=["one", "slice", "many"])
@pytest.mark.parametrize("name", MAKERS)
def test_a_transform_in_place_changes_its_own_copy(tmp_path, name, index):
    dataset, plain = (MAKERS[name](tmp_path, transforms) for transforms in ([Blacken()], None))
    wanted, labels = (np.array(field) for field in plain[index])
    assert wanted.any() and not dataset[index][0].any()
    dataset.transforms = None
    np.testing.assert_array_equal(dataset[index][0], wanted)
    for field in plain[index]:  # nor does an item look into the data set
        if isinstance(field, np.ndarray):
            field[...] = 77
    np.testing.assert_array_equal(plain[index][0], wanted)
    np.testing.assert_array_equal(plain[index][1], labels)


def test_a_data_set_of_ones_own_is_not_changed_by_its_transforms_either():
    class Own(data.Dataset):
        pictures = np.ones((2, 4, 4))

        def __getitem__(self, index):
            return self.apply_transforms(self.pictures[index])

    assert not Own([Blacken()])[0].any() and Own.pictures.all()


def test_batches_of_changed_pictures_leave_the_data_set_as_it_was(tmp_path):
    dataset = mnist(tmp_path, [Blacken()])
    for _ in range(2):
        assert all(not x.numpy().any() for x, _ in DataLoader(dataset, batch_size=2, shuffle=True))
    assert (dataset.images == 1).all()


@pytest.mark.parametrize("wrong", [3, "flip", [RandomCrop], [3]])
def test_transforms_that_are_none_are_said(wrong):
    with pytest.raises(TypeError, match="NDArrayDataset: transforms"):
        NDArrayDataset(np.ones(3), transforms=wrong)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RandomFlipHorizontal("x"), "RandomFlipHorizontal: p"),
        (lambda: RandomFlipHorizontal(np.nan), "RandomFlipHorizontal: p"),
        (lambda: RandomCrop("3"), "RandomCrop: padding"),
        (lambda: RandomCrop(True), "RandomCrop: padding"),
        (lambda: DataLoader([1, 2], batch_size=True), "DataLoader: batch_size"),
        (lambda: DataLoader([1, 2], shuffle="no"), "DataLoader: shuffle is True or False, got 'no'"),
        (lambda: DataLoader([1, 2], drop_last=None), "DataLoader: drop_last"),
        (
            lambda: DataLoader([1, 2], device="cpu"),
            r"DataLoader: device is a device such as cpu\(\), got 'cpu'",
        ),
        (lambda: data.spiral(n=2.5), "spiral: n is a whole number of at least 1, got 2.5"),
        (lambda: data.spiral(classes="3"), "spiral: classes"),
        (lambda: data.spiral(turns="x"), "spiral: turns"),
        (lambda: data.moons(noise=-1), "moons: noise"),
        (lambda: data.circles(inner=np.nan), "circles: inner"),
        (lambda: data.xor(noise="x"), "xor: noise"),
        (lambda: data.xor(seed=-1), "xor: seed"),
        (lambda: data.digits(test_fraction="x"), "digits: test_fraction"),
        (lambda: data.digits(seed=0.5), "digits: seed"),
    ],
)
def test_arguments_that_make_no_sense_are_said(make, words):
    with pytest.raises((ValueError, TypeError, DataError), match=words):
        make()


@pytest.mark.parametrize("name", MAKERS)
def test_data_sets_and_loaders_can_be_sent_to_another_process(tmp_path, name):
    loader = DataLoader(MAKERS[name](tmp_path, [RandomCrop(1)]), batch_size=2)
    again = pickle.loads(pickle.dumps(loader))
    assert len(again) == len(loader) and again.batch_size == 2
    np.testing.assert_array_equal(again.dataset[0][1], loader.dataset[0][1])
    assert again.dataset.transforms[0].padding == 1


@pytest.mark.parametrize("stored", [nd.array([1.0, 2.0]), [1.0, 2.0]], ids=["ndarray", "list"])
def test_what_a_data_set_of_ones_own_stores_is_copied_whatever_it_is(stored):
    class Own(Dataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return self.apply_transforms(stored)

    def wipe(x):
        x[0] = 0.0
        return x

    assert Own(transforms=[wipe])[0][0] == 0
    assert stored[0] == 1


def test_vertical_flip_turns_upside_down_and_draws_one_number():
    np.testing.assert_array_equal(RandomFlipVertical(1.0)(IMAGE), IMAGE[::-1])
    np.random.seed(0)
    flips = RandomFlipVertical(0.3)
    results = [np.array_equal(flips(IMAGE), IMAGE[::-1]) for _ in range(20)]
    rng = np.random.RandomState(0)
    assert results == [rng.rand() < 0.3 for _ in range(20)] and np.random.rand() == rng.rand()


def test_to_float_and_normalize():
    pixels = np.arange(12, dtype="uint8").reshape(2, 2, 3) * 20
    x = ToFloat()(pixels)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, pixels / 255, rtol=1e-6)
    assert ToFloat()(x) is x
    out = Normalize([0.1, 0.2, 0.3], [0.5, 1.0, 2.0])(x)
    wanted = np.stack(
        [(pixels[..., c] / 255 - m) / s for c, m, s in ((0, 0.1, 0.5), (1, 0.2, 1), (2, 0.3, 2))], -1
    )
    np.testing.assert_allclose(out, wanted, rtol=1e-5, atol=1e-6)
    assert out.dtype == np.float32 and Normalize(0.5, 0.5)(x.astype("f8")).dtype == np.float64
    np.testing.assert_allclose(Normalize(0.5, 0.25)(x), (pixels / 255 - 0.5) / 0.25, rtol=1e-5, atol=1e-6)
    np.random.seed(1)
    both = Compose([ToFloat(), RandomFlipHorizontal(1.0), Normalize(0, 2)])(pixels)
    np.testing.assert_allclose(both, pixels[:, ::-1] / 510, rtol=1e-6)
    for transform in (RandomFlipVertical(), ToFloat(), Normalize([0.0], [1.0]), Compose([RandomCrop()])):
        pickle.loads(pickle.dumps(transform))(IMAGE)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: RandomFlipVertical(2), ValueError, "RandomFlipVertical: p"),
        (lambda: Normalize(0, 0), ValueError, "std is above 0, got 0.0"),
        (lambda: Normalize(np.nan, 1), ValueError, "mean is finite, got nan"),
        (lambda: Normalize([[1]], 1), ShapeError, r"mean is a number or one per channel, got shape \(1, 1\)"),
        (
            lambda: Normalize([1, 2], 1)(IMAGE),
            ShapeError,
            r"2 numbers in mean, but an image of shape \(3, 4, 1\)",
        ),
        (lambda: Compose(ToFloat()), TypeError, "transforms is a list"),
        (lambda: Compose([ToFloat]), TypeError, "transforms are callables"),
        (lambda: Compose([3]), TypeError, "transforms are callables.* got 3"),
    ],
)
def test_transforms_that_make_no_sense(make, error, words):
    with pytest.raises(error, match=words):
        make()
