"""Both formats of a checkpoint: what goes in comes out, and what is no checkpoint, or a damaged one, is said."""

import builtins
import json
import struct

import numpy as np
import pytest

from needle_edu import checkpoints, init, nn, optim
from needle_edu.backend.errors import DataError, DTypeError, ShapeError
from needle_edu.checkpoints import tensors

safetensors = pytest.importorskip("safetensors.numpy")
FORMATS = ["run.safetensors", "run.npz"]


class State:
    """A part that is whatever it was given."""

    def __init__(self, **state):
        self.state = state

    def state_dict(self):
        return self.state

    def load_state_dict(self, saved):
        self.state = dict(saved)


@pytest.mark.parametrize("name", FORMATS)
def test_every_kind_of_array_comes_back_in_order(tmp_path, rng, name):
    numbers = rng.normal(size=(3, 4))
    kinds = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]
    state = {f"{k}.{kind}": (numbers * 50).astype(np.int8).astype(kind) for k, kind in enumerate(kinds)}
    state |= {
        "transposed": numbers.T,
        "backwards": numbers[::-1, ::-2],
        "broadcast": np.broadcast_to(np.float32(3), (2, 3)),
        "big-endian": numbers.astype(">f8"),
        "empty": np.zeros((0, 3), "f4"),
        "alone": np.asarray(np.float32(2.5)),
        "special": np.array([np.nan, np.inf, -0.0]),
        "a word": np.array("min ∂"),
        "python": 3,
    }
    checkpoints.save(tmp_path / name, part=State(**state))
    back = State()
    checkpoints.load(tmp_path / name, part=back)
    assert list(back.state) == list(state)
    for key, array in back.state.items():
        wanted = np.asarray(state[key])
        assert array.shape == wanted.shape and array.dtype.newbyteorder("=") == wanted.dtype.newbyteorder(
            "="
        ), key
        np.testing.assert_array_equal(array, wanted, err_msg=key)
        assert array.flags.writeable


def test_the_name_says_the_format_and_reading_looks_at_the_content(tmp_path):
    model, other = nn.Linear(2, 3), nn.Linear(2, 3)
    checkpoints.save(tmp_path / "a.safetensors", model=model)
    checkpoints.save(tmp_path / "a.npz", model=model)
    assert (tmp_path / "a.npz").read_bytes()[:2] == b"PK"
    (tmp_path / "a.safetensors").rename(tmp_path / "b.npz")
    (tmp_path / "a.npz").rename(tmp_path / "b.safetensors")
    for name in ("b.npz", "b.safetensors"):
        init.seed(4)
        other = nn.Linear(2, 3)
        checkpoints.load(tmp_path / name, model=other)
        np.testing.assert_array_equal(other.weight.numpy(), model.weight.numpy())


def test_what_numpy_wrote_and_reads(tmp_path):
    """Checkpoints of before there was another format: `numpy.savez`."""
    model = nn.Linear(2, 3)
    np.savez(
        tmp_path / "old.npz", **{"model/weight": np.ones((2, 3), "f4"), "model/bias": np.ones((1, 3), "f4")}
    )
    checkpoints.load(tmp_path / "old.npz", model=model)
    assert model.weight.numpy().tolist() == [[1, 1, 1]] * 2
    checkpoints.save(tmp_path / "new.npz", model=model)
    with np.load(tmp_path / "new.npz") as archive:
        assert archive.files == ["model/weight", "model/bias"] and archive["model/bias"].shape == (1, 3)


def test_others_read_it(tmp_path):
    """The library alone, as PyTorch and others use it, finds the same numbers."""
    model = nn.Linear(2, 3)
    checkpoints.save(tmp_path / "run.safetensors", model=model, kind=State(word="x"))
    found = safetensors.load_file(tmp_path / "run.safetensors")
    assert sorted(found) == ["model/bias", "model/weight"]
    np.testing.assert_array_equal(found["model/weight"], model.weight.numpy())


def test_a_header_without_padding_is_read(tmp_path):
    """Other writers leave the numbers at whatever byte the header ends."""
    model = nn.Linear(2, 3)
    checkpoints.save(tmp_path / "run.safetensors", model=model)
    content = (tmp_path / "run.safetensors").read_bytes()
    (n,) = struct.unpack("<Q", content[:8])
    header = content[8 : 8 + n].rstrip()
    header += b" " * ((3 - len(header)) % 8)
    assert len(header) % 8 == 3
    (tmp_path / "run.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + content[8 + n :])
    other = nn.Linear(2, 3)
    checkpoints.load(tmp_path / "run.safetensors", model=other)
    np.testing.assert_array_equal(other.weight.numpy(), model.weight.numpy())


def edited(content, change):
    (n,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + n])
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + n :]


WRONG = [
    (lambda c: b"", "no zip archive"),
    (lambda c: c[:7], "no zip archive"),
    (lambda c: c[:40], "cut short"),
    (lambda c: c[:-1], "cannot be read as a checkpoint"),
    (lambda c: c + b"\0", "cannot be read as a checkpoint"),
    (lambda c: c[:-1] + bytes([c[-1] ^ 1]), "its bytes changed since it was written"),
    (lambda c: c.replace(b'"F32"', b'"F99"', 1), "cannot be read as a checkpoint"),
    (
        lambda c: edited(c, lambda h: h["model/bias"].update(dtype="BF16", shape=[1, 6])),
        "type 'BF16', which NumPy",
    ),
    (lambda c: edited(c, lambda h: h.pop("__metadata__")), "another writer"),
    (lambda c: edited(c, lambda h: h["__metadata__"].update(format="pt")), "format 'pt', wanted 'needle_edu"),
    (lambda c: edited(c, lambda h: h["__metadata__"].update(order='["model/x"]')), "list of names"),
    (lambda c: edited(c, lambda h: h["model/weight"].update(shape=[3, 2])), "its bytes changed"),
    (lambda c: struct.pack("<Q", 2**62) + c[8:], "no zip archive"),
    (lambda c: struct.pack("<Q", 90_000_000) + c[8:], "cut short"),
    (lambda c: b"<html>" + c, "no zip archive"),
]


@pytest.mark.parametrize(("damage", "words"), WRONG)
def test_what_is_no_checkpoint_is_said_in_one_sentence(tmp_path, damage, words):
    path, model = tmp_path / "run.safetensors", nn.Linear(2, 3)
    checkpoints.save(path, model=model)
    before = model.weight.numpy()
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=words) as error:
        checkpoints.load(path, model=model)
    assert "run.safetensors: found a file that cannot be read as a checkpoint (" in str(error.value)
    assert "\n" not in str(error.value)
    np.testing.assert_array_equal(model.weight.numpy(), before)


@pytest.mark.parametrize("name", FORMATS)
def test_a_flipped_bit_is_an_error_or_harmless(tmp_path, rng, name):
    path, model = tmp_path / name, nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    checkpoints.save(path, model=model)
    whole, before = path.read_bytes(), model.state_dict()
    noticed = 0
    for place in rng.integers(len(whole), size=150):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            checkpoints.load(path, model=model)
        except (DataError, ShapeError, DTypeError):
            noticed += 1
        for key, array in model.state_dict().items():
            np.testing.assert_array_equal(array, before[key], err_msg=f"byte {place} flipped")
    assert noticed > 50


def test_without_the_library_one_sentence_says_what_to_do(tmp_path, monkeypatch):
    model = nn.Linear(2, 2)
    checkpoints.save(tmp_path / "there.safetensors", model=model)
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name.startswith("safetensors"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])
        return real(name, *args, **kwargs)

    monkeypatch.setattr("importlib.import_module", lambda name: absent(name))
    for act in (checkpoints.save, checkpoints.load):
        with pytest.raises(
            ImportError, match=r"needs the package safetensors: .*needle_edu\[train\]'; a .npz one"
        ):
            act(tmp_path / "there.safetensors", model=model)
    checkpoints.save(tmp_path / "x.npz", model=model)
    checkpoints.load(tmp_path / "x.npz", model=model)


def test_what_the_format_lacks(tmp_path):
    if np.dtype(np.longdouble).itemsize == 8:
        pytest.skip("longdouble is float64 here")
    path = tmp_path / "run.safetensors"
    with pytest.raises(DataError, match="x: safetensors holds no float128|x: safetensors holds no float96"):
        checkpoints.save(path, part=State(x=np.zeros(2, np.longdouble)))
    with pytest.raises(DataError, match="part: x is no number and no array of numbers"):
        checkpoints.save(path, part=State(x=np.zeros(2, complex)))
    assert not path.exists()


def test_dicts_of_numbers(tmp_path):
    path = tmp_path / "run.npz"
    checkpoints.save(
        path, progress={"epoch": 3, "best": 0.5, "done": False, "name": "mlp", "losses": [1.0, 2.0]}
    )
    progress = {"stale": 1}
    checkpoints.load(path, progress=progress)
    assert progress.pop("losses").tolist() == [1, 2]
    assert progress == {"epoch": 3, "best": 0.5, "done": False, "name": "mlp"}
    assert type(progress["epoch"]) is int and progress["done"] is False
    with pytest.raises(DataError, match="progress: the name of an entry is a string, got 3"):
        checkpoints.save(path, progress={3: 4})
    kept, model = {"epoch": 7}, nn.Linear(2, 2)
    checkpoints.save(path, progress={"epoch": 1}, model=model)
    with pytest.raises(ShapeError):
        checkpoints.load(path, progress=kept, model=nn.Linear(3, 2))
    assert kept == {"epoch": 7}


def test_random_numbers(tmp_path):
    import random

    path = tmp_path / "run.safetensors"
    np.random.seed(5)
    random.seed(5)
    np.random.randn(3), random.gauss(0, 1)  # both keep a second normal number for later
    checkpoints.save(path, random=checkpoints.RandomNumbers())
    wanted = [np.random.randn(4).tolist(), np.random.rand(700).tolist(), random.gauss(0, 1), random.random()]
    np.random.seed(1)
    random.seed(1)
    checkpoints.load(path, random=checkpoints.RandomNumbers())
    assert wanted == [
        np.random.randn(4).tolist(),
        np.random.rand(700).tolist(),
        random.gauss(0, 1),
        random.random(),
    ]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"key": np.zeros(3, "u4")}, r"key has shape \(624,\)"),
        ({"position": np.asarray(625)}, "position holds whole numbers from 0 to 624"),
        ({"key": np.full(624, -1)}, "key holds whole numbers"),
        ({"python": np.full(625, 700)}, "python holds whole numbers from 0 to 624"),
        ({"gauss": np.asarray(1)}, "gauss has shape"),
        ({"more": np.asarray(1)}, "wanted key, position"),
    ],
)
def test_a_state_of_random_numbers_that_is_none(damage, words):
    part = checkpoints.RandomNumbers()
    before = part.state_dict()
    with pytest.raises(DataError, match=words):
        part.load_state_dict({**before, **damage})
    after = part.state_dict()
    assert all(np.array_equal(before[name], after[name], equal_nan=True) for name in before)


def test_an_optimiser_with_a_word_and_memory_that_lies_strangely(tmp_path):
    model = nn.Linear(3, 2)
    optimizer = optim.Adam(model.parameters())
    (model(init.ones(1, 3)) ** 2).sum().backward()
    optimizer.step()
    checkpoints.save(tmp_path / "a.safetensors", optimizer=optimizer)
    other = optim.Adam(model.parameters(), lr=3)
    checkpoints.load(tmp_path / "a.safetensors", optimizer=other)
    for name, array in optimizer.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], array)
    assert tensors.looks_like((tmp_path / "a.safetensors").read_bytes())
