"""Softmax and its relatives: from scores to probabilities, without overflow.

exp(1000) is infinite in float32, but softmax does not change when the same number is subtracted from all
scores. So the largest score is taken out first, and nothing overflows even for scores of 1e10.
"""

from needle_edu.autograd.arrays import xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register

from . import sampling
from .constants import chosen_axes, expand, normalize_axes
from .reduction import Reduction


@register
class LogSumExp(Reduction):
    """The logarithm of the sum of exponentials over axes.

    Shapes as for `summation`: the axes disappear unless `keepdims`; without `axes` the result has shape (1,).

    >>> from needle_edu import Tensor, ops
    >>> ops.logsumexp(Tensor([[1000.0, 1000.0]])).numpy().round(3)
    array([1000.693], dtype=float32)
    """

    name, symbol = "logsumexp", "lse"
    method = True
    formula = r"y = \ln \sum e^a"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot e^{a - y}",)
    vjp_reads = ("ya",)
    samples = staticmethod(
        sampling.shaped(
            ({}, (2, 3)),
            ({"axes": 1}, (2, 3)),
            ({"axes": (0, 2)}, (2, 3, 2)),
            ({"axes": -1}, (3,)),
            ({"axes": 0, "keepdims": True}, (2, 3)),
        )
    )

    def compute(self, a):
        return xp.logsumexp(a, axis=self.axes, keepdims=self.keepdims)

    def vjp0(self, g, node):
        a = node.inputs[0]
        return expand(g, self.axes, a.shape) * (a - expand(node, self.axes, a.shape)).exp()


@register
class LogSoftmax(UnaryOp):
    """The logarithm of softmax along an axis, by default the last.

    The result has the shape of the tensor.

    >>> from needle_edu import Tensor, ops
    >>> ops.logsoftmax(Tensor([[0.0, 0.0]])).numpy().round(3)
    array([[-0.693, -0.693]], dtype=float32)
    """

    name, symbol = "logsoftmax", "logsoftmax"
    method = True
    formula = r"y = a - \ln \sum e^a"
    vjp_formulas = (r"\bar{a} = \bar{y} - e^y \sum \bar{y}",)
    vjp_reads = ("y",)
    samples = staticmethod(sampling.shaped(({}, (2, 3)), ({"axis": 0}, (2, 3)), ({}, (3,))))

    def __init__(self, axis: int = -1):
        self.axis = chosen_axes(self.name, axis)

    def compute(self, a):
        normalize_axes(self.axis, a.ndim, self.name)
        a = a - xp.max(a, axis=self.axis, keepdims=True)
        return a - xp.logsumexp(a, axis=self.axis, keepdims=True)

    def vjp0(self, g, node):
        return g - node.exp() * expand(g.sum(self.axis), self.axis, g.shape)


@register
class Softmax(UnaryOp):
    """Positive numbers that add up to 1 along an axis, by default the last.

    The result has the shape of the tensor.

    >>> from needle_edu import Tensor, ops
    >>> ops.softmax(Tensor([[0.0, 0.0], [1e4, 0.0]]))
    Tensor([[0.5, 0.5],
            [1. , 0. ]], op=softmax)
    """

    name = symbol = "softmax"
    method = True
    formula = r"y = e^a / \sum e^a"
    vjp_formulas = (r"\bar{a} = y \odot (\bar{y} - \sum \bar{y} \odot y)",)
    vjp_reads = ("y",)
    samples = staticmethod(sampling.shaped(({}, (2, 3)), ({"axis": 0}, (2, 3)), ({}, (3,))))

    def __init__(self, axis: int = -1):
        self.axis = chosen_axes(self.name, axis)

    def compute(self, a):
        normalize_axes(self.axis, a.ndim, self.name)
        e = xp.exp(a - xp.max(a, axis=self.axis, keepdims=True))
        return e / xp.sum(e, axis=self.axis, keepdims=True)

    def vjp0(self, g, node):
        return node * (g - expand((g * node).sum(self.axis), self.axis, g.shape))
