"""The larger or smaller of two tensors, element by element; and bounds.

The gradient goes to the winner. Where both are equal, each gets half of it.
"""

from needle_edu.autograd.arrays import DTypeError, xp
from needle_edu.autograd.op import BinaryOp, UnaryOp
from needle_edu.autograd.registry import register

from . import sampling
from .constants import constant, plain_number


@register
class Maximum(BinaryOp):
    """The larger of two elements. Equal ones get half of the gradient each, nan all of it.

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
        return g * _share(a, b, True, g)

    def vjp1(self, g, node):
        a, b = node.inputs
        return g * _share(b, a, True, g)


@register
class Minimum(BinaryOp):
    """The smaller of two elements. Equal ones get half of the gradient each, nan all of it.

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
        return g * _share(a, b, False, g)

    def vjp1(self, g, node):
        a, b = node.inputs
        return g * _share(b, a, False, g)


def _share(mine, other, larger, g):
    """Return the share of the gradient for `mine`: 1 where it wins, 1/2 where neither does. A nan wins over numbers."""
    a, b = mine.realize_cached_data(), other.realize_cached_data()
    ahead, behind = (a > b, a < b) if larger else (a < b, a > b)
    win = xp.astype(xp.logical_or(ahead, a != a), g.dtype)
    lose = xp.astype(xp.logical_or(behind, b != b), g.dtype)
    return constant((win - lose + 1) * 0.5)


@register
class Clip(UnaryOp):
    """Every element moved into [min, max]; None is no bound. On a bound the gradient still passes.

    Where min > max, the result is max everywhere.

    >>> from needle_edu import Tensor, ops
    >>> ops.clip(Tensor([-2.0, 0.5, 3.0]), 0, 1)
    Tensor([0. , 0.5, 1. ], op=clip)
    """

    name = symbol = "clip"
    method = True
    formula = r"y = \min(\max(a, l), u)"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot [l \le a \le u]",)
    vjp_reads = ("a",)

    @staticmethod
    def samples(rng):
        x = sampling.away_from_zero(rng, (2, 4), -2.0, 2.0)
        return [
            ({"min": -0.05, "max": 0.05}, (x,)),
            ({"min": 0.0}, (x,)),
            ({"max": 0}, (x,)),
            ({"min": -5, "max": 5}, (x,)),
        ]

    def __init__(self, min=None, max=None):
        self.min = None if min is None else plain_number(self.name, min)
        self.max = None if max is None else plain_number(self.name, max)

    def compute(self, a):
        if self.min is None and self.max is None:
            raise DTypeError("clip: wanted a bound, min= or max= or both, got none")
        return xp.clip(a, self.min, self.max)

    def vjp0(self, g, node):
        a = node.inputs[0].realize_cached_data()
        inside = None if self.min is None else a >= self.min
        if self.max is not None:
            below = a <= self.max
            inside = below if inside is None else xp.logical_and(inside, below)
        return g * constant(xp.astype(inside, g.dtype))
