"""The elementwise operations of the namespace, one line each.

All take NDArrays, NumPy arrays or numbers, broadcast, and give a new array. Each kernel is written once per backend;
what can be said with these few (`clip`, `isnan`, `all` …) is said here in Python.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from needle_edu.backend.arguments import switch
from needle_edu.backend.dtypes import BOOL, F64, I32

from . import base, plans
from .base import convert, run
from .dtypes import as_code, counted, floating, promote
from .elementwise import UNSUPPORTED, binary, comparison, reflected, unary
from .interchange import asarray, operand
from .numbers import Number
from .operands import beside, check_together

if TYPE_CHECKING:
    from .array import NDArray

# ---- one array: float functions turn integers into float32, the others keep them ------------------------------


def _numeric(code: int) -> int:
    return UNSUPPORTED if code == BOOL else code


negative = unary("negative", "-a", _numeric)
abs = unary("abs", "the absolute value of a", _numeric)
sign = unary("sign", "-1, 0 or 1", _numeric)
square = unary("square", "a * a", _numeric)
relu = unary("relu", "max(a, 0)", _numeric)
floor = unary("floor", "the largest integer not above a", _numeric)
ceil = unary("ceil", "the smallest integer not below a", _numeric)
sqrt = unary("sqrt", "the square root", floating)
reciprocal = unary("reciprocal", "1 / a", floating)
exp = unary("exp", "e to the power a", floating)
log = unary("log", "the natural logarithm", floating)
sin = unary("sin", "the sine of a in radians", floating)
cos = unary("cos", "the cosine of a in radians", floating)
tanh = unary("tanh", "the hyperbolic tangent", floating)
sigmoid = unary("sigmoid", "1 / (1 + exp(-a))", floating)
erf = unary("erf", "the error function", floating)
gelu = unary("gelu", "a times the part of the standard normal distribution below a", floating)
silu = unary("silu", "a * sigmoid(a)", floating)
softplus = unary("softplus", "log(1 + exp(a))", floating)


tan = unary("tan", "the tangent of a in radians", floating)
asin = unary("asin", "the angle from -pi/2 to pi/2 whose sine is a", floating)
acos = unary("acos", "the angle from 0 to pi whose cosine is a", floating)
atan = unary("atan", "the angle from -pi/2 to pi/2 whose tangent is a", floating)
sinh = unary("sinh", "the hyperbolic sine", floating)
cosh = unary("cosh", "the hyperbolic cosine", floating)
asinh = unary("asinh", "the number whose hyperbolic sine is a", floating)
acosh = unary("acosh", "the number, not negative, whose hyperbolic cosine is a", floating)
atanh = unary("atanh", "the number whose hyperbolic tangent is a", floating)
log1p = unary("log1p", "log(1 + a), exact for small a", floating)
expm1 = unary("expm1", "exp(a) - 1, exact for small a", floating)
log2 = unary("log2", "the logarithm to base 2", floating)
log10 = unary("log10", "the logarithm to base 10", floating)
trunc = unary("trunc", "a without its fraction", _numeric)
round = unary("round", "the nearest integer, of two the even one", _numeric)


def positive(a: NDArray) -> NDArray:
    """Return a copy.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.positive(nd.array([1, -2]))
    NDArray([ 1., -2.], dtype=float32, device=cpu())
    """
    return operand("positive", a).copy()


def logical_not(a: NDArray) -> NDArray:
    """Return whether each element is zero, as bools.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.logical_not(nd.array([0, 2]))
    NDArray([ True, False], dtype=bool, device=cpu())
    """
    a = operand("logical_not", a)
    return run("logical_not", *plans.map_plan(a.layout, BOOL), a)


def isnan(a: NDArray) -> NDArray:
    """Return whether each element is not a number.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.isnan(nd.array([1, nd.nan]))
    NDArray([False,  True], dtype=bool, device=cpu())
    """
    a = operand("isnan", a)
    return not_equal(a, a)


def isinf(a: NDArray) -> NDArray:
    """Return whether each element is infinite, of either sign.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.isinf(nd.array([1, -nd.inf, nd.nan]))
    NDArray([False,  True, False], dtype=bool, device=cpu())
    """
    a = operand("isinf", a)
    return equal(abs(convert(a, floating(a.layout.code))), inf)


def isfinite(a: NDArray) -> NDArray:
    """Return whether each element is neither infinite nor nan.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.isfinite(nd.array([1, nd.inf, nd.nan]))
    NDArray([ True, False, False], dtype=bool, device=cpu())
    """
    a = operand("isfinite", a)
    return less(abs(convert(a, floating(a.layout.code))), inf)


def astype(a: NDArray, dtype: Any, copy: bool = True) -> NDArray:
    """Return the elements converted: float to integer cuts off the fraction, anything to bool is ``x != 0``.

    With `copy` False an array that has the dtype already is returned as it is.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.astype(nd.array([1.7, -1.7]), "int32")
    NDArray([ 1, -1], dtype=int32, device=cpu())
    """
    a = operand("astype", a)
    switch("astype", copy=copy)
    code = as_code(dtype)
    return a.copy() if copy and code == a.layout.code else convert(a, code)


# ---- two arrays -----------------------------------------------------------------------------------------------


def _float_result(a: int, b: int) -> int:
    return floating(promote(a, b))


def _power_result(a: int, b: int) -> int:
    code = counted(promote(a, b))
    return I32 if code == BOOL else code


def _logical_result(a: int, b: int) -> int:
    return BOOL


add = binary("add", "a + b", plans.arithmetic_plan)
subtract = binary("subtract", "a - b", plans.arithmetic_plan)
multiply = binary("multiply", "a * b", plans.arithmetic_plan)
divide = binary("divide", "a / b, in a float type", plans.division_plan, _float_result)
power = binary("power", "a to the power b", plans.division_plan, _power_result, plans.arithmetic_plan)
floor_divide = binary("floor_divide", "the largest integer not above a / b", plans.arithmetic_plan)
remainder = binary("remainder", "a - floor(a / b) * b, which has the sign of b", plans.arithmetic_plan)
fmod = binary("fmod", "a - trunc(a / b) * b, which has the sign of a", plans.arithmetic_plan)
atan2 = binary("atan2", "the angle of the point (b, a), from -pi to pi", plans.division_plan, _float_result)
maximum = binary("maximum", "the larger of a and b; nan if one is nan", plans.extremum_plan)
minimum = binary("minimum", "the smaller of a and b; nan if one is nan", plans.extremum_plan)
relu_backward = binary("relu_backward", "a where b > 0, else 0", plans.division_plan, _float_result)
tanh_backward = binary("tanh_backward", "a * (1 - b**2), b = tanh(x)", plans.division_plan, _float_result)
sigmoid_backward = binary(
    "sigmoid_backward", "a * b * (1 - b), b = sigmoid(x)", plans.division_plan, _float_result
)
gelu_backward = binary(
    "gelu_backward", "a times the derivative of gelu at b", plans.division_plan, _float_result
)
silu_backward = binary(
    "silu_backward", "a times the derivative of silu at b", plans.division_plan, _float_result
)
prelu = binary("prelu", "a where a > 0, else a * b", plans.division_plan, _float_result)
equal = comparison("equal", "a == b")
not_equal = comparison("not_equal", "a != b")
less = comparison("less", "a < b")
less_equal = comparison("less_equal", "a <= b")
greater = comparison("greater", "a > b")
greater_equal = comparison("greater_equal", "a >= b")
logical_and = comparison("logical_and", "a and b", plans.logical_plan, _logical_result)
logical_or = comparison("logical_or", "a or b", plans.logical_plan, _logical_result)
logical_xor = comparison("logical_xor", "either a or b", plans.logical_plan, _logical_result)
pow = power

radd, rsubtract, rmultiply = reflected(add), reflected(subtract), reflected(multiply)
rdivide, rpower = reflected(divide), reflected(power)
rfloor_divide, rremainder = reflected(floor_divide), reflected(remainder)
rlogical_and, rlogical_or, rlogical_xor = map(reflected, (logical_and, logical_or, logical_xor))


def where(condition: NDArray, a: NDArray | Number, b: NDArray | Number) -> NDArray:
    """Return a where the condition holds, else b, broadcasting all three.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> x = nd.array([-1, 2, -3])
    >>> nd.where(x > 0, x, 0)
    NDArray([0., 2., 0.], dtype=float32, device=cpu())
    """
    arrays = [x for x in (condition, a, b) if isinstance(x, base.NDArray)]
    device = arrays[0].device if arrays else None
    condition = convert(beside("where", condition, None, device), BOOL)
    a, b = beside("where", a, b, device), beside("where", b, a, device)
    check_together("where", condition, a, b)
    code = promote(a.layout.code, b.layout.code)
    a, b = convert(a, code), convert(b, code)
    return run("where", *plans.where_plan(condition.layout, a.layout, b.layout), condition, a, b)


def clip(a: NDArray, min: Number | None = None, max: Number | None = None) -> NDArray:
    """Return a with every element moved into [min, max].

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.clip(nd.arange(5), 1, 3)
    NDArray([1, 1, 2, 3, 3], dtype=int64, device=cpu())
    """
    a = operand("clip", a)
    if min is None and max is None:
        return a.copy()
    if min is not None:
        a = maximum(a, min)
    return a if max is None else minimum(a, max)


def isclose(a: NDArray, b: NDArray | Number, rtol: float = 1e-5, atol: float = 1e-8) -> NDArray:
    """Return ``|a - b| <= atol + rtol * |b|`` as bools; equal infinities are close, nan is close to nothing.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.isclose(nd.array([1, 2]), nd.array([1 + 1e-6, 3]))
    NDArray([ True, False], dtype=bool, device=cpu())
    """
    a = convert(asarray(a), F64)
    b = convert(asarray(b, device=a.device), F64)
    near = less_equal(abs(a - b), atol + rtol * abs(b))
    return logical_or(logical_and(near, isfinite(b)), equal(a, b))
