"""Memory that others can reach: windows onto broadcast views, indices that another thread writes, pickles."""

import copy
import pickle
import threading
import time

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.backend import DTypeError, IndexOutOfRange, ShapeError
from needle_edu.ndarray.indexing import resolve

from .oracle import same

VIEWS = {
    "broadcast": lambda a: a.broadcast_to((4, 2, 3)),
    "a row": lambda a: a[:1].broadcast_to((2, 3)),
    "transposed": lambda a: a[:1].broadcast_to((2, 3)).T,
    "a part": lambda a: a.broadcast_to((4, 2, 3))[1:, 0],
    "a new axis of one": lambda a: a.broadcast_to((1, 2, 3)),
    "plain": lambda a: a[:, ::-1],
    "one column": lambda a: a[:, :1].broadcast_to((2, 1)),
}


@pytest.mark.shares_memory
@pytest.mark.parametrize("view", VIEWS)
def test_a_window_is_read_only_where_one_element_stands_for_many(view, device):
    """As NumPy's own broadcast views are: one write would change all of them."""
    a = nd.array([[1, 2, 3], [4, 5, 6]], device=device)
    seen = VIEWS[view](a)
    window = np.asarray(seen)
    repeats = any(stride == 0 and extent > 1 for extent, stride in zip(seen.shape, seen.strides, strict=True))
    assert window.flags.writeable is not repeats
    assert np.from_dlpack(seen).flags.writeable is not repeats if min(seen.strides) >= 0 else True
    assert np.shares_memory(window, np.asarray(a))
    same(seen, window)
    for own in (seen.numpy(), np.array(seen), np.asarray(seen, dtype="float64"), np.array(seen, copy=True)):
        own[...] = 7  # a copy is the caller's
    assert a.numpy().tolist() == [[1, 2, 3], [4, 5, 6]]
    if repeats:
        with pytest.raises(ValueError, match="read-only"):
            window[...] = 7
        with pytest.raises(ShapeError, match="broadcast view"):
            seen.fill(2**60)


@pytest.mark.shares_memory
def test_dlpack_says_what_numpy_says_about_a_broadcast_view():
    for array in (np.broadcast_to(np.zeros(1, "float32"), (3,)), nd.zeros(1).broadcast_to((3,))):
        with pytest.raises(BufferError, match="readonly"):
            array.__dlpack__()
        assert array.__dlpack__(max_version=(1, 0)) is not None


# ---- an index is the operation's own from the moment it is checked --------------------------------------------

KEYS = {
    "NumPy's": lambda i: i,
    "ours": lambda i: nd.asarray(i),
    "int32": lambda i: i.astype("int32"),
    "ours on a slice": lambda i: nd.asarray(np.repeat(i, 2))[::2],
    "a mask": lambda i: np.arange(6) < 2,
    "a mask of ours": lambda i: nd.asarray(np.arange(6) < 2),
    "two": lambda i: (i, i),
    "memory of another library": lambda i: memoryview(i),
}


@pytest.mark.shares_memory
@pytest.mark.parametrize("key", KEYS)
def test_an_index_is_copied_before_it_is_looked_at(key, device):
    given = KEYS[key](np.array([0, 1]))
    a = nd.zeros((6, 6), device=device)
    _, advanced = resolve(a, given)
    for part in given if isinstance(given, tuple) else (given,):
        assert not np.shares_memory(np.asarray(advanced.where), np.asarray(part))


def test_a_thread_that_writes_to_the_index_leads_nobody_out_of_the_array():
    """It flips the index between a place inside and one far outside, while we gather: either all goes well, or the
    index is refused. What lies behind the array (a canary, in one block with it) is neither read nor written.
    """
    block = np.full(2 * 4096, 13, "float32")
    a = nd.asarray(block[:4096])
    a[...] = 1
    index, stop = np.zeros(200_000, "int64"), threading.Event()

    def flip():
        while not stop.is_set():
            index[:] = 6000
            index[:] = 5

    thread = threading.Thread(target=flip)
    thread.start()
    try:
        end = time.monotonic() + 0.5
        good = refused = 0
        while time.monotonic() < end:
            try:
                assert a[index].max().item() == 1
                a[index] = 1
                good += 1
            except IndexOutOfRange:
                refused += 1
    finally:
        stop.set()
        thread.join()
    assert good + refused
    assert (block[4096:] == 13).all()


# ---- pickles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "bool"])
def test_an_array_is_pickled_by_value(dtype, device):
    whole = nd.array(np.arange(1000).reshape(10, 100) % 3, dtype=dtype, device=device)
    for a in (whole, whole[::-2, 3:7], whole.T, whole[:0], whole[:1].broadcast_to((3, 100)), whole[2, 2]):
        b = pickle.loads(pickle.dumps(a))
        assert type(b) is nd.NDArray and b.device is device and b.is_compact()
        same(b, a.numpy())
    assert len(pickle.dumps(whole[0, :4])) < 500  # not the storage it looks into
    b = pickle.loads(pickle.dumps(whole))
    b[...] = 0
    assert whole.numpy().any()


class Named(nd.NDArray):
    """A user's own class of arrays."""


def test_a_user_s_class_of_arrays_is_pickled_with_its_attributes():
    a = Named([1.0, 2.0])
    a.unit = "m"
    b = pickle.loads(pickle.dumps(a))
    assert type(b) is Named and b.unit == "m" and b.tolist() == [1, 2]
    assert copy.deepcopy(nd.arange(3)).tolist() == [0, 1, 2]


# ---- numbers and shapes that fit nowhere ------------------------------------------------------------------------

HUGE = 10**5000  # too long even to be printed


def setting(key, value):
    def assign(a):
        a[key] = value

    return assign


TOO_LARGE = {
    "add": lambda a: a + HUGE,
    "radd": lambda a: HUGE + a,
    "subtract": lambda a: a - HUGE,
    "rsubtract": lambda a: HUGE - a,
    "multiply": lambda a: a * -HUGE,
    "divide": lambda a: a / HUGE,
    "rdivide": lambda a: HUGE / a,
    "power": lambda a: a**HUGE,
    "maximum": lambda a: nd.maximum(a, HUGE),
    "clip": lambda a: nd.clip(a, 0, HUGE),
    "where": lambda a: nd.where(a > 0, HUGE, a),
    "full": lambda a: nd.full((2,), HUGE, a.dtype, a.device),
    "full_like": lambda a: nd.full_like(a, HUGE),
    "fill": lambda a: a.fill(HUGE),
    "array": lambda a: nd.array(HUGE),
    "asarray": lambda a: nd.asarray([[1, HUGE]]),
    "pad": lambda a: nd.pad(a, [(1, 1)], HUGE),
    "setitem": setting(0, HUGE),
    "setitem of a slice": setting(slice(None), HUGE),
    "setitem of an index": setting([0], HUGE),
    "setitem of a list": setting(slice(None), [HUGE, 1, 1]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("operation", TOO_LARGE)
def test_an_integer_that_no_dtype_holds(operation, dtype, device):
    a = nd.ones(3, dtype, device)
    with pytest.raises(DTypeError, match=r": an integer of 1661\d bits does not fit (float|int)(32|64)"):
        TOO_LARGE[operation](a)


NUMBERS = [2**40, -(2**40), 2.0**40, 2**31, 2**31 - 1, -(2**31) - 1, HUGE, -HUGE]


@pytest.mark.parametrize("number", NUMBERS, ids=range(len(NUMBERS)))
def test_integers_are_compared_with_any_number(number, device):
    elements = [2**31 - 1, 0, -(2**31)]
    a = nd.array(elements, dtype="int32", device=device)
    assert (a < number).tolist() == [x < number for x in elements]
    assert (a >= number).tolist() == [x >= number for x in elements]
    assert (number > a).tolist() == [number > x for x in elements]
    assert (a == number).tolist() == [x == number for x in elements]
    assert (a != number).tolist() == [x != number for x in elements]


def test_a_float_array_says_that_it_cannot_be_compared_with_it(device):
    with pytest.raises(DTypeError, match="less: an integer of 16610 bits does not fit float32"):
        nd.ones(3, device=device) < HUGE  # noqa: B015


SHAPES = {
    "beside an extent of 0": lambda: nd.zeros((0, 2**62)),
    "reshaped": lambda: nd.zeros((2, 0)).reshape((0, 2**62)),
    "broadcast": lambda: nd.zeros((0, 1)).broadcast_to((0, 2**62)),
    "too many bytes": lambda: nd.zeros((1,)).broadcast_to((2**62,)),
    "too many elements": lambda: nd.ones((2**40, 2**40)),
    "an extent beyond 64 bits": lambda: nd.zeros((10**30, 0)),
    "an extent too long to print": lambda: nd.zeros(HUGE),
    "reshaped to that": lambda: nd.zeros(0).reshape((HUGE, 0)),
    "strided": lambda: nd.zeros(3).as_strided((0, 2**62), (0, 0)),
}


@pytest.mark.parametrize("case", SHAPES)
def test_a_shape_that_fits_no_memory(case):
    with pytest.raises(ShapeError, match="too large|at most"):
        SHAPES[case]()


def test_the_largest_shapes_that_numpy_takes_are_taken():
    for shape in ((0, 2**60), (2**60, 0, 1)):
        assert nd.zeros(shape).numpy().shape == np.zeros(shape, "float32").shape == shape
    with pytest.raises(IndexOutOfRange, match="index an integer of 16610 bits is out of range"):
        nd.zeros(3)[HUGE]
    assert nd.zeros(3)[HUGE:].shape == (0,)
