"""Activation functions in pieces: leaky relu, elu, and the hard (straight) forms of tanh and silu.

At the bounds between pieces a derivative has to be chosen. It is PyTorch's: leaky_relu, elu and hardtanh take the left
piece's at the lower bound, hardtanh and relu6 have 0 at both, hardswish has 0 at -3 and 1 at 3. All keep the shape of
their tensor.
"""

from needle_edu.autograd.arrays import NeedleError, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register, slot

from . import sampling
from .constants import constant, plain_number

_WHERE = slot("where")


@register
class LeakyReLU(UnaryOp):
    """a where it is positive, else a small slope times a; the derivative at 0 is the slope.

    >>> from needle_edu import Tensor, ops
    >>> ops.leaky_relu(Tensor([-1.0, 2.0]), 0.5)
    Tensor([-0.5,  2. ], op=leaky_relu)
    """

    name = symbol = "leaky_relu"
    formula = r"y = a\ \text{where}\ a > 0,\ \text{else}\ c\,a"
    vjp_formulas = (r"\bar{a} = \bar{y}\ \text{where}\ a > 0,\ \text{else}\ c\,\bar{y}",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary(slope=0.3))

    def __init__(self, slope=0.01):
        self.slope = plain_number(self.name, slope)

    def compute(self, a):
        return xp.where(a > 0, a, a * self.slope)

    def vjp0(self, g, node):
        positive = constant(node.inputs[0].realize_cached_data() > 0)
        return _WHERE.instance.apply(positive, g, g * self.slope)


@register
class ELU(UnaryOp):
    """a where it is positive, else alpha (exp(a) - 1).

    >>> from needle_edu import Tensor, ops
    >>> ops.elu(Tensor([-1.0, 2.0])).numpy().round(4)
    array([-0.6321,  2.    ], dtype=float32)
    """

    name = symbol = "elu"
    formula = r"y = a\ \text{where}\ a > 0,\ \text{else}\ \alpha\,(e^a - 1)"
    vjp_formulas = (r"\bar{a} = \bar{y}\ \text{where}\ a > 0,\ \text{else}\ \alpha\,\bar{y} \odot e^a",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary(alpha=1.5))

    def __init__(self, alpha=1.0):
        self.alpha = plain_number(self.name, alpha)

    def compute(self, a):
        t = xp.tanh(xp.minimum(a, 0.0) * 0.5)  # exp(a) - 1 = 2t / (1 - t), which does not cancel near 0
        return xp.where(a > 0, a, t * (2.0 * self.alpha) / (1.0 - t))

    def vjp0(self, g, node):
        a = node.inputs[0]
        positive = constant(a.realize_cached_data() > 0)
        return _WHERE.instance.apply(positive, g, g * (-(-a).relu()).exp() * self.alpha)


class _Clipped(UnaryOp):
    """Base of what is straight between two bounds, and level outside: gradient 1 between them, 0 at and beyond."""

    low, high = 0.0, 6.0
    vjp_formulas = (r"\bar{a} = \bar{y} \odot [\text{low} < a < \text{high}]",)
    vjp_reads = ("a",)

    def compute(self, a):
        return xp.minimum(xp.maximum(a, self.low), self.high)

    def vjp0(self, g, node):
        data = node.inputs[0].realize_cached_data()
        outside = xp.logical_or(data <= self.low, data >= self.high)
        return _WHERE.instance.apply(constant(outside), constant(xp.zeros_like(g.realize_cached_data())), g)


@register
class Hardtanh(_Clipped):
    """a, but at least `low` and at most `high`; the derivative at these bounds is 0.

    >>> from needle_edu import Tensor, ops
    >>> ops.hardtanh(Tensor([-3.0, 0.5, 2.0]))
    Tensor([-1. ,  0.5,  1. ], op=hardtanh)
    """

    name = symbol = "hardtanh"
    formula = r"y = \min(\max(a, \text{low}), \text{high})"
    samples = staticmethod(sampling.unary(low=-1.07, high=1.03))

    def __init__(self, low=-1.0, high=1.0):
        self.low, self.high = plain_number(self.name, low), plain_number(self.name, high)
        if not self.low <= self.high:
            raise NeedleError(f"hardtanh: low is not above high, got low={low}, high={high}")


@register
class ReLU6(_Clipped):
    """The rectifier, level from 6 on; the derivative at 0 and 6 is 0.

    >>> from needle_edu import Tensor, ops
    >>> ops.relu6(Tensor([-1.0, 2.0, 8.0]))
    Tensor([0., 2., 6.], op=relu6)
    """

    name = symbol = "relu6"
    formula = r"y = \min(\max(a, 0), 6)"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot [0 < a < 6]",)
    samples = staticmethod(sampling.unary())


@register
class Hardswish(UnaryOp):
    """a relu6(a + 3) / 6: silu made of straight lines and a parabola. The derivative is 0 at -3, 1 at 3.

    >>> from needle_edu import Tensor, ops
    >>> ops.hardswish(Tensor([-4.0, 0.0, 1.5, 4.0]))
    Tensor([-0.   ,  0.   ,  1.125,  4.   ], op=hardswish)
    """

    name = symbol = "hardswish"
    formula = r"y = a \odot \min(\max(a + 3, 0), 6) / 6"
    vjp_formulas = (
        r"\bar{a} = \bar{y} \odot (a/3 + 1/2\ \text{between},\ 0\ \text{left},\ 1\ \text{right})",
    )
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return a * xp.minimum(xp.maximum(a + 3.0, 0.0), 6.0) / 6.0

    def vjp0(self, g, node):
        a = node.inputs[0]
        data = a.realize_cached_data()
        nothing = constant(xp.zeros_like(g.realize_cached_data()))
        right = _WHERE.instance.apply(constant(data >= 3), g, g * (a / 3 + 0.5))
        return _WHERE.instance.apply(constant(data <= -3), nothing, right)
