"""Folding layers: windows as columns and back (`ops.unfold`, `ops.fold`), and channels shuffled. No parameters."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import integer
from .inputs import as_tensor
from .module import Module


class Unfold(Module):
    """`ops.unfold` as a layer: (N, C, H, W) gives (N, C · kernel rows · kernel columns, windows).

    Examples
    --------
    >>> Unfold(2)([[[[1.0, 2.0], [3.0, 4.0]]]]).numpy().tolist()
    [[[1.0], [2.0], [3.0], [4.0]]]
    """

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1):
        super().__init__()
        ops.Unfold(kernel_size, dilation, padding, stride)  # says now what makes no sense
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (N, C, H, W) gives (N, C · kernel rows · kernel columns, windows)."""
        return ops.unfold(as_tensor(x), self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """The attributes."""
        names = "kernel_size", "dilation", "padding", "stride"
        return ", ".join([f"{name}={getattr(self, name)}" for name in names])


class Fold(Module):
    """`ops.fold` as a layer: (N, C · kernel rows · kernel columns, windows) gives (N, C, H, W), overlaps added up.

    Examples
    --------
    >>> Fold((1, 3), (1, 2))([[[1.0, 2.0], [2.0, 3.0]]]).numpy().tolist()
    [[[[1.0, 4.0, 3.0]]]]
    """

    def __init__(
        self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ):
        super().__init__()
        ops.Fold(output_size, kernel_size, dilation, padding, stride)  # says now what makes no sense
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (N, C · kernel rows · kernel columns, windows) gives (N, C, H, W)."""
        return ops.fold(
            as_tensor(x), self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        """The attributes."""
        names = "output_size", "kernel_size", "dilation", "padding", "stride"
        return ", ".join([f"{name}={getattr(self, name)}" for name in names])


class PixelShuffle(Module):
    """`ops.pixel_shuffle` as a layer: (..., C r², H, W) gives (..., C, H r, W r).

    Examples
    --------
    >>> from needle_edu import init
    >>> PixelShuffle(3)(init.ones(1, 18, 4, 4)).shape
    (1, 2, 12, 12)
    """

    def __init__(self, upscale_factor: int):
        super().__init__()
        self.upscale_factor = integer("PixelShuffle", "upscale_factor", upscale_factor, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (..., C r², H, W) gives (..., C, H r, W r)."""
        return ops.pixel_shuffle(as_tensor(x), self.upscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """`ops.pixel_unshuffle` as a layer: (..., C, H r, W r) gives (..., C r², H, W).

    Examples
    --------
    >>> from needle_edu import init
    >>> PixelUnshuffle(3)(init.ones(1, 2, 12, 12)).shape
    (1, 18, 4, 4)
    """

    def __init__(self, downscale_factor: int):
        super().__init__()
        self.downscale_factor = integer("PixelUnshuffle", "downscale_factor", downscale_factor, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (..., C, H r, W r) gives (..., C r², H, W)."""
        return ops.pixel_unshuffle(as_tensor(x), self.downscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """`ops.channel_shuffle` as a layer: the channels of the groups by turns.

    Examples
    --------
    >>> ChannelShuffle(2)([[[1.0], [2.0], [3.0], [4.0]]]).numpy().reshape(-1).tolist()
    [1.0, 3.0, 2.0, 4.0]
    """

    def __init__(self, groups: int):
        super().__init__()
        self.groups = integer("ChannelShuffle", "groups", groups, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (N, C, ...) gives the same shape."""
        return ops.channel_shuffle(as_tensor(x), self.groups)

    def extra_repr(self) -> str:
        """The number of groups."""
        return f"groups={self.groups}"
