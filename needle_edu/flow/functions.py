"""Functions of symbols, by the names that tinyflow gives them."""

from __future__ import annotations

from typing import Any

import numpy as np

from needle_edu import init, ops
from needle_edu.autograd import Tensor
from needle_edu.ndarray.layout import normalize_axis

from .symbol import Symbol, applied


def _unary(name: str, compute: Any) -> Any:
    def function(x: Symbol) -> Symbol:
        return applied(name, compute, x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Declare `{name}` of every element."
    return function


exp, log, sqrt, tanh = (_unary(name, getattr(ops, name)) for name in ("exp", "log", "sqrt", "tanh"))
zeros_like = _unary("zeros_like", lambda a: a * 0)
ones_like = _unary("ones_like", lambda a: a * 0 + 1)


def zeros(shape: Any) -> Symbol:
    """Declare an array of zeros."""
    return Symbol(lambda: init.zeros(*shape), (), "zeros")


def ones(shape: Any) -> Symbol:
    """Declare an array of ones."""
    return Symbol(lambda: init.ones(*shape), (), "ones")


def normal(shape: Any, stdev: float = 1.0) -> Symbol:
    """Declare normally distributed numbers, drawn anew at each run, with mean 0."""
    return Symbol(lambda: init.randn(*shape, std=stdev), (), "normal")


def pow(x: Any, y: Any) -> Symbol:
    """Declare x to the power of y."""
    return x**y


def matmul(a: Any, b: Any) -> Symbol:
    """Declare the matrix product."""
    return applied("matmul", lambda a, b: a @ b, a, b)


def equal(a: Any, b: Any) -> Symbol:
    """Declare where two are equal, as floats: 1 there and 0 elsewhere."""
    return applied("equal", lambda a, b: ops.equal(a, b).astype("float32"), a, b)


def reduce_sum(x: Symbol, reduction_indices: Any = None) -> Symbol:
    """Declare the sum over some axes, all by default."""
    return applied("reduce_sum", lambda a: a.sum(_axes(reduction_indices)), x)


def reduce_mean(x: Symbol, reduction_indices: Any = None) -> Symbol:
    """Declare the mean over some axes, all by default."""
    axes = _axes(reduction_indices)
    return applied("reduce_mean", lambda a: a.sum(axes) / (a.size // max(a.sum(axes).size, 1)), x)


def _axes(reduction_indices: Any) -> Any:
    if reduction_indices is None or isinstance(reduction_indices, int):
        return reduction_indices
    return tuple(reduction_indices)


def argmax(x: Symbol, axis: int) -> Symbol:
    """Declare the place of the largest element along an axis."""
    return applied("argmax", lambda a: ops.argmax(a, axis), x)


def pad(x: Symbol, dim: int, pad: int) -> Symbol:
    """Declare zeros behind the elements along an axis, or before them if `dim` is that of a negative `pad`: a crop.

    Parameters
    ----------
    dim : int
        The axis.
    pad : int
        How many zeros; a negative number cuts so many elements off.
    """

    def compute(a: Tensor) -> Tensor:
        axis = normalize_axis(dim, a.ndim, "pad")
        if pad < 0:
            return a[(slice(None),) * axis + (slice(0, a.shape[axis] + pad),)]
        widths = [(0, 0)] * a.ndim
        widths[axis] = (0, pad)
        return ops.pad(a, tuple(widths))

    return applied("pad", compute, x)


def flatten_layer(x: Symbol) -> Symbol:
    """Declare (batch, ...) as (batch, features)."""
    return applied("flatten", lambda a: a.reshape((a.shape[0], int(np.prod(a.shape[1:])))), x)
