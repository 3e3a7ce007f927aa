"""Transposed convolution layers: what convolution does to adjoints, as a layer of its own."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..autograd import Tensor
from ..ops.windows import per_axis
from .convolution import ConvNd


class _ConvTransposeNd(ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        device: Any = None,
        dtype: Any = "float32",
    ):
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            "zeros",
            device,
            dtype,
        )
        per_axis(type(self).__name__, "output_padding", output_padding, self.axes, 0)
        self.output_padding = output_padding

    def checked_padding(self, padding: Any) -> Any:
        """`padding`, after a look at it: a number, or one for each axis."""
        per_axis(type(self).__name__, "padding", padding, self.axes, 0)
        return padding

    def weight_shape(self) -> tuple[int, ...]:
        """Inputs first: the layer is the adjoint of a convolution the other way."""
        return (self.in_channels, self.out_channels // self.groups, *self.kernel_size)

    def convolved(self, x: Tensor) -> Tensor:
        """The layer without its bias."""
        return type(self).op(
            x, self.weight, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )


class ConvTranspose1d(_ConvTransposeNd):
    """Transposed convolution along one axis; parameters and attributes as for `ConvTranspose2d`.

    Examples
    --------
    >>> from needle_edu import init
    >>> ConvTranspose1d(2, 4, 4, stride=2, padding=1)(init.ones(8, 2, 10)).shape
    (8, 4, 20)
    """

    axes, op, letters = 1, staticmethod(ops.conv_transpose1d), "L"


class ConvTranspose2d(_ConvTransposeNd):
    """Transposed convolution of images, as in PyTorch: with stride 2 it doubles them.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, output_padding, dilation : int or pair of int
        As for `ops.conv_transpose2d`.
    groups : int
        Divides both channel counts.
    bias : bool
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight : Parameter of shape (in_channels, out_channels / groups, *kernel_size)
        Drawn first, uniform in ±1/√n for n = out_channels / groups · kernel size, as PyTorch does.
    bias : Parameter of shape (out_channels,), or None
        Drawn second, from the same interval.

    Examples
    --------
    >>> from needle_edu import init
    >>> ConvTranspose2d(16, 8, 4, stride=2, padding=1)(init.ones(1, 16, 7, 7)).shape
    (1, 8, 14, 14)
    """

    axes, op, letters = 2, staticmethod(ops.conv_transpose2d), "H, W"
