"""Activation functions that leave a gap around 0, or below a bound: hardshrink, softshrink, tanhshrink, threshold.

They make small numbers nothing: what is left is sparse. At their bounds the derivative is 0, as in PyTorch.
"""

from needle_edu.autograd.arrays import NeedleError
from needle_edu.autograd.registry import register

from . import sampling
from .constants import plain_number
from .slopes import Activation


class _Shrink(Activation):
    """Base of what is nothing between -lambd and lambd."""

    vjp_formulas = (r"\bar{a} = \bar{y} \odot [|a| > \lambda]",)
    samples = staticmethod(sampling.unary(lambd=0.05))

    def __init__(self, lambd=0.5):
        self.lambd = plain_number(self.name, lambd)
        if not self.lambd >= 0:
            raise NeedleError(f"{self.name}: lambd is a number of at least 0, got {lambd}")
        self.numbers = (self.lambd,)


@register
class Hardshrink(_Shrink):
    """0 from -lambd to lambd, elsewhere a.

    >>> from needle_edu import Tensor, ops
    >>> ops.hardshrink(Tensor([-2.0, 0.25, 1.0]))
    Tensor([-2.,  0.,  1.], op=hardshrink)
    """

    name = symbol = kind = "hardshrink"
    formula = r"y = a \odot [|a| > \lambda]"


@register
class Softshrink(_Shrink):
    """a moved towards 0 by lambd, at most to 0: what minimises a squared distance to a plus lambd times its size.

    >>> from needle_edu import Tensor, ops
    >>> ops.softshrink(Tensor([-2.0, 0.25, 1.0]))
    Tensor([-1.5,  0. ,  0.5], op=softshrink)
    """

    name = symbol = kind = "softshrink"
    formula = r"y = \operatorname{sign} a \odot \max(|a| - \lambda, 0)"


@register
class Tanhshrink(Activation):
    """a - tanh(a).

    >>> from needle_edu import Tensor, ops
    >>> ops.tanhshrink(Tensor([-2.0, 0.0])).numpy().round(4)
    array([-1.036,  0.   ], dtype=float32)
    """

    name = symbol = kind = "tanhshrink"
    formula = r"y = a - \tanh a"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot \tanh^2 a",)
    samples = staticmethod(sampling.unary())


@register
class Threshold(Activation):
    """a where it is above a threshold, else a value.

    >>> from needle_edu import Tensor, ops
    >>> ops.threshold(Tensor([-1.0, 2.0]), 0.5, 9.0)
    Tensor([9., 2.], op=threshold)
    """

    name = symbol = kind = "threshold"
    formula = r"y = a\ \text{where}\ a > \theta,\ \text{else}\ v"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot [a > \theta]",)
    samples = staticmethod(sampling.unary(threshold=0.05, value=2.0))

    def __init__(self, threshold, value):
        self.threshold, self.value = plain_number(self.name, threshold), plain_number(self.name, value)
        self.numbers = (self.threshold, self.value)
