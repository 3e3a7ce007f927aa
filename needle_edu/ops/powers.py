"""Powers: of two tensors, or of a tensor and a number.

An integer power of integers is an integer. Where the derivative has a pole that the other factor takes back, as in
b · a^(b-1) at a = b = 0, it is taken as 0.
"""

from needle_edu.autograd.arrays import xp
from needle_edu.autograd.op import BinaryOp
from needle_edu.autograd.registry import register, slot

from . import sampling
from .arithmetic import ScalarOp
from .constants import any_of, constant, nonzero

_WHERE = slot("where")


@register
class EWisePow(BinaryOp):
    """The first tensor to the power of the second. The derivative in b at a = 0 is taken as 0.

    >>> from needle_edu import Tensor, ops
    >>> ops.power(Tensor([2.0, 3.0]), Tensor([3.0, 2.0]))
    Tensor([8., 9.], op=power)
    """

    name, symbol = "power", "pow"
    formula = r"y = a^b"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot b \odot a^{b-1}", r"\bar{b} = \bar{y} \odot y \odot \ln a")
    vjp_reads = ("ab", "ya")
    samples = staticmethod(sampling.binary(0.5, 2.0))

    def compute(self, a, b):
        return a**b

    def vjp0(self, g, node):
        a, b = node.inputs
        exponent = b - 1
        if b.dtype.kind != "f":  # 0 - 1 is no exponent for integers; times b = 0, any other serves
            exponent = exponent + constant(xp.astype(b.realize_cached_data() == 0, b.dtype))
        return g * b * _no_pole(a, b) ** exponent

    def vjp1(self, g, node):
        return g * node * nonzero(node.inputs[0]).log()


def _no_pole(a, b):
    """Return `a` with 1 where a and b are both 0: there b · a^(b-1) is 0, not 0 · ∞."""
    poles = (a.realize_cached_data() == 0) * (b.realize_cached_data() == 0)
    return _WHERE.instance.apply(constant(poles), a * 0 + 1, a) if any_of(poles) else a


@register
class PowerScalar(ScalarOp):
    """Every element to the power of a number.

    >>> from needle_edu import Tensor, ops
    >>> ops.power_scalar(Tensor([2.0, 3.0]), 2)
    Tensor([4., 9.], op=power_scalar)
    """

    name, symbol = "power_scalar", "pow"
    formula = r"y = a^c"
    vjp_formulas = (r"\bar{a} = c\,\bar{y} \odot a^{c-1}",)
    vjp_reads = ("a",)

    @staticmethod
    def samples(rng):
        cases = sampling.unary(scalar=3)(rng) + sampling.unary(0.5, 2.0, scalar=-1.5)(rng)
        return [*cases, ({"scalar": 0}, (rng.normal(size=3),)), ({"scalar": 1}, (rng.normal(size=3),))]

    def compute(self, a):
        return a**self.scalar

    def vjp0(self, g, node):
        if self.scalar == 0:  # 0 · a^(-1) would be nan at a = 0
            return g * 0
        return g * (node.inputs[0] ** (self.scalar - 1) * self.scalar)
