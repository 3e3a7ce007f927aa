"""Softmax and its relatives: from scores to probabilities, without overflow.

exp(1000) is infinite in float32, but softmax does not change when the same number is subtracted from all
scores. So the largest score is taken out first, and nothing overflows even for scores of 1e10.
"""

from needle_edu.autograd.arrays import xp
from needle_edu.autograd.op import BinaryOp, UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.backend.arguments import integer

from . import sampling
from .constants import chosen_axes, expand, normalize_axes
from .reduction import Reduction

_BACKWARD, _LOG_BACKWARD = slot("softmax_backward"), slot("logsoftmax_backward")


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
    vjp_formulas = (r"\bar{a} = \operatorname{expand}(\bar{y}) \odot e^{a - \operatorname{expand}(y)}",)
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


class _Along(UnaryOp):
    """Base of the two: along one axis they are a kernel; along several at once ordinary functions of arrays."""

    method = True
    vjp_reads = ("y",)
    samples = staticmethod(
        sampling.shaped(({}, (2, 3)), ({"axis": 0}, (2, 3)), ({"axis": 1}, (2, 3, 2)), ({}, (3,)))
    )

    def __init__(self, axis: int = -1):
        self.axis = chosen_axes(self.name, axis)


@register
class LogSoftmax(_Along):
    """The logarithm of softmax along an axis, by default the last.

    The result has the shape of the tensor.

    >>> from needle_edu import Tensor, ops
    >>> ops.logsoftmax(Tensor([[0.0, 0.0]])).numpy().round(3)
    array([[-0.693, -0.693]], dtype=float32)
    """

    name, symbol = "logsoftmax", "logsoftmax"
    formula = r"y = a - \ln \sum e^a"
    vjp_formulas = (r"\bar{a} = \bar{y} - e^y \sum \bar{y}",)

    def compute(self, a):
        normalize_axes(self.axis, a.ndim, self.name)
        if type(self.axis) is int:
            return xp.log_softmax(a, self.axis)
        a = a - xp.max(a, axis=self.axis, keepdims=True)
        return a - xp.logsumexp(a, axis=self.axis, keepdims=True)

    def vjp0(self, g, node):
        if type(self.axis) is int:
            return _LOG_BACKWARD.cls(self.axis).of(g, node)
        return g - node.exp() * expand(g.sum(self.axis), self.axis, g.shape)


@register
class Softmax(_Along):
    """Positive numbers that add up to 1 along an axis, by default the last.

    The result has the shape of the tensor.

    >>> from needle_edu import Tensor, ops
    >>> ops.softmax(Tensor([[0.0, 0.0], [1e4, 0.0]]))
    Tensor([[0.5, 0.5],
            [1. , 0. ]], op=softmax)
    """

    name = symbol = "softmax"
    formula = r"y = e^a / \sum e^a"
    vjp_formulas = (r"\bar{a} = y \odot (\bar{y} - \sum \bar{y} \odot y)",)

    def compute(self, a):
        normalize_axes(self.axis, a.ndim, self.name)
        if type(self.axis) is int:
            return xp.softmax(a, self.axis)
        e = xp.exp(a - xp.max(a, axis=self.axis, keepdims=True))
        return e / xp.sum(e, axis=self.axis, keepdims=True)

    def vjp0(self, g, node):
        if type(self.axis) is int:
            return _BACKWARD.cls(self.axis).of(g, node)
        return node * (g - expand((g * node).sum(self.axis), self.axis, g.shape))


class _AlongBackward(BinaryOp):
    """Base of the vjps, of an adjoint and of the result."""

    vjp_reads = ("b", "ab")

    @staticmethod
    def samples(rng):
        return [
            ({"axis": axis}, (rng.normal(size=shape), rng.normal(size=shape)))
            for axis, shape in [(-1, (2, 3)), (0, (2, 3)), (1, (2, 3, 2)), (0, (3,))]
        ]

    def __init__(self, axis: int = -1):
        self.axis = integer(self.name, "axis", axis)


@register
class LogSoftmaxBackward(_AlongBackward):
    """The vjp of logsoftmax, from its result.

    >>> from needle_edu import Tensor, ops
    >>> ops.logsoftmax_backward(Tensor([2.0, 2.0]), ops.log(Tensor([0.25, 0.75]))).numpy().round(4)
    array([ 1., -1.], dtype=float32)
    """

    name, symbol = "logsoftmax_backward", "logsoftmax′"
    formula = r"y = g - e^b \sum g"
    vjp_formulas = (
        r"\bar{g} = \bar{y} - \sum \bar{y} \odot e^b",
        r"\bar{b} = -\bar{y} \odot e^b \odot \sum g",
    )

    def compute(self, g, y):
        return xp.log_softmax_backward(g, y, self.axis)

    def vjp0(self, g, node):
        return g - expand((g * node.inputs[1].exp()).sum(self.axis), self.axis, g.shape)

    def vjp1(self, g, node):
        incoming, y = node.inputs
        return g * y.exp() * expand(incoming.sum(self.axis) * -1, self.axis, g.shape)


@register
class SoftmaxBackward(_AlongBackward):
    """The vjp of softmax, from its result.

    >>> from needle_edu import Tensor, ops
    >>> ops.softmax_backward(Tensor([8.0, 0.0]), Tensor([0.5, 0.5]))
    Tensor([ 2., -2.], op=softmax_backward)
    """

    name, symbol = "softmax_backward", "softmax′"
    formula = r"y = b \odot (g - \sum g \odot b)"
    vjp_formulas = (
        r"\bar{g} = b \odot (\bar{y} - \sum \bar{y} \odot b)",
        r"\bar{b} = \bar{y} \odot (g - \sum g \odot b) - g \sum \bar{y} \odot b",
    )

    def compute(self, g, y):
        return xp.softmax_backward(g, y, self.axis)

    def vjp0(self, g, node):
        return _BACKWARD.cls(self.axis).apply(g, node.inputs[1])

    def vjp1(self, g, node):
        incoming, y = node.inputs
        inner = expand((incoming * y).sum(self.axis), self.axis, g.shape)
        return g * (incoming - inner) - incoming * expand((g * y).sum(self.axis), self.axis, g.shape)
