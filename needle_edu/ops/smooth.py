"""Smooth activation functions, and what they are made of: erf, gelu, silu, softplus and its kin, softsign, logaddexp.

They bend like relu or tanh, but without a kink. All keep the shape of their tensor. gelu and silu have derivatives of
their own as ops, one kernel each, as in activations.py; those of the others are in slopes.py.
"""

from math import pi, sqrt

from needle_edu.autograd.arrays import NeedleError, xp
from needle_edu.autograd.op import BinaryOp, UnaryOp
from needle_edu.autograd.registry import register, slot

from . import sampling
from .constants import constant, plain_number
from .slopes import Activation

_GELU_BACKWARD, _SILU_BACKWARD = slot("gelu_backward"), slot("silu_backward")
_BACKWARD, _WHERE = slot("activation_backward"), slot("where")


@register
class Erf(UnaryOp):
    """The error function: the part of a normal distribution of variance 1/2 that lies between -a and a.

    >>> from needle_edu import Tensor, ops
    >>> ops.erf(Tensor([0.0, 1.0])).numpy().round(4)
    array([0.    , 0.8427], dtype=float32)
    """

    name = symbol = "erf"
    method = True
    formula = r"y = \frac{2}{\sqrt\pi} \int_0^a e^{-t^2} dt"
    vjp_formulas = (r"\bar{a} = \frac{2}{\sqrt\pi}\,\bar{y} \odot e^{-a^2}",)
    vjp_reads = ("a",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.erf(a)

    def vjp0(self, g, node):
        a = node.inputs[0]
        return g * (-(a * a)).exp() * (2 / sqrt(pi))


@register
class GELU(UnaryOp):
    r"""Every element times the probability :math:`\Phi` that a standard normal number is smaller.

    ``approximate="tanh"`` gives the approximation :math:`a\,\sigma(2\sqrt{2/\pi}\,(a + 0.044715 a^3))`, which GPT-2
    was trained with.

    >>> from needle_edu import Tensor, ops
    >>> ops.gelu(Tensor([-1.0, 0.0, 1.0])).numpy().round(4)
    array([-0.1587,  0.    ,  0.8413], dtype=float32)
    """

    name = symbol = "gelu"
    formula = r"y = a \odot \Phi(a)"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot (\Phi(a) + a\,\Phi'(a))",)
    vjp_reads = ("a",)
    vjps_on_arrays = True

    @staticmethod
    def samples(rng):
        return [*sampling.unary()(rng), *sampling.unary(approximate="tanh")(rng)]

    def __init__(self, approximate="none"):
        if approximate not in ("none", "tanh"):
            raise NeedleError(f"gelu: approximate is 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate

    def compute(self, a):
        return xp.gelu(a) if self.approximate == "none" else xp.activation("gelu_tanh", a)

    def vjp0(self, g, node):
        a = node.inputs[0]
        if self.approximate == "none":
            return _GELU_BACKWARD.instance.of(g, a)
        return _BACKWARD.cls("gelu_tanh").of(g, a)


@register
class GELUBackward(BinaryOp):
    """The vjp of gelu (not of its approximation).

    >>> from needle_edu import Tensor, ops
    >>> ops.gelu_backward(Tensor([1.0]), Tensor([0.0])).numpy().round(4)
    array([0.5], dtype=float32)
    """

    name, symbol = "gelu_backward", "gelu′"
    formula = r"y = g \odot (\Phi(b) + b\,\Phi'(b))"
    vjp_formulas = (
        r"\bar{g} = \bar{y} \odot (\Phi(b) + b\,\Phi'(b))",
        r"\bar{b} = \bar{y} \odot g \odot \Phi'(b) \odot (2 - b^2)",
    )
    vjp_reads = ("b", "ab")

    @staticmethod
    def samples(rng):
        return [({}, (rng.normal(size=(2, 3)), rng.normal(size=(2, 3))))]

    def compute(self, g, a):
        return xp.gelu_backward(g, a)

    def vjp0(self, g, node):
        return _GELU_BACKWARD.instance.apply(g, node.inputs[1])

    def vjp1(self, g, node):
        incoming, a = node.inputs
        density = (a * a * -0.5).exp() * (1 / sqrt(2 * pi))
        return g * incoming * density * (a * a * -1 + 2)


@register
class SiLU(UnaryOp):
    """Every element times its sigmoid; also called swish.

    >>> from needle_edu import Tensor, ops
    >>> ops.silu(Tensor([-1.0, 0.0, 1.0])).numpy().round(4)
    array([-0.2689,  0.    ,  0.7311], dtype=float32)
    """

    name = symbol = "silu"
    formula = r"y = a \odot \sigma(a)"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot \sigma(a) \odot (1 + a\,\sigma(-a))",)
    vjp_reads = ("a",)
    vjps_on_arrays = True
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return xp.silu(a)

    def vjp0(self, g, node):
        return _SILU_BACKWARD.instance.of(g, node.inputs[0])


@register
class SiLUBackward(BinaryOp):
    """The vjp of silu.

    >>> from needle_edu import Tensor, ops
    >>> ops.silu_backward(Tensor([1.0]), Tensor([0.0]))
    Tensor([0.5], op=silu_backward)
    """

    name, symbol = "silu_backward", "silu′"
    formula = r"y = g \odot s \odot (1 + b\,(1 - s)),\ s = \sigma(b)"
    vjp_formulas = (
        r"\bar{g} = \bar{y} \odot s \odot (1 + b\,(1 - s))",
        r"\bar{b} = \bar{y} \odot g \odot s\,(1 - s)\,(2 + b\,(1 - 2s))",
    )
    vjp_reads = ("b", "ab")

    @staticmethod
    def samples(rng):
        return [({}, (rng.normal(size=(2, 3)), rng.normal(size=(2, 3))))]

    def compute(self, g, a):
        return xp.silu_backward(g, a)

    def vjp0(self, g, node):
        return _SILU_BACKWARD.instance.apply(g, node.inputs[1])

    def vjp1(self, g, node):
        incoming, a = node.inputs
        s = a.sigmoid()
        return g * incoming * s * (s * -1 + 1) * (a * (s * -2 + 1) + 2)


@register
class Softplus(UnaryOp):
    """ln(1 + exp(beta a)) / beta, a smooth relu; never rounded to a or 0 before it is so close.

    With a `threshold` it is a itself where beta a is above it, as PyTorch's, whose threshold is 20.

    >>> from needle_edu import Tensor, ops
    >>> ops.softplus(Tensor([-1.0, 0.0, 1.0])).numpy().round(4)
    array([0.3133, 0.6931, 1.3133], dtype=float32)
    """

    name = symbol = "softplus"
    formula = r"y = \frac1\beta \ln(1 + e^{\beta a})"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot \sigma(\beta a)",)
    vjp_reads = ("a",)
    vjps_on_arrays = True

    @staticmethod
    def samples(rng):
        with_threshold = sampling.unary(beta=1.5, threshold=0.5)
        return [*sampling.unary()(rng), *sampling.unary(beta=1.5)(rng), *with_threshold(rng)]

    def __init__(self, beta=1.0, threshold=None):
        if not isinstance(beta, (int, float)) or not beta > 0:
            raise NeedleError(f"softplus: beta is a number above 0, got {beta!r}")
        self.beta = beta
        self.threshold = None if threshold is None else plain_number(self.name, threshold)
        self.vjps_on_arrays = threshold is None

    def compute(self, a):
        y = xp.softplus(a) if self.beta == 1 else xp.activation("softplus", a, self.beta)
        return y if self.threshold is None else xp.where(a * self.beta > self.threshold, a, y)

    def vjp0(self, g, node):
        a = node.inputs[0]
        bent = _BACKWARD.cls("softplus", self.beta).of(g, a)
        if self.threshold is None:
            return bent
        straight = constant(a.realize_cached_data() * self.beta > self.threshold)
        return _WHERE.instance.apply(straight, g, bent)


@register
class LogSigmoid(Activation):
    """The logarithm of sigmoid, -ln(1 + exp(-a)), which loses no digits where sigmoid is 0 or 1.

    >>> from needle_edu import Tensor, ops
    >>> ops.logsigmoid(Tensor([-1000.0, 0.0])).numpy().round(4)
    array([-1.000e+03, -6.931e-01], dtype=float32)
    """

    name, symbol, kind = "logsigmoid", "ln σ", "logsigmoid"
    formula = r"y = -\ln(1 + e^{-a})"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot \sigma(-a)",)
    samples = staticmethod(sampling.unary())


@register
class Mish(Activation):
    """a tanh(softplus(a)): like silu, a little steeper.

    Reference: D. Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020.

    >>> from needle_edu import Tensor, ops
    >>> ops.mish(Tensor([-1.0, 0.0, 1.0])).numpy().round(4)
    array([-0.3034,  0.    ,  0.8651], dtype=float32)
    """

    name = symbol = kind = "mish"
    formula = r"y = a \odot \tanh \ln(1 + e^a)"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot (w + a\,(1 - w^2)\,\sigma(a)),\ w = \tanh \ln(1 + e^a)",)
    samples = staticmethod(sampling.unary())


@register
class Softsign(Activation):
    """a / (1 + |a|): like tanh, but slower to reach -1 and 1.

    >>> from needle_edu import Tensor, ops
    >>> ops.softsign(Tensor([-1.0, 0.0, 3.0]))
    Tensor([-0.5 ,  0.  ,  0.75], op=softsign)
    """

    name = symbol = kind = "softsign"
    formula = r"y = a / (1 + |a|)"
    vjp_formulas = (r"\bar{a} = \bar{y} / (1 + |a|)^2",)
    samples = staticmethod(sampling.unary())


@register
class LogAddExp(BinaryOp):
    """ln(exp(a) + exp(b)) without overflow: the sum of two numbers that are given by their logarithms.

    >>> from needle_edu import Tensor, ops
    >>> ops.logaddexp(Tensor([0.0, 1e4]), Tensor([0.0, 0.0])).numpy().round(4)
    array([6.931e-01, 1.000e+04], dtype=float32)
    """

    name = symbol = "logaddexp"
    method = True
    formula = r"y = \ln(e^a + e^b)"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot \sigma(a - b)", r"\bar{b} = \bar{y} \odot \sigma(b - a)")
    vjp_reads = ("ab", "ab")
    samples = staticmethod(sampling.binary())

    def compute(self, a, b):
        difference = xp.where(a == b, 0.0, a - b)  # of equal infinities it would be nan
        return xp.maximum(a, b) + xp.softplus(-xp.abs(difference))

    def vjp0(self, g, node):
        a, b = node.inputs
        return g * (a - b).sigmoid()

    def vjp1(self, g, node):
        a, b = node.inputs
        return g * (b - a).sigmoid()
