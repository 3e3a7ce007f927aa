"""Exchange with NumPy and DLPack: one memory, both ways, alive as long as anybody looks into it."""

import gc
import weakref

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.backend import DTypeError, ShapeError, cpu, cpu_numpy

from .oracle import same


@pytest.mark.shares_memory
def test_np_asarray_shares_and_numpy_copies(device):
    a = nd.array(np.arange(6).reshape(2, 3), device=device)
    shared, copied = np.asarray(a.T), a.numpy()
    shared[2, 1] = 50
    assert a[1, 2].item() == 50
    assert copied[1, 2] == 5
    assert shared.strides == (4, 12)


@pytest.mark.shares_memory
def test_an_exported_view_keeps_the_storage_alive(device):
    a = nd.array(np.arange(5000), device=device)
    storage = weakref.ref(a.storage)
    exported = np.asarray(a[10:])
    del a
    gc.collect()
    assert storage() is not None
    assert exported[0] == 10 and exported[-1] == 4999
    del exported
    gc.collect()
    assert storage() is None


@pytest.mark.shares_memory
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "bool"])
@pytest.mark.parametrize("view", [np.s_[:], np.s_[::-1, 1:], np.s_[1], np.s_[:, ::-2]])
def test_asarray_shares_numpys_memory_strides_and_all(dtype, view, device):
    x = np.arange(12).reshape(3, 4).astype(dtype)
    a = nd.asarray(x[view], device=device)
    same(a, x[view])
    a[...] = 1 - a.astype("int32")
    same(a, x[view])
    x[...] = 0
    same(a, x[view])


@pytest.mark.shares_memory
def test_asarray_keeps_numpys_memory_alive(device):
    x = np.arange(1000.0)
    memory = weakref.ref(x)
    a = nd.asarray(x[5:], device=device)
    del x
    gc.collect()
    assert memory() is not None and a[0].item() == 5
    del a
    gc.collect()
    assert memory() is None


def test_asarray_copies_what_it_must_not_or_cannot_share(device):
    x = np.arange(4.0)
    x.flags.writeable = False
    a = nd.asarray(x, device=device)
    a[0] = 9
    assert x[0] == 0
    record = np.zeros(3, dtype=[("byte", "i1"), ("value", "f4")])["value"]  # stride 5, not aligned
    same(nd.asarray(record, device=device), record)
    with pytest.raises(ShapeError, match="copy=False"):
        nd.asarray(record, copy=False, device=device)
    y = np.arange(4.0)
    for a in (nd.asarray(y, copy=True, device=device), nd.array(y, dtype="float64", device=device)):
        a[...] = 7
        assert y[3] == 3


def test_asarray_of_an_array_is_the_array():
    a = nd.zeros(3)
    assert nd.asarray(a) is a
    assert nd.asarray(a, dtype="int32").dtype == "int32"
    same(nd.asarray([nd.array([1, 2]), nd.array([3, 4])]), np.array([[1, 2], [3, 4]], "float32"))


@pytest.mark.shares_memory
def test_dlpack_both_ways(device):
    a = nd.array(np.arange(6).reshape(2, 3), device=device)
    x = np.from_dlpack(a.T)
    x[0, 1] = 40
    assert a[1, 0].item() == 40
    y = np.arange(4, dtype="int64")[::2]
    b = nd.from_dlpack(y, device=device)
    b[1] = 30
    assert y.tolist() == [0, 30]
    assert a.__dlpack_device__() == (1, 0)
    storage = weakref.ref(a.storage)
    del a
    gc.collect()
    assert x[0, 1] == 40 and storage() is not None
    with pytest.raises(DTypeError, match="from_dlpack: list does not speak DLPack"):
        nd.from_dlpack([1])


@pytest.mark.shares_memory
def test_dlpack_hands_out_no_negative_strides(device):
    """PyTorch aborts the whole process on one."""
    a = nd.array([1, 2, 3], device=device)
    x = np.from_dlpack(a[::-1])
    assert x.strides == (4,) and x.tolist() == [3, 2, 1] and not np.shares_memory(x, np.asarray(a))
    with pytest.raises(BufferError, match="copy=False, but a stride is negative"):
        a[::-1].__dlpack__(copy=False)


@pytest.mark.shares_memory
@pytest.mark.parity
def test_dlpack_with_pytorch(device):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install needle-edu[parity]")
    t = torch.arange(6.0).reshape(2, 3)
    a = nd.from_dlpack(t.T, device=device)
    a[0, 1] = 70
    assert t[1, 0] == 70
    back = torch.from_dlpack(a)
    back[0, 0] = -1
    assert t[0, 0] == -1


def test_numpy_leaves_mixed_arithmetic_to_us():
    a = nd.array([1, 2])
    for result in (
        np.float32(2) * a,
        np.array([2, 2], "float32") * a,
        2 * a,
        a * np.array([2, 2], "float32"),
    ):
        same(result, np.array([2, 4], "float32"))
    same(np.array([4, 4], "float32") / a, np.array([4, 2], "float32"))
    same(np.float64(1) - a, np.array([0, -1], "float32"))


def test_numbers():
    a = nd.array([[2.5]])
    assert float(a) == a.item() == 2.5 and int(a) == 2 and bool(a) and f"{a:.3f}" == "2.500"
    assert [10, 20][nd.asarray(1)] == 20
    assert nd.array([[1, 2]]).tolist() == [[1.0, 2.0]]
    assert isinstance(nd.asarray([3]).item(), int)


def test_in_asks_for_an_element():
    a = nd.array([[1, 2], [3, 4]])
    assert 3 in a and 7 not in a and "x" not in a and 1 not in nd.zeros((0, 2))


def test_moving_between_devices():
    a = nd.array([[1, 2], [3, 4]], device=cpu()).T
    b = a.to(cpu_numpy())
    assert b.device == cpu_numpy()
    same(b, np.array([[1, 3], [2, 4]], "float32"))
    b[0, 0] = 9
    assert a[0, 0].item() == 1


def test_writing_stamps_the_storage_and_computing_does_not():
    a = nd.array([1.0, 2.0, 3.0])
    b = a + a
    assert a.storage.version == b.storage.version == 0
    before = a.storage.version
    for write in (
        lambda: a.fill(1),
        lambda: a.__setitem__(0, 5),
        lambda: a.__setitem__([0, 1], b[:2]),
        lambda: a.flat.__setitem__(0, 2),
        lambda: a[1:].__setitem__(0, 5),
        lambda: a.copy_from(b),
    ):
        write()
        assert a.storage.version > before
        before = a.storage.version


def test_text():
    a = nd.array([[1, 2], [3, 4]], device=cpu())
    assert repr(a) == "NDArray([[1., 2.],\n         [3., 4.]], dtype=float32, device=cpu())"
    assert str(a) == "[[1. 2.]\n [3. 4.]]  float32 on cpu()"
    assert (
        repr(nd.zeros((0, 3), dtype="int32", device=cpu()))
        == "NDArray([], shape=(0, 3), dtype=int32, device=cpu())"
    )


def test_html_shows_the_facts_and_stays_small():
    html = nd.array(np.arange(6).reshape(2, 3), device=cpu()).T._repr_html_()
    assert "shape (3, 2)" in html and "strides (1, 3)" in html and "float32 on cpu()" in html
    assert html.count("<tr>") == 3 and html.index(">3<") < html.index(">1<")
    large = nd.zeros((100, 3, 200))._repr_html_()
    assert "⋯" in large and len(large) < 8000
    assert "<table></table>" in nd.zeros(0)._repr_html_()
