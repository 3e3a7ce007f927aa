"""Nonlinearities: applied to each element, they are what makes two layers more than one."""

from .. import ops
from ..autograd import Tensor
from .module import Module


class ReLU(Module):
    """max(x, 0): passes what is positive, stops the rest.

    Examples
    --------
    >>> ReLU()(Tensor([-1.0, 2.0])).numpy()
    array([0., 2.], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.relu(x)


class Tanh(Module):
    """The hyperbolic tangent: squeezes x into (-1, 1).

    Examples
    --------
    >>> Tanh()(Tensor([0.0])).numpy()
    array([0.], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.tanh(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x)): squeezes x into (0, 1), as a probability.

    Examples
    --------
    >>> Sigmoid()(Tensor([0.0])).numpy()
    array([0.5], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.sigmoid(x)
