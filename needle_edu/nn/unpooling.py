"""Layers of power-average pooling, and of the way back from max pooling. They have no parameters."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import switch
from ..ops.lp_pooling import exponent
from ..ops.windows import per_axis
from .inputs import as_tensor
from .module import Module


class _Windows(Module):
    """Keeps what describes windows; what makes no sense is said at once."""

    function = ""

    def __init__(self, kernel_size: Any, stride: Any, padding: Any = 0):
        super().__init__()
        axes = int(self.function[-2])
        self.kernel_size = per_axis(self.function, "kernel_size", kernel_size, axes, 1)
        self.stride = (
            self.kernel_size if stride is None else per_axis(self.function, "stride", stride, axes, 1)
        )
        self.padding = per_axis(self.function, "padding", padding, axes, 0)


class _MaxUnpool(_Windows):
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0):
        super().__init__(kernel_size, stride, padding)

    def forward(self, x: Tensor, indices: Any, output_size: Any = None) -> Tensor:
        """`x` and `indices` of shape (N, C, *extents') give (N, C, *extents)."""
        unpool = getattr(ops, self.function)
        return unpool(as_tensor(x), indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """The attributes."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """`ops.max_unpool1d` as a layer: `MaxUnpool1d(kernel_size, stride=None, padding=0)`.

    Examples
    --------
    >>> MaxUnpool1d(2)([[[3.0, 5.0]]], [[[1, 3]]]).numpy().tolist()
    [[[0.0, 3.0, 0.0, 5.0]]]
    """

    function = "max_unpool1d"


class MaxUnpool2d(_MaxUnpool):
    """`ops.max_unpool2d` as a layer: `MaxUnpool2d(kernel_size, stride=None, padding=0)`.

    Examples
    --------
    >>> MaxUnpool2d(2)([[[[4.0]]]], [[[[2]]]]).numpy().tolist()
    [[[[0.0, 0.0], [4.0, 0.0]]]]
    """

    function = "max_unpool2d"


class _LPPool(_Windows):
    def __init__(self, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: bool = False):
        super().__init__(kernel_size, stride)
        exponent(self.function, norm_type)
        switch(type(self).__name__, ceil_mode=ceil_mode)
        self.norm_type, self.ceil_mode = norm_type, bool(ceil_mode)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (N, C, *extents) gives (N, C, *extents')."""
        pool = getattr(ops, self.function)
        return pool(as_tensor(x), self.norm_type, self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        """The attributes; a switch that is off is left out."""
        shown = f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}"
        return shown + (", ceil_mode=True" if self.ceil_mode else "")


class LPPool1d(_LPPool):
    """`ops.lp_pool1d` as a layer: `LPPool1d(norm_type, kernel_size, stride=None, ceil_mode=False)`.

    Examples
    --------
    >>> LPPool1d(2, 2)([[[3.0, -4.0, 6.0, 8.0]]]).numpy().tolist()
    [[[5.0, 10.0]]]
    """

    function = "lp_pool1d"


class LPPool2d(_LPPool):
    """`ops.lp_pool2d` as a layer: `LPPool2d(norm_type, kernel_size, stride=None, ceil_mode=False)`.

    Examples
    --------
    >>> LPPool2d(1, 2)([[[[1.0, -1.0], [1.0, 1.0]]]]).numpy().tolist()
    [[[[2.0]]]]
    """

    function = "lp_pool2d"
