"""IDX files: what is written comes back, and a file that is not what it should be says so, by name."""

import gzip
import os
import struct

import numpy as np
import pytest

from needle_edu.backend.errors import DataError
from needle_edu.data import MNISTDataset, read_idx, write_idx


@pytest.mark.parametrize("name", ["a.idx", "a.idx.gz"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "float32", "float64"])
def test_round_trip(tmp_path, name, dtype):
    array = (np.arange(24).reshape(2, 3, 4) - 5).astype(dtype)
    write_idx(tmp_path / name, array)
    back = read_idx(tmp_path / name, ndim=3)
    assert back.dtype == dtype and back.dtype.isnative
    np.testing.assert_array_equal(back, array)


def test_header_is_the_published_one(tmp_path):
    """Bytes spelled out by hand from the published description, not by our writer."""
    write_idx(tmp_path / "x", np.array([[1, 2, 3]], dtype="int16"))
    assert (tmp_path / "x").read_bytes() == bytes.fromhex("00000b02 00000001 00000003 0001 0002 0003")


def test_gzip_is_recognised_by_content_not_by_name(tmp_path):
    write_idx(tmp_path / "x.gz", np.arange(3, dtype="uint8"))
    os.rename(tmp_path / "x.gz", tmp_path / "x")
    assert read_idx(tmp_path / "x").tolist() == [0, 1, 2]


def _image_file(n=2):
    return b"\0\0\x08\x03" + struct.pack(">3I", n, 28, 28) + bytes(n * 784)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["not an IDX file", "none", "00 00"]),
        (b"\0\0", ["not an IDX file", "00 00"]),
        (b"<html>404</html>", ["not an IDX file", "3c 68 74 6d", "a web page", "expected", "download"]),
        (b"PK\3\4 and so on", ["not an IDX file", "a zip archive"]),
        (b"version https://git-lfs.github.com/spec/v1", ["not an IDX file", "Git LFS pointer"]),
        (gzip.compress(gzip.compress(_image_file())), ["not an IDX file", "gzipped twice"]),
        (b"\0\0\x07\x03" + bytes(12), ["not an IDX file", "00 00 07 03"]),
        (b"\0\0\x08\x01" + struct.pack(">I", 2) + b"\1\2", ["1 dimensions", "expected 3", "swapped"]),
        (b"\0\0\x08\x03" + struct.pack(">I", 2), ["truncated", "8 bytes", "16"]),
        (_image_file()[:-1], ["truncated", "1567", "1568", "(2, 28, 28)", "download"]),
        (_image_file() + b"\0", ["too long", "1569", "1568"]),
        (gzip.compress(_image_file())[:-12], ["damaged gzip"]),
        (gzip.compress(_image_file())[:20] + b"\xff" * 20, ["damaged gzip"]),
        (b"\x1f\x8b", ["damaged gzip"]),
        (b"\0\0\x08\x03" + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1), ["truncated"]),
    ],
)
def test_a_bad_file_is_an_error_that_names_file_found_and_expected(tmp_path, content, words):
    path = tmp_path / "images-of-mine"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        read_idx(path, ndim=3)
    for word in ["images-of-mine", *words]:
        assert word in str(error.value)


HUGE = 2**32 - 1


@pytest.mark.parametrize(
    ("dimensions", "extents", "words"),
    [
        (65, [1] * 65, ["65 dimensions", "expected 1 to 64"]),
        (255, [0] * 255, ["255 dimensions", "expected 1 to 64"]),
        (0, [], ["0 dimensions", "expected 1 to 64"]),
        (4, [0, HUGE, HUGE, HUGE], ["which no array can have"]),
        (2, [HUGE, HUGE], ["truncated"]),
        (64, [1] * 63, ["truncated", "header"]),
    ],
)
def test_a_header_that_no_array_has_is_one_clear_error(tmp_path, dimensions, extents, words):
    path = tmp_path / "header"
    path.write_bytes(bytes([0, 0, 8, dimensions]) + struct.pack(f">{len(extents)}I", *extents))
    with pytest.raises(DataError) as error:
        read_idx(path)
    for word in ["header", *words]:
        assert word in str(error.value)


def test_the_most_dimensions_there_can_be(tmp_path):
    array = np.arange(2, dtype="uint8").reshape([2] + [1] * 63)
    write_idx(tmp_path / "most", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "most"), array)
    with pytest.raises(DataError, match="1 to 64 dimensions"):
        write_idx(tmp_path / "none", np.uint8(3))


def test_a_missing_file_is_the_usual_error_with_advice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="download it into .*or correct the path: 'nowhere'") as error:
        read_idx("nowhere")
    assert error.value.filename == "nowhere" and str(tmp_path) in str(error.value)
    with pytest.raises(FileNotFoundError, match="that folder does not exist either"):
        read_idx(tmp_path / "data" / "images.gz")
    write_idx("images", np.zeros(2, dtype="uint8"))
    write_idx("labels.gz", np.zeros(2, dtype="uint8"))
    for name, there in [("images.gz", "images"), ("labels", "labels.gz")]:
        with pytest.raises(FileNotFoundError, match=f"but {there} is there"):
            read_idx(name)


def test_writing_an_unknown_type_is_an_error(tmp_path):
    with pytest.raises(DataError, match="complex"):
        write_idx(tmp_path / "x", np.zeros(3, dtype="complex64"))
    assert not (tmp_path / "x").exists()


@pytest.fixture
def mnist_files(tmp_path):
    images = np.random.RandomState(0).randint(0, 256, size=(5, 28, 28)).astype("uint8")
    labels = np.array([5, 0, 4, 1, 9], dtype="uint8")
    write_idx(tmp_path / "images.gz", images)
    write_idx(tmp_path / "labels", labels)
    return tmp_path / "images.gz", tmp_path / "labels", images, labels


def test_mnist_items_and_slices(mnist_files):
    image_file, label_file, images, labels = mnist_files
    ds = MNISTDataset(image_file, label_file)
    assert len(ds) == 5
    x, y = ds[2]
    assert x.shape == (784,) and x.dtype == np.float32 and y == 4
    np.testing.assert_allclose(x, images[2].ravel() / 255.0, rtol=1e-6)
    x, y = ds[1:4]
    assert x.shape == (3, 784) and y.shape == (3,) and y.tolist() == [0, 4, 1]
    np.testing.assert_allclose(x[2], images[3].ravel() / 255.0, rtol=1e-6)
    with pytest.raises(IndexError):
        ds[5]
    assert repr(ds) == "MNISTDataset(5 examples)"


def test_mnist_of_no_images(tmp_path):
    write_idx(tmp_path / "images", np.zeros((0, 28, 28), dtype="uint8"))
    write_idx(tmp_path / "labels", np.zeros(0, dtype="uint8"))
    ds = MNISTDataset(tmp_path / "images", tmp_path / "labels")
    assert len(ds) == 0 and ds.images.shape == (0, 784)


def test_mnist_transforms_see_each_image_with_one_channel(mnist_files):
    image_file, label_file, images, _ = mnist_files
    shapes = []

    def transpose(x):
        shapes.append(x.shape)
        return x.transpose(1, 0, 2)

    ds = MNISTDataset(image_file, label_file, transforms=[transpose])
    x, _ = ds[1]
    assert shapes == [(28, 28, 1)] and x.shape == (784,)
    np.testing.assert_allclose(x, images[1].T.ravel() / 255.0, rtol=1e-6)
    x, _ = ds.batch([3, 0])
    assert shapes == [(28, 28, 1)] * 3 and x.shape == (2, 784)
    np.testing.assert_allclose(x[0], images[3].T.ravel() / 255.0, rtol=1e-6)
    assert ds[2:2][0].shape == (0, 784)
    half = MNISTDataset(image_file, label_file, transforms=[lambda x: x[::2, ::2]])
    assert half[0][0].shape == (196,) and half[1:4][0].shape == (3, 196)


def test_mnist_refuses_files_that_do_not_belong_together(mnist_files, tmp_path):
    image_file, label_file, _, _ = mnist_files
    with pytest.raises(DataError, match="swapped"):
        MNISTDataset(label_file, image_file)
    write_idx(tmp_path / "few", np.zeros(4, dtype="uint8"))
    with pytest.raises(DataError, match="5 images.*4 labels"):
        MNISTDataset(image_file, tmp_path / "few")


@pytest.mark.skipif(
    "NEEDLE_EDU_TEST_DATA" not in os.environ,
    reason="real MNIST not at hand: set NEEDLE_EDU_TEST_DATA to the folder that holds mnist/t10k-*.gz",
)
def test_the_real_mnist_test_set():
    folder = os.path.join(os.environ["NEEDLE_EDU_TEST_DATA"], "mnist")
    ds = MNISTDataset(f"{folder}/t10k-images-idx3-ubyte.gz", f"{folder}/t10k-labels-idx1-ubyte.gz")
    assert len(ds) == 10_000
    assert ds.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert abs(float(ds.images.mean()) - 0.1325) < 1e-3 and ds.images.max() == 1.0
