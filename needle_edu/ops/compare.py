"""Comparisons, logic and choice: which elements are equal, less, …; and, or, not; and `where`.

A comparison gives a bool tensor, and jumps from 0 to 1: it has no gradient, and its result requires none.
Note that ``==`` on tensors compares identities (tensors are dictionary keys); element by element it is
`equal`. Operands broadcast; bool, integers and floats may be mixed. Logic takes every number but 0 for true.
"""

from needle_edu.autograd.arrays import xp
from needle_edu.autograd.op import BinaryOp, TensorOp, UnaryOp
from needle_edu.autograd.registry import register, slot

from . import sampling
from .constants import constant

_WHERE = slot("where")


class Comparison(BinaryOp):
    """Base of the comparisons of two tensors."""

    differentiable = False
    samples = staticmethod(sampling.binary())


@register
class Equal(Comparison):
    """Whether elements are equal.

    >>> from needle_edu import Tensor, ops
    >>> ops.equal(Tensor([1.0, 2.0]), Tensor([1.0, 3.0]))
    Tensor([ True, False], requires_grad=False)
    """

    name, symbol = "equal", "="
    method = True
    formula = "y = [a = b]"

    def compute(self, a, b):
        return xp.equal(a, b)


@register
class NotEqual(Comparison):
    """Whether elements differ.

    >>> from needle_edu import Tensor, ops
    >>> ops.not_equal(Tensor([1.0, 2.0]), Tensor([1.0, 3.0]))
    Tensor([False,  True], requires_grad=False)
    """

    name, symbol = "not_equal", "≠"
    method = True
    formula = r"y = [a \ne b]"

    def compute(self, a, b):
        return xp.not_equal(a, b)


@register
class Less(Comparison):
    """Whether elements of the first are less.

    >>> from needle_edu import Tensor, ops
    >>> ops.less(Tensor([1.0, 2.0]), Tensor([2.0]))
    Tensor([ True, False], requires_grad=False)
    """

    name, symbol = "less", "<"
    formula = "y = [a < b]"

    def compute(self, a, b):
        return xp.less(a, b)


@register
class LessEqual(Comparison):
    """Whether elements of the first are less or equal.

    >>> from needle_edu import Tensor, ops
    >>> ops.less_equal(Tensor([1.0, 2.0]), Tensor([2.0]))
    Tensor([ True,  True], requires_grad=False)
    """

    name, symbol = "less_equal", "≤"
    formula = r"y = [a \le b]"

    def compute(self, a, b):
        return xp.less_equal(a, b)


@register
class Greater(Comparison):
    """Whether elements of the first are greater.

    >>> from needle_edu import Tensor, ops
    >>> ops.greater(Tensor([1.0, 2.0]), Tensor([1.0]))
    Tensor([False,  True], requires_grad=False)
    """

    name, symbol = "greater", ">"
    formula = "y = [a > b]"

    def compute(self, a, b):
        return xp.greater(a, b)


@register
class GreaterEqual(Comparison):
    """Whether elements of the first are greater or equal.

    >>> from needle_edu import Tensor, ops
    >>> ops.greater_equal(Tensor([1.0, 2.0]), Tensor([1.0]))
    Tensor([ True,  True], requires_grad=False)
    """

    name, symbol = "greater_equal", "≥"
    formula = r"y = [a \ge b]"

    def compute(self, a, b):
        return xp.greater_equal(a, b)


@register
class LogicalAnd(Comparison):
    """Whether both elements are true; the operator ``a & b``.

    >>> from needle_edu import Tensor, ops
    >>> ops.logical_and(Tensor([True, True]), Tensor([True, False]))
    Tensor([ True, False], requires_grad=False)
    """

    name, symbol = "logical_and", "∧"
    method = True
    formula = r"y = a \land b"

    def compute(self, a, b):
        return xp.logical_and(a, b)


@register
class LogicalOr(Comparison):
    """Whether at least one of the elements is true; the operator ``a | b``.

    >>> from needle_edu import Tensor, ops
    >>> ops.logical_or(Tensor([True, False]), Tensor([False, False]))
    Tensor([ True, False], requires_grad=False)
    """

    name, symbol = "logical_or", "∨"
    method = True
    formula = r"y = a \lor b"

    def compute(self, a, b):
        return xp.logical_or(a, b)


@register
class LogicalXor(Comparison):
    """Whether exactly one of the elements is true; the operator ``a ^ b``.

    >>> from needle_edu import Tensor, ops
    >>> ops.logical_xor(Tensor([True, False]), Tensor([True, True]))
    Tensor([False,  True], requires_grad=False)
    """

    name, symbol = "logical_xor", "⊕"
    method = True
    formula = r"y = a \oplus b"

    def compute(self, a, b):
        return xp.logical_xor(a, b)


@register
class LogicalNot(UnaryOp):
    """Whether elements are false, that is 0; the operator ``~a``.

    >>> from needle_edu import Tensor, ops
    >>> ops.logical_not(Tensor([True, False]))
    Tensor([False,  True], requires_grad=False)
    """

    name, symbol = "logical_not", "¬"
    method = True
    differentiable = False
    formula = r"y = \lnot a"
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.logical_not(a)


@register
class Where(TensorOp):
    """Elements of b where the condition a (a bool tensor) is true, of c elsewhere.

    All three broadcast; the result has the dtype that b and c have in common.

    >>> from needle_edu import Tensor, ops
    >>> ops.where(Tensor([True, False]), Tensor([1.0, 2.0]), Tensor([0.0]))
    Tensor([1., 0.], op=where)
    """

    name = symbol = "where"
    formula = r"y = a\ ?\ b : c"
    vjp_formulas = ("", r"\bar{b} = a\ ?\ \bar{y} : 0", r"\bar{c} = a\ ?\ 0 : \bar{y}")
    vjp_reads = ("", "a", "a")
    vjp0 = None  # a condition has no gradient

    @staticmethod
    def samples(rng):
        condition = rng.uniform(size=(2, 3)) < 0.5
        return [
            ({}, (condition, rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))),
            ({}, (condition, rng.normal(size=(3,)), rng.normal(size=()))),
        ]

    def compute(self, condition, b, c):
        return xp.where(condition, b, c)

    def vjp1(self, g, node):
        return _WHERE.instance.apply(node.inputs[0], g, _zero_like(g))

    def vjp2(self, g, node):
        return _WHERE.instance.apply(node.inputs[0], _zero_like(g), g)


def _zero_like(g):
    return constant(xp.zeros_like(g.realize_cached_data()))
