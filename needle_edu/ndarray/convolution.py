"""Convolutions by the compiled kernels: which element each window sees is described by strides, and nothing is copied.

What is to be done says a `Correlation` (needle_edu/ops/correlation.py), whose arithmetic in arrays is the readable form
of these three; shapes have been checked there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from needle_edu.backend.dtypes import F64

from .base import allocate, kernel_failed
from .layout import Layout, compact_layout
from .plans import Plan, remember

if TYPE_CHECKING:
    from .array import NDArray


def compiled(a: NDArray, b: NDArray) -> bool:
    """Return whether there is a kernel for these two: floats of one type, on a device with compiled kernels."""
    one, other = a.layout, b.layout
    return (
        one.code == other.code
        and one.code <= F64
        and one.device is other.device
        and one.device.runtime.native
    )


def forward(c: Any, x: NDArray, w: NDArray) -> NDArray:
    """Return y."""
    return _call("conv", c, x, w)


def input_adjoint(c: Any, g: NDArray, w: NDArray) -> NDArray:
    """Return x̄ for the adjoint g of y."""
    return _call("conv_input_backward", c, g, w)


def weight_adjoint(c: Any, x: NDArray, g: NDArray) -> NDArray:
    """Return w̄ for the adjoint g of y."""
    return _call("conv_weight_backward", c, x, g)


_OPERANDS = {"conv": "yxw", "conv_input_backward": "xyw", "conv_weight_backward": "wxy"}


def _call(name: str, c: Any, a: NDArray, b: NDArray) -> NDArray:
    layout = a.layout
    out_layout, plan, window = _plan(name, c, layout, b.layout)
    out = allocate(out_layout)
    err = layout.kernels[name](plan, out.storage.ptr, a.storage.ptr, b.storage.ptr, window)
    if err:
        kernel_failed(name, err, a, b)
    return out


@remember
def _plan(name: str, c: Any, a: Layout, b: Layout) -> tuple[Layout, Plan, tuple[int, ...]]:
    """The space: (images, groups, outputs, channels, rows, columns, kernel rows, kernel columns)."""
    windows, groups = c.windows, c.groups
    out = compact_layout({"y": c.y, "x": c.x, "w": c.w}[_OPERANDS[name][0]], a.code, a.device)
    layouts = dict(zip(_OPERANDS[name], (out, a, b), strict=True))
    channels, outputs = (c.w[-2], c.w[-1]) if c.last else (c.w[1], c.w[0] // groups)
    one = len(windows.kernel) == 1  # one axis: a second one of one row
    pad: tuple = (1,) if one else ()
    counts, extents = (c.y[1:-1], c.x[1:-1]) if c.last else (c.y[2:], c.x[2:])
    shape = (c.x[0], groups, outputs, channels, *pad, *counts, *pad, *windows.kernel)

    def axes(key: str) -> tuple[int, int, tuple]:
        """The two strides that are no extents' (in the order N, C or O, C), and those of the extents, or kernel."""
        strides = layouts[key].strides
        still: tuple = (0,) if one else ()
        if c.last and key == "w":
            return strides[-1], strides[-2], (*still, *strides[:-2])
        if c.last:
            return strides[0], strides[-1], (*still, *strides[1:-1])
        return strides[0], strides[1], (*still, *strides[2:])

    (xn, xc, xs), (yn, yo, ys), (wo, wc, ws) = axes("x"), axes("y"), axes("w")
    step, dilation = (*pad, *windows.stride), (*pad, *windows.dilation)
    start = (*((0,) if one else ()), *[-before for before, _ in windows.padding])
    strides = {
        "x": (xn, channels * xc, 0, xc, xs[0] * step[0], xs[1] * step[1], xs[0] * dilation[0], xs[1] * dilation[1]),
        "y": (yn, outputs * yo, yo, 0, *ys, 0, 0),
        "w": (0, outputs * wo, wo, wc, 0, 0, *ws),
    }  # fmt: skip
    offsets = {key: layout.offset for key, layout in layouts.items()}
    offsets["x"] += start[0] * xs[0] + start[1] * xs[1]
    window = tuple([n for axis in zip(start, step, dilation, (*pad, *extents), strict=True) for n in axis])
    keys = _OPERANDS[name]
    plan = a.device.lower(8, (a.code,) * 3, shape, [offsets[k] for k in keys], [strides[k] for k in keys])
    return out, plan, window
