"""Losses that are one op: the softmax cross-entropy, the negative log-likelihood, the binary one, and Huber's.

Softmax, logarithm and the choice of the right class are three passes over the logits; as one op they are one. The
gradient is the difference between what the network says and what is right, p - q. The other losses are made of
ordinary ops, in `needle_edu.nn`.
"""

import numpy as np

from needle_edu.autograd.arrays import NeedleError, enter, xp
from needle_edu.autograd.op import BinaryOp, TensorOp
from needle_edu.autograd.registry import register, slot
from needle_edu.autograd.value import Value
from needle_edu.backend.arguments import integer
from needle_edu.ndarray.layout import as_shape

from . import sampling
from .constants import constant, expand, plain_number
from .slopes import Activation

_BACKWARD, _SOFTMAX = slot("cross_entropy_backward"), slot("softmax")
_LIKELIHOOD, _LIKELIHOOD_BACKWARD = slot("nll_loss"), slot("nll_loss_backward")
_MAXIMUM = slot("maximum")
REDUCTIONS = ("none", "mean", "sum")


class _OfLabels(TensorOp):
    """What losses of class numbers have in both directions: the options."""

    def _set_options(self, weight, ignore_index, reduction) -> None:
        if reduction not in REDUCTIONS:
            raise NeedleError(f"{self.name}: reduction is 'none', 'mean' or 'sum', got {reduction!r}")
        if ignore_index is not None:
            ignore_index = integer(self.name, "ignore_index", ignore_index)
        if weight is not None:
            is_ours = isinstance(weight, Value)
            weight = weight.realize_cached_data() if is_ours else weight
            weight = enter(weight, dtype=None if is_ours else "float64", operation=self.name)
        self.weight = weight
        self.ignore_index = ignore_index
        self.reduction = reduction

    def _weight_for(self, a):
        """The weights in the dtype of `a`."""
        weight = self.weight
        return weight if weight is None or weight.dtype == a.dtype else xp.astype(weight, a.dtype)


class _CrossEntropy(_OfLabels):
    def __init__(self, weight=None, label_smoothing=0.0, ignore_index=-100, reduction="mean"):
        if not isinstance(label_smoothing, (int, float)) or not 0 <= label_smoothing <= 1:
            raise NeedleError(f"{self.name}: label_smoothing lies between 0 and 1, got {label_smoothing!r}")
        self._set_options(weight, ignore_index, reduction)
        self.label_smoothing = label_smoothing

    def _options(self, a):
        """The options as the kernels take them, for logits `a`."""
        return self._weight_for(a), self.label_smoothing, self.ignore_index, self.reduction


def _cases(rng):
    y, many, w = np.array([0, 2, 1, 2]), np.array([[0, 2], [1, -100]]), np.array([0.5, 2.0, 1.0])
    a, b = rng.normal(size=(4, 3)), rng.normal(size=(2, 3, 2))
    return [
        ({}, (a, y)),
        ({"reduction": "none"}, (a, y)),
        ({"weight": w, "label_smoothing": 0.1, "ignore_index": 2}, (a, y)),
        ({"weight": w, "reduction": "sum"}, (b, many)),
        ({"label_smoothing": 0.3, "reduction": "none"}, (b, many)),
        ({}, (a[0], np.array(1))),
    ]


@register
class CrossEntropy(BinaryOp, _CrossEntropy):
    """The cross-entropy between labels and the softmax of logits: how surprised a classifier is by the right answer.

    Logits have shape (classes,), (N, classes) or (N, classes, d1, …), labels that shape without the classes; they
    are whole numbers from 0 to classes - 1, integers or floats, or `ignore_index`, which counts for nothing (None: no
    number does). `weight` has a number for each class. `label_smoothing` s takes 1 - s for the right class and spreads
    s evenly over all. The mean divides by the sum of the labels' weights.

    Raises ShapeError if shapes do not belong together, IndexOutOfRange if a label is no class.

    >>> from needle_edu import Tensor, ops
    >>> ops.cross_entropy(Tensor([[0.0, 0.0], [0.0, 0.0]]), Tensor([0, 1])).numpy().round(4)      # log 2
    array([0.6931], dtype=float32)
    """

    name, symbol = "cross_entropy", "−Σ q ln p"
    formula = r"y = -\frac1n \sum q \ln p,\ p = \operatorname{softmax} a,\ q = \operatorname{onehot} b"
    vjp_formulas = (r"\bar{a} = \frac{\bar{y}}{n}\,(p - q)", "")
    vjp_reads = ("ab", "")
    vjps_on_arrays = True
    samples = staticmethod(_cases)

    def compute(self, a, b):
        return xp.cross_entropy(a, b, *self._options(a))

    def vjp0(self, g, node):
        backward = _BACKWARD.cls(self.weight, self.label_smoothing, self.ignore_index, self.reduction)
        return backward.of(g, *node.inputs)

    vjp1 = None  # a class number has no derivative


@register
class CrossEntropyBackward(_CrossEntropy):
    """The vjp of cross_entropy: softmax minus the one-hot labels, times the adjoint.

    >>> from needle_edu import Tensor, ops
    >>> ops.cross_entropy_backward(Tensor([1.0]), Tensor([[0.0, 0.0]]), Tensor([1])).numpy()
    array([[ 0.5, -0.5]], dtype=float32)
    """

    name, symbol = "cross_entropy_backward", "p − q"
    formula = r"y = \frac{a}{n}\,(p - q),\ p = \operatorname{softmax} b,\ q = \operatorname{onehot} c"
    vjp_formulas = (
        r"\bar{a} = \frac1n \sum \bar{y} \odot (p - q)",
        r"\bar{b} = \frac{a}{n}\,p \odot (\bar{y} - \sum \bar{y} \odot p)",
        "",
    )
    vjp_reads = ("abc", "abc", "")

    @staticmethod
    def samples(rng):
        each = [(attrs, a, y) for attrs, (a, y) in _cases(rng)]
        return [
            (attrs, (rng.normal(size=y.shape if attrs.get("reduction") == "none" else (1,)), a, y))
            for attrs, a, y in each
        ]

    def compute(self, g, a, labels):
        return xp.cross_entropy_backward(g, a, labels, *self._options(a))

    def vjp0(self, g, node):
        incoming, a, labels = node.inputs
        of_one = self.apply(incoming.ones_like().detach(), a, labels)
        if self.reduction == "none":
            return (g * of_one).sum(class_axis(a))
        return (g * of_one).sum().reshape(incoming.shape)

    def vjp1(self, g, node):
        incoming, a, labels = node.inputs
        axis = class_axis(a)
        p = _SOFTMAX.cls(axis).apply(a)
        sizes = constant(self._sizes(a.realize_cached_data(), labels.realize_cached_data()))
        incoming = incoming if self.reduction == "none" else expand(incoming, None, labels.shape)
        rows = expand(incoming * sizes, axis, a.shape)
        return rows * p * (g - expand((g * p).sum(axis), axis, a.shape))

    vjp2 = None

    def _sizes(self, a, labels):
        """For each row the sum of its weighted q, divided by what the mean divides by; 0 for an ignored row."""
        used = xp.ones_like(labels) == 1 if self.ignore_index is None else labels != self.ignore_index
        own = xp.astype(used, a.dtype)
        every = 1.0
        if self.weight is not None:
            weight = self._options(a)[0]
            every = xp.mean(weight)
            safe = xp.astype(xp.where(used, labels, xp.zeros_like(labels)), "int64")
            own = own * xp.reshape(xp.take(weight, xp.reshape(safe, (-1,)), axis=0), labels.shape)
        sizes = (1 - self.label_smoothing) * own + self.label_smoothing * every * xp.astype(used, a.dtype)
        return sizes / xp.sum(own) if self.reduction == "mean" else sizes


def class_axis(a) -> int:
    """The axis of the classes: the last of one example's logits, the second of a batch's."""
    return 0 if len(a.shape) == 1 else 1


def _likelihood_cases(rng):
    return [
        ({name: value for name, value in attrs.items() if name != "label_smoothing"}, arrays)
        for attrs, arrays in _cases(rng)
    ]


@register
class NegativeLogLikelihood(BinaryOp, _OfLabels):
    """Minus the logarithm of the right class's probability, from logarithms: `cross_entropy` without its softmax.

    Logarithms of probabilities have shape (classes,), (N, classes) or (N, classes, d1, …); labels and options are those
    of `cross_entropy`.

    Raises ShapeError if shapes do not belong together, IndexOutOfRange if a label is no class.

    >>> from needle_edu import Tensor, ops
    >>> ops.nll_loss(Tensor([[-0.5, -1.0], [-2.0, -0.25]]), Tensor([0, 1]))
    Tensor([0.375], op=nll_loss)
    """

    name, symbol = "nll_loss", "−ln p"
    formula = r"y = -\frac1n \sum q\,a,\ q = \operatorname{onehot} b"
    vjp_formulas = (r"\bar{a} = -\frac{\bar{y}}{n}\,q", "")
    vjp_reads = ("b", "")
    vjps_on_arrays = True
    samples = staticmethod(_likelihood_cases)

    def __init__(self, weight=None, ignore_index=-100, reduction="mean"):
        self._set_options(weight, ignore_index, reduction)

    def compute(self, a, b):
        return xp.nll_loss(a, b, self._weight_for(a), self.ignore_index, self.reduction)

    def vjp0(self, g, node):
        a, labels = node.inputs
        backward = _LIKELIHOOD_BACKWARD.cls(a.shape, self.weight, self.ignore_index, self.reduction)
        return backward.of(g, labels)

    vjp1 = None


@register
class NegativeLogLikelihoodBackward(BinaryOp, _OfLabels):
    """The vjp of nll_loss for an input of this shape: zeros, and at each label minus its share of the adjoint.

    >>> from needle_edu import Tensor, ops
    >>> ops.nll_loss_backward(Tensor([1.0]), Tensor([1]), shape=(1, 3)).numpy()
    array([[ 0., -1.,  0.]], dtype=float32)
    """

    name, symbol = "nll_loss_backward", "−q"
    formula = r"y = -\frac{a}{n}\,q,\ q = \operatorname{onehot} b"
    vjp_formulas = (r"\bar{a} = -\frac1n \sum \bar{y} \odot q", "")
    vjp_reads = ("b", "")

    def __init__(self, shape, weight=None, ignore_index=-100, reduction="mean"):
        self.shape = as_shape(shape, self.name)
        self._set_options(weight, ignore_index, reduction)

    @staticmethod
    def samples(rng):
        return [
            (
                attrs | {"shape": a.shape},
                (rng.normal(size=y.shape if attrs.get("reduction") == "none" else (1,)), y),
            )
            for attrs, (a, y) in _likelihood_cases(rng)
        ]

    def compute(self, a, b):
        return xp.nll_loss_backward(a, b, self.shape, self._weight_for(a), self.ignore_index, self.reduction)

    def vjp0(self, g, node):
        forward = _LIKELIHOOD.cls(self.weight, self.ignore_index, self.reduction)
        return forward.apply(g, node.inputs[1]).reshape(node.inputs[0].shape)

    vjp1 = None


@register
class Huber(Activation):
    """Half the square of an error up to delta, straight from there on; all times a factor.

    With factor 1 it is the Huber loss, with 1 / delta the smooth L1 loss.

    >>> from needle_edu import Tensor, ops
    >>> ops.huber(Tensor([0.5, -3.0]))
    Tensor([0.125, 2.5  ], op=huber)
    """

    name = symbol = kind = "huber"
    formula = r"y = c\,(a^2 / 2\ \text{where}\ |a| \le \delta,\ \text{else}\ \delta\,(|a| - \delta / 2))"
    vjp_formulas = (r"\bar{a} = c\,\bar{y} \odot \min(\max(a, -\delta), \delta)",)
    samples = staticmethod(sampling.unary(delta=1.07, factor=0.5))

    def __init__(self, delta=1.0, factor=1.0):
        self.delta, self.factor = plain_number(self.name, delta), plain_number(self.name, factor)
        if not self.delta > 0:
            raise NeedleError(f"huber: delta is a number above 0, got {delta}")
        self.numbers = (self.delta, self.factor)


@register
class BinaryCrossEntropy(BinaryOp):
    """The cross-entropy of each probability a with its target b: -b ln a - (1 - b) ln(1 - a).

    A logarithm counts at least as -100, and the gradient divides by at least 1e-12, as in PyTorch: what is certain
    and wrong loses 100, not infinitely much.

    >>> from needle_edu import Tensor, ops
    >>> ops.binary_cross_entropy(Tensor([0.5, 0.0]), Tensor([1.0, 1.0])).numpy().round(4)
    array([  0.6931, 100.    ], dtype=float32)
    """

    name, symbol = "binary_cross_entropy", "−t ln p"
    formula = r"y = -b \ln a - (1 - b) \ln(1 - a)"
    vjp_formulas = (
        r"\bar{a} = \bar{y} \odot \frac{a - b}{a\,(1 - a)}",
        r"\bar{b} = \bar{y} \odot \ln\frac{1 - a}{a}",
    )
    vjp_reads = ("ab", "a")
    samples = staticmethod(sampling.binary(0.2, 0.8))

    def compute(self, a, b):
        wrong = xp.maximum(xp.log(a), -100.0) * b
        return -(wrong + xp.maximum(xp.log(1.0 - a), -100.0) * (1.0 - b))

    def vjp0(self, g, node):
        a, b = node.inputs
        return (
            g
            * (a - b)
            / _MAXIMUM.instance.apply(a * (a * -1 + 1), constant(xp.full((), 1e-12, dtype=a.dtype)))
        )

    def vjp1(self, g, node):
        a = node.inputs[0]
        least = constant(xp.full((), -100.0, dtype=a.dtype))
        right = _MAXIMUM.instance.apply((a * -1 + 1).log(), least)
        return g * (right - _MAXIMUM.instance.apply(a.log(), least))
