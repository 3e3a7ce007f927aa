"""Nonlinearities: applied to each element, they are what makes two layers more than one."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import integer, real
from .inputs import as_tensor
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


class GELU(Module):
    """x times the probability that a standard normal number is smaller; `approximate` as for `ops.gelu`.

    Examples
    --------
    >>> GELU()(Tensor([-1.0, 1.0])).numpy().round(4)
    array([-0.1587,  0.8413], dtype=float32)
    """

    def __init__(self, approximate: str = "none", **place: Any):
        super().__init__(**place)
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate is 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.gelu(x, self.approximate)


class SiLU(Module):
    """x times its sigmoid.

    Examples
    --------
    >>> SiLU()(Tensor([-1.0, 1.0])).numpy().round(4)
    array([-0.2689,  0.7311], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.silu(x)


class Softplus(Module):
    """ln(1 + exp(beta x)) / beta, a smooth relu.

    Examples
    --------
    >>> Softplus()(Tensor([0.0])).numpy().round(4)
    array([0.6931], dtype=float32)
    """

    def __init__(self, beta: float = 1.0, **place: Any):
        super().__init__(**place)
        real("Softplus", beta=beta)
        self.beta = beta

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.softplus(x, self.beta)


class LeakyReLU(Module):
    """x where it is positive, else `negative_slope` times x.

    Examples
    --------
    >>> LeakyReLU(0.5)(Tensor([-1.0, 2.0])).numpy().round(4)
    array([-0.5,  2. ], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.01, **place: Any):
        super().__init__(**place)
        real("LeakyReLU", negative_slope=negative_slope)
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.leaky_relu(x, self.negative_slope)


class ELU(Module):
    """x where it is positive, else alpha (exp(x) - 1).

    Examples
    --------
    >>> ELU()(Tensor([-1.0, 2.0])).numpy().round(4)
    array([-0.6321,  2.    ], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0, **place: Any):
        super().__init__(**place)
        real("ELU", alpha=alpha)
        self.alpha = alpha

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.elu(x, self.alpha)


class Hardtanh(Module):
    """x, but at least `min_val` and at most `max_val`.

    Examples
    --------
    >>> Hardtanh()(Tensor([-3.0, 0.5])).numpy().round(4)
    array([-1. ,  0.5], dtype=float32)
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, **place: Any):
        super().__init__(**place)
        real("Hardtanh", min_val=min_val, max_val=max_val)
        self.min_val = min_val
        self.max_val = max_val

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.hardtanh(x, self.min_val, self.max_val)


class ReLU6(Module):
    """The rectifier, level from 6 on.

    Examples
    --------
    >>> ReLU6()(Tensor([-1.0, 8.0])).numpy().round(4)
    array([0., 6.], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.relu6(x)


class Hardswish(Module):
    """x relu6(x + 3) / 6, silu in straight lines.

    Examples
    --------
    >>> Hardswish()(Tensor([1.5, 4.0])).numpy().round(4)
    array([1.125, 4.   ], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.hardswish(x)


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
        return ops.softmax(-as_tensor(x), self.dim)
