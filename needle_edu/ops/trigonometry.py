"""Angles and hyperbolas: tan, the inverse functions asin, acos, atan, atan2, and sinh, cosh with their inverses.

Each takes floats, in radians where they are angles, and gives floats; integers make float32. Sine, cosine and tanh are
in elementwise.py.
"""

from needle_edu.autograd.arrays import xp
from needle_edu.autograd.op import BinaryOp, UnaryOp
from needle_edu.autograd.registry import register

from . import sampling
from .constants import nonzero


@register
class Tan(UnaryOp):
    """The tangent.

    >>> from needle_edu import Tensor, ops
    >>> ops.tan(Tensor([0.0, 0.5])).numpy().round(3)
    array([0.   , 0.546], dtype=float32)
    """

    name = symbol = "tan"
    method = True
    formula = r"y = \tan a"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot (1 + y^2)",)
    vjp_reads = ("y",)
    samples = staticmethod(sampling.unary(-1.0, 1.0))

    def compute(self, a):
        return xp.tan(a)

    def vjp0(self, g, node):
        return g * (node.square() + 1)


@register
class ASin(UnaryOp):
    """The angle from -π/2 to π/2 whose sine is a; nan outside of [-1, 1].

    >>> from needle_edu import Tensor, ops
    >>> ops.asin(Tensor([0.0, 1.0])).numpy().round(3)
    array([0.   , 1.571], dtype=float32)
    """

    name = symbol = "asin"
    method = True
    formula = r"y = \arcsin a"
    vjp_formulas = (r"\bar{a} = \bar{y} / \sqrt{1 - a^2}",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary(-0.9, 0.9))

    def compute(self, a):
        return xp.asin(a)

    def vjp0(self, g, node):
        return g / (1 - node.inputs[0].square()).sqrt()


@register
class ACos(UnaryOp):
    """The angle from 0 to π whose cosine is a; nan outside of [-1, 1].

    >>> from needle_edu import Tensor, ops
    >>> ops.acos(Tensor([1.0, 0.0])).numpy().round(3)
    array([0.   , 1.571], dtype=float32)
    """

    name = symbol = "acos"
    method = True
    formula = r"y = \arccos a"
    vjp_formulas = (r"\bar{a} = -\bar{y} / \sqrt{1 - a^2}",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary(-0.9, 0.9))

    def compute(self, a):
        return xp.acos(a)

    def vjp0(self, g, node):
        return -(g / (1 - node.inputs[0].square()).sqrt())


@register
class ATan(UnaryOp):
    """The angle from -π/2 to π/2 whose tangent is a.

    >>> from needle_edu import Tensor, ops
    >>> ops.atan(Tensor([0.0, 1.0])).numpy().round(3)
    array([0.   , 0.785], dtype=float32)
    """

    name = symbol = "atan"
    method = True
    formula = r"y = \arctan a"
    vjp_formulas = (r"\bar{a} = \bar{y} / (1 + a^2)",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.atan(a)

    def vjp0(self, g, node):
        return g / (node.inputs[0].square() + 1)


@register
class Sinh(UnaryOp):
    """The hyperbolic sine, (exp(a) - exp(-a)) / 2.

    >>> from needle_edu import Tensor, ops
    >>> ops.sinh(Tensor([0.0, 1.0])).numpy().round(3)
    array([0.   , 1.175], dtype=float32)
    """

    name = symbol = "sinh"
    method = True
    formula = r"y = \sinh a"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot \cosh a",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.sinh(a)

    def vjp0(self, g, node):
        return g * node.inputs[0].cosh()


@register
class Cosh(UnaryOp):
    """The hyperbolic cosine, (exp(a) + exp(-a)) / 2.

    >>> from needle_edu import Tensor, ops
    >>> ops.cosh(Tensor([0.0, 1.0])).numpy().round(3)
    array([1.   , 1.543], dtype=float32)
    """

    name = symbol = "cosh"
    method = True
    formula = r"y = \cosh a"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot \sinh a",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.cosh(a)

    def vjp0(self, g, node):
        return g * node.inputs[0].sinh()


@register
class ASinh(UnaryOp):
    """The number whose hyperbolic sine is a.

    >>> from needle_edu import Tensor, ops
    >>> ops.asinh(Tensor([0.0, 1.0])).numpy().round(3)
    array([0.   , 0.881], dtype=float32)
    """

    name = symbol = "asinh"
    method = True
    formula = r"y = \operatorname{arsinh} a"
    vjp_formulas = (r"\bar{a} = \bar{y} / \sqrt{a^2 + 1}",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.asinh(a)

    def vjp0(self, g, node):
        return g / (node.inputs[0].square() + 1).sqrt()


@register
class ACosh(UnaryOp):
    """The number, not negative, whose hyperbolic cosine is a; nan below 1.

    >>> from needle_edu import Tensor, ops
    >>> ops.acosh(Tensor([1.0, 2.0])).numpy().round(3)
    array([0.   , 1.317], dtype=float32)
    """

    name = symbol = "acosh"
    method = True
    formula = r"y = \operatorname{arcosh} a"
    vjp_formulas = (r"\bar{a} = \bar{y} / \sqrt{a^2 - 1}",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary(1.5, 3.0))

    def compute(self, a):
        return xp.acosh(a)

    def vjp0(self, g, node):
        return g / (node.inputs[0].square() - 1).sqrt()


@register
class ATanh(UnaryOp):
    """The number whose hyperbolic tangent is a; infinite at -1 and 1, nan outside.

    >>> from needle_edu import Tensor, ops
    >>> ops.atanh(Tensor([0.0, 0.5])).numpy().round(3)
    array([0.   , 0.549], dtype=float32)
    """

    name = symbol = "atanh"
    method = True
    formula = r"y = \operatorname{artanh} a"
    vjp_formulas = (r"\bar{a} = \bar{y} / (1 - a^2)",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary(-0.9, 0.9))

    def compute(self, a):
        return xp.atanh(a)

    def vjp0(self, g, node):
        return g / (1 - node.inputs[0].square())


@register
class ATan2(BinaryOp):
    """The angle of the point (b, a), from -π to π. At (0, 0) it is 0 or ±π, by the signs, with gradient 0.

    >>> from needle_edu import Tensor, ops
    >>> ops.atan2(Tensor([1.0, 0.0]), Tensor([0.0, -1.0])).numpy().round(3)
    array([1.571, 3.142], dtype=float32)
    """

    name = symbol = "atan2"
    method = True
    formula = r"y = \operatorname{atan2}(a, b)"
    vjp_formulas = (
        r"\bar{a} = \bar{y} \odot b / (a^2 + b^2)",
        r"\bar{b} = -\bar{y} \odot a / (a^2 + b^2)",
    )
    vjp_reads = ("ab", "ab")
    samples = staticmethod(sampling.binary())

    def compute(self, a, b):
        return xp.atan2(a, b)

    def vjp0(self, g, node):
        a, b = node.inputs
        return g * b / nonzero(a.square() + b.square())

    def vjp1(self, g, node):
        a, b = node.inputs
        return -(g * a / nonzero(a.square() + b.square()))
