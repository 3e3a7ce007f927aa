"""Whole numbers: rounding, whole quotients and what they leave; and which numbers are none.

Rounding is made of steps: its derivative is 0. A remainder has slope 1 between its jumps.
"""

from needle_edu.autograd.arrays import xp
from needle_edu.autograd.op import BinaryOp, UnaryOp
from needle_edu.autograd.registry import register

from . import sampling
from .constants import constant
from .elementwise import StepFunction


@register
class Trunc(StepFunction):
    """A number without its fraction: rounded towards 0.

    >>> from needle_edu import Tensor, ops
    >>> ops.trunc(Tensor([1.5, -1.5]))
    Tensor([ 1., -1.], op=trunc)
    """

    name = symbol = "trunc"
    method = True
    formula = r"y = \operatorname{trunc} a"
    samples = staticmethod(sampling.unary(1.1, 1.9))

    def compute(self, a):
        return xp.trunc(a)


@register
class Round(StepFunction):
    """The nearest whole number; of two the even one.

    >>> from needle_edu import Tensor, ops
    >>> ops.round(Tensor([0.5, 1.5, -0.7]))
    Tensor([ 0.,  2., -1.], op=round)
    """

    name = symbol = "round"
    method = True
    formula = r"y = \operatorname{round} a"
    samples = staticmethod(sampling.unary(1.1, 1.4))

    def compute(self, a):
        return xp.round(a)


@register
class FloorDivide(BinaryOp):
    """The quotient rounded down; the operator ``a // b``. An integer divided by 0 gives 0.

    >>> from needle_edu import Tensor, ops
    >>> Tensor([7.0, -7.0]) // 2
    Tensor([ 3., -4.], op=floor_divide)
    """

    name, symbol = "floor_divide", "//"
    method = True
    formula = r"y = \lfloor a / b \rfloor"
    vjp_formulas = (r"\bar{a} = 0", r"\bar{b} = 0")
    vjp_reads = ("", "")
    samples = staticmethod(sampling.binary(0.6, 2.0))

    def compute(self, a, b):
        return xp.floor_divide(a, b)

    def vjp0(self, g, node):
        return _zeros(g)

    def vjp1(self, g, node):
        return _zeros(g)


@register
class Remainder(BinaryOp):
    """What the quotient rounded down leaves, with the sign of b; the operator ``a % b``.

    >>> from needle_edu import Tensor, ops
    >>> Tensor([7.0, -7.0]) % 3
    Tensor([1., 2.], op=remainder)
    """

    name, symbol = "remainder", "mod"
    method = True
    formula = r"y = a - b \lfloor a / b \rfloor"
    vjp_formulas = (r"\bar{a} = \bar{y}", r"\bar{b} = -\bar{y} \odot \lfloor a / b \rfloor")
    vjp_reads = ("", "ab")
    samples = staticmethod(sampling.binary(0.6, 2.0))

    def compute(self, a, b):
        return xp.remainder(a, b)

    def vjp0(self, g, node):
        return g

    def vjp1(self, g, node):
        return -(g * node.inputs[0].floor_divide(node.inputs[1]))


@register
class FMod(BinaryOp):
    """What the quotient rounded towards 0 leaves, with the sign of a, as in C.

    >>> from needle_edu import Tensor, ops
    >>> ops.fmod(Tensor([7.0, -7.0]), 3)
    Tensor([ 1., -1.], op=fmod)
    """

    name = symbol = "fmod"
    method = True
    formula = r"y = a - b \operatorname{trunc}(a / b)"
    vjp_formulas = (r"\bar{a} = \bar{y}", r"\bar{b} = -\bar{y} \odot \operatorname{trunc}(a / b)")
    vjp_reads = ("", "ab")
    samples = staticmethod(sampling.binary(0.6, 2.0))

    def compute(self, a, b):
        return xp.fmod(a, b)

    def vjp0(self, g, node):
        return g

    def vjp1(self, g, node):
        return -(g * (node.inputs[0] / node.inputs[1]).trunc())


@register
class IsNan(UnaryOp):
    """Which elements are nan, not a number.

    >>> from needle_edu import Tensor, ops
    >>> ops.isnan(Tensor([1.0, float("inf"), float("nan")]))
    Tensor([False, False,  True], requires_grad=False)
    """

    name = symbol = "isnan"
    method = True
    differentiable = False
    formula = r"y = [\operatorname{isnan} a]"
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.isnan(a)


@register
class IsInf(UnaryOp):
    """Which elements are infinite, of either sign.

    >>> from needle_edu import Tensor, ops
    >>> ops.isinf(Tensor([1.0, float("inf"), float("nan")]))
    Tensor([False,  True, False], requires_grad=False)
    """

    name = symbol = "isinf"
    method = True
    differentiable = False
    formula = r"y = [\operatorname{isinf} a]"
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.isinf(a)


@register
class IsFinite(UnaryOp):
    """Which elements are neither infinite nor nan.

    >>> from needle_edu import Tensor, ops
    >>> ops.isfinite(Tensor([1.0, float("inf"), float("nan")]))
    Tensor([ True, False, False], requires_grad=False)
    """

    name = symbol = "isfinite"
    method = True
    differentiable = False
    formula = r"y = [\operatorname{isfinite} a]"
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.isfinite(a)


def _zeros(g):
    return constant(xp.zeros_like(g.realize_cached_data()))
