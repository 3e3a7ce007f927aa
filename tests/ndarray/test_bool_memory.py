"""Bools whose bytes are neither 0 nor 1 are True, by whichever door their memory came in.

Kernels, like NumPy, take 0 and 1 for granted: with a byte of 2, `a & a` was 2, the sum of three Trues 5, and
`a == True` False.
"""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import ndarray as nd
from needle_edu.backend import ShapeError

BYTES = bytes([2, 0, 255, 1, 0, 128])
TRUTH = np.array([True, False, True, True, False, True])


def foreign() -> np.ndarray:
    return np.frombuffer(bytearray(BYTES), bool)


class Exported:
    """An object of another library that lends its memory by DLPack."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


DOORS = {
    "array": lambda device: nd.array(foreign(), dtype="bool", device=device),
    "asarray": lambda device: nd.asarray(foreign(), device=device),
    "read-only": lambda device: nd.asarray(np.frombuffer(BYTES, bool), device=device),
    "copied": lambda device: nd.asarray(foreign(), device=device, copy=True),
    "dlpack": lambda device: nd.from_dlpack(Exported(foreign()), device=device),
    "two dimensions": lambda device: nd.asarray(foreign().reshape(2, 3), device=device).reshape((6,)),
    "strided": lambda device: nd.asarray(np.repeat(foreign().view("u1"), 2).view(bool)[::2], device=device),
    "reversed": lambda device: nd.asarray(foreign()[::-1], device=device)[::-1],
    "in a list": lambda device: nd.asarray([foreign()], device=device)[0],
    "assigned": lambda device: assigned(device),
    "tensor": lambda device: ndl.Tensor(foreign(), device=device).realize_cached_data(),
}


def assigned(device):
    a = nd.zeros(6, dtype="bool", device=device)
    a[:] = foreign()
    return a


@pytest.mark.parametrize("door", DOORS)
def test_every_byte_but_0_is_true(door, device):
    a = DOORS[door](device)
    assert a.numpy().view("u1").tolist() == [1, 0, 1, 1, 0, 1]
    for b in (a & a, a | a, a == nd.ones(6, dtype="bool", device=device), nd.logical_not(~a), a):
        np.testing.assert_array_equal(b.numpy().view("u1"), TRUTH.view("u1"))
    assert a.sum().item() == 4 and nd.max(a).item() is True
    np.testing.assert_array_equal(a.astype("float32").numpy(), TRUTH.astype("f4"))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
def test_numbers_made_of_them_are_0_and_1(dtype, device):
    for a in (
        nd.array(foreign(), dtype=dtype, device=device),
        nd.asarray(foreign(), dtype=dtype, device=device),
    ):
        np.testing.assert_array_equal(a.numpy(), TRUTH.astype(dtype))


def test_as_a_mask_it_picks_what_is_true(device):
    a = nd.arange(6, device=device)
    np.testing.assert_array_equal(a[foreign()].numpy(), [0, 2, 3, 5])
    a[foreign()] = 9
    np.testing.assert_array_equal(a.numpy(), [9, 1, 9, 9, 4, 9])
    np.testing.assert_array_equal(nd.where(nd.asarray(foreign(), device=device), 1, 0).numpy(), TRUTH)


def test_in_a_kernel_module_it_becomes_numbers(device):
    import needle_edu.backend_ndarray  # noqa: F401

    out = device.Array(6)
    device.from_numpy(foreign(), out)
    np.testing.assert_array_equal(device.to_numpy(out, (6,), (1,), 0), TRUTH.astype("f4"))


def test_what_needs_repair_cannot_be_shared(device):
    for call in (nd.asarray, nd.from_dlpack):
        with pytest.raises(ShapeError, match="copy=False"):
            call(foreign(), device=device, copy=False)


@pytest.mark.shares_memory
def test_what_needs_no_repair_is_shared(device):
    proper = TRUTH.copy()
    shared = nd.asarray(proper, device=device, copy=False)
    proper[1] = True
    assert shared[1].item() is True
