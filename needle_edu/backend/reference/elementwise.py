"""Elementwise kernels of the NumPy reference: one line per function, each in a strided and a dense form.

The strided form sees its operands through a plan. The dense form, for operands that lie compactly in
memory, gets the element type and the number of elements instead.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import BOOL, DTYPES
from ..errors import EDTYPE, OK
from .plan import ANY, FLOATS, NUMBERS, Plan, kernel, named, operand

Array = np.ndarray
erf = np.vectorize(math.erf, otypes=[np.float64])  # NumPy has none of its own
erfc = np.vectorize(math.erfc, otypes=[np.float64])


def elementwise(
    name: str, function: Callable[..., Array], types: tuple[int, ...], to_bool: bool = False
) -> None:
    """Define ``name`` and ``name_dense``: out = function(inputs...), all of one type out of `types`.

    With `to_bool` the output is bool whatever the inputs are.
    """

    def strided(plan: Plan, out: Array, *inputs: Array) -> int:
        result, first, *others = plan.dtypes[: 1 + len(inputs)]
        if first not in types or any(other != first for other in others):
            return EDTYPE
        if result != (BOOL if to_bool else first):
            return EDTYPE
        values = [operand(plan, k, memory) for k, memory in enumerate(inputs, start=1)]
        operand(plan, 0, out)[...] = function(*values)
        return OK

    def dense(dtype: int, n: int, out: Array, *inputs: Array) -> int:
        if dtype not in types:
            return EDTYPE
        result = DTYPES[BOOL if to_bool else dtype]
        out.view(result)[:n] = function(*(memory.view(DTYPES[dtype])[:n] for memory in inputs))
        return OK

    named(name, strided)
    named(name + "_dense", dense)


def with_scalar(name: str, function: Callable[..., Array], types: tuple, to_bool: bool = False) -> None:
    """Define ``name_scalar`` and ``name_scalar_dense``: out = function(a, s), s in the element type of a."""

    def strided(plan: Plan, out: Array, a: Array, s: float) -> int:
        result, first = plan.dtypes[:2]
        if first not in types or result != (BOOL if to_bool else first):
            return EDTYPE
        operand(plan, 0, out)[...] = function(operand(plan, 1, a), element(first, s))
        return OK

    def dense(dtype: int, n: int, out: Array, a: Array, s: float) -> int:
        if dtype not in types:
            return EDTYPE
        result = DTYPES[BOOL if to_bool else dtype]
        out.view(result)[:n] = function(a.view(DTYPES[dtype])[:n], element(dtype, s))
        return OK

    named(name + "_scalar", strided)
    named(name + "_scalar_dense", dense)


def element(dtype: int, value: float) -> Any:
    """Convert a C double to an element as C does: toward zero for integers, (x != 0) for bool."""
    return np.asarray(value, np.float64).astype(DTYPES[dtype])[()]


def power(a: Array, b: Array) -> Array:
    """``a ** b``; for integers a negative exponent gives 0, except for the bases 1 and -1."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind == "f":
        return np.power(a, b)
    reciprocal = np.where(a == 1, 1, np.where(a == -1, 1 - 2 * (b & 1), 0)).astype(a.dtype)
    return np.where(b < 0, reciprocal, np.power(a, np.maximum(b, 0)))


def sigmoid(a: Array) -> Array:
    """``1 / (1 + exp(-a))``; exp only ever sees a number below zero, so it cannot overflow."""
    small = np.exp(-np.abs(a))
    return np.where(a >= 0, 1, small) / (1 + small)


def silu(a: Array) -> Array:
    """``a * sigmoid(a)``, 0 at -inf."""
    cut = np.maximum(a, -800)
    return cut * sigmoid(cut)


def silu_slope(a: Array) -> Array:
    """The derivative of silu."""
    cut = np.clip(a, -800, 800)
    return sigmoid(cut) * (1 + cut * sigmoid(-cut))


def normal_cdf(a: Array) -> Array:
    """The part of the standard normal distribution below a; erfc keeps its digits far on the left."""
    return erfc(-a * 0.5**0.5) / 2


def gelu(a: Array) -> Array:
    """``a * normal_cdf(a)``, 0 at -inf."""
    cut = np.maximum(a, -40).astype(np.float64)
    return cut * normal_cdf(cut)


def gelu_slope(a: Array) -> Array:
    """The derivative of gelu."""
    cut = np.clip(a, -40, 40).astype(np.float64)
    return normal_cdf(cut) + cut * np.exp(-0.5 * cut * cut) / math.sqrt(2 * math.pi)


elementwise("negative", np.negative, NUMBERS)
elementwise("abs", np.abs, NUMBERS)
elementwise("sign", np.sign, NUMBERS)
elementwise("square", np.square, NUMBERS)
elementwise("sqrt", np.sqrt, FLOATS)
elementwise("reciprocal", np.reciprocal, FLOATS)
elementwise("exp", np.exp, FLOATS)
elementwise("log", np.log, FLOATS)
elementwise("sin", np.sin, FLOATS)
elementwise("cos", np.cos, FLOATS)
elementwise("tanh", np.tanh, FLOATS)
elementwise("sigmoid", sigmoid, FLOATS)
elementwise("erf", erf, FLOATS)
elementwise("gelu", gelu, FLOATS)
elementwise("silu", silu, FLOATS)
elementwise("softplus", lambda a: np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a))), FLOATS)
elementwise("tan", np.tan, FLOATS)
elementwise("asin", np.arcsin, FLOATS)
elementwise("acos", np.arccos, FLOATS)
elementwise("atan", np.arctan, FLOATS)
elementwise("sinh", np.sinh, FLOATS)
elementwise("cosh", np.cosh, FLOATS)
elementwise("asinh", np.arcsinh, FLOATS)
elementwise("acosh", np.arccosh, FLOATS)
elementwise("atanh", np.arctanh, FLOATS)
elementwise("log1p", np.log1p, FLOATS)
elementwise("expm1", np.expm1, FLOATS)
elementwise("log2", np.log2, FLOATS)
elementwise("log10", np.log10, FLOATS)
elementwise("relu", lambda a: np.maximum(a, 0), NUMBERS)
elementwise("floor", np.floor, NUMBERS)
elementwise("ceil", np.ceil, NUMBERS)
elementwise("trunc", np.trunc, NUMBERS)
elementwise("round", np.rint, NUMBERS)
elementwise("logical_not", np.logical_not, ANY, to_bool=True)

elementwise("add", np.add, NUMBERS)
elementwise("subtract", np.subtract, NUMBERS)
elementwise("multiply", np.multiply, NUMBERS)
elementwise("divide", np.divide, FLOATS)
elementwise("floor_divide", np.floor_divide, NUMBERS)
elementwise("remainder", np.remainder, NUMBERS)
elementwise("fmod", np.fmod, NUMBERS)
elementwise("atan2", np.arctan2, FLOATS)
elementwise("power", power, NUMBERS)
elementwise("maximum", np.maximum, ANY)
elementwise("minimum", np.minimum, ANY)
elementwise("equal", np.equal, ANY, to_bool=True)
elementwise("not_equal", np.not_equal, ANY, to_bool=True)
elementwise("less", np.less, ANY, to_bool=True)
elementwise("less_equal", np.less_equal, ANY, to_bool=True)
elementwise("greater", np.greater, ANY, to_bool=True)
elementwise("greater_equal", np.greater_equal, ANY, to_bool=True)
elementwise("logical_and", np.logical_and, (BOOL,), to_bool=True)
elementwise("logical_or", np.logical_or, (BOOL,), to_bool=True)
elementwise("logical_xor", np.logical_xor, (BOOL,), to_bool=True)
elementwise("relu_backward", lambda g, x: np.where(x > 0, g, 0), FLOATS)
elementwise("tanh_backward", lambda g, y: g * (1 - y * y), FLOATS)
elementwise("sigmoid_backward", lambda g, y: g * y * (1 - y), FLOATS)
elementwise("gelu_backward", lambda g, x: g * gelu_slope(x), FLOATS)
elementwise("silu_backward", lambda g, x: g * silu_slope(x), FLOATS)
elementwise("prelu", lambda a, b: np.where(a > 0, a, a * b), FLOATS)

with_scalar("add", np.add, NUMBERS)
with_scalar("multiply", np.multiply, NUMBERS)
with_scalar("rsubtract", lambda a, s: s - a, NUMBERS)
with_scalar("divide", np.divide, FLOATS)
with_scalar("rdivide", lambda a, s: s / a, FLOATS)
with_scalar("power", power, NUMBERS)
with_scalar("rpower", lambda a, s: power(s, a), NUMBERS)
with_scalar("maximum", np.maximum, NUMBERS)
with_scalar("minimum", np.minimum, NUMBERS)
with_scalar("equal", np.equal, ANY, to_bool=True)
with_scalar("not_equal", np.not_equal, ANY, to_bool=True)
with_scalar("less", np.less, ANY, to_bool=True)
with_scalar("less_equal", np.less_equal, ANY, to_bool=True)
with_scalar("greater", np.greater, ANY, to_bool=True)
with_scalar("greater_equal", np.greater_equal, ANY, to_bool=True)


@kernel
def fill(plan: Plan, out: Array, value: float) -> int:
    """out[...] = value"""
    operand(plan, 0, out)[...] = element(plan.dtypes[0], value)
    return OK


@kernel
def fill_dense(dtype: int, n: int, out: Array, value: float) -> int:
    """out[:n] = value"""
    out.view(DTYPES[dtype])[:n] = element(dtype, value)
    return OK


@kernel
def copy(plan: Plan, out: Array, a: Array) -> int:
    """out[...] = a[...], converted to the type of out"""
    operand(plan, 0, out)[...] = operand(plan, 1, a)
    return OK


@kernel
def where(plan: Plan, out: Array, cond: Array, a: Array, b: Array) -> int:
    """out = cond ? a : b"""
    result, condition, first, second = plan.dtypes[:4]
    if condition != BOOL or not result == first == second:
        return EDTYPE
    operand(plan, 0, out)[...] = np.where(operand(plan, 1, cond), operand(plan, 2, a), operand(plan, 3, b))
    return OK
