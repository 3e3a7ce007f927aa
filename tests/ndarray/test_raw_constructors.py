"""Raw memory is asked for in whole, non-negative numbers; everything else is one clear error, on every device.

A negative size that slips through makes a storage of negative length, whose views reach outside the memory.
"""

import numpy as np
import pytest

import needle_edu.backend_ndarray  # noqa: F401  (devices learn `Array`)
from needle_edu import ndarray as nd
from needle_edu.backend import DTypeError, ShapeError
from needle_edu.ndarray import NDArray

from .oracle import same


@pytest.mark.parametrize("size", [-1, -100, 2.5, 2.0, "3", None, np.float32(2), (2,)])
def test_memory_has_a_whole_number_of_elements(size, device):
    with pytest.raises(ShapeError, match="Array: the size must be"):
        device.Array(size)
    for allocate in (device.allocate, device.allocator):
        with pytest.raises(ShapeError, match="allocate: a storage has a whole number of elements"):
            allocate(0, size)


def test_sizes_may_be_numpys_integers_and_nothing(device):
    assert device.Array(np.int64(3)).size == 3 and device.Array(0).size == 0
    assert device.allocate(0, 0).nbytes == 0 and device.allocate(0, np.int32(5)).nbytes == 20


@pytest.mark.parametrize("shape", [(-2, -3), (2, -1), (-1,), -4])
def test_make_refuses_negative_extents(shape, device):
    for handle in (None, nd.zeros(6, device=device)._handle):
        with pytest.raises(ShapeError, match="make: a shape has no negative extents"):
            NDArray.make(shape, device=device, handle=handle)


@pytest.mark.parametrize("shape", ["ab", (2.5,), (None,)])
def test_make_wants_integers(shape, device):
    with pytest.raises(ShapeError, match="make: wanted a tuple of integers"):
        NDArray.make(shape, device=device)


def test_make_obeys_strides_and_offset_without_a_handle_too(device):
    assert NDArray.make((2, 3), strides=(1, 2), device=device).strides == (1, 2)
    for strides, offset in [((2,), 0), (None, 1), (None, -1), ((-1,), 0)]:
        with pytest.raises(ShapeError, match="the storage has 3"):
            NDArray.make((3,), strides=strides, device=device, offset=offset)
    with pytest.raises(ShapeError, match="wanted a tuple of integers"):
        NDArray.make((3,), strides=(0.5,), device=device)
    with pytest.raises(DTypeError, match="wanted another array's _handle, got int"):
        NDArray.make((2,), device=device, handle=3)


@pytest.mark.parametrize("offset", [0.5, "x", (1,)])
def test_an_offset_is_an_integer(offset, device):
    a = nd.array(np.arange(6), device=device)
    with pytest.raises(ShapeError, match="as_strided: the offset must be an integer, got"):
        a.as_strided((2,), (1,), offset)
    with pytest.raises(ShapeError, match="the offset must be an integer, got"):
        NDArray.make((2,), device=device, handle=a._handle, offset=offset)
    same(a.as_strided((2,), (1,), np.int64(3)), np.array([3, 4], "float32"))


def test_counts_of_creators(device):
    calls = {
        "eye: n must be at least 0, got -2": lambda: nd.eye(-2, device=device),
        "eye: m must be an integer, got 2.5": lambda: nd.eye(2, 2.5, device=device),
        "linspace: num must be at least 0, got -2": lambda: nd.linspace(0, 1, -2, device=device),
        "linspace: num must be an integer, got 2.5": lambda: nd.linspace(0, 1, 2.5, device=device),
        "rand: a shape has no negative extents": lambda: device.rand(2, -2),
        "randn: wanted a tuple of integers": lambda: device.randn(2.5),
        "one_hot: n must be at least 0, got -3": lambda: device.one_hot(-3, [0]),
    }
    for message, call in calls.items():
        with pytest.raises(ShapeError, match=message):
            call()
