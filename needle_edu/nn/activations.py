"""Nonlinearities: applied to each element, they are what makes two layers more than one."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import integer, real
from .module import Module


class ReLU(Module):
    """max(x, 0): passes what is positive, stops the rest.

    Examples
    --------
    >>> ReLU()(Tensor([-1.0, 2.0])).numpy()
    array([0., 2.], dtype=float32)
    """

    def __init__(self, inplace: bool = False, **place: Any):
        super().__init__(inplace=inplace, **place)

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
    """ln(1 + exp(beta x)) / beta, a smooth relu; with a `threshold`, x itself where beta x is above it.

    Examples
    --------
    >>> Softplus()(Tensor([0.0])).numpy().round(4)
    array([0.6931], dtype=float32)
    """

    def __init__(self, beta: float = 1.0, threshold: float | None = None, **place: Any):
        super().__init__(**place)
        real("Softplus", beta=beta)
        if threshold is not None:
            real("Softplus", threshold=threshold)
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.softplus(x, self.beta, self.threshold)


class LogSigmoid(Module):
    """The logarithm of `Sigmoid`.

    Examples
    --------
    >>> LogSigmoid()(Tensor([0.0])).numpy().round(4)
    array([-0.6931], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.logsigmoid(x)


class Mish(Module):
    """x tanh(softplus(x)).

    Examples
    --------
    >>> Mish()(Tensor([-1.0, 1.0])).numpy().round(4)
    array([-0.3034,  0.8651], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.mish(x)


class Softsign(Module):
    """x / (1 + \\|x\\|): squeezes x into (-1, 1), slower than `Tanh`.

    Examples
    --------
    >>> Softsign()(Tensor([-1.0, 3.0])).numpy()
    array([-0.5 ,  0.75], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.softsign(x)


class Tanhshrink(Module):
    """x - tanh(x).

    Examples
    --------
    >>> Tanhshrink()(Tensor([-2.0, 0.0])).numpy().round(4)
    array([-1.036,  0.   ], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.tanhshrink(x)


class GLU(Module):
    """The first half along the axis `dim` times the sigmoid of the second.

    Examples
    --------
    >>> GLU()(Tensor([[1.0, 2.0, 0.0, 100.0]])).numpy()
    array([[0.5, 2. ]], dtype=float32)
    """

    def __init__(self, dim: int = -1, **place: Any):
        super().__init__(**place)
        self.dim = integer(type(self).__name__, "dim", dim)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape whose extent along `dim` is even."""
        return ops.glu(x, self.dim)
