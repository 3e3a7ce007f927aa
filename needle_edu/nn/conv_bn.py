"""A convolution, batch normalisation and a ReLU: the block that the course's ResNet-9 repeats."""

from __future__ import annotations

from typing import Any

from ..autograd import Tensor
from .activations import ReLU
from .convolution import Conv
from .module import Module
from .norm import BatchNorm2d


class ConvBN(Module):
    r"""The course's block, :math:`y = \operatorname{relu}(\operatorname{batchnorm}(\operatorname{conv}(x)))`.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride : int
        As for `Conv`, which pads by kernel_size // 2 and has a bias.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    conv : Conv
        Made first, so its weights are drawn first; batch normalisation draws none.
    norm : BatchNorm2d
    relu : ReLU

    Examples
    --------
    >>> import needle_edu as ndl
    >>> ConvBN(3, 16, 7, 4)(ndl.init.ones(2, 3, 32, 32)).shape
    (2, 16, 8, 8)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        device: Any = None,
        dtype: Any = "float32",
    ):
        super().__init__(device=device, dtype=dtype)
        place = {"device": device, "dtype": dtype}
        self.conv = Conv(in_channels, out_channels, kernel_size, stride, **place)
        self.norm = BatchNorm2d(out_channels, **place)
        self.relu = ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (N, in_channels, H, W) gives (N, out_channels, H', W')."""
        return self.relu(self.norm(self.conv(x)))
