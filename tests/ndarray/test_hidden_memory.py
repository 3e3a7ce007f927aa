"""A device whose memory NumPy cannot see: what can't be shared says so in one sentence, and what travels between the
device and NumPy is copied once, and no more of it than was asked for.

That everything else computes there as anywhere, the other tests of this folder show: `hidden` is one of their devices.
"""

import pickle

import numpy as np
import pytest
from hidden_device import hidden

import needle_edu as ndl
from needle_edu import data, metrics, ndarray as nd, nn
from needle_edu.backend import DeviceError, ShapeError, cpu, cpu_numpy

from .oracle import same

X = np.arange(12, dtype="float32").reshape(3, 4)


def copies(work) -> list[tuple[str, int]]:
    """Return what `work` copied from and to the host: which way, and how many elements."""
    hidden.runtime.copied.clear()
    work()
    return list(hidden.runtime.copied)


SHARING = {
    "np.asarray": lambda a: np.asarray(a),
    "np.asarray of another type": lambda a: np.asarray(a, "float64"),
    "np.array without a copy": lambda a: np.array(a, copy=False),
    "np.asarray of a list": lambda a: np.asarray([a, a]),
    "np.asarray of a tensor": lambda a: np.asarray(ndl.Tensor(a)),
    "np.asarray of nothing": lambda a: np.asarray(a[:0]),
    "__dlpack__": lambda a: a.__dlpack__(),
    "__dlpack__ of a reversed view": lambda a: a[::-1].__dlpack__(),
    "__dlpack_device__": lambda a: a.__dlpack_device__(),
    "np.from_dlpack": lambda a: np.from_dlpack(a),
}


@pytest.mark.parametrize("door", SHARING)
def test_memory_that_cannot_be_shared_is_one_sentence(door):
    with pytest.raises(
        DeviceError, match=r"of hidden\(\) cannot be shared with NumPy; copy it with a.numpy\(\)"
    ):
        SHARING[door](nd.array(X, device=hidden))


@pytest.mark.parametrize("door", [nd.asarray, nd.from_dlpack], ids=["asarray", "from_dlpack"])
def test_numpys_memory_is_copied_or_refused(door):
    x = X.copy()
    a = door(x, device=hidden)
    x[...] = 0
    same(a, X)
    with pytest.raises(ShapeError, match="copy=False"):
        door(x, device=hidden, copy=False)


def test_a_copy_may_be_asked_for():
    a = nd.array(X, device=hidden)
    for own in (np.array(a), np.array(a, "float64"), np.array(ndl.Tensor(a)), a.numpy()):
        np.testing.assert_array_equal(own, X)
        own[...] = 7
    same(a, X)


def test_as_many_elements_travel_as_were_asked_for():
    a = nd.array(X, device=hidden)
    wide = nd.zeros((1000, 1000), device=hidden)
    for work, elements in {
        lambda: a.numpy(): 12,
        lambda: a.T.numpy(): 12,
        lambda: a[1].numpy(): 4,
        lambda: a[:, 1].numpy(): 3,
        lambda: a[2, 3].item(): 1,
        lambda: float(wide[500, ::-1][3]): 1,
        lambda: wide[7:9, ::500].tolist(): 4,
        lambda: f"{wide[3, 3]:.2f}": 1,
        lambda: wide.sum().item(): 1,
        lambda: bool(wide[0, 0]): 1,
        lambda: pickle.dumps(a[:2]): 8,
    }.items():
        assert copies(work) == [("to host", elements)]
    for work, elements in {
        lambda: nd.array(X, device=hidden): 12,
        lambda: nd.array(X.T, device=hidden): 12,
        lambda: nd.array([1, 2], dtype="int32", device=hidden): 2,
        lambda: wide.__setitem__((slice(0, 3), slice(0, 4)), X): 12,
        lambda: wide.__setitem__(0, [1] * 1000): 1000,
        lambda: hidden.randn(5, 4): 20,
        lambda: nd.full((100,), 2**60, dtype="int64", device=hidden): 1,
    }.items():
        assert copies(work) == [("from host", elements)]


def test_what_the_device_computes_stays_there():
    a, i = nd.array(X, device=hidden), nd.array([0, 2, -1], dtype="int64", device=hidden)
    for work in (
        lambda: nd.zeros((3, 4), device=hidden),
        lambda: a + a.T.compact().T,
        lambda: a.fill(3),
        lambda: a.__setitem__(0, 1.5),
        lambda: a[i],
        lambda: a[i, i],  # bounds are a kernel's work as well
        lambda: a.__setitem__((i, i), 0.0),
        lambda: nd.index_add(a, (i, i), nd.ones(3, device=hidden)),
        lambda: a.flat[3],
        lambda: nd.concat([a, a]),
        lambda: a @ a.T,
    ):
        assert copies(work) == []


def test_arrays_move_to_and_fro():
    for other in (cpu(), cpu_numpy()):
        for view in (lambda a: a, lambda a: a.T, lambda a: a[1:, ::-2], lambda a: a[:0]):
            there = view(nd.array(X, device=other)).to(hidden)
            back = view(nd.array(X, device=hidden)).to(other)
            assert there.device is hidden and back.device is other
            same(there, view(X))
            same(back, view(X))


def test_a_kernel_refuses_an_array_of_another_device():
    a, b = nd.ones(3, device=hidden), nd.ones(3, device=cpu())
    with pytest.raises(DeviceError, match=r"hidden\(\) and cpu\(\)"):
        a + b
    same(nd.concat([b, a.to(cpu())]), np.ones(6, "float32"))


def test_an_integer_that_no_double_holds_arrives_whole():
    a = nd.full((2, 3), 2**60 + 1, dtype="int64", device=hidden)
    a[1] = -(2**61) - 1
    same(a, np.array([[2**60 + 1] * 3, [-(2**61) - 1] * 3]))


def test_new_memory_is_no_accidental_zero():
    """So a test on this device finds out who reads what was never written."""
    assert np.isnan(nd.empty((5,), device=hidden).numpy()).all()


def test_tensors_there_are_printed_scored_saved_and_loaded():
    x, labels = ndl.Tensor(X, device=hidden), ndl.Tensor([3, 0, 0], device=hidden)
    assert repr(x) == repr(ndl.Tensor(X, device=cpu()))
    assert metrics.accuracy(x, labels) == metrics.accuracy(X, labels.numpy())
    loss = nn.SoftmaxLoss()
    assert loss(x, labels).item() == pytest.approx(loss(ndl.Tensor(X, device=cpu()), labels.numpy()).item())
    assert loss(x, labels.numpy()).item() == loss(x, labels).item()
    one_hot = ndl.init.one_hot(4, labels)
    np.testing.assert_array_equal(one_hot.numpy(), np.eye(4)[labels.numpy()])
    model = nn.Linear(4, 2, device=hidden)
    saved = {name: ndl.Tensor(value + 1, device=hidden) for name, value in model.state_dict().items()}
    model.load_state_dict(saved)
    np.testing.assert_array_equal(model.weight.numpy(), saved["weight"].numpy())
    rows = data.NDArrayDataset(x, labels)
    np.testing.assert_array_equal(rows[1][0], X[1])
    assert "0 … 22" in ndl.viz.draw(x + x).svg
