"""Arithmetic: + - · / of two tensors, or of a tensor and a number.

Two tensors of different shapes are broadcast as in NumPy. The vjps below need not mention it: the engine sums
each contribution over the broadcast dimensions. Integers stay integers, except that a quotient is float32;
of an integer and a float the result is a float. ``a - b`` is the sum of a and the negative of b, as in the
course.
"""

from needle_edu.autograd.op import BinaryOp, UnaryOp
from needle_edu.autograd.registry import register

from . import sampling
from .constants import plain_number


class ScalarOp(UnaryOp):
    """Base of the ops of a tensor and a number: the number is an attribute of the op, no input."""

    def __init__(self, scalar):
        if type(scalar) is not float and type(scalar) is not int:
            scalar = plain_number(self.name, scalar)
        self.scalar = scalar


@register
class EWiseAdd(BinaryOp):
    """The sum of two tensors.

    >>> from needle_edu import Tensor, ops
    >>> ops.add(Tensor([1.0, 2.0]), Tensor([10.0]))
    Tensor([11., 12.], op=add)
    """

    name, symbol = "add", "+"
    formula = r"y = a + b"
    vjp_formulas = (r"\bar{a} = \bar{y}", r"\bar{b} = \bar{y}")
    vjp_reads = ("", "")
    vjps_on_arrays = True
    samples = staticmethod(sampling.binary())

    def compute(self, a, b):
        return a + b

    def vjp0(self, g, node):
        return g

    def vjp1(self, g, node):
        return g


@register
class AddScalar(ScalarOp):
    """A number added to every element.

    >>> from needle_edu import Tensor, ops
    >>> ops.add_scalar(Tensor([1.0, 2.0]), 10)
    Tensor([11., 12.], op=add_scalar)
    """

    name, symbol = "add_scalar", "+"
    formula = r"y = a + c"
    vjp_formulas = (r"\bar{a} = \bar{y}",)
    vjp_reads = ("",)
    vjps_on_arrays = True
    samples = staticmethod(sampling.unary(scalar=1.5))

    def compute(self, a):
        return a + self.scalar

    def vjp0(self, g, node):
        return g


@register
class Negate(UnaryOp):
    """The negative of every element.

    >>> from needle_edu import Tensor, ops
    >>> ops.negate(Tensor([1.0, -2.0]))
    Tensor([-1.,  2.], op=negate)
    """

    name, symbol = "negate", "−"
    formula = r"y = -a"
    vjp_formulas = (r"\bar{a} = -\bar{y}",)
    vjp_reads = ("",)
    vjps_on_arrays = True
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return -a

    def vjp0(self, g, node):
        return -g


@register
class EWiseMul(BinaryOp):
    """The product of two tensors, element by element.

    >>> from needle_edu import Tensor, ops
    >>> ops.multiply(Tensor([1.0, 2.0]), Tensor([3.0, 4.0]))
    Tensor([3., 8.], op=multiply)
    """

    name, symbol = "multiply", "×"
    formula = r"y = a \odot b"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot b", r"\bar{b} = \bar{y} \odot a")
    vjp_reads = ("b", "a")
    vjps_on_arrays = True
    samples = staticmethod(sampling.binary())

    def compute(self, a, b):
        return a * b

    def vjp0(self, g, node):
        return g * node.inputs[1]

    def vjp1(self, g, node):
        return g * node.inputs[0]


@register
class MulScalar(ScalarOp):
    """Every element times a number.

    >>> from needle_edu import Tensor, ops
    >>> ops.mul_scalar(Tensor([1.0, 2.0]), 10)
    Tensor([10., 20.], op=mul_scalar)
    """

    name, symbol = "mul_scalar", "×"
    formula = r"y = c\,a"
    vjp_formulas = (r"\bar{a} = c\,\bar{y}",)
    vjp_reads = ("",)
    vjps_on_arrays = True
    samples = staticmethod(sampling.unary(scalar=-1.5))

    def compute(self, a):
        return a * self.scalar

    def vjp0(self, g, node):
        return g * self.scalar


@register
class EWiseDiv(BinaryOp):
    """The quotient of two tensors, element by element.

    >>> from needle_edu import Tensor, ops
    >>> ops.divide(Tensor([1.0, 3.0]), Tensor([2.0]))
    Tensor([0.5, 1.5], op=divide)
    """

    name, symbol = "divide", "÷"
    formula = r"y = a / b"
    vjp_formulas = (r"\bar{a} = \bar{y} / b", r"\bar{b} = -\bar{y} \odot y / b")
    vjp_reads = ("b", "yb")
    samples = staticmethod(sampling.binary(0.5, 2.0))

    def compute(self, a, b):
        return a / b

    def vjp0(self, g, node):
        return g / node.inputs[1]

    def vjp1(self, g, node):
        return -(g * node / node.inputs[1])


@register
class DivScalar(ScalarOp):
    """Every element divided by a number.

    >>> from needle_edu import Tensor, ops
    >>> ops.divide_scalar(Tensor([1.0, 3.0]), 2)
    Tensor([0.5, 1.5], op=divide_scalar)
    """

    name, symbol = "divide_scalar", "÷"
    formula = r"y = a / c"
    vjp_formulas = (r"\bar{a} = \bar{y} / c",)
    vjp_reads = ("",)
    vjps_on_arrays = True
    samples = staticmethod(sampling.unary(scalar=-1.5))

    def compute(self, a):
        return a / self.scalar

    def vjp0(self, g, node):
        return g / self.scalar
