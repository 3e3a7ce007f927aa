"""Activation functions, the bends between the layers of a network: relu, tanh, sigmoid.

The derivatives are ops of their own (`relu_backward` …): one fused kernel each instead of three, and because
they are ops with vjps, gradients of gradients need nothing special. All take tensors of any shape and keep it.
"""

from needle_edu.autograd.arrays import xp
from needle_edu.autograd.op import BinaryOp, UnaryOp
from needle_edu.autograd.registry import register, slot

from . import sampling

_RELU_BACKWARD, _TANH_BACKWARD = slot("relu_backward"), slot("tanh_backward")
_SIGMOID_BACKWARD = slot("sigmoid_backward")


@register
class ReLU(UnaryOp):
    """The rectifier max(a, 0); the derivative at 0 is 0.

    >>> from needle_edu import Tensor, ops
    >>> ops.relu(Tensor([-1.0, 2.0]))
    Tensor([0., 2.], op=relu)
    """

    name = symbol = "relu"
    method = True
    formula = r"y = \max(a, 0)"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot [a > 0]",)
    vjp_reads = ("a",)
    vjps_on_arrays = True
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.relu(a)

    def vjp0(self, g, node):
        return _RELU_BACKWARD.instance.of(g, node.inputs[0])


@register
class ReLUBackward(BinaryOp):
    """The vjp of relu: the adjoint where a is positive, else 0.

    >>> from needle_edu import Tensor, ops
    >>> ops.relu_backward(Tensor([5.0, 5.0]), Tensor([-1.0, 2.0]))
    Tensor([0., 5.], op=relu_backward)
    """

    name, symbol = "relu_backward", "relu′"
    formula = r"y = g \odot [a > 0]"
    vjp_formulas = (r"\bar{g} = \bar{y} \odot [a > 0]", r"\bar{a} = 0")
    vjp_reads = ("b", "")
    vjps_on_arrays = True

    @staticmethod
    def samples(rng):
        return [({}, (rng.normal(size=(2, 3)), sampling.away_from_zero(rng, (2, 3), -2, 2)))]

    def compute(self, g, a):
        return xp.relu_backward(g, a)

    def vjp0(self, g, node):
        return _RELU_BACKWARD.instance.of(g, node.inputs[1])

    vjp1 = None  # zero wherever it exists


@register
class Tanh(UnaryOp):
    """The hyperbolic tangent.

    >>> from needle_edu import Tensor, ops
    >>> ops.tanh(Tensor([0.0, 0.5])).numpy().round(3)
    array([0.   , 0.462], dtype=float32)
    """

    name = symbol = "tanh"
    method = True
    formula = r"y = \tanh a"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot (1 - y^2)",)
    vjp_reads = ("y",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.tanh(a)

    def vjp0(self, g, node):
        return _TANH_BACKWARD.instance.apply(g, node)


@register
class TanhBackward(BinaryOp):
    """The vjp of tanh, from its result t.

    >>> from needle_edu import Tensor, ops
    >>> ops.tanh_backward(Tensor([1.0]), ops.tanh(Tensor([0.0])))
    Tensor([1.], op=tanh_backward)
    """

    name, symbol = "tanh_backward", "tanh′"
    formula = r"y = g \odot (1 - t^2)"
    vjp_formulas = (r"\bar{g} = \bar{y} \odot (1 - t^2)", r"\bar{t} = -2\,\bar{y} \odot g \odot t")
    vjp_reads = ("b", "ab")

    @staticmethod
    def samples(rng):
        return [({}, (rng.normal(size=(2, 3)), rng.uniform(-0.9, 0.9, (2, 3))))]

    def compute(self, g, t):
        return xp.tanh_backward(g, t)

    def vjp0(self, g, node):
        return _TANH_BACKWARD.instance.apply(g, node.inputs[1])

    def vjp1(self, g, node):
        incoming, t = node.inputs
        return g * incoming * t * -2


@register
class Sigmoid(UnaryOp):
    """The logistic function 1 / (1 + exp(-a)).

    >>> from needle_edu import Tensor, ops
    >>> ops.sigmoid(Tensor([0.0, 2.0])).numpy().round(3)
    array([0.5  , 0.881], dtype=float32)
    """

    name, symbol = "sigmoid", "σ"
    method = True
    formula = r"y = \frac{1}{1 + e^{-a}}"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot y \odot (1 - y)",)
    vjp_reads = ("y",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.sigmoid(a)

    def vjp0(self, g, node):
        return _SIGMOID_BACKWARD.instance.apply(g, node)


@register
class SigmoidBackward(BinaryOp):
    """The vjp of sigmoid, from its result s.

    >>> from needle_edu import Tensor, ops
    >>> ops.sigmoid_backward(Tensor([1.0]), ops.sigmoid(Tensor([0.0])))
    Tensor([0.25], op=sigmoid_backward)
    """

    name, symbol = "sigmoid_backward", "σ′"
    formula = r"y = g \odot s \odot (1 - s)"
    vjp_formulas = (r"\bar{g} = \bar{y} \odot s \odot (1 - s)", r"\bar{s} = \bar{y} \odot g \odot (1 - 2s)")
    vjp_reads = ("b", "ab")

    @staticmethod
    def samples(rng):
        return [({}, (rng.normal(size=(2, 3)), rng.uniform(0.1, 0.9, (2, 3))))]

    def compute(self, g, s):
        return xp.sigmoid_backward(g, s)

    def vjp0(self, g, node):
        return _SIGMOID_BACKWARD.instance.apply(g, node.inputs[1])

    def vjp1(self, g, node):
        incoming, s = node.inputs
        return g * incoming * (s * -2 + 1)
