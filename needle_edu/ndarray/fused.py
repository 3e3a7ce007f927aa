"""Whole optimiser steps of many parameters in one kernel call, and a sum without a new array.

A step returns the new parameters and leaves the old ones untouched, since a graph may still need them, unless it is
told to write over one that nobody else holds. The averages, which belong to the optimiser alone, are updated in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from needle_edu.backend import DTypeError, ShapeError
from needle_edu.backend.dtypes import F64
from needle_edu.backend.optimizer_steps import KINDS, Numbers
from needle_edu.backend.storage import new_version

from .base import allocate, cast, write_into
from .layout import compact_layout

if TYPE_CHECKING:
    from .array import NDArray


class Step(NamedTuple):
    """The step of one parameter.

    Attributes
    ----------
    kind : str
        Which formula of `needle_edu.backend.optimizer_steps`.
    p, g : NDArray
        The parameter and its gradient, of one shape; p is float32 or float64.
    memories : sequence of NDArray
        What the formula remembers, in its order, of the shape of p; updated in place.
    numbers : Numbers
    overwrite : bool
        Whether the new parameter may be written into `p`.
    """

    kind: str
    p: NDArray
    g: NDArray
    memories: Sequence[NDArray]
    numbers: Numbers
    overwrite: bool = False


def optimizer_steps(steps: Sequence[Step | tuple]) -> list[tuple[NDArray, Sequence[NDArray]]]:
    """Make the steps of several parameters, in one kernel call for each device and element type.

    Parameters
    ----------
    steps : sequence of Step, or of tuples with the same items

    Returns
    -------
    list of (NDArray, sequence of NDArray)
        Each new parameter, and its memories: those given, or copies that lie as the parameter does.

    Raises
    ------
    ShapeError, DTypeError
        If something is not of its parameter's shape, or a parameter is not of floats. Then no step was made.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> from needle_edu.ndarray import fused
    >>> step = fused.Step("sgd", nd.array([1, 2]), nd.array([2, -2]), (), Numbers(rate=0.5))
    >>> fused.optimizer_steps([step])
    [(NDArray([0., 3.], dtype=float32, device=cpu()), ())]
    """
    results: list[tuple[NDArray, Sequence[NDArray]]] = []
    calls: dict[tuple, tuple[tuple[NDArray, NDArray], list[tuple]]] = {}
    for step in steps:
        kind, p, g, memories, numbers, overwrite = step
        layout = p.layout
        fits = layout.dense_float and g.layout is layout
        for memory in memories:
            if memory.layout is not layout:
                fits = False
        if not fits:
            given = p
            p, g, *memories = _together(p, g, *memories)
            layout, overwrite = p.layout, overwrite or p is not given
        out = p if overwrite else allocate(layout)
        results.append((out, memories))
        key = layout.device, layout.code
        if key not in calls:
            calls[key] = (p, g), []
        pointers = [memory.storage.ptr for memory in memories]
        calls[key][1].append(
            (KINDS[kind], layout.size, out.storage.ptr, p.storage.ptr, g.storage.ptr, pointers, numbers)
        )
    for (_, code), (described, rows) in calls.items():
        write_into("optimizer_steps", "optimizer_steps", described, code, len(rows), rows)
    now = new_version()
    for (_, p, *_), (out, memories) in zip(steps, results, strict=True):
        if out is p:
            out.storage.version = now
        for memory in memories:
            memory.storage.version = now
    return results


def _together(p: NDArray, g: NDArray, *memories: NDArray) -> tuple[NDArray, ...]:
    """Return all of them in one dense layout: themselves if they are, else copies; raise if they cannot go together."""
    layout = p.layout
    if layout.code > F64:
        raise DTypeError(f"optimizer_steps: parameters are float32 or float64, got {p.dtype}")
    if not layout.dense:
        layout = compact_layout(layout.shape, layout.code, layout.device)
    for name, other in (("gradient", g), *(("memory", memory) for memory in memories)):
        if other.layout is not layout and other.layout.shape != layout.shape:
            raise ShapeError(
                f"optimizer_steps: a parameter of shape {layout.shape} with a {name} of shape {other.shape}"
            )
    return tuple([a if a.layout is layout else cast(a, layout) for a in (p, g, *memories)])


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
