"""Tensors and arrays do the same: every operator, for every pair of dtypes, for Python's numbers and for masks.

The array is the source: its operators are tested against NumPy. A tensor's must give the same dtype and elements, or
fail where the array's fails. In np mode the arrays are NumPy's own.
"""

import operator

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import Tensor, ops
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import DTypeError, NeedleError

DTYPES = ("float32", "float64", "int32", "int64", "bool")
BINARY = {
    name: getattr(operator, name)
    for name in (
        "add",
        "sub",
        "mul",
        "truediv",
        "floordiv",
        "mod",
        "pow",
        "lt",
        "le",
        "gt",
        "ge",
        "and_",
        "or_",
        "xor",
        "matmul",
    )
}
UNARY = {name: getattr(operator, name) for name in ("neg", "pos", "abs", "invert")}
NUMBERS = (True, 2, -1, 0.5, 2**40, float("inf"))
LOGIC = ("and_", "or_", "xor", "invert")  # NumPy's are bitwise on integers, and know no floats


def outcome(compute):
    """What a computation gives: dtype and elements, or "an error"."""
    try:
        with np.errstate(all="ignore"):
            result = compute()
    except (NeedleError, TypeError, ValueError, OverflowError):
        return "an error"
    return result.dtype.name, (result.numpy() if hasattr(result, "numpy") else np.asarray(result)).tolist()


def values(dtype):
    return np.array([3, 0, 1, 2]).astype(dtype)


def same(on_tensors, on_arrays):
    got, wanted = outcome(on_tensors), outcome(on_arrays)
    assert str(got) == str(wanted)  # as text: nan is nan


@pytest.mark.parametrize("right", DTYPES)
@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("name", BINARY)
def test_two_tensors(name, left, right):
    if BACKEND == "np" and name in LOGIC and {left, right} != {"bool"}:
        return  # NumPy's own rules
    a, b = Tensor(values(left), dtype=left), Tensor(values(right)[::-1].copy(), dtype=right)
    same(lambda: BINARY[name](a, b), lambda: BINARY[name](a.cached_data, b.cached_data))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_one_tensor(name, dtype):
    if BACKEND == "np" and name in ("abs", "pos", *LOGIC):
        return
    a = Tensor(values(dtype), dtype=dtype)
    same(lambda: UNARY[name](a), lambda: UNARY[name](a.cached_data))


@pytest.mark.skipif(BACKEND == "np", reason="numbers follow NumPy's own promotion there")
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in BINARY if name != "matmul"])
def test_a_tensor_and_a_number(name, dtype, number):
    a = Tensor(values(dtype), dtype=dtype)
    compute = BINARY[name]
    same(lambda: compute(a, number), lambda: compute(a.cached_data, number))
    same(lambda: compute(number, a), lambda: compute(number, a.cached_data))


@pytest.mark.skipif(BACKEND == "np", reason="the comparison functions take NumPy's arrays there")
@pytest.mark.parametrize("number", [16777216.5, 2**40, 10**400, -(10**400), float("nan")])
@pytest.mark.parametrize("name", ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"])
def test_integers_are_compared_with_a_number_as_it_is(name, number):
    """float32 has no 16777216.5, int32 no 2**40: neither may be rounded to fit."""
    elements = [16777216, 16777217]
    a = Tensor(np.array(elements), dtype="int32")
    wanted = {
        "equal": operator.eq, "not_equal": operator.ne, "less": operator.lt,
        "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge,
    }[name]  # fmt: skip
    assert getattr(ops, name)(a, number).numpy().tolist() == [wanted(x, number) for x in elements]


def test_a_mask_may_be_subtracted():
    x = tensor([[-1.0, 2.0], [3.0, -4.0]])
    y = x - (x > 0)
    assert y.numpy().tolist() == [[-1, 1], [2, -4]]
    y.backward()
    assert x.grad.numpy().tolist() == [[1, 1], [1, 1]]


def test_a_number_minus_a_mask():
    mask = Tensor([True, False])
    assert (1 - mask).numpy().tolist() == [0, 1] and (1 - mask).dtype == "int64"
    assert (1.5 - mask).numpy().tolist() == [0.5, 1.5]
    assert ([5, 6] - mask).numpy().tolist() == [4, 6]
    assert (np.array([1.0, 1.0]) - mask).numpy().tolist() == [0, 1]


def test_a_difference_of_two_masks_says_what_to_do():
    mask = Tensor([True, False])
    for compute in (lambda: mask - mask, lambda: mask - True, lambda: True - mask):
        with pytest.raises(DTypeError, match="subtract: not defined for two bools.*astype"):
            compute()


def test_a_mask_is_subtracted_in_lazy_mode_too():
    from needle_edu import autograd

    x = tensor([-1.0, 2.0])
    autograd.LAZY_MODE = True
    try:
        y = x - (x * 1 > 0)
        z = 1 - (x * 1 > 0)
    finally:
        autograd.LAZY_MODE = False
    assert y.numpy().tolist() == [-1, 1] and z.numpy().tolist() == [1, 0]


def test_logic():
    a, b = Tensor([True, True, False, False]), Tensor([True, False, True, False])
    assert (~a).numpy().tolist() == [False, False, True, True]
    assert (a & b).numpy().tolist() == [True, False, False, False]
    assert (a | b).numpy().tolist() == [True, True, True, False]
    assert (a ^ b).numpy().tolist() == [False, True, True, False]
    assert (True & b).numpy().tolist() == (np.ones(4, bool) & b).numpy().tolist() == b.numpy().tolist()
    assert ops.logical_not(Tensor([0.0, 2.0])).numpy().tolist() == [True, False]
    assert not (~a).requires_grad


def test_integers_have_no_negative_powers():
    """2 to the power -1 is no integer; it was 0, without a word."""
    exponents = Tensor([-1, 2])
    for compute in (
        lambda: 2**exponents,
        lambda: exponents**-1,
        lambda: Tensor([2, 2]) ** exponents,
        lambda: ops.power(Tensor([2, 2]), exponents),
    ):
        with pytest.raises((DTypeError, ValueError), match="(?i)integers to .*power"):
            compute()
    assert (2.0**exponents).numpy().tolist() == [0.5, 4]
    assert (2 ** Tensor([0, 3])).numpy().tolist() == [1, 8]


def test_a_power_of_integers_is_differentiated_where_the_exponent_is_zero():
    a, b = Tensor([2, 3]), Tensor([0, 2], requires_grad=False)
    (a**b).backward()
    assert a.grad.numpy().tolist() == [0, 6]
