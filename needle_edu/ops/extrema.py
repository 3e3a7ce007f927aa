"""The larger or smaller of two tensors, element by element.

The gradient goes to the winner. Where both are equal, each gets half of it.
"""

from needle_edu.autograd.arrays import xp
from needle_edu.autograd.op import BinaryOp
from needle_edu.autograd.registry import register

from . import sampling
from .constants import constant


@register
class Maximum(BinaryOp):
    """The larger of two elements. Where they are equal, each gets half of the gradient.

    >>> from needle_edu import Tensor, ops
    >>> ops.maximum(Tensor([1.0, 5.0]), Tensor([3.0, 2.0]))
    Tensor([3., 5.], op=maximum)
    """

    name, symbol = "maximum", "max"
    formula = r"y = \max(a, b)"
    vjp_formulas = (
        r"\bar{a} = \bar{y} \odot ([a > b] + \tfrac12 [a = b])",
        r"\bar{b} = \bar{y} \odot ([b > a] + \tfrac12 [a = b])",
    )
    vjp_reads = ("ab", "ab")
    samples = staticmethod(sampling.binary())

    def compute(self, a, b):
        return xp.maximum(a, b)

    def vjp0(self, g, node):
        a, b = node.inputs
        return g * _share(a, b, g)

    def vjp1(self, g, node):
        a, b = node.inputs
        return g * _share(b, a, g)


@register
class Minimum(BinaryOp):
    """The smaller of two elements. Where they are equal, each gets half of the gradient.

    >>> from needle_edu import Tensor, ops
    >>> ops.minimum(Tensor([1.0, 5.0]), Tensor([3.0, 2.0]))
    Tensor([1., 2.], op=minimum)
    """

    name, symbol = "minimum", "min"
    formula = r"y = \min(a, b)"
    vjp_formulas = (
        r"\bar{a} = \bar{y} \odot ([a < b] + \tfrac12 [a = b])",
        r"\bar{b} = \bar{y} \odot ([b < a] + \tfrac12 [a = b])",
    )
    vjp_reads = ("ab", "ab")
    samples = staticmethod(sampling.binary())

    def compute(self, a, b):
        return xp.minimum(a, b)

    def vjp0(self, g, node):
        a, b = node.inputs
        return g * _share(b, a, g)

    def vjp1(self, g, node):
        a, b = node.inputs
        return g * _share(a, b, g)


def _share(winner, loser, g):
    """Return the share of the gradient for `winner`: 1 where it is larger, 1/2 where both are equal."""
    a, b = winner.realize_cached_data(), loser.realize_cached_data()
    dtype = g.dtype
    return constant(xp.astype(a > b, dtype) + xp.astype(a == b, dtype) * 0.5)
