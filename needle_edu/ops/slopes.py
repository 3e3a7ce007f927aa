"""The slopes of activation functions that take numbers: one op for all of them, which is the vjp of each.

An activation in piecewise.py, shrinking.py or smooth.py says its `kind` and its numbers; its value is one kernel, and
so is an adjoint times its slope. What is written here in tensor operations is the derivative of the slope.
"""

from math import pi, sqrt
from typing import Any

from needle_edu.autograd.arrays import NeedleError, xp
from needle_edu.autograd.op import BinaryOp, UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.backend.activations import KINDS

from . import sampling
from .constants import constant

_BACKWARD = slot("activation_backward")
_CUBIC, _STEEPNESS = 0.044715, 2 * sqrt(2 / pi)  # gelu's tanh form


class Activation(UnaryOp):
    """Base of an activation of a `kind` of needle_edu/backend/activations.py, with up to three numbers."""

    kind = ""
    numbers: tuple[Any, ...] = ()
    vjp_reads = ("a",)
    vjps_on_arrays = True

    def compute(self, a):
        return xp.activation(self.kind, a, *self.numbers)

    def vjp0(self, g, node):
        return _BACKWARD.cls(self.kind, *self.numbers).of(g, node.inputs[0])


def _samples(rng):
    numbers = {
        "leaky_relu": (0.3,), "elu": (1.5, 0.5, 2.0), "hardtanh": (-1.07, 1.03), "hardshrink": (0.05,),
        "softshrink": (0.05,), "threshold": (0.05, 2.0), "softplus": (1.5,), "huber": (1.07, 0.5),
    }  # fmt: skip
    return [
        (
            dict(zip(("kind", "s", "t", "u"), (kind, *numbers.get(kind, ())), strict=False)),
            (rng.normal(size=(2, 3)), sampling.away_from_zero(rng, (2, 3), -2, 2)),
        )
        for kind in KINDS
    ]


@register
class ActivationBackward(BinaryOp):
    """The vjp of an activation with numbers: an adjoint times the slope at b. `kind` says which activation.

    >>> from needle_edu import Tensor, ops
    >>> ops.activation_backward(Tensor([10.0, 10.0]), Tensor([-1.0, 2.0]), "leaky_relu", 0.5)
    Tensor([ 5., 10.], op=activation_backward)
    """

    name, symbol = "activation_backward", "f′"
    formula = r"y = g \odot f'(b)"
    vjp_formulas = (r"\bar{g} = \bar{y} \odot f'(b)", r"\bar{b} = \bar{y} \odot g \odot f''(b)")
    vjp_reads = ("b", "ab")
    samples = staticmethod(_samples)

    def __init__(self, kind, s=0.0, t=0.0, u=0.0):
        if kind not in KINDS:
            raise NeedleError(f"activation_backward: kind is one of {', '.join(KINDS)}, got {kind!r}")
        self.kind, self.s, self.t, self.u = kind, s, t, u

    def compute(self, g, a):
        return xp.activation_backward(self.kind, g, a, self.s, self.t, self.u)

    def vjp0(self, g, node):
        return _BACKWARD.cls(self.kind, self.s, self.t, self.u).apply(g, node.inputs[1])

    def vjp1(self, g, node):
        incoming, a = node.inputs
        bend = _BENDS.get(self.kind)
        if bend is None:  # made of straight lines
            return constant(xp.zeros_like(a.realize_cached_data()))
        return g * incoming * bend(a, self)


def _elu(a, op):
    negative = constant(xp.astype(a.realize_cached_data() <= 0, a.dtype))
    return negative * (-(-a).relu() * op.t).exp() * (op.s * op.t * op.t)


def _hardswish(a, op):
    data = a.realize_cached_data()
    return constant(xp.astype(xp.logical_and(data > -3, data < 3), a.dtype) / 3)


def _huber(a, op):
    return constant(xp.astype(xp.abs(a.realize_cached_data()) <= op.s, a.dtype) * op.t)


def _softsign(a, op):
    return constant(xp.sign(a.realize_cached_data())) * -2 / (a.abs() + 1) ** 3


def _tanhshrink(a, op):
    t = a.tanh()
    return t * 2 * (t * t * -1 + 1)


def _softplus(a, op):
    s = (a * op.s).sigmoid()
    return s * (s * -1 + 1) * op.s


def _logsigmoid(a, op):
    s = a.sigmoid()
    return s * (s - 1)


def _mish(a, op):
    """y = a w, w = tanh(softplus(a)), and w' = (1 - w^2) s: y'' = 2 w' + a w''."""
    s = a.sigmoid()
    w = _SOFTPLUS.cls().apply(a).tanh()
    slope = (w * w * -1 + 1) * s
    return slope * 2 + a * slope * ((s * -1 + 1) - w * s * 2)


def _gelu_tanh(a, op):
    """y = a s, s = sigmoid(v), and s' = s (1 - s) v': y'' = 2 s' + a s''."""
    v = (a + a * a * a * _CUBIC) * _STEEPNESS
    slope = (a * a * (3 * _CUBIC) + 1) * _STEEPNESS
    s = v.sigmoid()
    first = s * (s * -1 + 1)
    second = first * ((s * -2 + 1) * slope * slope + a * (6 * _CUBIC * _STEEPNESS))
    return first * slope * 2 + a * second


_SOFTPLUS = slot("softplus")
_BENDS = {
    "elu": _elu, "hardswish": _hardswish, "softsign": _softsign, "tanhshrink": _tanhshrink, "softplus": _softplus,
    "logsigmoid": _logsigmoid, "huber": _huber, "mish": _mish, "gelu_tanh": _gelu_tanh,
}  # fmt: skip
