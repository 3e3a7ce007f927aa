"""Reductions: many elements to one, over all axes, one, or several.

A reduction over all axes (``axis=None``) has shape (1,), as in the course's framework, so that a loss is still an
array with a gradient like any other; NumPy gives shape (). A plan turns each reduction into one kernel call on the
array as it lies: the result simply has stride 0 along the reduced axes. Integers and bools are summed as int64.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from needle_edu.backend import ShapeError
from needle_edu.backend.arguments import switch
from needle_edu.backend.dtypes import BOOL, F64, I64
from needle_edu.backend.naming import give_name

from . import base
from .base import allocate, convert, run_unary
from .creation import full
from .dtypes import counted, floating
from .examples import example
from .interchange import operand
from .layout import normalize_axes
from .plans import onto_plan, reduce_plan, remember

if TYPE_CHECKING:
    from .array import NDArray

Axis = int | tuple[int, ...] | list[int] | None


def reduction(
    kernel: str, what: str, result: Callable[[int], int], identity: float | None = None, called: str = ""
) -> Callable[..., NDArray]:
    """Make the reduction that `kernel` computes; `identity` is its value over no elements, None if undefined.

    Where it is a step of another function, errors name the function that was `called`.
    """
    name = called or kernel
    plan_of = remember(partial(reduce_plan, name, result))

    def op(
        a: NDArray, axis: Axis = None, keepdims: bool = False, dtype: Any = None, out: Any = None
    ) -> NDArray:
        if dtype is not None or out is not None:
            refuse_numpys(name, dtype)
        if type(a) is not base.NDArray:
            a = operand(name, a)
        if axis is not None and not isinstance(axis, (int, tuple)):
            axis = normalize_axes(axis, a.ndim, name)
        if keepdims is not False and keepdims is not True:
            switch(name, keepdims=keepdims)
        la = a.layout
        if la.code == BOOL and result is wide:
            a = convert(a, counted(BOOL))
            la = a.layout
        lo, plan = plan_of(la, axis, bool(keepdims))
        if not la.size:
            if identity is not None:
                return full(lo.shape, identity, lo.dtype, lo.device)
            if lo.size:
                raise ShapeError(
                    f"{name}: no elements along axis {axis} of shape {la.shape}, so there is none"
                )
            return allocate(lo)
        return run_unary(kernel, lo, plan, a)

    give_name(op, name)
    op.__doc__ = (
        f"Return {what}.\n\n    Parameters\n    ----------\n    a : NDArray\n    axis : int or tuple of int, optional\n"
        "        Default: all axes, and the result has shape (1,).\n    keepdims : bool\n"
        "        Keep the reduced axes with extent 1.\n    dtype, out : None\n"
        f"        Only here because `numpy.{name}(a)` hands them on.{example(kernel)}"
    )
    return op


def refuse_numpys(operation: str, dtype: object) -> NoReturn:
    """Say what to do in place of a keyword that NumPy's reductions have and ours have not."""
    fix = (
        "assign the result: out[...] = …" if dtype is None else "convert the array or the result with astype"
    )
    raise TypeError(f"{operation}: {'out' if dtype is None else 'dtype'}= is not supported; {fix}")


def same(code: int) -> int:
    return code


def wide(code: int) -> int:
    return code if code <= F64 else I64


def _index(code: int) -> int:
    return I64


sum = reduction("sum", "the sum along the axes; integers and bools are summed as int64", wide, 0)
prod = reduction("prod", "the product along the axes; integers and bools as int64", wide, 1)
max = reduction("max", "the largest element along the axes; nan if there is one", same)
min = reduction("min", "the smallest element along the axes; nan if there is one", same)
argmax = reduction(
    "argmax", "the position (int64) of the first largest element; nan counts as largest", _index
)
argmin = reduction(
    "argmin", "the position (int64) of the first smallest element; nan counts as smallest", _index
)
_sum_squares = reduction("sum_squares", "the sum of the squares", same, 0)
_total = reduction("sum", "the sum to divide", wide, 0, called="mean")
_some = reduction("max", "whether one is true", same, 0, called="any")
_every = reduction("min", "whether all are true", same, 1, called="all")
_logsumexp = reduction("logsumexp", "log(sum(exp(a)))", same, -float("inf"))


def logsumexp(a: NDArray, axis: Axis = None, keepdims: bool = False) -> NDArray:
    """Return ``log(sum(exp(a)))`` along the axes, without overflow.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.logsumexp(nd.array([1e10, 1e10]))
    NDArray([1.e+10], dtype=float32, device=cpu())
    """
    a = operand("logsumexp", a)
    return _logsumexp(convert(a, floating(a.layout.code)), axis, keepdims)


def sum_squares(a: NDArray, axis: Axis = None, keepdims: bool = False) -> NDArray:
    """Return the sum of the squares along the axes, in one pass over the elements; integers as float32.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.sum_squares(nd.array([[3, 4], [1, 0]]), axis=1)
    NDArray([25.,  1.], dtype=float32, device=cpu())
    """
    a = operand("sum_squares", a)
    return _sum_squares(convert(a, floating(a.layout.code)), axis, keepdims)


def mean(
    a: NDArray, axis: Axis = None, keepdims: bool = False, *, dtype: Any = None, out: Any = None
) -> NDArray:
    """Return the mean along the axes, in a float type; float32 for integers.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.mean(nd.array([[1, 2], [3, 4]]), axis=0)
    NDArray([2., 3.], dtype=float32, device=cpu())
    """
    a = operand("mean", a)
    code = floating(a.layout.code)
    if dtype is not None or out is not None:
        refuse_numpys("mean", dtype)
    total = _total(a if code == a.layout.code else convert(a, F64), axis, keepdims)  # int64 might overflow
    count = a.size // total.size if total.size else 1
    if not count:
        raise ShapeError(f"mean: no elements along axis {axis} of shape {a.shape}, so there is none")
    return convert(total / count, code)


def any(a: NDArray, axis: Axis = None, keepdims: bool = False, *, out: Any = None) -> NDArray:
    """Return whether some element along the axes is not zero, as bools.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.any(nd.array([[0, 2], [0, 0]]), axis=1)
    NDArray([ True, False], dtype=bool, device=cpu())
    """
    return _some(convert(operand("any", a), BOOL), axis, keepdims, out=out)


def all(a: NDArray, axis: Axis = None, keepdims: bool = False, *, out: Any = None) -> NDArray:
    """Return whether every element along the axes is not zero, as bools.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.all(nd.array([[1, 2], [0, 1]]), axis=1)
    NDArray([ True, False], dtype=bool, device=cpu())
    """
    return _every(convert(operand("all", a), BOOL), axis, keepdims, out=out)


def sum_onto(g: NDArray, x: NDArray) -> NDArray | None:
    """Return floats `g` summed over the axes along which `x` was broadcast to their shape, in the shape of `x`.

    None if `x` has another dtype or device, does not broadcast to that shape, or has as many elements.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> from needle_edu.ndarray import reductions
    >>> reductions.sum_onto(nd.ones((4, 2)), nd.zeros((1, 2)))
    NDArray([[4., 4.]], dtype=float32, device=cpu())
    """
    found = onto_plan(g.layout, x.layout)
    return None if found is None else run_unary("sum", *found, g)
