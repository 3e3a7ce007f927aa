"""Logarithms to other bases than e, and the pair that keeps its digits near 0: log1p and expm1.

For a = 1e-10, 1 + a is 1 in float32, and log(1 + a) is 0; log1p(a) is 1e-10.
"""

import math

from needle_edu.autograd.arrays import xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register

from . import sampling


@register
class Log1p(UnaryOp):
    """The natural logarithm of 1 + a, exact for small a.

    >>> from needle_edu import Tensor, ops
    >>> ops.log1p(Tensor([1e-10])).item()
    1.000000013351432e-10
    """

    name = symbol = "log1p"
    method = True
    formula = r"y = \ln(1 + a)"
    vjp_formulas = (r"\bar{a} = \bar{y} / (1 + a)",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary(-0.5, 2.0))

    def compute(self, a):
        return xp.log1p(a)

    def vjp0(self, g, node):
        return g / (node.inputs[0] + 1)


@register
class Expm1(UnaryOp):
    """exp(a) - 1, exact for small a.

    >>> from needle_edu import Tensor, ops
    >>> ops.expm1(Tensor([1e-10])).item()
    1.000000013351432e-10
    """

    name = symbol = "expm1"
    method = True
    formula = r"y = e^a - 1"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot (y + 1)",)
    vjp_reads = ("y",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.expm1(a)

    def vjp0(self, g, node):
        return g * (node + 1)


@register
class Log2(UnaryOp):
    """The logarithm to base 2.

    >>> from needle_edu import Tensor, ops
    >>> ops.log2(Tensor([1.0, 8.0]))
    Tensor([0., 3.], op=log2)
    """

    name, symbol = "log2", "log₂"
    method = True
    formula = r"y = \log_2 a"
    vjp_formulas = (r"\bar{a} = \bar{y} / (a \ln 2)",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary(0.5, 2.0))

    def compute(self, a):
        return xp.log2(a)

    def vjp0(self, g, node):
        return g / (node.inputs[0] * math.log(2))


@register
class Log10(UnaryOp):
    """The logarithm to base 10.

    >>> from needle_edu import Tensor, ops
    >>> ops.log10(Tensor([1.0, 100.0]))
    Tensor([0., 2.], op=log10)
    """

    name, symbol = "log10", "log₁₀"
    method = True
    formula = r"y = \log_{10} a"
    vjp_formulas = (r"\bar{a} = \bar{y} / (a \ln 10)",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary(0.5, 2.0))

    def compute(self, a):
        return xp.log10(a)

    def vjp0(self, g, node):
        return g / (node.inputs[0] * math.log(10))
