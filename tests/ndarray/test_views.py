"""Views: NumPy's shapes, strides and offsets exactly, one memory, no copy that strides make unnecessary."""

import sys
import threading

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.backend import ShapeError
from needle_edu.ndarray import layout

from .oracle import same, strides_of

VIEWS = {
    "permute": lambda x, xp: xp.permute_dims(x, (2, 0, 1)),
    "reverse axes": lambda x, xp: x.T,
    "swap last": lambda x, xp: x.mT,
    "slice": lambda x, xp: x[1:, ::2, 1:3],
    "negative step": lambda x, xp: x[::-1, 4:0:-2, ::-3],
    "integers": lambda x, xp: x[-1, 2],
    "newaxis": lambda x, xp: x[:, None, ..., None],
    "ellipsis": lambda x, xp: x[..., 1],
    "empty slice": lambda x, xp: x[:, 2:2],
    "beyond the end": lambda x, xp: x[2:100, -100:3],
    "broadcast": lambda x, xp: xp.broadcast_to(x[:, :1], (2, 3, 6, 4)),
    "flip": lambda x, xp: xp.flip(x, axis=(0, 2)),
    "expand_dims": lambda x, xp: xp.expand_dims(x, (0, 2)),
    "squeeze": lambda x, xp: xp.squeeze(x[:1, :, :1], axis=0),
    "moveaxis": lambda x, xp: xp.moveaxis(x, 0, -1),
    "reshape compact": lambda x, xp: xp.reshape(x, (4, -1, 3)),
    "reshape with ones": lambda x, xp: xp.reshape(x, (1, 3, 1, 6, 4, 1)),
    "split an axis of a transposed": lambda x, xp: xp.reshape(x.T, (2, 2, 6, 3)),
    "merge axes of a slice": lambda x, xp: xp.reshape(x[1:], (12, 4)),
    "reshape a reversed": lambda x, xp: xp.reshape(x[::-1, ::-1, ::-1], (72,)),
    "reshape to the same": lambda x, xp: xp.reshape(x.T, (4, 6, 3)),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_a_view_has_numpys_strides_and_shares_memory(view, device):
    x = np.arange(72, dtype="float32").reshape(3, 6, 4)
    a = nd.array(x, device=device)
    expected, got = view(x, np), view(a, nd)
    same(got, expected)
    assert got.storage is a.storage
    if expected.size:
        assert got.strides == strides_of(expected)
        first = expected.__array_interface__["data"][0] - x.__array_interface__["data"][0]
        assert got.offset == first // 4


def test_writing_through_a_view_changes_the_array(device):
    a = nd.zeros((3, 4), device=device)
    a.T[1][::-1].fill(2)
    same(a, np.array([[0, 2, 0, 0]] * 3, "float32"))


def test_reshape_copies_only_where_no_strides_exist(device):
    a = nd.array(np.arange(12).reshape(3, 4), device=device)
    flat = a.T.reshape((12,))
    assert flat.storage is not a.storage
    same(flat, np.arange(12, dtype="float32").reshape(3, 4).T.reshape(12))


def test_reshape_takes_a_tuple_or_integers():
    a = nd.zeros((2, 6))
    assert a.reshape(3, 4).shape == a.reshape((3, 4)).shape == a.reshape(-1, 4).shape == (3, 4)


def test_compact_is_the_array_itself_only_if_it_is_compact(device):
    a = nd.array(np.arange(6).reshape(2, 3), device=device)
    assert a.compact() is a
    transposed = a.T
    assert not transposed.is_compact()
    assert transposed.compact().strides == (2, 1)
    same(transposed.compact(), np.arange(6, dtype="float32").reshape(2, 3).T)
    assert not a[1:].is_compact()  # it starts at offset 3
    assert a[:1].is_compact()


def test_equal_layouts_are_one_object():
    assert nd.zeros((3, 4)).layout is nd.ones((3, 4)).layout
    assert nd.zeros((3, 4)).layout is not nd.zeros((3, 4), dtype="float64").layout
    assert nd.zeros((3, 4)).T.layout is nd.ones((3, 4)).T.layout


def test_threads_make_one_layout():
    device, code = nd.zeros(1).device, nd.zeros(1).layout.code
    found = [[] for _ in range(4)]
    start = threading.Barrier(len(found), timeout=60)

    def make(made):
        start.wait()
        made.extend(layout.make_layout((n, 3), (3, 1), 23, code, device) for n in range(1, 300))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=make, args=(made,)) for made in found]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        sys.setswitchinterval(before)
    for ones in zip(*found, strict=True):
        assert len(set(map(id, ones))) == 1


def test_as_strided_makes_a_sliding_window(device):
    a = nd.array(np.arange(6), device=device)
    window = a.as_strided((4, 3), (1, 1))
    same(window, np.lib.stride_tricks.sliding_window_view(np.arange(6, dtype="float32"), 3))
    assert window.storage is a.storage


@pytest.mark.parametrize(
    "shape, strides, offset",
    [((4, 3), (1, 2), None), ((2,), (-1,), None), ((7,), (1,), None), ((1,), (1,), 6), ((1,), (1,), -1)],
)
def test_as_strided_stays_inside_the_storage(shape, strides, offset):
    with pytest.raises(ShapeError, match="the storage has 6"):
        nd.array(np.arange(6)).as_strided(shape, strides, offset)


def test_as_strided_of_no_elements_touches_nothing():
    assert nd.zeros((2,)).as_strided((0, 9), (50, 50)).shape == (0, 9)


def test_a_view_keeps_the_memory_alive(device):
    def view():
        return nd.array(np.arange(1000), device=device)[::-1]

    got = view()
    nd.zeros((1000,), device=device)
    same(got, np.arange(1000, dtype="float32")[::-1])


KEEPING = {
    "one operand": lambda x, xp: xp.exp(x),
    "a number": lambda x, xp: x * 2,
    "a comparison": lambda x, xp: x > 3,
    "two alike": lambda x, xp: x + x,
    "a broadcast row": lambda x, xp: x - x[0],
    "where": lambda x, xp: xp.where(x > 3, x, x * x),
    "row-major wins": lambda x, xp: x.copy() + x.copy(),
    "a slice has gaps": lambda x, xp: xp.sqrt(x.copy()[:, ::2]),
}


@pytest.mark.parametrize("compute", KEEPING.values(), ids=KEEPING.keys())
@pytest.mark.parametrize("axes", [(2, 1, 0), (1, 0, 2), (0, 2, 1)])
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_a_computed_array_keeps_the_order_of_its_operands_axes(compute, axes, dtype, device):
    """As in NumPy: a transposed operand is walked straight through, and so is the result."""
    x = np.arange(24, dtype=dtype).reshape(2, 3, 4)
    operand = x.transpose(axes)
    expected = compute(operand, np)
    if dtype == "int32" and expected.dtype == "float64":
        expected = expected.astype("float32", order="K")
    got = compute(nd.array(x, dtype, device).permute(axes), nd)
    np.testing.assert_allclose(got.numpy(), expected, rtol=2e-6)
    assert got.dtype == expected.dtype
    if "copy" in compute.__code__.co_names:  # a copy is row-major here; NumPy's may be, or not
        assert got.is_compact()
    else:
        assert got.strides == strides_of(expected)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "bool"])
@pytest.mark.parametrize("axis", [None, 0, 1, 2, (0, 1), (0, 2), (1, 2)])
@pytest.mark.parametrize("name", ["sum", "prod", "max", "min"])
def test_a_reduction_reads_broadcast_numbers_once_and_counts_them_all(name, axis, dtype, device):
    shape = (5, 3, 7)
    for small in [(3, 1), (5, 1, 7), (7,), (1, 1, 1)]:
        x = (1 + np.arange(np.prod(small)).reshape(small) % 3).astype(dtype)
        if dtype == "float64":
            x.flat[0] = -np.inf
        expected = getattr(np.broadcast_to(x, shape), name)(axis=axis, keepdims=True)
        got = getattr(nd, name)(nd.array(x, dtype, device).broadcast_to(shape), axis=axis, keepdims=True)
        np.testing.assert_allclose(got.numpy(), expected, rtol=1e-6)


def test_one_reduced_number_is_written_to_every_place_of_a_long_broadcast_axis(device):
    x = np.arange(12, dtype="float32").reshape(4, 3)
    a = nd.array(x, device=device)
    same(a[1].broadcast_to((2500, 3)).sum(axis=1), np.full(2500, 12, "float32"))
    same(nd.max(a[:, None].broadcast_to((4, 2100, 3)), axis=2), np.repeat(x.max(1)[:, None], 2100, 1))
