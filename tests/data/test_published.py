"""Data sets in the formats of their publishers, opened by name from an offline folder."""

import io
import pickle
import tarfile
import zipfile

import numpy as np
import pytest

from needle_edu import data
from needle_edu.backend.errors import DataError
from needle_edu.data import write_idx
from needle_edu.data.downloads import registry


def test_all_names_have_digests_of_the_right_length():
    for files in registry.DATA_SETS.values():
        for file in files:
            assert len(file.hexadecimal) == {"md5": 32, "sha256": 64}[file.kind]
            assert int(file.hexadecimal, 16) and all(url.startswith("http") for url in file.urls)
    assert len({file.hexadecimal for files in registry.DATA_SETS.values() for file in files}) == 21


def test_a_model_is_no_data_set():
    with pytest.raises(DataError, match=r"'minilm' is a model: models.minilm\(\) reads it"):
        data.load("minilm")


def packed(kind, files):
    made = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(made, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=made, mode="w:gz") as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


@pytest.fixture
def offline(monkeypatch, tmp_path, rng):
    """A folder with small files of every format, named as the published ones."""
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(tmp_path))
    for name in ("mnist", "fashion-mnist", "kmnist", "cifar10", "cifar100", "olivetti", "cola"):
        (tmp_path / name).mkdir()
    for name in ("mnist", "fashion-mnist", "kmnist"):
        for part, n in (("train", 5), ("t10k", 3)):
            write_idx(
                tmp_path / name / f"{part}-images-idx3-ubyte.gz", rng.integers(0, 256, (n, 28, 28), "uint8")
            )
            write_idx(
                tmp_path / name / f"{part}-labels-idx1-ubyte.gz", rng.integers(0, 10, n).astype("uint8")
            )
    pixels = rng.integers(0, 256, (2, 3072), "uint8")
    batch = pickle.dumps({b"data": pixels, b"labels": [3, 4]}, 2)
    files = {
        f"cifar-10-batches-py/{n}": batch for n in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
    }
    (tmp_path / "cifar10" / "cifar-10-python.tar.gz").write_bytes(packed("tar", files))
    batch = pickle.dumps({b"data": pixels, b"fine_labels": [99, 4], b"coarse_labels": [19, 4]}, 2)
    files = {f"cifar-100-python/{n}": batch for n in ("train", "test")}
    (tmp_path / "cifar100" / "cifar-100-python.tar.gz").write_bytes(packed("tar", files))
    lines = {"train": "a\t1\t\tOne.\nb\t0\t*\tTwo\u2026\n", "dev": "a\t0\t?\tThree.\n"}
    files = {f"cola_public/raw/in_domain_{part}.tsv": text.encode() for part, text in lines.items()}
    (tmp_path / "cola" / "cola_public_1.1.zip").write_bytes(packed("zip", files))
    return tmp_path


def test_every_kind_is_opened(offline):
    for name in ("mnist", "fashion-mnist", "kmnist"):
        train, test = data.load(name), data.load(name, train=False)
        assert (len(train), len(test)) == (5, 3) and train[0][0].shape == (784,)
    assert len(data.load("cifar10")) == 10 and len(data.load("cifar10", False)) == 2
    hundred = data.load("cifar100", transforms=[lambda x: x * 0])
    assert hundred.y.tolist() == [99, 4] and hundred[0][0].shape == (3, 32, 32) and not hundred[0][0].any()
    sentences = data.load("cola")
    assert list(sentences) == [("One.", 1), ("Two…", 0)] and list(data.load("cola", False)) == [("Three.", 0)]
    with pytest.raises(ValueError, match="transforms are for pictures"):
        data.load("cola", transforms=[])


def test_a_line_of_cola_that_is_none(offline):
    data.load("cola")
    (offline / "cola" / "cola_public" / "raw" / "in_domain_dev.tsv").write_text("a\t1\t\tx\na\t2\t\tx\n")
    with pytest.raises(DataError, match=r"in_domain_dev.tsv, line 2: wanted source, 0 or 1"):
        data.load("cola", train=False)


@pytest.mark.parametrize("compressed", [True, False])
def test_faces(offline, rng, compressed):
    scipy = pytest.importorskip("scipy.io")
    faces = rng.integers(0, 256, (4096, 400), "uint8")
    others = {"p": np.ones((1, 40)), "word": "text", "u": rng.normal(size=(3, 4))}
    path = offline / "olivetti" / "olivettifaces.mat"
    scipy.savemat(path, {**others, "faces": faces}, do_compression=compressed)
    train, test = data.load("olivetti"), data.load("olivetti", train=False)
    assert (len(train), len(test)) == (320, 80)
    # as scikit-learn reads them: sklearn/datasets/_olivetti_faces.py
    pictures = faces.T.reshape(400, 64, 64).transpose(0, 2, 1) / 255
    np.testing.assert_allclose(train[9][0].reshape(64, 64), pictures[11], rtol=1e-6)
    np.testing.assert_allclose(test[3][0].reshape(64, 64), pictures[19], rtol=1e-6)
    assert train[9][1] == 1 and test[3][1] == 1 and np.bincount(train.arrays[1]).tolist() == [8] * 40
    content = path.read_bytes()
    for cut in (0, 100, 128, 140, 300, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:cut])
        with pytest.raises(DataError, match="olivettifaces.mat: (no MATLAB|damaged|holds)"):
            data.load("olivetti")
    scipy.savemat(path, {"faces": faces[:, :3]})
    with pytest.raises(DataError, match=r"shape \(4096, 3\), wanted uint8 \(4096, 400\)"):
        data.load("olivetti")


def test_what_scipy_wrote_is_read(tmp_path, rng):
    scipy = pytest.importorskip("scipy.io")
    from needle_edu.data.matlab import read_matlab

    arrays = {
        f"x_{kind}": (rng.normal(size=(3, 5)) * 40).astype(kind)
        for kind in ["i1", "u2", "i4", "f4", "f8", "i8"]
    }
    scipy.savemat(tmp_path / "a.mat", {**arrays, "cell": np.array([1, "a"], object), "z": np.ones(2) * 1j})
    for name, array in arrays.items():
        found = read_matlab(tmp_path / "a.mat", name)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
    for name in ("nothing", "cell", "z"):
        with pytest.raises(DataError, match=f"wanted an array of real numbers named '{name}'"):
            read_matlab(tmp_path / "a.mat", name)
