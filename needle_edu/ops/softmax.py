"""Softmax and its relatives: from scores to probabilities, without overflow.

exp(1000) is infinite in float32, but softmax does not change when the same number is subtracted from all
scores. So the largest score is taken out first, and nothing overflows even for scores of 1e10.
"""

from needle_edu.autograd.arrays import ShapeError, softmax, xp
from needle_edu.autograd.op import BinaryOp, UnaryOp
from needle_edu.autograd.registry import register, slot

from . import sampling
from .constants import chosen_axes, expand, normalize_axes
from .reduction import Reduction

_SOFTMAX_BACKWARD, _LOGSOFTMAX_BACKWARD = slot("softmax_backward"), slot("logsoftmax_backward")


def _compiled(a, axis) -> bool:
    """Return whether a kernel does it in one pass; the arithmetic of the ops says what it computes."""
    return softmax is not None and softmax.compiled(a, axis)


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
        if _compiled(a, self.axis):
            return softmax.softmax(a, log=True)
        a = a - xp.max(a, axis=self.axis, keepdims=True)
        return a - xp.logsumexp(a, axis=self.axis, keepdims=True)

    def vjp0(self, g, node):
        return _LOGSOFTMAX_BACKWARD.cls(self.axis).apply(g, node)


@register
class LogSoftmaxBackward(BinaryOp):
    """The vjp of logsoftmax, from its result b.

    >>> from needle_edu import Tensor, ops
    >>> ops.logsoftmax_backward(Tensor([[1.0, 0.0]]), ops.logsoftmax(Tensor([[0.0, 0.0]]))).numpy().tolist()
    [[0.5, -0.5]]
    """

    name, symbol = "logsoftmax_backward", "logsoftmax′"
    formula = r"y = a - e^b \sum a"
    vjp_formulas = (r"\bar{a} = \bar{y} - \sum \bar{y} \odot e^b", r"\bar{b} = -\bar{y} \odot e^b \sum a")
    vjp_reads = ("b", "ab")
    samples = staticmethod(
        sampling.shaped(({}, (2, 3), (2, 3)), ({"axis": 0}, (2, 3), (2, 3)), ({}, (3,), (3,)))
    )

    def __init__(self, axis: int = -1):
        self.axis = chosen_axes(self.name, axis)

    def compute(self, g, y):
        _one_shape(self.name, g, y)
        normalize_axes(self.axis, y.ndim, self.name)
        if _compiled(y, self.axis):
            return softmax.softmax_backward(g, y, log=True)
        return g - xp.exp(y) * xp.sum(g, axis=self.axis, keepdims=True)

    def vjp0(self, g, node):
        y = node.inputs[1]
        return g - expand((g * y.exp()).sum(self.axis), self.axis, y.shape)

    def vjp1(self, g, node):
        incoming, y = node.inputs
        return -g * y.exp() * expand(incoming.sum(self.axis), self.axis, y.shape)


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
        if _compiled(a, self.axis):
            return softmax.softmax(a)
        e = xp.exp(a - xp.max(a, axis=self.axis, keepdims=True))
        return e / xp.sum(e, axis=self.axis, keepdims=True)

    def vjp0(self, g, node):
        return _SOFTMAX_BACKWARD.cls(self.axis).apply(g, node)


@register
class SoftmaxBackward(BinaryOp):
    """The vjp of softmax, from its result b.

    >>> from needle_edu import Tensor, ops
    >>> ops.softmax_backward(Tensor([[1.0, 0.0]]), ops.softmax(Tensor([[0.0, 0.0]]))).numpy().tolist()
    [[0.25, -0.25]]
    """

    name, symbol = "softmax_backward", "softmax′"
    formula = r"y = b \odot (a - \sum a \odot b)"
    vjp_formulas = (
        r"\bar{a} = b \odot (\bar{y} - \sum \bar{y} \odot b)",
        r"\bar{b} = \bar{y} \odot (a - \sum a \odot b) - a \sum \bar{y} \odot b",
    )
    vjp_reads = ("b", "ab")
    samples = staticmethod(
        sampling.shaped(({}, (2, 3), (2, 3)), ({"axis": 0}, (2, 3), (2, 3)), ({}, (3,), (3,)))
    )

    def __init__(self, axis: int = -1):
        self.axis = chosen_axes(self.name, axis)

    def compute(self, g, y):
        _one_shape(self.name, g, y)
        normalize_axes(self.axis, y.ndim, self.name)
        if _compiled(y, self.axis):
            return softmax.softmax_backward(g, y)
        return y * (g - xp.sum(g * y, axis=self.axis, keepdims=True))

    def vjp0(self, g, node):
        return _SOFTMAX_BACKWARD.cls(self.axis).apply(g, node.inputs[1])

    def vjp1(self, g, node):
        incoming, y = node.inputs
        both, mine = [expand((v * y).sum(self.axis), self.axis, y.shape) for v in (g, incoming)]
        return g * (incoming - mine) - incoming * both


def _one_shape(who: str, g, y) -> None:
    if g.shape != y.shape:
        raise ShapeError(f"{who}: the adjoint and the result have one shape, got {g.shape} and {y.shape}")
