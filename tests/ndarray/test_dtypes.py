"""Element types: the whole promotion table, weak numbers, entry conversions, and errors that name the type."""

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.backend import DTypeError

from .oracle import DTYPES, float_of, result_type, same


@pytest.mark.parametrize("a", DTYPES)
@pytest.mark.parametrize("b", DTYPES)
def test_promotion_of_two_arrays(a, b, device):
    x, y = np.array([1, 0, 1], a), np.array([1, 1, 0], b)
    left, right = nd.asarray(x, device=device), nd.asarray(y, device=device)
    expected = result_type(x.dtype, y.dtype)
    same(left + right, x.astype(expected) + y.astype(expected))
    same(left * right, x.astype(expected) * y.astype(expected))
    same(nd.maximum(left, right), np.maximum(x, y).astype(expected))
    same(left / (right + 1), (x / (y + np.int8(1))).astype(float_of(expected)))
    same(left == right, x == y)
    assert nd.result_type(left, b) == expected
    assert nd.concat([left, right]).dtype == nd.where(left, left, right).dtype == expected


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "number, kind",
    [(2, "int"), (2.5, "float"), (True, "bool"), (np.float64(2.5), "float"), (np.int64(2), "int")],
)
def test_a_number_is_weak(dtype, number, kind, device):
    a = nd.full((2,), 1, dtype=dtype, device=device)
    if a.dtype.kind == "f" or kind == "bool":
        expected = dtype
    elif kind == "float":
        expected = "float32"
    else:
        expected = "int64" if dtype == "bool" else dtype
    assert (a + number).dtype == (number + a).dtype == (a * number).dtype == expected
    assert (a / number).dtype == ("float32" if a.dtype.kind != "f" else dtype)
    assert (a < number).dtype == "bool"


@pytest.mark.parametrize("entering, becomes", [
    ("uint8", "int32"), ("int8", "int32"), ("int16", "int32"), ("uint16", "int32"), ("uint32", "int64"),
    ("float16", "float32"), (">f4", "float32"), (">i8", "int64"),
])  # fmt: skip
def test_types_that_are_converted_on_entry(entering, becomes, device):
    x = np.array([1, 2, 100], entering)
    same(nd.asarray(x, device=device), x.astype(becomes))


@pytest.mark.parametrize(
    "value, name", [(np.zeros(2, complex), "complex128"), (np.zeros(2, "uint64"), "uint64"), (["a"], "str"),
                    (np.array([None]), "object"), (np.zeros(1, "datetime64[s]"), "datetime64")]
)  # fmt: skip
def test_types_that_are_refused_are_named(value, name):
    with pytest.raises(
        DTypeError, match=f"asarray: {name}.* arrays are not supported; convert to one of float32"
    ):
        nd.asarray(value)


def test_array_is_float32_unless_told_otherwise():
    for a in (nd.array([1, 2]), nd.array(np.zeros(2)), nd.zeros(2), nd.full((2,), 1)):
        assert a.dtype == "float32"
    assert nd.array([1, 2], dtype="int64").dtype == np.int64
    assert nd.asarray([1, 2]).dtype == np.int64
    assert nd.arange(3).dtype == np.int64
    assert nd.arange(0.0, 1.0, 0.25).dtype == np.float32


@pytest.mark.parametrize("function", ["exp", "log", "tanh", "sqrt", "sigmoid", "mean", "logsumexp"])
def test_float_functions_of_integers_give_float32(function, device):
    assert getattr(nd, function)(nd.asarray([1, 2], device=device)).dtype == "float32"


def test_integers_beyond_a_doubles_precision_stay_exact(device):
    big = 2**53 + 1
    a = nd.asarray([big, big + 1], device=device)
    x = np.array([big, big + 1])
    same(a + big, x + big)
    same(a - big, x - big)
    same(big - a, big - x)
    same(a == big, x == big)
    same(a > 2**70, np.array([False, False]))
    same(nd.full((1,), big, dtype="int64", device=device), np.array([big]))


def test_the_mean_of_huge_integers_does_not_wrap_around(device):
    a = nd.asarray([2**62, 2**62, 2**62], device=device)
    assert a.mean().item() == 2.0**62


def test_the_smallest_int32_has_no_negative_in_int32(device):
    """Subtracting a number is adding its negative, which here does not fit."""
    smallest = -(2**31)
    x = np.array([-1, 0, 7], "int32")
    a = nd.asarray(x, device=device)
    same(a - smallest, x - np.int32(smallest))
    same(smallest - a, np.int32(smallest) - x)
    same(a + smallest, x + np.int32(smallest))


def test_comparing_integers_with_a_fraction_does_not_cut_it_off(device):
    a = nd.asarray(np.array([0, 1], "int32"), device=device)
    same(a > 0.5, np.array([False, True]))
    same(a == 0.5, np.array([False, False]))
    same(a < float("inf"), np.array([True, True]))


def test_a_float_number_is_cast_to_the_arrays_type_before_comparing(device):
    assert (nd.array([0.1], device=device) == 0.1).item()
    assert not (nd.array([0.1], dtype="float64", device=device) == float(np.float32(0.1))).item()


def test_a_negative_base_to_a_fractional_power_is_nan(device):
    same(nd.array([-4, 4], device=device) ** 0.5, np.array([np.nan, 2], "float32"))


def test_integers_are_summed_as_int64(device):
    a = nd.full((4,), 2**30, dtype="int32", device=device)
    same(a.sum(), np.array([2**32]))
    same(nd.array([True, True, False], dtype="bool", device=device).sum(), np.array([2]))


@pytest.mark.parametrize(
    "compute, message",
    [
        (lambda a, b: b - b, "subtract: not defined for two bool arrays"),
        (lambda a, b: -b, "negative: not defined for bool"),
        (lambda a, b: b @ b, "matmul: not defined for two bool arrays"),
        (lambda a, b: a + 2**40, "add: 1099511627776 does not fit int32"),
        (lambda a, b: a**-1, "power: integers to the power -1"),
        (lambda a, b: a + "x", "add: cannot combine an NDArray with str"),
        (lambda a, b: a.astype("float8"), "'float8' is not a dtype"),
    ],
)
def test_what_a_type_cannot_do(compute, message, device):
    a = nd.array([1, 2], dtype="int32", device=device)
    b = nd.array([True, False], dtype="bool", device=device)
    with pytest.raises(DTypeError, match=message):
        compute(a, b)
