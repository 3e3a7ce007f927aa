"""Local response normalisation: channels beside one another compete, as in AlexNet.

Reference: A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional neural networks",
NIPS 2012.
"""

from __future__ import annotations

import math

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import real, whole
from ..backend.errors import ShapeError
from .inputs import as_tensor
from .module import Module


class LocalResponseNorm(Module):
    r"""Divide each number by what the channels around it have at its place.

    .. math:: y_c = x_c \left(k + \frac{\alpha}{n} \sum_{c'} x_{c'}^2\right)^{-\beta}

    The sum is over n neighbouring channels: ⌊n/2⌋ before c, c itself, and the rest behind it. Where the tensor ends
    there are zeros, and the division is by n all the same.

    Parameters
    ----------
    size : int
        n, the number of channels.
    alpha, beta, k : float

    Examples
    --------
    >>> LocalResponseNorm(2, alpha=6.0, beta=1.0)(Tensor([[[1.0], [2.0]]])).numpy().tolist()
    [[[0.25], [0.125]]]
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
        super().__init__()
        (self.size,) = whole("LocalResponseNorm", size=size)
        real("LocalResponseNorm", alpha=alpha, beta=beta, k=k)
        self.alpha, self.beta, self.k = alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (batch, channels, ...), at least three axes."""
        x = as_tensor(x)
        if x.ndim < 3:
            raise ShapeError(
                f"LocalResponseNorm({self.size}): got input of shape {x.shape}, wanted (batch, channels, extents, ...)"
            )
        if not x.size:
            return x * 1.0
        batch, channels, *extents = x.shape
        before = self.size // 2
        squares = ops.pad(
            (x * x).reshape((batch, channels, math.prod(extents))),
            ((0, 0), (before, self.size - 1 - before), (0, 0)),
        )
        around = ops.avg_pool2d(squares.reshape((batch, 1, *squares.shape[1:])), (self.size, 1), 1)
        return x * (around.reshape(x.shape) * self.alpha + self.k) ** -self.beta

    def extra_repr(self) -> str:
        """`size`."""
        return str(self.size)
