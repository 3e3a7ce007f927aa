"""What poolings share: their windows, and what they refuse.

Windows are those of a convolution (windows.py), without weights and for each channel by itself. With `ceil_mode` a last
window may reach beyond the padded end, but none begins there.
"""

from typing import Any

from needle_edu.autograd import arrays
from needle_edu.autograd.arrays import DTypeError, ShapeError
from needle_edu.autograd.op import UnaryOp

from .windows import Windows, per_axis


class Pool(UnaryOp):
    """What poolings share: their windows for an input of shape (N, C, *extents)."""

    axes = 0
    dilation: Any = 1
    ceil_mode = False

    def _set_windows(self, kernel_size, stride, padding, axes: int) -> None:
        self.kernel_size = per_axis(self.name, "kernel_size", kernel_size, axes, 1)
        self.stride = self.kernel_size if stride is None else per_axis(self.name, "stride", stride, axes, 1)
        self.padding = per_axis(self.name, "padding", padding, axes, 0)
        dilation = per_axis(self.name, "dilation", self.dilation, axes, 1)
        self._windows = Windows(
            self.kernel_size, self.stride, dilation, tuple([(p, p) for p in self.padding])
        )
        for p, reach in zip(self.padding, self._windows.reach, strict=True):
            if p > reach // 2:
                raise ShapeError(
                    f"{self.name}: padding is at most half of the {reach} elements that a window reaches over, "
                    f"got {p}"
                )

    def windows(self, shape: tuple) -> tuple[Windows, tuple[int, ...]]:
        """Return the windows for an input of this shape, with the padding that they reach into, and their numbers."""
        w, axes = self._windows, len(self.kernel_size)
        if len(shape) != axes + 2:
            more = "; add a batch axis: x[None]" if len(shape) == axes + 1 else ""
            letters = "L" if axes == 1 else "H, W"
            raise ShapeError(f"{self.name}: wanted a shape (N, C, {letters}), got {shape}{more}")
        extents = shape[2:]
        counts = w.counts(extents, self.ceil_mode)
        if min(counts) < 1:
            raise ShapeError(
                f"{self.name}: a window reaches over {w.reach} elements, the input of shape {shape} has fewer, "
                f"padded by {self.padding}; use a smaller kernel_size"
            )
        return w.covering(counts, extents), counts


def floating(who: str, a) -> None:
    """Refuse an array (or tensor) that holds no floating-point numbers."""
    if a.dtype.kind != "f":
        raise DTypeError(
            f"{who}: wanted floating-point numbers, got {a.dtype}; convert with astype('float32')"
        )


def compiled(a) -> bool:
    """Return whether a kernel (csrc/cpu/pooling.c) computes with this array; ops write it in arrays for all others."""
    return arrays.pooling is not None and arrays.pooling.compiled(a)
