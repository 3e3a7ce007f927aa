"""Transposed convolution layers: what convolution does to adjoints, as a layer of its own."""

from __future__ import annotations

from copy import copy
from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.errors import ShapeError
from ..ops.windows import per_axis
from .convolution import ConvNd
from .inputs import as_tensor


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
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = "float32",
    ):
        if padding_mode != "zeros":
            raise ValueError(
                f"{type(self).__name__}: padding_mode is 'zeros', nothing else, got {padding_mode!r}"
            )
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

    def forward(self, x: Tensor, output_size: Any = None) -> Tensor:
        """`x` of shape (N, in_channels, *extents) gives (N, out_channels, *extents').

        Several extents may be convolved to the same ones: `output_size` (the last extents, or the whole shape) says
        which they were, in the place of `output_padding`.
        """
        if output_size is None:
            return super().forward(x)
        layer = copy(self)
        layer.output_padding = self._behind(as_tensor(x).shape[2:], output_size)
        return ConvNd.forward(layer, x)

    def _behind(self, extents: tuple[int, ...], output_size: Any) -> tuple[int, ...]:
        """The output padding that makes these extents `output_size`."""
        who = type(self).__name__
        given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,)
        wanted = per_axis(who, "output_size", given[-self.axes :], self.axes, 0)
        padding = per_axis(who, "padding", self.padding, self.axes, 0)
        least = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(
                extents, self.stride, padding, self.dilation, self.kernel_size, strict=False
            )
        ]
        if any(
            not 0 <= size - low < step for size, low, step in zip(wanted, least, self.stride, strict=False)
        ):
            most = tuple([low + step - 1 for low, step in zip(least, self.stride, strict=False)])
            raise ShapeError(
                f"{who}: output_size lies between {tuple(least)} and {most}, got {output_size!r}"
            )
        return tuple([size - low for size, low in zip(wanted, least, strict=False)])

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
    padding_mode : "zeros"
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
