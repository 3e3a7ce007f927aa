"""The fourth homework's model: a residual network of nine layers for CIFAR-10's pictures."""

from __future__ import annotations

from typing import Any

from .. import nn
from ..autograd import Tensor
from ..nn import ConvBN

__all__ = ["ConvBN", "ResNet9"]


class ResNet9(nn.Module):
    """Two halves, each of two `ConvBN` and two more with a way past them, then two linear layers.

    431,946 parameters, drawn in the order in which the layers stand.

    Parameters
    ----------
    device, dtype
        Of the parameters.

    References
    ----------
    K. He et al., "Deep residual learning for image recognition", CVPR 2016.

    Examples
    --------
    >>> from needle_edu import init
    >>> model = ResNet9()
    >>> model(init.rand(2, 3, 32, 32)).shape
    (2, 10)
    >>> sum(parameter.size for parameter in model.parameters())
    431946
    """

    def __init__(self, device: Any = None, dtype: Any = "float32"):
        super().__init__()
        place = {"device": device, "dtype": dtype}

        def past(channels: int) -> nn.Residual:
            return nn.Residual(nn.Sequential(*[ConvBN(channels, channels, 3, 1, **place) for _ in range(2)]))

        self.model = nn.Sequential(
            ConvBN(3, 16, 7, 4, **place),  # (N, 3, 32, 32) gives (N, 16, 8, 8)
            ConvBN(16, 32, 3, 2, **place),  # (N, 32, 4, 4)
            past(32),
            ConvBN(32, 64, 3, 2, **place),  # (N, 64, 2, 2)
            ConvBN(64, 128, 3, 2, **place),  # (N, 128, 1, 1)
            past(128),
            nn.Flatten(),
            nn.Linear(128, 128, **place),
            nn.ReLU(),
            nn.Linear(128, 10, **place),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (N, 3, 32, 32) gives (N, 10), a number per class."""
        return self.model(x)
