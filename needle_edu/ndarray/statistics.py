"""How far elements lie from their mean: the variance and its square root. NumPy's names and defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from needle_edu.backend import DTypeError, ShapeError
from needle_edu.backend.dtypes import F64

from .base import convert
from .dtypes import floating
from .functions import sqrt
from .interchange import operand
from .reductions import Axis, reduction, refuse_numpys

if TYPE_CHECKING:
    from .array import NDArray


def _same(code: int) -> int:
    return code


_SUM = {who: reduction("sum", "the sum to divide", _same, 0, called=who) for who in ("var", "std")}


def var(
    a: NDArray,
    axis: Axis = None,
    correction: float = 0,
    keepdims: bool = False,
    *,
    ddof: float | None = None,
    dtype: Any = None,
    out: Any = None,
) -> NDArray:
    """Return the variance along the axes: the mean square distance from the mean, divided by n - correction.

    As in NumPy it divides by n unless told otherwise; `ddof` is NumPy's older name of `correction`. A tensor's `var`
    divides by n - 1, as PyTorch's.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.var(nd.array([1, 2, 6])), nd.var(nd.array([1, 2, 6]), correction=1)
    (NDArray([4.6666665], dtype=float32, device=cpu()), NDArray([7.], dtype=float32, device=cpu()))
    """
    return _variance("var", a, axis, correction if ddof is None else ddof, keepdims, dtype, out)


def std(
    a: NDArray,
    axis: Axis = None,
    correction: float = 0,
    keepdims: bool = False,
    *,
    ddof: float | None = None,
    dtype: Any = None,
    out: Any = None,
) -> NDArray:
    """Return the standard deviation along the axes: the square root of `var`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.std(nd.array([[1, 5], [3, 3]]), axis=1)
    NDArray([2., 0.], dtype=float32, device=cpu())
    """
    return sqrt(_variance("std", a, axis, correction if ddof is None else ddof, keepdims, dtype, out))


def _variance(
    who: str, a: NDArray, axis: Axis, correction: float, keepdims: bool, dtype: Any, out: Any
) -> NDArray:
    if dtype is not None or out is not None:
        refuse_numpys(who, dtype)
    if not isinstance(correction, (int, float)):
        raise DTypeError(f"{who}: correction is a number, got {correction!r}")
    a = operand(who, a)
    code = floating(a.layout.code)
    a = a if code == a.layout.code else convert(a, F64)
    total = _SUM[who](a, axis, True)
    count = a.size // total.size if total.size else 1
    if not count:
        raise ShapeError(f"{who}: no elements along axis {axis} of shape {a.shape}, so there is none")
    distance = a - total / count
    squares = _SUM[who](distance * distance, axis, keepdims)
    return convert(squares / float(max(count - correction, 0)), code)
