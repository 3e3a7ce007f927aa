"""Powers: of two tensors, or of a tensor and a number.

An integer power of integers is an integer. Where the derivative has a pole that the other factor takes back, as in
b · a^(b-1) at a = b = 0, it is taken as 0: a^0 is 1 whatever a is, and 0^b is 0 for all b > 0.
"""

from needle_edu.autograd.arrays import xp
from needle_edu.autograd.op import BinaryOp
from needle_edu.autograd.registry import register, slot

from . import sampling
from .arithmetic import ScalarOp
from .constants import any_of, constant

_WHERE = slot("where")


@register
class EWisePow(BinaryOp):
    """The first tensor to the power of the second. The derivative in b at a = 0 is taken as 0, for b < 0 it is -inf.

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
        return g * b * _one_where(_a_power_of_0_is_1(a, b), a) ** exponent

    def vjp1(self, g, node):
        return g * node * _one_where(_a_power_of_0_stays_0(*node.inputs), node.inputs[0]).log()


def _a_power_of_0_is_1(a, b):
    """Where b = 0, and b · a^(b-1) would be 0 · ∞ or 0 · nan."""
    a, b = a.realize_cached_data(), b.realize_cached_data()
    return xp.logical_and(b == 0, xp.logical_or(a == 0, a != a))


def _a_power_of_0_stays_0(a, b):
    """Where a = 0 and b ≥ 0, and a^b · ln a would be 0 · ∞."""
    return xp.logical_and(a.realize_cached_data() == 0, b.realize_cached_data() >= 0)


def _one_where(poles, a):
    """Return `a` with 1 at its poles."""
    if not any_of(poles):
        return a
    return _WHERE.instance.apply(constant(poles), constant(xp.ones_like(a.realize_cached_data())), a)


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
