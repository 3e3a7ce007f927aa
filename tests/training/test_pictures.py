"""Which pictures are learned from, what is said of it, and how small ones become large."""

import struct

import numpy as np
import pytest

from needle_edu import data, training
from needle_edu.backend import DataError, ShapeError
from needle_edu.data.downloads import at_hand
from needle_edu.training.pictures import find_pictures, fitted


@pytest.fixture
def fashion(tmp_path, monkeypatch):
    """A folder of data sets with a tiny fashion-mnist in the published format."""
    folder = tmp_path / "data" / "fashion-mnist"
    folder.mkdir(parents=True)
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(tmp_path / "data"))
    rng = np.random.default_rng(0)
    for part, n in (("train", 300), ("t10k", 150)):
        data.write_idx(
            folder / f"{part}-images-idx3-ubyte.gz", rng.integers(0, 256, (n, 28, 28), dtype="uint8")
        )
        data.write_idx(folder / f"{part}-labels-idx1-ubyte.gz", (np.arange(n) % 10).astype("uint8"))
    return folder


def test_the_full_data_set_where_it_is_at_hand(fashion):
    assert at_hand("fashion-mnist") and not at_hand("mnist")
    found = find_pictures(None, ("mnist", "fashion-mnist"))
    assert (found.said, found.shape, len(found.train), len(found.test)) == (
        "fashion-mnist", (1, 28, 28), 300, 150,
    )  # fmt: skip
    (fashion / "t10k-labels-idx1-ubyte.gz").unlink()
    assert not at_hand("fashion-mnist"), "half a data set"
    found = find_pictures(None, ("mnist", "fashion-mnist"))
    assert found.said == "digits (which come with needle_edu; not at hand: mnist, fashion-mnist)"
    assert len(found.train) == 1438


def test_a_trial_run_takes_few(fashion):
    found = find_pictures(None, ("fashion-mnist",), small=True)
    assert (found.said, len(found.train), len(found.test)) == ("digits", 256, 128)
    found = find_pictures("fashion-mnist", (), small=True)
    assert (found.said, len(found.train), len(found.test)) == ("fashion-mnist", 256, 128)


def test_a_folder(fashion):
    found = find_pictures(str(fashion), ())
    assert found.said == f"the files in {fashion}" and found.shape == (1, 28, 28)
    pixels, label = found.train[7]
    wanted, _ = data.load("fashion-mnist")[7]
    np.testing.assert_array_equal(pixels, wanted.reshape(1, 28, 28))
    assert label == 7


def test_a_folder_of_faces(tmp_path):
    faces = (np.arange(4096 * 400) % 251).astype("uint8")
    matrix = struct.pack("<4I", 6, 8, 9, 0) + struct.pack("<4I", 5, 8, 4096, 400)  # whole bytes, the shape
    matrix += struct.pack("<2I8s", 1, 5, b"faces") + struct.pack("<2I", 2, faces.size) + faces.tobytes()
    header = bytes(124) + b"\x00\x01IM" + struct.pack("<2I", 14, len(matrix))
    (tmp_path / "olivettifaces.mat").write_bytes(header + matrix)
    found = find_pictures(str(tmp_path), ())
    assert (found.shape, found.classes, len(found.train), len(found.test)) == ((1, 64, 64), 40, 320, 80)
    result = training.run("regularisation", data=tmp_path, steps=1, progress=False)
    assert result.application.data == f"the files in {tmp_path}"


@pytest.mark.parametrize("inside", ["", "cifar-10-batches-py"])
def test_a_folder_of_batches(tmp_path, inside):
    import pickle

    folder = tmp_path / inside
    folder.mkdir(exist_ok=True)
    for k, name in enumerate(["test_batch", *(f"data_batch_{k}" for k in range(1, 6))]):
        content = {b"data": np.full((2, 3072), k, "uint8"), b"labels": [k, 9]}
        (folder / name).write_bytes(pickle.dumps(content))
    turned = []
    found = find_pictures(
        str(tmp_path), (), shape=(3, 32, 32), transforms=[lambda x: turned.append(x.shape) or x]
    )
    assert (len(found.train), len(found.test)) == (10, 2)
    assert found.train[np.array([0, 9])][0].shape == (2, 3, 32, 32) and turned == [(32, 32, 3)] * 2
    found.test[0]
    assert len(turned) == 2, "pictures to test with are left alone"


def test_stand_ins_are_not_mirrored():
    def never(x):
        raise AssertionError

    find_pictures("digits", (), shape=(3, 32, 32), transforms=[never]).train[0]


def test_pictures_of_other_shapes():
    one = np.arange(1.0, 5.0, dtype="f4").reshape(1, 2, 2)
    large = fitted(one, (3, 5, 7))
    assert large.shape == (3, 5, 7) and large.dtype == np.float32
    for colour in large:
        np.testing.assert_array_equal(
            colour,
            [
                [0, 1, 1, 2, 2, 0, 0],
                [0, 1, 1, 2, 2, 0, 0],
                [0, 3, 3, 4, 4, 0, 0],
                [0, 3, 3, 4, 4, 0, 0],
                [0, 0, 0, 0, 0, 0, 0],
            ],
        )
    several = fitted(np.stack([one, 2 * one]), (3, 5, 7))
    np.testing.assert_array_equal(several, np.stack([large, 2 * large]))
    assert fitted(one, (1, 2, 2)) is one


@pytest.mark.parametrize("wanted", [(1, 7, 8), (1, 8, 7)])
def test_pictures_that_are_too_large(wanted):
    with pytest.raises(ShapeError, match=r"pictures of shape \(1, 8, 8\) do not fit a network for"):
        find_pictures("digits", (), shape=wanted)


def test_colours_do_not_become_grey():
    with pytest.raises(ShapeError, match="name other data"):
        fitted(np.zeros((3, 8, 8)), (1, 28, 28))


def test_bad_names(tmp_path):
    with pytest.raises(
        DataError, match="'fashion' is neither a data set of pictures nor a folder; did you mean fashion-"
    ):
        find_pictures("fashion", ())
    with pytest.raises(DataError, match="'xyz' is neither .*; the names are digits, thumbnails, mnist"):
        find_pictures("xyz", ())
    with pytest.raises(DataError, match="holds no data set of pictures: wanted MNIST's four files"):
        find_pictures(str(tmp_path), ())
    with pytest.raises(DataError, match="at_hand: there is no data set 'xyz'"):
        at_hand("xyz")


def test_resnet9_has_ten_classes(tmp_path):
    class Many(training.APPLICATIONS["resnet9"]):
        pass

    with pytest.raises(DataError, match="resnet9 tells 10 classes apart, got pictures of 100"):
        Many.network(None, (3, 32, 32), 100)
