"""Convolutional layers: the same small kernel answers at every place of a signal or an image.

`Conv` is the course's: square kernel, padded so that stride 1 keeps the size, weights (k, k, in, out). `Conv1d` and
`Conv2d` are PyTorch's, with weights (out, in/groups, k, …); transposed_convolution.py has their adjoints. All take and
give channels first, (N, C, H, W); `Conv` computes with channels last, on a view: no image is copied to change its
layout.
"""

from __future__ import annotations

import math
from typing import Any

from .. import init, ops
from ..autograd import Tensor
from ..backend.arguments import floating, switch, whole
from ..backend.errors import ShapeError
from ..ops.padding import MODES
from ..ops.windows import paddings, per_axis
from .inputs import as_tensor
from .module import Module
from .parameter import Parameter


class Conv(Module):
    r"""The course's convolution: :math:`y = \operatorname{conv}(x, W) + b`, padded by k // 2.

    Parameters
    ----------
    in_channels, out_channels, kernel_size : int
    stride : int
        With stride 1 and an odd kernel the image keeps its size.
    bias : bool
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight : Parameter of shape (kernel_size, kernel_size, in_channels, out_channels)
        Drawn first, by `init.kaiming_uniform` with the fan-in in_channels · kernel_size².
    bias : Parameter of shape (out_channels,), or None
        Drawn second, uniform in ±1/√(in_channels · kernel_size²).

    Examples
    --------
    >>> Conv(3, 8, 3, stride=2)(init.ones(1, 3, 32, 32)).shape
    (1, 8, 16, 16)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        bias: bool = True,
        device: Any = None,
        dtype: Any = "float32",
    ):
        super().__init__(device=device, dtype=dtype)
        # Course code hands on (3, 3) for 3.
        kernel_size, stride = _one("Conv", "kernel_size", kernel_size), _one("Conv", "stride", stride)
        self.in_channels, self.out_channels, self.kernel_size, self.stride = whole(
            "Conv", in_channels=in_channels, out_channels=out_channels, kernel_size=kernel_size, stride=stride
        )
        switch("Conv", bias=bias)
        floating("Conv", "parameters", dtype)
        place = {"device": device, "dtype": dtype}
        k = self.kernel_size
        fan_in, fan_out = in_channels * k * k, out_channels * k * k
        shape = (k, k, in_channels, out_channels)
        self.weight = Parameter(init.kaiming_uniform(fan_in, fan_out, shape=shape, **place))
        bound = 1 / math.sqrt(fan_in)
        self.bias = Parameter(init.rand(out_channels, low=-bound, high=bound, **place)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (N, in_channels, H, W) gives (N, out_channels, H', W')."""
        x = as_tensor(x)
        if len(x.shape) != 4 or x.shape[1] != self.in_channels:
            raise ShapeError(
                f"Conv({self.extra_repr()}): got input of shape {x.shape}, wanted (N, {self.in_channels}, H, W)"
                f"{_advice(x.shape, self.in_channels)}"
            )
        channels_last = ops.permute(x, (0, 2, 3, 1))
        y = ops.conv(channels_last, self.weight, self.stride, self.kernel_size // 2)
        return ops.permute(y if self.bias is None else y + self.bias, (0, 3, 1, 2))

    def extra_repr(self) -> str:
        """`in_channels, out_channels, kernel_size`, and what is not the default."""
        return (
            f"{self.in_channels}, {self.out_channels}, {self.kernel_size}"
            + (f", stride={self.stride}" if self.stride != 1 else "")
            + ("" if self.bias is not None else ", bias=False")
        )


def _one(who: str, what: str, value: Any) -> Any:
    """Return the number that (3, 3) repeats; anything else as it is."""
    if isinstance(value, (tuple, list)):
        if len(value) == 0 or any(entry != value[0] for entry in value):
            raise ValueError(f"{who}: {what} is one number, kernels are square, got {value!r}; use Conv2d")
        return value[0]
    return value


def _advice(shape: tuple[int, ...], channels: int) -> str:
    if len(shape) == 3:
        return "; add a batch axis: x[None]"
    if len(shape) == 4 and shape[3] == channels:
        return "; channels come second: ops.permute(x, (0, 3, 1, 2))"
    return ""


class ConvNd(Module):
    """What PyTorch's convolutional layers share: parameters, their initialisation, error messages."""

    axes = 0
    op: Any = None
    letters = ""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = "float32",
    ):
        super().__init__(device=device, dtype=dtype)
        who = type(self).__name__
        self.in_channels, self.out_channels, self.groups = whole(
            who, in_channels=in_channels, out_channels=out_channels, groups=groups
        )
        self.kernel_size = per_axis(who, "kernel_size", kernel_size, self.axes, 1)
        self.stride = per_axis(who, "stride", stride, self.axes, 1)
        self.dilation = per_axis(who, "dilation", dilation, self.axes, 1)
        self.padding, self.padding_mode = self.checked_padding(padding), padding_mode
        if padding_mode not in ("zeros", *MODES[1:]):
            raise ValueError(
                f"{who}: padding_mode is one of zeros, {', '.join(MODES[1:])}, got {padding_mode!r}"
            )
        if in_channels % groups or out_channels % groups:
            raise ShapeError(
                f"{who}: groups={groups} does not divide in_channels={in_channels} and out_channels={out_channels}"
            )
        switch(who, bias=bias)
        floating(who, "parameters", dtype)
        place = {"device": device, "dtype": dtype}
        shape = self.weight_shape()
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        self.weight = Parameter(init.rand(*shape, low=-bound, high=bound, **place))
        self.bias = Parameter(init.rand(out_channels, low=-bound, high=bound, **place)) if bias else None

    def checked_padding(self, padding: Any) -> Any:
        """`padding`, after a look at it: a number, numbers or pairs, "same" or "valid"."""
        paddings(type(self).__name__, padding, self.kernel_size, self.stride, self.dilation)
        return padding

    def weight_shape(self) -> tuple[int, ...]:
        """Outputs first."""
        return (self.out_channels, self.in_channels // self.groups, *self.kernel_size)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (N, in_channels, *extents) gives (N, out_channels, *extents')."""
        x = as_tensor(x)
        if len(x.shape) != self.axes + 2 or x.shape[1] != self.in_channels:
            raise ShapeError(
                f"{type(self).__name__}({self.extra_repr()}): got input of shape {x.shape}, wanted "
                f"(N, {self.in_channels}, {self.letters})"
                + ("; add a batch axis: x[None]" if len(x.shape) == self.axes + 1 else "")
            )
        y = self.convolved(x)
        return y if self.bias is None else y + self.bias.reshape((self.out_channels, *(1,) * self.axes))

    def convolved(self, x: Tensor) -> Tensor:
        """The layer without its bias."""
        padding = self.padding
        if self.padding_mode != "zeros":
            sides = paddings(type(self).__name__, padding, self.kernel_size, self.stride, self.dilation)
            x, padding = ops.pad(x, ((0, 0), (0, 0), *sides), mode=self.padding_mode), 0
        return type(self).op(x, self.weight, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """`in_channels, out_channels, kernel_size`, and what is not the default."""
        given = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"]
        for name, default in (("stride", (1,) * self.axes), ("dilation", (1,) * self.axes), ("groups", 1)):
            if getattr(self, name) != default:
                given.append(f"{name}={getattr(self, name)}")
        if self.padding:
            given.append(f"padding={self.padding!r}")
        if self.padding_mode != "zeros":
            given.append(f"padding_mode={self.padding_mode!r}")
        return ", ".join(given) + ("" if self.bias is not None else ", bias=False")


class Conv1d(ConvNd):
    """Convolution along one axis; parameters and attributes as for `Conv2d`.

    Examples
    --------
    >>> Conv1d(2, 4, 3, padding="same")(init.ones(8, 2, 10)).shape
    (8, 4, 10)
    """

    axes, op, letters = 1, staticmethod(ops.conv1d), "L"


class Conv2d(ConvNd):
    """Convolution of images, as in PyTorch.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, dilation : int or pair of int
        Down and across.
    padding : int, pair of int, "same" or "valid"
        How many elements are added on each side.
    groups : int
        Both channel counts are cut into so many parts, each of which sees only its own; divides both.
    bias : bool
    padding_mode : "zeros", "reflect", "replicate" or "circular"
        What the padding is: zeros, or elements of the image, as in `ops.pad`.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight : Parameter of shape (out_channels, in_channels / groups, *kernel_size)
        Drawn first, uniform in ±1/√(fan-in), as PyTorch does.
    bias : Parameter of shape (out_channels,), or None
        Drawn second, from the same interval.

    Examples
    --------
    >>> layer = Conv2d(3, 8, (3, 5), padding=(1, 2), groups=1)
    >>> layer(init.ones(2, 3, 16, 16)).shape
    (2, 8, 16, 16)
    """

    axes, op, letters = 2, staticmethod(ops.conv2d), "H, W"
