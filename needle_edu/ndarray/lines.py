"""Running sums and products, and sorting: each line along one axis is worked on by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from needle_edu.backend.arguments import switch
from needle_edu.backend.dtypes import F64, I64

from .base import allocate, kernel_failed, run_unary
from .interchange import operand
from .layout import Layout, compact_layout, normalize_axis
from .plans import Plan, coalesce, remember

if TYPE_CHECKING:
    from .array import NDArray


@remember
def line_plan(a: Layout, axis: int, out_code: int) -> tuple[Layout, Plan]:
    """Plan a kernel along one axis: the axis comes last, the others are merged where that is possible."""
    out = compact_layout(a.shape, out_code, a.device)
    others = [k for k in range(a.ndim) if k != axis]
    strides = tuple(tuple([layout.strides[k] for k in others]) for layout in (out, a))
    shape, (to, source) = coalesce(tuple([a.shape[k] for k in others]), strides)
    plan = a.device.lower(
        len(shape) + 1, (out_code, a.code), (*shape, a.shape[axis]), (out.offset, a.offset),
        ((*to, out.strides[axis]), (*source, a.strides[axis])),
    )  # fmt: skip
    return out, plan


def _line(name: str, a: NDArray, axis: int | None, code: int | None = None) -> tuple[NDArray, Layout, Plan]:
    """Return the array, flat if `axis` is None or it has no axes, and the plan along its axis."""
    if axis is None or not a.layout.ndim:
        a, axis = a.reshape((-1,)), (-1 if axis is None or axis in (0, -1) else axis)
    layout, plan = line_plan(
        a.layout, normalize_axis(axis, a.ndim, name), a.layout.code if code is None else code
    )
    return a, layout, plan


def cumsum(a: NDArray, axis: int | None = None) -> NDArray:
    """Return the running sum along an axis, of the flattened array by default; integers and bools as int64.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.cumsum(nd.array([[1, 2], [3, 4]]), axis=1)
    NDArray([[1., 3.],
             [3., 7.]], dtype=float32, device=cpu())
    """
    return _scan("cumsum", a, axis)


def cumprod(a: NDArray, axis: int | None = None) -> NDArray:
    """Return the running product along an axis, of the flattened array by default; integers and bools as int64.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.cumprod(nd.array([1, 2, 3]))
    NDArray([1., 2., 6.], dtype=float32, device=cpu())
    """
    return _scan("cumprod", a, axis)


def _scan(name: str, a: NDArray, axis: int | None) -> NDArray:
    a = operand(name, a)
    code = a.layout.code if a.layout.code <= F64 else I64
    a, layout, plan = _line(name, a, axis, code)
    return run_unary(name, layout, plan, a) if layout.size else allocate(layout)


def sort(a: NDArray, axis: int | None = -1, *, descending: bool = False) -> NDArray:
    """Return the elements in order along an axis; with axis None, of the flattened array. nan is the largest.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.sort(nd.array([3, 1, 2]), descending=True)
    NDArray([3., 2., 1.], dtype=float32, device=cpu())
    """
    a = operand("sort", a)
    switch("sort", descending=descending)
    return _sorted("sort", *_line("sort", a, axis), descending)


def argsort(a: NDArray, axis: int | None = -1, *, descending: bool = False) -> NDArray:
    """Return the positions (int64) that put the elements in order along an axis. Equal elements keep their order.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.argsort(nd.array([3, 1, 2]))
    NDArray([1, 2, 0], dtype=int64, device=cpu())
    """
    a = operand("argsort", a)
    switch("argsort", descending=descending)
    return _sorted("argsort", *_line("argsort", a, axis, I64), descending)


def _sorted(name: str, a: NDArray, layout: Layout, plan: Plan, descending: bool) -> NDArray:
    out = allocate(layout)
    if layout.size:
        err = layout.kernels[name](plan, out.storage.ptr, a.storage.ptr, bool(descending))
        if err:
            kernel_failed(name, err, a)
    return out
