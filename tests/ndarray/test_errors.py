"""What a beginner gets wrong first: every message names the operation, what it got and what would fit."""

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.backend import DeviceError, DTypeError, ShapeError, cpu, cpu_numpy, cuda

from .oracle import same

SHAPE_ERRORS = {
    "add": (lambda a: a + nd.zeros((3, 2)), r"add: shapes \(2, 3\) and \(3, 2\) do not broadcast"),
    "where": (lambda a: nd.where(a > 0, a, nd.zeros(4)), r"where: shapes .*\(4,\) do not broadcast"),
    "matmul inner": (
        lambda a: a @ nd.zeros((4, 2)),
        r"matmul: inner extents differ, 3 and 4, in \(2, 3\) @ \(4, 2\)",
    ),
    "matmul transposed": (lambda a: a @ a, "perhaps the right operand must be transposed"),
    "matmul batch": (lambda a: nd.zeros((2, 2, 3)) @ nd.zeros((3, 3, 1)), r"batch shapes \(2,\) and \(3,\)"),
    "matmul number": (lambda a: a @ 3, "matmul: operands have at least 1 dimension"),
    "reshape": (
        lambda a: a.reshape((4, 2)),
        r"reshape: shape \(2, 3\) has 6 elements and cannot become \(4, 2\)",
    ),
    "reshape -1": (lambda a: a.reshape((-1, 4)), r"cannot become \(-1, 4\)"),
    "reshape twice -1": (lambda a: a.reshape((-1, -1)), r"cannot become \(-1, -1\)"),
    "broadcast_to": (
        lambda a: a.broadcast_to((3, 3)),
        r"broadcast_to: shape \(2, 3\) does not broadcast to \(3, 3\)",
    ),
    "permute": (lambda a: a.permute((0, 0)), r"permute: axes \(0, 0\) must name each of the 2 axes"),
    "permute axis": (
        lambda a: a.permute((0, 2)),
        "permute: axis 2 is out of range for an array of 2 dimensions",
    ),
    "sum axis": (lambda a: a.sum(2), r"sum: axis 2 is out of range .* \(allowed: -2 to 1\)"),
    "sum twice": (lambda a: a.sum((0, -2)), "sum: an axis appears twice"),
    "sum text": (lambda a: a.sum("rows"), "sum: an axis is an integer, got 'rows'"),
    "max of nothing": (lambda a: nd.zeros((0, 3)).max(0), "max: no elements along axis 0"),
    "mean of nothing": (lambda a: nd.zeros((0, 3)).mean(0), "mean: no elements along axis 0"),
    "item": (lambda a: a.item(), r"item: wanted an array of one element, got shape \(2, 3\)"),
    "truth": (lambda a: bool(a), "the truth of an array of 6 elements is ambiguous"),
    "stack": (lambda a: nd.stack([a, nd.zeros(2)]), r"stack: shapes \(2, 3\) and \(2,\) differ"),
    "concat": (
        lambda a: nd.concat([a, nd.zeros((1, 4))]),
        r"concat: shapes \(2, 3\) and \(1, 4\) differ in more than",
    ),
    "pad": (lambda a: a.pad([(1, 1)]), "pad: wanted a pair of numbers of at least 0 for each of 2 axes"),
    "squeeze": (lambda a: a.squeeze(0), r"squeeze: axis 0 of shape \(2, 3\) has an extent other than 1"),
    "ragged": (lambda a: nd.array([[1], [1, 2]]), "array: rows of different lengths"),
    "nine dimensions": (lambda a: nd.zeros((1,) * 9), "at most 8 dimensions"),
    "reshape text": (lambda a: a.reshape("ab"), "reshape: wanted a tuple of integers, got 'ab'"),
    "reshape fraction": (
        lambda a: a.reshape((1.5, 4)),
        r"reshape: wanted a tuple of integers, got \(1.5, 4\)",
    ),
    "shape text": (lambda a: nd.zeros("ab"), "a shape: wanted a tuple of integers, got 'ab'"),
    "negative extent": (lambda a: nd.zeros((2, -1)), r"no negative extents, got \(2, -1\)"),
    "negative broadcast": (lambda a: a[:1].broadcast_to((-1, 3)), r"does not broadcast to \(-1, 3\)"),
    "more than 2**63": (lambda a: nd.ones(1).broadcast_to((2**40, 2**40)), "an array has at most 9,223,"),
    "arange": (lambda a: nd.arange(0, 3, 0), "arange: step 0 leads nowhere from 0 to 3"),
    "gather": (lambda a: nd.gather(a, [0, 1]), "gather: the index has 1 dimensions, the array 2"),
}


@pytest.mark.parametrize("compute, message", SHAPE_ERRORS.values(), ids=SHAPE_ERRORS.keys())
def test_shapes(compute, message):
    with pytest.raises(ShapeError, match=message):
        compute(nd.ones((2, 3)))


@pytest.mark.parametrize("key", [slice(None), 0, (0, 1), [0, 1]], ids=["all", "row", "element", "gathered"])
@pytest.mark.parametrize("value", [1, nd.ones(1)], ids=["number", "array"])
def test_a_broadcast_view_cannot_be_written_to(key, value):
    """Its rows are one row in memory, so one write would change them all; NumPy's are read-only, too."""
    a = nd.zeros(3)
    rows = a.broadcast_to((2, 3))
    with pytest.raises(ShapeError, match="is a broadcast view, its elements share memory"):
        rows[key] = value
    with pytest.raises(ShapeError, match="is a broadcast view"):
        rows.fill(1)
    assert a.tolist() == [0, 0, 0]


def test_devices_do_not_mix_silently():
    a, b = nd.ones(2, device=cpu()), nd.ones(2, device=cpu_numpy())
    for compute in (lambda: a + b, lambda: a @ b, lambda: nd.concat([a, b]), lambda: nd.where(a > 0, a, b)):
        with pytest.raises(
            DeviceError, match=r"live on .*cpu\(\) and cpu_numpy\(\).*; move one with .to\(device\)"
        ):
            compute()
    assert (a + b.to(cpu())).device == cpu()
    assert a.to(cpu()) is a


def test_a_device_that_is_missing_says_why():
    if cuda().enabled():
        pytest.skip("this machine has a GPU")
    with pytest.raises(DeviceError, match="cuda"):
        nd.zeros(2, device=cuda())
    with pytest.raises(DeviceError, match="wanted a device such as cpu"):
        nd.zeros(2, device="cpu")


def test_arrays_are_not_keys():
    with pytest.raises(TypeError, match="unhashable"):
        hash(nd.zeros(2))


def test_comparing_with_something_else_is_not_an_error():
    assert (nd.zeros(2) == "x") is False
    assert (nd.zeros(2) != None) is True  # noqa: E711


def test_an_array_that_is_too_large_is_a_memory_error():
    with pytest.raises(MemoryError):
        nd.zeros((2**40, 2**10))
    with pytest.raises(MemoryError):
        nd.ones((2**20, 1)) @ nd.ones((1, 2**24))


def test_the_namespace_has_what_it_promises():
    a = nd.zeros(1)
    assert a.__array_namespace__() is nd
    assert all(hasattr(nd, name) for name in nd.__all__)
    assert np.dtype(nd.bool) == np.bool_ and nd.newaxis is None


def test_no_dtype_is_the_default_dtype():
    assert nd.zeros(2, dtype=None).dtype == nd.array([1.0], dtype=None).dtype == "float32"


def test_concat_and_stack_take_numpy_arrays():
    for join in (nd.concat, nd.stack):
        assert join([nd.zeros(2), np.ones(2, "float32")]).numpy().ravel().tolist() == [0, 0, 1, 1]
        with pytest.raises(DTypeError, match=f"{join.__name__}: wanted an NDArray, got dict"):
            join([nd.zeros(2), {}])


def test_functions_take_numpy_arrays_and_numbers_but_nothing_else():
    assert nd.exp(0).item() == 1 and nd.sum([1, 2]).item() == 3 and nd.relu(np.array([-1.0])).item() == 0
    for name in ("positive", "logical_not", "isfinite", "isnan", "mean", "logsumexp", "any", "all"):
        function = getattr(nd, name)
        same(function([1, 2]), function(nd.array([1, 2], "int64")).numpy())
    same(nd.astype([1, 2], "int32"), np.array([1, 2], "int32"))
    for function in (nd.exp, nd.sum, nd.mean, nd.logsumexp, nd.any, nd.all, nd.isfinite, nd.logical_not):
        with pytest.raises(DTypeError, match=f"{function.__name__}: wanted an NDArray, got dict"):
            function({})
