"""`save` and `load`: what goes in comes out, nothing in the file is code, and a wrong file is said to be one."""

import numpy as np
import pytest

import needle_edu
from needle_edu import Tensor, checkpoints, load, nn, optim, save
from needle_edu.backend.errors import DataError


def test_things_come_back_as_they_were(tmp_path):
    thing = {
        "epoch": 3,
        "rate": 0.1,
        "nothing": None,
        "flags": [True, False, "text", float("inf")],
        7: (1, (2,)),
        ("a", 1): {},
        "tensors": [
            Tensor([[1.0, 2.0]]),
            Tensor([1, 2], requires_grad=False),
            Tensor([1.5], dtype="float64"),
        ],
        "arrays": (
            np.arange(6.0).reshape(2, 3)[:, ::-1],
            np.float32(2.5),
            np.array(["a", "bc"]),
            np.zeros((0, 2)),
        ),
    }
    save(thing, tmp_path / "x.npz")
    back = load(tmp_path / "x.npz")
    tensors, arrays = back.pop("tensors"), back.pop("arrays")
    assert (
        back == {k: v for k, v in thing.items() if k not in ("tensors", "arrays")}
        and list(back)[0] == "epoch"
    )
    assert type(back["flags"][0]) is bool and type(back["epoch"]) is int
    for got, given in zip(tensors, thing["tensors"], strict=True):
        assert (
            isinstance(got, Tensor) and got.dtype == given.dtype and got.requires_grad == given.requires_grad
        )
        np.testing.assert_array_equal(got.numpy(), given.numpy())
    for got, given in zip(arrays, thing["arrays"], strict=True):
        assert got.dtype == given.dtype and got.shape == given.shape
        np.testing.assert_array_equal(got, given)


def test_a_run_goes_on(tmp_path):
    model = nn.Linear(2, 3)
    optimizer = optim.Adam(model.parameters())
    for p in model.parameters():
        p.grad = Tensor(np.ones(p.shape))
    optimizer.step()
    save(
        {"model": model, "optimizer": optimizer.state_dict(), "array": model.weight.cached_data},
        tmp_path / "x.npz",
    )
    back = load(tmp_path / "x.npz")
    other = nn.Linear(2, 3)
    again = optim.Adam(other.parameters())
    other.load_state_dict(back["model"])
    again.load_state_dict(back["optimizer"])
    np.testing.assert_array_equal(other.weight.numpy(), model.weight.numpy())
    np.testing.assert_array_equal(back["array"], model.weight.numpy())
    assert again.t == {0: 1, 1: 1}


def test_what_is_no_data_is_refused_and_nothing_written(tmp_path):
    path = tmp_path / "x.npz"
    with pytest.raises(
        DataError, match=r"save: it\['a'\]\[1\] is a function; wanted tensors, arrays, numbers"
    ):
        save({"a": [1, lambda: 0]}, path)
    with pytest.raises(DataError, match="save: it is an ndarray; wanted"):
        save(np.array([object()]), path)
    with pytest.raises(DataError, match="save: it is a type; wanted"):
        save(nn.Linear, path)
    with pytest.raises(TypeError, match="save: the thing comes first, then the path"):
        save(str(path), {"a": 1})
    assert not list(tmp_path.iterdir())


def test_wrong_files_are_said(tmp_path):
    path = tmp_path / "x.npz"
    with pytest.raises(FileNotFoundError):
        load(path)
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match="found a file that cannot be read as a checkpoint"):
        load(path)
    checkpoints.save(path, model=nn.Linear(1, 1))
    with pytest.raises(DataError, match="what checkpoints.save wrote is read by checkpoints.load"):
        load(path)
    for text in ("[", '{"array": "array9"}', '{"dict": 3}', '{"x": 1}'):
        np.savez(path, structure=np.array(text))
        with pytest.raises(DataError, match="found a file that load cannot read"):
            load(path)


def test_they_are_offered_at_the_top():
    assert {"save", "load"} <= set(dir(needle_edu))
