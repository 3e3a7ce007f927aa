"""Running sums and their kin, and sorting: each line along one axis is worked on by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from needle_edu.backend import DTypeError, ShapeError
from needle_edu.backend.arguments import integer, switch
from needle_edu.backend.dtypes import F64, I64

from .base import allocate, kernel_failed, run, run_unary
from .interchange import operand
from .layout import Layout, compact_layout, normalize_axis
from .operands import check_together
from .plans import Plan, coalesce, remember

if TYPE_CHECKING:
    from .array import NDArray


@remember
def line_plan(axis: int, out_code: int, *inputs: Layout, most: int | None = None) -> tuple[Layout, Plan]:
    """Plan a kernel along one axis: the axis comes last, the others are merged where that is possible.

    The result's lines are as long as the others, or `most` elements.
    """
    a = inputs[0]
    length = a.shape[axis] if most is None else most
    out = compact_layout((*a.shape[:axis], length, *a.shape[axis + 1 :]), out_code, a.device)
    layouts = (out, *inputs)
    others = [k for k in range(a.ndim) if k != axis]
    strides = tuple(tuple([layout.strides[k] for k in others]) for layout in layouts)
    shape, merged = coalesce(tuple([a.shape[k] for k in others]), strides)
    plan = a.device.lower(
        len(shape) + 1, tuple([layout.code for layout in layouts]), (*shape, a.shape[axis]),
        tuple([layout.offset for layout in layouts]),
        tuple([(*steps, layout.strides[axis]) for steps, layout in zip(merged, layouts, strict=True)]),
    )  # fmt: skip
    return out, plan


def _line(name: str, a: NDArray, axis: int | None, code: int | None = None) -> tuple[NDArray, Layout, Plan]:
    """Return the array, flat if `axis` is None or it has no axes, and the plan along its axis."""
    if axis is None or not a.layout.ndim:
        a, axis = a.reshape((-1,)), (-1 if axis is None or axis in (0, -1) else axis)
    layout, plan = line_plan(
        normalize_axis(axis, a.ndim, name), a.layout.code if code is None else code, a.layout
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


def cumargmax(a: NDArray, axis: int | None = None) -> NDArray:
    """Return where the largest element so far is (int64), the latest of equals; nan counts as the largest.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.cumargmax(nd.array([1, 3, 2, 3]))
    NDArray([0, 1, 1, 3], dtype=int64, device=cpu())
    """
    return _running_place("cumargmax", a, axis)


def cumargmin(a: NDArray, axis: int | None = None) -> NDArray:
    """Return where the smallest element so far is (int64), the latest of equals; nan counts as the smallest.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.cumargmin(nd.array([2, 3, 2, 1]))
    NDArray([0, 0, 2, 3], dtype=int64, device=cpu())
    """
    return _running_place("cumargmin", a, axis)


def _running_place(name: str, a: NDArray, axis: int | None) -> NDArray:
    a, layout, plan = _line(name, operand(name, a), axis, I64)
    return run_unary(name, layout, plan, a) if layout.size else allocate(layout)


def linear_scan(a: NDArray, b: NDArray, axis: int = -1) -> NDArray:
    """Return ``out[k] = a[k] * out[k-1] + b[k]`` along an axis; the first is ``b[0]``, and ``a[0]`` is not read.

    Both are floats of one type and shape.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.linear_scan(nd.array([0, 2, 2]), nd.array([1, 1, 1]))
    NDArray([1., 3., 7.], dtype=float32, device=cpu())
    """
    a, b = operand("linear_scan", a), operand("linear_scan", b, a)
    if a.layout.code != b.layout.code or a.layout.code > F64:
        raise DTypeError(f"linear_scan: wanted two arrays of one float type, got {a.dtype} and {b.dtype}")
    if a.shape != b.shape or not a.ndim:
        raise ShapeError(f"linear_scan: wanted one shape with at least one axis, got {a.shape} and {b.shape}")
    check_together("linear_scan", a, b)
    axis = normalize_axis(axis, a.ndim, "linear_scan")
    layout, plan = line_plan(axis, a.layout.code, a.layout, b.layout)
    return run("linear_scan", layout, plan, a, b) if layout.size else allocate(layout)


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
    a, layout, plan = _line("sort", a, axis)
    out = allocate(layout)
    if layout.size:
        err = layout.kernels["sort"](plan, out.storage.ptr, a.storage.ptr, descending)
        if err:
            kernel_failed("sort", err, a)
    return out


def argsort(
    a: NDArray, axis: int | None = -1, *, descending: bool = False, most: int | None = None
) -> NDArray:
    """Return the positions (int64) that put the elements in order along an axis. Equal elements keep their order.

    With `most`, only the first so many of each line, which takes less time if they are few.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.argsort(nd.array([3, 1, 2]))
    NDArray([1, 2, 0], dtype=int64, device=cpu())
    """
    a = operand("argsort", a)
    switch("argsort", descending=descending)
    if axis is None or not a.ndim:
        a, axis = a.reshape((-1,)), (-1 if axis in (None, 0, -1) else axis)
    axis = normalize_axis(axis, a.ndim, "argsort")
    n = a.shape[axis]
    if most is not None and not 0 <= integer("argsort", "most", most) <= n:
        raise ShapeError(f"argsort: wanted the first {most} of {n} elements along axis {axis}")
    layout, plan = line_plan(axis, I64, a.layout, most=n if most is None else most)
    out = allocate(layout)
    if layout.size:
        err = layout.kernels["argsort"](
            plan, out.storage.ptr, a.storage.ptr, descending, n if most is None else most
        )
        if err:
            kernel_failed("argsort", err, a)
    return out
