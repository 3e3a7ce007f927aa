"""Activation functions in pieces: leaky relu, elu and its kin, and the hard (straight) forms of tanh, sigmoid and silu.

At the bounds between pieces a derivative has to be chosen. It is PyTorch's: leaky_relu, prelu and elu take the left
piece's at 0, hardtanh, relu6 and hardsigmoid have 0 at both bounds, the shrinking functions and threshold 0 as well,
hardswish has 0 at -3 and 1 at 3. All keep the shape of their tensor; integers become float32.
"""

from needle_edu.autograd.arrays import NeedleError, ShapeError, xp
from needle_edu.autograd.op import BinaryOp
from needle_edu.autograd.registry import register, slot

from . import sampling
from .constants import constant, plain_number
from .slopes import Activation

_WHERE = slot("where")


@register
class LeakyReLU(Activation):
    """a where it is positive, else a small slope times a; the derivative at 0 is the slope.

    >>> from needle_edu import Tensor, ops
    >>> ops.leaky_relu(Tensor([-1.0, 2.0]), 0.5)
    Tensor([-0.5,  2. ], op=leaky_relu)
    """

    name = symbol = kind = "leaky_relu"
    formula = r"y = a\ \text{where}\ a > 0,\ \text{else}\ c\,a"
    vjp_formulas = (r"\bar{a} = \bar{y}\ \text{where}\ a > 0,\ \text{else}\ c\,\bar{y}",)
    samples = staticmethod(sampling.unary(slope=0.3))

    def __init__(self, slope=0.01):
        self.slope = plain_number(self.name, slope)
        self.numbers = (self.slope,)


@register
class PReLU(BinaryOp):
    """A leaky relu whose slope is learned: a where it is positive, else b times a.

    b has one element, or one for each channel: axis 1 of a, or its only axis.

    >>> from needle_edu import Tensor, ops
    >>> ops.prelu(Tensor([[-1.0, -1.0], [2.0, -4.0]]), Tensor([0.5, 0.25])).numpy().tolist()
    [[-0.5, -0.25], [2.0, -1.0]]
    """

    name = symbol = "prelu"
    formula = r"y = a\ \text{where}\ a > 0,\ \text{else}\ b\,a"
    vjp_formulas = (
        r"\bar{a} = \bar{y}\ \text{where}\ a > 0,\ \text{else}\ b\,\bar{y}",
        r"\bar{b} = \sum \bar{y} \odot \min(a, 0)",
    )
    vjp_reads = ("ab", "ab")

    @staticmethod
    def samples(rng):
        shapes = [((2, 3), (3,)), ((2, 3, 2), (3,)), ((3,), (1,)), ((3,), (3,)), ((2, 3), (1,)), ((), (1,))]
        return [({}, (sampling.away_from_zero(rng, a, -2, 2), rng.uniform(0.1, 0.5, b))) for a, b in shapes]

    def compute(self, a, b):
        if b.ndim > 1 or b.size not in (1, self._channels(a)):
            raise ShapeError(
                f"prelu: weights have one element, or one for each channel, axis 1 of a tensor of shape {a.shape}; "
                f"got shape {b.shape}"
            )
        return xp.prelu(a, xp.reshape(b, self._beside(a, b)))

    def vjp0(self, g, node):
        a, b = node.inputs
        positive = constant(a.realize_cached_data() > 0)
        return _WHERE.instance.apply(positive, g, g * b.reshape(self._beside(a, b)))

    def vjp1(self, g, node):
        a, b = node.inputs
        negative = g * -(-a).relu()
        beside = self._beside(a, b)
        for axis in reversed(range(a.ndim)):
            if beside[axis] == 1:
                negative = negative.sum(axis)
        return negative.reshape(b.shape)

    @staticmethod
    def _channels(a):
        return a.shape[min(a.ndim - 1, 1)] if a.ndim else 1

    def _beside(self, a, b):
        """The shape in which b broadcasts along the channels of a."""
        channels = min(a.ndim - 1, 1)
        return tuple([b.size if axis == channels else 1 for axis in range(a.ndim)])


@register
class ELU(Activation):
    """a where it is positive, else alpha (exp(a) - 1).

    >>> from needle_edu import Tensor, ops
    >>> ops.elu(Tensor([-1.0, 2.0])).numpy().round(4)
    array([-0.6321,  2.    ], dtype=float32)
    """

    name = symbol = kind = "elu"
    formula = r"y = a\ \text{where}\ a > 0,\ \text{else}\ \alpha\,(e^a - 1)"
    vjp_formulas = (r"\bar{a} = \bar{y}\ \text{where}\ a > 0,\ \text{else}\ \alpha\,\bar{y} \odot e^a",)
    samples = staticmethod(sampling.unary(alpha=1.5))

    def __init__(self, alpha=1.0):
        self.alpha = plain_number(self.name, alpha)
        self.numbers = (self.alpha, 1.0, 1.0)


@register
class CELU(Activation):
    """a where it is positive, else alpha (exp(a / alpha) - 1): an elu whose derivative is 1 at 0 for every alpha.

    >>> from needle_edu import Tensor, ops
    >>> ops.celu(Tensor([-1.0, 2.0]), 0.5).numpy().round(4)
    array([-0.4323,  2.    ], dtype=float32)
    """

    name, symbol, kind = "celu", "celu", "elu"
    formula = r"y = a\ \text{where}\ a > 0,\ \text{else}\ \alpha\,(e^{a/\alpha} - 1)"
    vjp_formulas = (r"\bar{a} = \bar{y}\ \text{where}\ a > 0,\ \text{else}\ \bar{y} \odot e^{a/\alpha}",)
    samples = staticmethod(sampling.unary(alpha=1.5))

    def __init__(self, alpha=1.0):
        self.alpha = plain_number(self.name, alpha)
        if not self.alpha > 0:
            raise NeedleError(f"celu: alpha is a number above 0, got {alpha}")
        self.numbers = (self.alpha, 1 / self.alpha, 1.0)


@register
class SELU(Activation):
    """An elu times a number, both such that mean 0 and variance 1 stay what they are through many layers.

    Reference: G. Klambauer et al., "Self-normalizing neural networks", 2017.

    >>> from needle_edu import Tensor, ops
    >>> ops.selu(Tensor([-1.0, 2.0])).numpy().round(4)
    array([-1.1113,  2.1014], dtype=float32)
    """

    name, symbol, kind = "selu", "selu", "elu"
    formula = r"y = \lambda\,(a\ \text{where}\ a > 0,\ \text{else}\ \alpha\,(e^a - 1))"
    vjp_formulas = (r"\bar{a} = \lambda\,\bar{y} \odot (1\ \text{where}\ a > 0,\ \text{else}\ \alpha\,e^a)",)
    samples = staticmethod(sampling.unary())
    numbers = (1.0507009873554805 * 1.6732632423543772, 1.0, 1.0507009873554805)


@register
class Hardtanh(Activation):
    """a, but at least `low` and at most `high`; the derivative at these bounds is 0.

    >>> from needle_edu import Tensor, ops
    >>> ops.hardtanh(Tensor([-3.0, 0.5, 2.0]))
    Tensor([-1. ,  0.5,  1. ], op=hardtanh)
    """

    name = symbol = kind = "hardtanh"
    formula = r"y = \min(\max(a, \text{low}), \text{high})"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot [\text{low} < a < \text{high}]",)

    @staticmethod
    def samples(rng):
        return [({"low": -1.07, "high": 1.03}, inputs) for _, inputs in sampling.unary()(rng)]

    def __init__(self, low=-1.0, high=1.0):
        self.low, self.high = plain_number(self.name, low), plain_number(self.name, high)
        if not self.low <= self.high:
            raise NeedleError(f"hardtanh: low is not above high, got low={low}, high={high}")
        self.numbers = (self.low, self.high)


@register
class ReLU6(Activation):
    """The rectifier, level from 6 on; the derivative at 0 and 6 is 0.

    >>> from needle_edu import Tensor, ops
    >>> ops.relu6(Tensor([-1.0, 2.0, 8.0]))
    Tensor([0., 2., 6.], op=relu6)
    """

    name, symbol, kind = "relu6", "relu6", "hardtanh"
    formula = r"y = \min(\max(a, 0), 6)"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot [0 < a < 6]",)
    samples = staticmethod(sampling.unary())
    numbers = (0.0, 6.0)


@register
class Hardsigmoid(Activation):
    """relu6(a + 3) / 6: sigmoid made of straight lines. The derivative is 0 at -3 and 3.

    >>> from needle_edu import Tensor, ops
    >>> ops.hardsigmoid(Tensor([-4.0, 0.0, 1.5, 4.0]))
    Tensor([0.  , 0.5 , 0.75, 1.  ], op=hardsigmoid)
    """

    name = symbol = kind = "hardsigmoid"
    formula = r"y = \min(\max(a + 3, 0), 6) / 6"
    vjp_formulas = (r"\bar{a} = \bar{y} / 6 \odot [-3 < a < 3]",)
    samples = staticmethod(sampling.unary())


@register
class Hardswish(Activation):
    """a relu6(a + 3) / 6: silu made of straight lines and a parabola. The derivative is 0 at -3, 1 at 3.

    >>> from needle_edu import Tensor, ops
    >>> ops.hardswish(Tensor([-4.0, 0.0, 1.5, 4.0]))
    Tensor([-0.   ,  0.   ,  1.125,  4.   ], op=hardswish)
    """

    name = symbol = kind = "hardswish"
    formula = r"y = a \odot \min(\max(a + 3, 0), 6) / 6"
    vjp_formulas = (
        r"\bar{a} = \bar{y} \odot (a/3 + 1/2\ \text{between},\ 0\ \text{left},\ 1\ \text{right})",
    )
    samples = staticmethod(sampling.unary())
