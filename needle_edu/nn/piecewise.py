"""Nonlinearities in pieces: leaky relu and elu with their kin, and straight forms of tanh, sigmoid and silu."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import integer, real
from .inputs import as_tensor
from .module import Module
from .parameter import Parameter


class LeakyReLU(Module):
    """x where it is positive, else `negative_slope` times x.

    Examples
    --------
    >>> LeakyReLU(0.5)(Tensor([-1.0, 2.0])).numpy().round(4)
    array([-0.5,  2. ], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False, **place: Any):
        super().__init__(inplace=inplace, **place)
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


class CELU(Module):
    """x where it is positive, else alpha (exp(x / alpha) - 1).

    Examples
    --------
    >>> CELU()(Tensor([-1.0, 2.0])).numpy().round(4)
    array([-0.6321,  2.    ], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0, **place: Any):
        super().__init__(**place)
        real("CELU", alpha=alpha)
        self.alpha = alpha

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.celu(x, self.alpha)


class SELU(Module):
    """`ELU` times a number, chosen so that mean 0 and variance 1 go through.

    Examples
    --------
    >>> SELU()(Tensor([-1.0, 2.0])).numpy().round(4)
    array([-1.1113,  2.1014], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.selu(x)


class Hardsigmoid(Module):
    """relu6(x + 3) / 6, sigmoid in straight lines.

    Examples
    --------
    >>> Hardsigmoid()(Tensor([-4.0, 1.5])).numpy()
    array([0.  , 0.75], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.hardsigmoid(x)


class Hardshrink(Module):
    """0 from -lambd to lambd, elsewhere x.

    Examples
    --------
    >>> Hardshrink()(Tensor([-2.0, 0.25])).numpy()
    array([-2.,  0.], dtype=float32)
    """

    def __init__(self, lambd: float = 0.5, **place: Any):
        super().__init__(**place)
        real("Hardshrink", lambd=lambd)
        self.lambd = lambd

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.hardshrink(x, self.lambd)


class Softshrink(Module):
    """x moved towards 0 by lambd, at most to 0.

    Examples
    --------
    >>> Softshrink()(Tensor([-2.0, 0.25])).numpy()
    array([-1.5,  0. ], dtype=float32)
    """

    def __init__(self, lambd: float = 0.5, **place: Any):
        super().__init__(**place)
        real("Softshrink", lambd=lambd)
        self.lambd = lambd

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.softshrink(x, self.lambd)


class Threshold(Module):
    """x where it is above `threshold`, else `value`.

    Examples
    --------
    >>> Threshold(0.5, 9.0)(Tensor([-1.0, 2.0])).numpy()
    array([9., 2.], dtype=float32)
    """

    def __init__(self, threshold: float, value: float, **place: Any):
        super().__init__(**place)
        real("Threshold", threshold=threshold, value=value)
        self.threshold = threshold
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.threshold(x, self.threshold, self.value)


class PReLU(Module):
    """`LeakyReLU` whose slope is learned: one for all numbers, or one for each channel (axis 1).

    Parameters
    ----------
    num_parameters : int
        1, or the number of channels.
    init : float
        The slope to begin with.

    References
    ----------
    K. He et al., "Delving deep into rectifiers", ICCV 2015.

    Examples
    --------
    >>> layer = PReLU(2, init=0.5)
    >>> layer.weight.shape, layer(Tensor([[-1.0, 2.0]])).numpy()
    ((2,), array([[-0.5,  2. ]], dtype=float32))
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = "float32"
    ):
        super().__init__()
        integer("PReLU", "num_parameters", num_parameters, 1, ValueError)
        real("PReLU", init=init)
        self.weight = Parameter(np.full(num_parameters, init), device=device, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape; with several slopes, of shape (batch, channels, ...)."""
        return ops.prelu(as_tensor(x), self.weight)


class RReLU(Module):
    """`LeakyReLU` whose slope is drawn anew for each number while training, and their mean in evaluation.

    Parameters
    ----------
    lower, upper : float
        The interval from which slopes are drawn.

    Examples
    --------
    >>> RReLU(0.25, 0.75).eval()(Tensor([-1.0, 2.0])).numpy()
    array([-0.5,  2. ], dtype=float32)
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, **place: Any):
        super().__init__(**place)
        real("RReLU", lower=lower, upper=upper)
        if lower > upper:
            raise ValueError(f"RReLU: lower is not above upper, got lower={lower}, upper={upper}")
        self.lower = lower
        self.upper = upper

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.rrelu(x, self.lower, self.upper, self.training)
