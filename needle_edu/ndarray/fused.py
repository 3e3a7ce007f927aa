"""Whole optimiser steps as one kernel call each, and a sum without a new array.

A step returns the new parameters and leaves the old ones untouched, since a graph may still need them; the moving
averages, which belong to the optimiser alone, are updated in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from needle_edu.backend import DTypeError, ShapeError
from needle_edu.backend.dtypes import F64
from needle_edu.backend.storage import new_version

from .base import allocate, convert, write_into

if TYPE_CHECKING:
    from .array import NDArray


def sgd_step(
    p: NDArray, g: NDArray, u: NDArray | None, lr: float, momentum: float = 0.0, weight_decay: float = 0.0,
    fresh: float | None = None, nesterov: bool = False,
) -> NDArray:  # fmt: skip
    """Return the parameters after a step of gradient descent.

    ``d = g + weight_decay*p;  u <- momentum*u + fresh*d;  p - lr*u``, and ``p - lr*d`` where `u` is None;
    with `nesterov`, ``p - lr*(d + momentum*u)``.

    Parameters
    ----------
    p, g : NDArray
        Parameters and their gradient, of one shape.
    u : NDArray or None
        Moving average of the gradient, compact; updated in place.
    fresh : float, optional
        The share of the new gradient, ``1 - momentum`` if not given.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> from needle_edu.ndarray import fused
    >>> fused.sgd_step(nd.array([1, 2]), nd.array([2, -2]), None, lr=0.5)
    NDArray([0., 3.], dtype=float32, device=cpu())
    """
    p, g = _together("sgd_step", p, g, u)
    layout = p.layout
    out = allocate(layout)
    # Without an average the kernel still reads its argument list: NULL says that there is none.
    average = layout.device.runtime.null if u is None else u.storage.ptr
    write_into(
        "sgd_step_dense", "sgd_step", (p, g), layout.code, layout.size, out.storage.ptr, p.storage.ptr,
        g.storage.ptr, average, lr, momentum, 1 - momentum if fresh is None else fresh, weight_decay, int(nesterov),
    )  # fmt: skip
    if u is not None:
        u.storage.version = new_version()
    return out


def adam_step(
    p: NDArray, g: NDArray, m: NDArray, v: NDArray, lr: float, beta1: float, beta2: float, eps: float,
    weight_decay: float, t: int, decoupled: bool = False, top: NDArray | None = None,
) -> NDArray:  # fmt: skip
    """Return the parameters after step `t` (counted from 1) of Adam, with bias correction.

    Weight decay is added to the gradient, or, `decoupled` (AdamW), shrinks the parameters by themselves.

    Parameters
    ----------
    p, g : NDArray
        Parameters and their gradient, of one shape.
    m, v : NDArray
        Moving averages of the gradient and of its square, compact; updated in place.
    top : NDArray, optional
        AMSGrad: the largest v so far, which the step divides by; updated in place.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1. S. Reddi, S. Kale,
    S. Kumar, "On the convergence of Adam and beyond", ICLR 2018.
    """
    p, g = _together("adam_step", p, g, m, v, top)
    shrink = 1.0
    if decoupled:
        shrink, weight_decay = 1 - lr * weight_decay, 0.0
    layout = p.layout
    out = allocate(layout)
    largest = layout.device.runtime.null if top is None else top.storage.ptr
    write_into(
        "adam_step_dense", "adam_step", (p, g), layout.code, layout.size, out.storage.ptr, p.storage.ptr,
        g.storage.ptr, m.storage.ptr, v.storage.ptr, largest, lr, beta1, beta2, eps, weight_decay, shrink,
        1 - beta1**t, 1 - beta2**t,
    )  # fmt: skip
    m.storage.version = v.storage.version = new_version()
    if top is not None:
        top.storage.version = v.storage.version
    return out


def add_into(total: NDArray, a: NDArray) -> bool:
    """Add `a` to `total` in place, if both are floats of one dense layout; returns whether they are.

    The version stays: `total` must be an array that nobody else holds, such as a sum being made.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> from needle_edu.ndarray import fused
    >>> total = nd.array([1, 2])
    >>> fused.add_into(total, nd.array([3, 4])), total
    (True, NDArray([4., 6.], dtype=float32, device=cpu()))
    """
    layout = total.layout
    if layout is not a.layout or not layout.dense_float:
        return False
    ptr = total.storage.ptr
    write_into("add_dense", "add", (total, a), layout.code, layout.size, ptr, ptr, a.storage.ptr)
    return True


def _together(operation: str, p: NDArray, g: NDArray, *averages: NDArray | None) -> tuple[NDArray, NDArray]:
    """Return p and g ready for a dense kernel; raise where shapes or types cannot go together."""
    layout = p.layout
    for other in (g, *averages):
        if other is not None and other.layout is not layout:
            break
    else:
        if layout.dense_float:
            return p, g
    if p.layout.code > F64:
        raise DTypeError(f"{operation}: parameters are float32 or float64, got {p.dtype}")
    p, g = p.compact(), convert(g, p.layout.code).compact()
    for name, other in (("gradient", g), *(("moving average", average) for average in averages)):
        if other is None:
            continue
        if other.shape != p.shape:
            raise ShapeError(
                f"{operation}: parameters of shape {p.shape} with a {name} of shape {other.shape}"
            )
        if not other.layout.compact or other.layout.code != p.layout.code:
            raise DTypeError(f"{operation}: the {name} must be compact and {p.dtype}, got {other.dtype}")
    return p, g
