"""Indexing and assignment: NumPy's result for every kind of key, and clear errors for keys that mean nothing."""

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from needle_edu import ndarray as nd
from needle_edu.backend import DTypeError, IndexOutOfRange, ShapeError

from .oracle import computing_on, places, same
from .strategies import arrays, keys


def numpy_or_skip(x, key):
    """NumPy's answer; a key that NumPy refuses is not a test case."""
    try:
        return x[key]
    except IndexError:
        assume(False)


def as_ours(key, device):
    """The same key with NDArrays for arrays."""
    return tuple(nd.asarray(item, device=device) if isinstance(item, np.ndarray) else item for item in key)


@pytest.mark.parametrize("place", places())
@given(data=st.data())
def test_getitem(place, data):
    x = data.draw(arrays())
    key = data.draw(keys(x.shape))
    expected = numpy_or_skip(x, key)
    with computing_on(place) as device:
        same(nd.asarray(x.copy(), device=device)[as_ours(key, device)], expected, key)
        transposed = nd.asarray(x.copy(), device=device).T  # the same through strides that are not row-major
        same(transposed.T[as_ours(key, device)], expected, key)


@pytest.mark.parametrize("place", places())
@given(data=st.data())
def test_setitem(place, data):
    x = data.draw(arrays())
    key = data.draw(keys(x.shape))
    shape = numpy_or_skip(x, key).shape
    value = data.draw(arrays(shape=data.draw(st.sampled_from([shape, shape[1:], ()]))))
    if x.dtype.kind in "ib":
        assume(np.isfinite(value).all())  # nan to integer is whatever the machine does
    with computing_on(place) as device:
        a = nd.array(x, x.dtype, device)
        view = a[::-1] if a.ndim else a
        a[as_ours(key, device)] = nd.asarray(value, device=device)
        x = x.copy()
        x[key] = value
        same(a, x, key)
        same(view, x[::-1] if x.ndim else x, key)


@pytest.mark.parametrize("place", places())
@given(data=st.data())
def test_index_add_adds_at_every_occurrence(place, data):
    x = data.draw(arrays(dtypes=("float32", "float64", "int32", "int64")))
    key = data.draw(keys(x.shape))
    value = data.draw(arrays(shape=numpy_or_skip(x, key).shape, dtypes=(x.dtype.name,)))
    assume(np.isfinite(x).all() and np.isfinite(value).all())
    with computing_on(place) as device:
        a = nd.asarray(x.copy(), device=device)
        got = nd.index_add(a, as_ours(key, device), nd.asarray(value, device=device))
        same(a, x, "the operand is untouched")
        np.add.at(x, key, value)
        same(got, x, key)


def test_the_last_of_two_writes_to_one_place_wins(device):
    a = nd.zeros(3, device=device)
    a[[1, 1, 1]] = nd.array([5, 6, 7], device=device)
    same(a, np.array([0, 7, 0], "float32"))


@pytest.mark.parametrize(
    "left, right",
    [
        (np.s_[1:], np.s_[:-1]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[::-1], np.s_[:]),
        (np.s_[[0, 1, 2]], np.s_[2:5]),
        (np.s_[[2, 3, 4]], np.s_[0:3]),
    ],
)
def test_overlapping_assignment(left, right, device):
    x = np.arange(40, dtype="float32").reshape(5, 8)
    a = nd.array(x, device=device)
    x[left], a[left] = (
        (x[right].copy(), a[right]) if isinstance(left, slice) else (x[right][:3].copy(), a[right][:3])
    )
    same(a, x)


def test_assignment_through_a_transposed_self(device):
    x = np.arange(9, dtype="float32").reshape(3, 3)
    a = nd.array(x, device=device)
    a[...] = a.T
    same(a, x.T)


@pytest.mark.shares_memory
def test_overlap_through_a_shared_numpy_buffer():
    x = np.arange(6, dtype="float32")
    a, b = nd.asarray(x), nd.asarray(x)
    a[1:] = b[:-1]
    same(a, np.array([0, 0, 1, 2, 3, 4], "float32"))
    a[[1, 2, 3]] = b[:3]
    same(a, np.array([0, 0, 0, 1, 3, 4], "float32"))


def test_assignment_accepts_as_many_elements(device):
    a = nd.zeros((2, 6), device=device)
    a[:, 1:4] = nd.array(np.arange(6), device=device)
    same(a[:, 1:4], np.arange(6, dtype="float32").reshape(2, 3))
    a[[0, 1], 0] = nd.array([[8], [9]], device=device)
    same(a[:, 0], np.array([8, 9], "float32"))


def test_assignment_converts_to_the_arrays_type(device):
    a = nd.zeros(3, dtype="int32", device=device)
    a[...] = nd.array([1.9, -1.9, 3.0], device=device)
    same(a, np.array([1, -1, 3], "int32"))


def test_flat_reads_and_writes_through_any_strides(device):
    x = np.arange(24, dtype="float32").reshape(2, 3, 4)
    a = nd.array(x, device=device)
    view, expected = a.permute((2, 0, 1))[1:, ::-1], x.transpose(2, 0, 1)[1:, ::-1]
    for j in (0, 5, -1):
        assert view.flat[j].item() == expected.flat[j]
        view.flat[j] += 100
        expected.flat[j] += 100
    view.flat[2:9:3] = -1
    expected.flat[2:9:3] = -1
    same(a, x)
    assert [float(item) for item in view.flat] == expected.ravel().tolist()
    with pytest.raises(IndexOutOfRange, match="18 is out of range for 18"):
        view.flat[18]


def test_take_gather_scatter_add(device):
    x = np.arange(12, dtype="float32").reshape(3, 4)
    a = nd.array(x, device=device)
    index = np.array([[3, 0], [-1, 1], [2, 2]])
    same(nd.take(a, [2, 0], axis=1), np.take(x, [2, 0], axis=1))
    same(nd.take(a, [5, -1]), np.take(x, [5, -1]))
    same(nd.gather(a, index), np.take_along_axis(x, index, axis=1))
    rows = np.array([[0, 2, 1, -1]])
    same(nd.gather(a, rows, axis=0), np.take_along_axis(x, rows, axis=0))
    expected = x.copy()
    np.add.at(expected, (np.arange(3)[:, None], index), 10.0)
    same(nd.scatter_add(a, index, nd.full((3, 2), 10, device=device)), expected)


@pytest.mark.parametrize(
    "key, message",
    [
        (5, "index 5 is out of range for axis 0 with size 3"),
        ((0, -5), "index -5 is out of range for axis 1 with size 4"),
        ((slice(None), [0, 4]), "index 4 is out of range for axis 1 with size 4"),
        (([0, 3], [0, 1]), "index 3 is out of range for axis 0 with size 3"),
        (([0, 1], [0, -5]), "index -5 is out of range for axis 1 with size 4"),
        ((0, 0, 0), "too many indices: 3 for an array of shape"),
        ((..., ...), "only one"),
        (np.array([True, False]), r"a mask of shape \(2,\) does not fit axis 0, of shape \(3,\)"),
        (([0, 1], [0, 1, 2]), r"index arrays of shapes \(2,\) and \(3,\) do not broadcast"),
        (True, "a single bool is not an index"),
    ],
)
@pytest.mark.parametrize("use", ["read", "write"])
def test_keys_outside_the_array(key, message, use, device):
    a = nd.zeros((3, 4), device=device)
    with pytest.raises(IndexOutOfRange, match=message):
        if use == "read":
            a[key]
        else:
            a[key] = 1
    same(a, np.zeros((3, 4), "float32"))


def test_keys_of_a_wrong_type():
    a = nd.zeros((3, 4))
    with pytest.raises(DTypeError, match="index arrays hold integers or bools, got float32"):
        a[nd.zeros(2)]
    with pytest.raises(DTypeError, match="an index is an integer, slice.*got str"):
        a["x"]
    with pytest.raises(DTypeError, match="a slice of axis 1 has integer bounds"):
        a[:, 0.5:]


def test_a_value_that_does_not_fit(device):
    a = nd.zeros((3, 4), device=device)
    with pytest.raises(ShapeError, match=r"value of shape \(5,\) does not fit the shape \(3, 4\)"):
        a[...] = nd.zeros(5, device=device)
    with pytest.raises(ShapeError, match=r"value of shape \(5,\) does not fit the shape \(2, 4\)"):
        a[[0, 1]] = nd.zeros(5, device=device)
    with pytest.raises(DTypeError, match="nan does not fit int32"):
        nd.zeros(2, dtype="int32", device=device)[0] = float("nan")


def test_iteration_and_length():
    a = nd.array([[1, 2], [3, 4]])
    assert len(a) == 2
    assert [row.tolist() for row in a] == [[1, 2], [3, 4]]
    with pytest.raises(ShapeError, match="no length"):
        len(nd.zeros(()))


STEPS = np.arange(5)
LOOKED_UP = np.random.default_rng(7).integers(-6, 6, (5, 4))
COUNTING = {
    "labels": (STEPS, LOOKED_UP[:, 0]),
    "labels, turned": (LOOKED_UP[:, 0] % 5, np.arange(5)),
    "gather": (STEPS[:, None], LOOKED_UP),
    "rows and columns": (STEPS[:, None], STEPS[None, ::-1]),
    "backwards": (STEPS[::-1, None], LOOKED_UP),
    "every second": (np.arange(0, 5, 2)[:, None], LOOKED_UP[:3]),
    "a diagonal": (STEPS, STEPS),
    "behind the end": (STEPS - 5, LOOKED_UP[:, 0]),
    "around the end": (STEPS - 2, STEPS),
    "one place": (np.array([3]), STEPS),
    "a column, then apart": (slice(None), STEPS[:, None], slice(1, 3), LOOKED_UP),
    "three": (STEPS, LOOKED_UP[:, 1] % 5, STEPS),
    "nearly equal steps": (np.array([0, 1, 2, 4, 4]), LOOKED_UP[:, 0]),
    "equal ends": (np.array([0, 3, 2, 1, 4]), LOOKED_UP[:, 0]),
}


@pytest.mark.parametrize("key", COUNTING.values(), ids=COUNTING)
@pytest.mark.parametrize(
    "view", [(slice(None),), (slice(None, None, -1), slice(None, None, -1))], ids=["plain", "turned"]
)
def test_places_that_count(key, view):
    """An index array whose places count in equal steps is walked along; what comes out is what NumPy looks up."""
    x = np.arange(5 * 6 * 5 * 6, dtype="float32").reshape(5, 6, 5, 6)[view]
    a, g = nd.array(x), np.random.default_rng(1).integers(0, 9, x[key].shape).astype("float32")
    for of in (a, nd.array(x.T).T):
        np.testing.assert_array_equal(of[key].numpy(), x[key])
    added, written, right = nd.index_add(a, key, nd.array(g)), a.copy(), x.copy()
    written[key], right[key] = nd.array(g), g
    np.testing.assert_array_equal(written.numpy(), right)
    right = x.copy()
    np.add.at(right, key, g)
    np.testing.assert_array_equal(added.numpy(), right)


@pytest.mark.parametrize("wrong", [5, -7, 2**62])
def test_places_that_count_out_of_range(wrong):
    a = nd.zeros((5, 6))
    with pytest.raises(IndexOutOfRange, match=rf"index {wrong} is out of range for axis 0 with size 5"):
        a[np.arange(wrong, wrong + 2), np.array([0, 3])]
    with pytest.raises(IndexOutOfRange, match="axis 1 with size 6"):
        a[np.arange(5), np.array([0, 3, 6, 1, 1])]


def test_the_first_of_an_order():
    x = np.random.default_rng(3).normal(size=(3, 700)).astype("float32")
    x[:, ::9], x[1, 5] = 1.0, np.nan
    for descending in (False, True):
        whole = nd.argsort(nd.array(x), descending=descending).numpy()
        for most in (0, 1, 5, 64, 65, 200, 700):
            first = nd.argsort(nd.array(x), descending=descending, most=most)
            np.testing.assert_array_equal(first.numpy(), whole[:, :most])
        down = nd.argsort(nd.array(x.T), axis=0, descending=descending, most=3).numpy()
        np.testing.assert_array_equal(down, whole[:, :3].T)
    with pytest.raises(ShapeError, match="argsort: wanted the first 701 of 700 elements along axis 1"):
        nd.argsort(nd.array(x), most=701)
