"""Layers that turn scores into probabilities: softmax and its relatives."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import integer
from ..backend.errors import ShapeError
from .inputs import as_tensor
from .module import Module


class Softmax(Module):
    """Positive numbers that add up to 1 along the axis `dim`.

    Examples
    --------
    >>> Softmax()(Tensor([[0.0, 0.0]])).numpy().round(4)
    array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, dim: int = -1, **place: Any):
        super().__init__(**place)
        self.dim = integer(type(self).__name__, "dim", dim)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.softmax(x, self.dim)


class LogSoftmax(Module):
    """The logarithm of `Softmax`.

    Examples
    --------
    >>> LogSoftmax()(Tensor([[0.0, 0.0]])).numpy().round(4)
    array([[-0.6931, -0.6931]], dtype=float32)
    """

    def __init__(self, dim: int = -1, **place: Any):
        super().__init__(**place)
        self.dim = integer(type(self).__name__, "dim", dim)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.logsoftmax(x, self.dim)


class Softmin(Module):
    """`Softmax` of -x: the smallest gets the most.

    Examples
    --------
    >>> Softmin()(Tensor([[0.0, 1e4]])).numpy().round(4)
    array([[1., 0.]], dtype=float32)
    """

    def __init__(self, dim: int = -1, **place: Any):
        super().__init__(**place)
        self.dim = integer(type(self).__name__, "dim", dim)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.softmin(x, self.dim)


class Softmax2d(Module):
    """`Softmax` over the channels of images: at each place they add up to 1.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> Softmax2d()(ndl.init.zeros(1, 2, 1, 1)).numpy().tolist()
    [[[[0.5]], [[0.5]]]]
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (batch, channels, height, width), or one image without a batch axis."""
        x = as_tensor(x)
        if x.ndim not in (3, 4):
            raise ShapeError(
                f"Softmax2d: wanted (batch, channels, height, width) or one image, got shape {x.shape}"
            )
        return ops.softmax(x, -3)
