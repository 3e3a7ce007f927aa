"""CIFAR-10: what is read from its pickled files, and that a file which asks for more is refused, not run."""

import contextlib
import os
import pickle

import numpy as np
import pytest

from needle_edu.backend.errors import DataError
from needle_edu.data import CIFAR10Dataset, DataLoader, RandomCrop, RandomFlipHorizontal
from needle_edu.data.batches import read_batch

TRAIN = [f"data_batch_{k}" for k in range(1, 6)]


@pytest.fixture
def folder(tmp_path, rng):
    """Six files of four random pictures each, as pickles of every kind that such files come in."""
    for k, name in enumerate([*TRAIN, "test_batch"]):
        pixels = rng.integers(0, 256, (4, 3072), dtype="uint8")
        labels = rng.integers(0, 10, 4).tolist()
        batch = {
            b"batch_label": name.encode(),
            b"labels": labels,
            b"data": pixels,
            b"filenames": [b"x.png"] * 4,
        }
        (tmp_path / name).write_bytes(pickle.dumps(batch, protocol=k))
    return tmp_path


@pytest.mark.parametrize("train", [True, False])
def test_pictures_and_labels(folder, train):
    dataset = CIFAR10Dataset(folder, train)
    originals = [pickle.loads((folder / name).read_bytes()) for name in (TRAIN if train else ["test_batch"])]
    pixels = np.concatenate([batch[b"data"] for batch in originals]).reshape(-1, 3, 32, 32)
    assert len(dataset) == len(pixels) == (20 if train else 4)
    np.testing.assert_array_equal(dataset.y, np.concatenate([batch[b"labels"] for batch in originals]))
    np.testing.assert_allclose(dataset.X, pixels / 255, rtol=1e-6)
    x, y = dataset[2]
    assert x.shape == (3, 32, 32) and x.dtype == np.float32 and y == dataset.y[2]
    np.testing.assert_allclose(x[1], pixels[2].reshape(3, 32, 32)[1] / 255, rtol=1e-6)
    xs, ys = dataset[1:3]
    np.testing.assert_array_equal(xs[1], x)
    assert ys.shape == (2,)


def test_python_2s_own_pickle(tmp_path):
    """The layout of the published files, byte by byte, as Python 2 and NumPy 1 wrote it."""

    def text(data):
        return (
            b"U" + bytes([len(data)]) + data
            if len(data) < 256
            else b"T" + len(data).to_bytes(4, "little") + data
        )

    pixels = np.arange(2 * 3072, dtype="uint8").reshape(2, 3072)
    ints = b"".join(b"K" + bytes([n]) if n < 256 else b"M" + n.to_bytes(2, "little") for n in pixels.shape)
    dtype = b"cnumpy\ndtype\n(" + text(b"u1") + b"K\x00K\x01tR(K\x03" + text(b"|") + b"NNNJ\xff\xff\xff\xffJ"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t" + text(b"b") + b"tR(K\x01(" + ints
    )
    array += b"t" + dtype + b"\xff\xff\xff\xffK\x00tb\x89" + text(pixels.tobytes()) + b"tb"
    whole = b"\x80\x02}(" + text(b"data") + array + text(b"labels") + b"](K\x03K\x09eu."
    (tmp_path / "test_batch").write_bytes(whole)
    dataset = CIFAR10Dataset(tmp_path, train=False)
    np.testing.assert_array_equal(dataset.pixels.reshape(2, -1), pixels)
    assert dataset.y.tolist() == [3, 9]


def test_transforms_see_height_width_and_channels(folder):
    seen = []

    def note(picture):
        seen.append(picture.shape)
        return picture

    plain = CIFAR10Dataset(folder, train=False)
    flipped = CIFAR10Dataset(folder, False, transforms=[RandomFlipHorizontal(p=1.0), note])
    np.testing.assert_array_equal(flipped[1][0], plain[1][0][:, :, ::-1])
    np.testing.assert_array_equal(flipped[0:3][0], plain[0:3][0][:, :, :, ::-1])
    assert seen == [(32, 32, 3)] * 4
    np.random.seed(3)
    down, right = np.random.randint(-2, 3, size=2)
    np.random.seed(3)
    cropped = CIFAR10Dataset(folder, False, transforms=[RandomCrop(2)])[0][0]
    padded = np.pad(plain[0][0], ((0, 0), (2, 2), (2, 2)))
    np.testing.assert_array_equal(cropped, padded[:, 2 + down : 34 + down, 2 + right : 34 + right])


def test_batches_of_it(folder):
    loader = DataLoader(CIFAR10Dataset(folder, train=True), 8, shuffle=True)
    np.random.seed(1)
    batches = list(loader)
    assert [x.shape for x, _ in batches] == [(8, 3, 32, 32)] * 2 + [(4, 3, 32, 32)]
    np.random.seed(1)
    order = np.arange(20)
    np.random.shuffle(order)
    np.testing.assert_array_equal(np.concatenate([y.numpy() for _, y in batches]), loader.dataset.y[order])


class Wicked:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("key", [b"data", b"labels", b"filenames"])
def test_what_a_file_asks_for_is_not_run(tmp_path, key):
    batch = {b"data": np.zeros((1, 3072), "uint8"), b"labels": [0], key: Wicked(str(tmp_path / "made"))}
    (tmp_path / "test_batch").write_bytes(pickle.dumps(batch))
    with pytest.raises(
        DataError, match=r"test_batch: asks for \w+.mkdir, which no CIFAR-10 batch needs; it was not run"
    ):
        CIFAR10Dataset(tmp_path, train=False)
    assert not (tmp_path / "made").exists()


GOOD = np.zeros((2, 3072), "uint8")
WRONG = [
    ({b"data": GOOD}, "wanted the entries b'data' and b'labels'"),
    ([GOOD], "wanted a dictionary with b'data' and b'labels', got a list"),
    ({b"data": GOOD[:, 1:], b"labels": [0, 0]}, r"data is uint8 of shape \(2, 3071\), wanted uint8 of shape"),
    ({b"data": GOOD.astype("int16"), b"labels": [0, 0]}, "data is int16 of shape"),
    ({b"data": GOOD.astype("float32"), b"labels": [0, 0]}, "array of dtype <f4, wanted whole numbers"),
    ({b"data": np.array([["a"]], object), b"labels": [0]}, "wanted whole numbers|damaged array"),
    ({b"data": GOOD, b"labels": [0]}, r"2 images, but labels of shape \(1,\)"),
    ({b"data": GOOD, b"labels": [0, 10]}, "labels are whole numbers from 0 to 9"),
    ({b"data": GOOD, b"labels": [0, -1]}, "labels are whole numbers from 0 to 9"),
    ({b"data": GOOD, b"labels": [0, 2**70]}, "labels are whole numbers from 0 to 9"),
    ({b"data": GOOD, b"labels": [0, "cat"]}, "labels is a list, wanted an array of whole numbers"),
    ({b"data": b"pixels", b"labels": [0]}, "data is a bytes, wanted an array of whole numbers"),
]


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize(("batch", "message"), WRONG)
def test_files_of_another_kind(tmp_path, batch, message, protocol):
    (tmp_path / "test_batch").write_bytes(pickle.dumps(batch, protocol))
    with pytest.raises(DataError, match=message):
        read_batch(tmp_path / "test_batch")


def test_damaged_files(folder):
    """Cut short anywhere, or with a byte changed: DataError or a batch, never another error."""
    for name in ("data_batch_3", "test_batch"):
        good = (folder / name).read_bytes()
        for cut in range(0, 300, 7):
            (folder / name).write_bytes(good[:cut])
            with pytest.raises(DataError, match="no CIFAR-10 batch, or damaged"):
                read_batch(folder / name)
        for place in [*range(300), *range(len(good) - 60, len(good))]:
            (folder / name).write_bytes(good[:place] + bytes([good[place] ^ 0x21]) + good[place + 1 :])
            with contextlib.suppress(DataError):
                read_batch(folder / name)


def test_arguments(folder):
    with pytest.raises(ValueError, match="CIFAR10Dataset: train is True or False, got 'yes'"):
        CIFAR10Dataset(folder, "yes")
    with pytest.raises(ValueError, match="CIFAR10Dataset: p"):
        CIFAR10Dataset(folder, True, p=2)
    with pytest.raises(FileNotFoundError, match="data_batch_1"):
        CIFAR10Dataset(folder / "nowhere", True)
