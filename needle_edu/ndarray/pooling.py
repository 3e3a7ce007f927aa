"""Pooling by the compiled kernels: which elements each window sees is described by strides, and nothing is copied.

What is written in arrays in needle_edu/ops (max_pooling.py, avg_pooling.py) says what the kernels compute; shapes have
been checked there. `windows` is a `Windows` of needle_edu/ops/windows.py, `counts` are their numbers along each axis.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from needle_edu.backend.dtypes import F64, I32

from .base import allocate, kernel_failed
from .layout import Layout, compact_layout, make_layout
from .plans import Plan, remember
from .views import retyped

if TYPE_CHECKING:
    from .array import NDArray

Numbers = tuple[int, ...]


def compiled(a: NDArray) -> bool:
    """Return whether there is a kernel for this array: floats, on a device with compiled kernels."""
    layout = a.layout
    return layout.code <= F64 and layout.device.runtime.native and prod(layout.shape[2:]) < 1 << 31


def maximum(windows: Any, counts: Numbers, a: NDArray, places: bool) -> tuple[NDArray, NDArray | None]:
    """Return the maximum of each window of `a`, (N, C, *extents), and, if wanted, where it is.

    A place is an int32: the number of an element among those of its channel of its image, −1 for a window that sees
    nothing but padding.
    """
    layout = a.layout
    out_layout, plan, window = _forward(windows, counts, layout)
    out = allocate(out_layout)
    found = allocate(retyped(out_layout, I32)) if places else None
    to = layout.device.runtime.null if found is None else found.storage.ptr
    err = layout.kernels["max_pool"](plan, out.storage.ptr, to, a.storage.ptr, window)
    if err:
        kernel_failed("max_pool", err, a)
    return out, found


def adaptive_maximum(counts: Numbers, a: NDArray, places: bool) -> tuple[NDArray, NDArray | None]:
    """Return the maximum of each of `counts` windows that cover `a`, and, if wanted, where it is."""
    layout = a.layout
    out_layout, plan, extents = _adaptive(counts, layout)
    out = allocate(out_layout)
    found = allocate(retyped(out_layout, I32)) if places else None
    to = layout.device.runtime.null if found is None else found.storage.ptr
    err = layout.kernels["adaptive_max_pool"](plan, out.storage.ptr, to, a.storage.ptr, *extents)
    if err:
        kernel_failed("adaptive_max_pool", err, a)
    return out, found


def maximum_adjoint(windows: Any, g: NDArray, places: NDArray, shape: Numbers) -> NDArray:
    """Return zeros of a shape (N, C, *extents), with each element of `g` added at its place (int32).

    `windows` are those whose places these are; None if they have several lengths.
    """
    layout = g.layout
    out_layout, plan, window = _backward(windows, layout, places.layout, shape)
    out = allocate(out_layout)
    if windows is None:
        err = layout.kernels["adaptive_max_pool_backward"](
            plan, out.storage.ptr, g.storage.ptr, places.storage.ptr, *window
        )
    else:
        err = layout.kernels["max_pool_backward"](
            plan, out.storage.ptr, g.storage.ptr, places.storage.ptr, window
        )
    if err:
        kernel_failed("max_pool_backward", err, g, places)
    return out


def mean(windows: Any, counts: Numbers, a: NDArray, divide: int) -> NDArray:
    """Return the mean of each window of `a`; `divide` as the kernel has it (needle_kernels.h, section 14)."""
    layout = a.layout
    shape = (*layout.shape[:2], *counts)
    out_layout, plan, window = _mean(windows, layout, shape, shape, layout.shape[2:])
    out = allocate(out_layout)
    err = layout.kernels["avg_pool"](plan, out.storage.ptr, a.storage.ptr, window, divide)
    if err:
        kernel_failed("avg_pool", err, a)
    return out


def mean_adjoint(windows: Any, g: NDArray, shape: Numbers, divide: int) -> NDArray:
    """Return zeros of a shape (N, C, *extents), to which each element of `g` is added in equal shares."""
    layout = g.layout
    out_layout, plan, window = _mean(windows, layout, shape, layout.shape, shape[2:])
    out = allocate(out_layout)
    err = layout.kernels["avg_pool_backward"](plan, out.storage.ptr, g.storage.ptr, window, divide)
    if err:
        kernel_failed("avg_pool_backward", err, g)
    return out


@remember
def _mean(
    windows: Any, a: Layout, shape: Numbers, counts: Numbers, extents: Numbers
) -> tuple[Layout, Plan, Numbers]:
    """`shape` is that of the result, `counts` that of the windows."""
    out = _alike(a, shape, a.code)
    plan = a.device.lower(
        4, (a.code, a.code), _two(counts, 1), (0, a.offset), [_two(layout.strides, 0) for layout in (out, a)]
    )
    return out, plan, _window(windows, extents)


@remember
def _forward(windows: Any, counts: Numbers, a: Layout) -> tuple[Layout, Plan, Numbers]:
    out = _alike(a, (*a.shape[:2], *counts), a.code)
    plan = a.device.lower(
        4, (a.code, I32, a.code), _two(out.shape, 1), (0, 0, a.offset),
        [_two(layout.strides, 0) for layout in (out, out, a)],
    )  # fmt: skip
    return out, plan, _window(windows, a.shape[2:])


@remember
def _backward(windows: Any, g: Layout, places: Layout, shape: Numbers) -> tuple[Layout, Plan, Numbers]:
    out = _alike(places, shape, g.code)
    plan = g.device.lower(
        4, (g.code, g.code, places.code), _two(g.shape, 1), (0, g.offset, places.offset),
        [_two(layout.strides, 0) for layout in (out, g, places)],
    )  # fmt: skip
    return out, plan, _two(shape, 1)[2:] if windows is None else _window(windows, shape[2:])


@remember
def _adaptive(counts: Numbers, a: Layout) -> tuple[Layout, Plan, Numbers]:
    """The same plan as for windows of one length; with it goes the extent of `a` along each axis."""
    out = _alike(a, (*a.shape[:2], *counts), a.code)
    plan = a.device.lower(
        4, (a.code, I32, a.code), _two(out.shape, 1), (0, 0, a.offset),
        [_two(layout.strides, 0) for layout in (out, out, a)],
    )  # fmt: skip
    return out, plan, _two(a.shape, 1)[2:]


def _two(numbers: Numbers, missing: int) -> Numbers:
    """With one axis, a second one of one row is put before it."""
    return numbers if len(numbers) == 4 else (*numbers[:2], missing, numbers[2])


def _window(windows: Any, extents: Numbers) -> Numbers:
    starts = [-before for before, _ in windows.padding]
    axes = list(zip(starts, windows.stride, windows.dilation, extents, windows.kernel, strict=True))
    return tuple([n for axis in [(0, 1, 1, 1, 1)] * (2 - len(axes)) + axes for n in axis])


def _alike(a: Layout, shape: Numbers, code: int) -> Layout:
    """A new array's layout: channels last if that is how they lie in `a`."""
    out = compact_layout(shape, code, a.device)
    if a.strides[1] != 1 or a.shape[1] < 2 or a.strides[-1] == 1:
        return out
    strides = compact_layout((shape[0], *shape[2:], shape[1]), code, a.device).strides
    return make_layout(shape, (strides[0], strides[-1], *strides[1:-1]), 0, code, a.device)
