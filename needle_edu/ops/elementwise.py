"""Functions of one number, applied to every element: exp, log, sin, sqrt, …

Each takes a tensor of any shape and gives one of the same shape. Of integers, exp, log, sin, cos, sqrt and
reciprocal make float32; square, abs, sign, floor and ceil keep them.
"""

import numpy as np

from needle_edu.autograd.arrays import DTypeError, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register

from . import sampling
from .constants import constant


@register
class Exp(UnaryOp):
    """The exponential function.

    >>> from needle_edu import Tensor, ops
    >>> ops.exp(Tensor([0.0, 1.0])).numpy().round(3)
    array([1.   , 2.718], dtype=float32)
    """

    name = symbol = "exp"
    method = True
    formula = r"y = e^a"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot y",)
    vjp_reads = ("y",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.exp(a)

    def vjp0(self, g, node):
        return g * node


@register
class Log(UnaryOp):
    """The natural logarithm.

    >>> from needle_edu import Tensor, ops
    >>> ops.log(Tensor([1.0, 2.0])).numpy().round(3)
    array([0.   , 0.693], dtype=float32)
    """

    name = symbol = "log"
    method = True
    formula = r"y = \ln a"
    vjp_formulas = (r"\bar{a} = \bar{y} / a",)
    vjp_reads = ("a",)
    vjps_on_arrays = True
    samples = staticmethod(sampling.unary(0.5, 2.0))

    def compute(self, a):
        return xp.log(a)

    def vjp0(self, g, node):
        return g / node.inputs[0]


@register
class Sin(UnaryOp):
    """The sine.

    >>> from needle_edu import Tensor, ops
    >>> ops.sin(Tensor([0.0, 0.5])).numpy().round(3)
    array([0.   , 0.479], dtype=float32)
    """

    name = symbol = "sin"
    method = True
    formula = r"y = \sin a"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot \cos a",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.sin(a)

    def vjp0(self, g, node):
        return g * node.inputs[0].cos()


@register
class Cos(UnaryOp):
    """The cosine.

    >>> from needle_edu import Tensor, ops
    >>> ops.cos(Tensor([0.0, 0.5])).numpy().round(3)
    array([1.   , 0.878], dtype=float32)
    """

    name = symbol = "cos"
    method = True
    formula = r"y = \cos a"
    vjp_formulas = (r"\bar{a} = -\bar{y} \odot \sin a",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.cos(a)

    def vjp0(self, g, node):
        return -(g * node.inputs[0].sin())


@register
class Sqrt(UnaryOp):
    """The square root.

    >>> from needle_edu import Tensor, ops
    >>> ops.sqrt(Tensor([4.0, 9.0]))
    Tensor([2., 3.], op=sqrt)
    """

    name, symbol = "sqrt", "√"
    method = True
    formula = r"y = \sqrt{a}"
    vjp_formulas = (r"\bar{a} = \bar{y} / (2 y)",)
    vjp_reads = ("y",)
    samples = staticmethod(sampling.unary(0.5, 2.0))

    def compute(self, a):
        return xp.sqrt(a)

    def vjp0(self, g, node):
        return g / (node * 2)


@register
class Square(UnaryOp):
    """Every element times itself.

    >>> from needle_edu import Tensor, ops
    >>> ops.square(Tensor([2.0, -3.0]))
    Tensor([4., 9.], op=square)
    """

    name, symbol = "square", "²"
    method = True
    formula = r"y = a^2"
    vjp_formulas = (r"\bar{a} = 2\,\bar{y} \odot a",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.square(a)

    def vjp0(self, g, node):
        return g * node.inputs[0] * 2


@register
class Reciprocal(UnaryOp):
    """One divided by every element.

    >>> from needle_edu import Tensor, ops
    >>> ops.reciprocal(Tensor([2.0, 4.0]))
    Tensor([0.5 , 0.25], op=reciprocal)
    """

    name, symbol = "reciprocal", "1/a"
    method = True
    formula = r"y = 1 / a"
    vjp_formulas = (r"\bar{a} = -\bar{y} \odot y^2",)
    vjp_reads = ("y",)
    samples = staticmethod(sampling.unary(0.5, 2.0))

    def compute(self, a):
        return xp.reciprocal(a)

    def vjp0(self, g, node):
        return -(g * node * node)


@register
class Abs(UnaryOp):
    """The absolute value; the derivative at 0 is taken as 0.

    >>> from needle_edu import Tensor, ops
    >>> ops.abs(Tensor([2.0, -3.0]))
    Tensor([2., 3.], op=abs)
    """

    name, symbol = "abs", "|a|"
    method = True
    formula = r"y = \lvert a \rvert"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot \operatorname{sign} a",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.abs(a)

    def vjp0(self, g, node):
        return g * node.inputs[0].sign()


class StepFunction(UnaryOp):
    """Base of functions made of steps: the derivative is 0 between them, and is taken as 0 at them."""

    vjp_formulas = (r"\bar{a} = 0",)
    vjp_reads = ("",)

    def vjp0(self, g, node):
        return constant(xp.zeros_like(g.realize_cached_data()))


@register
class Sign(StepFunction):
    """-1, 0 or 1.

    >>> from needle_edu import Tensor, ops
    >>> ops.sign(Tensor([2.0, 0.0, -3.0]))
    Tensor([ 1.,  0., -1.], op=sign)
    """

    name = symbol = "sign"
    method = True
    formula = r"y = \operatorname{sign} a"
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.sign(a)


@register
class Floor(StepFunction):
    """The largest integer that is not larger.

    >>> from needle_edu import Tensor, ops
    >>> ops.floor(Tensor([1.5, -1.5]))
    Tensor([ 1., -2.], op=floor)
    """

    name, symbol = "floor", "⌊a⌋"
    method = True
    formula = r"y = \lfloor a \rfloor"
    samples = staticmethod(sampling.unary(1.1, 1.9))

    def compute(self, a):
        return xp.floor(a)


@register
class Ceil(StepFunction):
    """The smallest integer that is not smaller.

    >>> from needle_edu import Tensor, ops
    >>> ops.ceil(Tensor([1.5, -1.5]))
    Tensor([ 2., -1.], op=ceil)
    """

    name, symbol = "ceil", "⌈a⌉"
    method = True
    formula = r"y = \lceil a \rceil"
    samples = staticmethod(sampling.unary(1.1, 1.9))

    def compute(self, a):
        return xp.ceil(a)


@register
class AsType(UnaryOp):
    """The same numbers in another dtype. Towards integers and bool there is no derivative.

    >>> from needle_edu import Tensor, ops
    >>> ops.astype(Tensor([1.5, -1.5]), "int32")
    Tensor([ 1, -1], dtype=int32, requires_grad=False)
    """

    name, symbol = "astype", "cast"
    method = True
    formula = r"y = \operatorname{cast}(a)"
    vjp_formulas = (r"\bar{a} = \operatorname{cast}(\bar{y})",)
    vjp_reads = ("",)
    samples = staticmethod(sampling.unary(dtype="float64"))

    def __init__(self, dtype):
        if dtype is None:  # NumPy would take it for float64
            raise DTypeError("astype: wanted a dtype such as 'float32', got None")
        self.dtype = np.dtype(dtype)
        self.differentiable = self.dtype.kind == "f"

    def compute(self, a):
        return xp.astype(a, self.dtype)

    def vjp0(self, g, node):
        return g  # the engine casts a contribution to its input's dtype
