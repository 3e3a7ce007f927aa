"""The cross-entropy with probabilities as targets, as one op, and its vjp.

Where labels say which class is right, `cross_entropy` takes one logarithm of each row; a target that is a distribution
(a teacher's probabilities, mixed images) takes all of them.
"""

import math

from needle_edu.autograd.arrays import NeedleError, enter, xp
from needle_edu.autograd.op import BinaryOp, TensorOp
from needle_edu.autograd.registry import register, slot
from needle_edu.autograd.value import Value

from .constants import constant, expand
from .losses import REDUCTIONS, class_axis

_BACKWARD, _SOFTMAX, _LOGSOFTMAX = slot("soft_cross_entropy_backward"), slot("softmax"), slot("logsoftmax")


class _SoftTargets(TensorOp):
    """What both directions have in common: the options."""

    def __init__(self, weight=None, label_smoothing=0.0, reduction="mean"):
        if not isinstance(label_smoothing, (int, float)) or not 0 <= label_smoothing <= 1:
            raise NeedleError(f"{self.name}: label_smoothing lies between 0 and 1, got {label_smoothing!r}")
        if reduction not in REDUCTIONS:
            raise NeedleError(f"{self.name}: reduction is 'none', 'mean' or 'sum', got {reduction!r}")
        if weight is not None:
            is_ours = isinstance(weight, Value)
            weight = weight.realize_cached_data() if is_ours else weight
            weight = enter(weight, dtype=None if is_ours else "float64", operation=self.name)
        self.weight, self.label_smoothing, self.reduction = weight, float(label_smoothing), reduction

    def _options(self, a):
        """The options as the kernels take them, for logits `a`."""
        weight = self.weight
        weight = weight if weight is None or weight.dtype == a.dtype else xp.astype(weight, a.dtype)
        return weight, self.label_smoothing, self.reduction

    def _of_rows(self, g, a):
        """The adjoint of the result, divided by what a mean divides by, for every element of the logits."""
        axis = class_axis(a)
        if self.reduction == "none":
            return expand(g, axis, a.shape)
        rows = math.prod(a.shape) // a.shape[axis]
        return expand(g, None, a.shape) * (1 / rows if self.reduction == "mean" and rows else 1)

    def _weighted(self, x, a):
        """`x` times the weights of the classes."""
        if self.weight is None:
            return x
        along = [n if d == class_axis(a) else 1 for d, n in enumerate(a.shape)]
        weight = constant(xp.reshape(self._options(a)[0], tuple(along)))
        return x * weight.broadcast_to(a.shape)


def _each(attributes) -> bool:
    return attributes.get("reduction") == "none"


def _cases(rng):
    w = rng.uniform(0.5, 2, size=3)
    a, b = rng.normal(size=(4, 3)), rng.normal(size=(2, 3, 2))
    q, r = rng.uniform(size=a.shape), rng.uniform(size=b.shape)
    return [
        ({}, (a, q)),
        ({"reduction": "none"}, (a, q)),
        ({"weight": w, "label_smoothing": 0.1}, (a, q)),
        ({"weight": w, "reduction": "sum"}, (b, r)),
        ({"label_smoothing": 0.3, "reduction": "none"}, (b, r)),
        ({}, (a[0], q[0])),
    ]


@register
class SoftCrossEntropy(BinaryOp, _SoftTargets):
    """The cross-entropy between targets that are probabilities and the softmax of logits.

    Logits and targets have one shape: (classes,), (N, classes) or (N, classes, d1, …). `weight` has a number for each
    class. `label_smoothing` s makes (1 - s) q + s / classes of a target q. The mean divides by the number of rows,
    whatever the weights, as in PyTorch. That the targets of a row add up to 1 is not checked.

    Raises ShapeError if shapes do not belong together.

    >>> from needle_edu import Tensor, ops
    >>> ops.soft_cross_entropy(Tensor([[0.0, 0.0]]), Tensor([[0.3, 0.7]])).numpy().round(4)       # log 2
    array([0.6931], dtype=float32)
    """

    name, symbol = "soft_cross_entropy", "−Σ q ln p"
    formula = r"y = -\frac1n \sum b \ln p,\ p = \operatorname{softmax} a"
    vjp_formulas = (r"\bar{a} = \frac{\bar{y}}{n}\,(p \sum b - b)", r"\bar{b} = -\frac{\bar{y}}{n}\,\ln p")
    vjp_reads = ("ab", "a")
    samples = staticmethod(_cases)

    def compute(self, a, b):
        return xp.soft_cross_entropy(a, b, *self._options(a))

    def vjp0(self, g, node):
        return _BACKWARD.cls(self.weight, self.label_smoothing, self.reduction).apply(g, *node.inputs)

    def vjp1(self, g, node):
        a = node.inputs[0]
        log_p = _LOGSOFTMAX.cls(class_axis(a)).apply(a)
        return self._weighted(self._of_rows(g, a) * log_p, a) * (self.label_smoothing - 1)


@register
class SoftCrossEntropyBackward(_SoftTargets):
    """The vjp of soft_cross_entropy to the logits: softmax times the sum of the targets, minus the targets.

    >>> from needle_edu import Tensor, ops
    >>> ops.soft_cross_entropy_backward(Tensor([1.0]), Tensor([[0.0, 0.0]]), Tensor([[0.25, 0.75]])).numpy()
    array([[ 0.25, -0.25]], dtype=float32)
    """

    name, symbol = "soft_cross_entropy_backward", "p − q"
    formula = r"y = \frac{a}{n}\,(p \sum c - c),\ p = \operatorname{softmax} b"
    vjp_formulas = (
        r"\bar{a} = \frac1n \sum \bar{y} \odot (p \sum c - c)",
        r"\bar{b} = \frac{a}{n}\,\sum c\ p \odot (\bar{y} - \sum \bar{y} \odot p)",
        r"\bar{c} = \frac{a}{n}\,(\sum \bar{y} \odot p - \bar{y})",
    )
    vjp_reads = ("abc", "abc", "ab")

    @staticmethod
    def samples(rng):
        return [
            (attrs, (rng.normal(size=a.sum(class_axis(a)).shape if _each(attrs) else 1), a, q))
            for attrs, (a, q) in _cases(rng)
        ]

    def compute(self, g, a, targets):
        return xp.soft_cross_entropy_backward(g, a, targets, *self._options(a))

    def vjp0(self, g, node):
        incoming, a, targets = node.inputs
        of_one = self.apply(incoming.ones_like().detach(), a, targets)
        if self.reduction == "none":
            return (g * of_one).sum(class_axis(a))
        return (g * of_one).sum().reshape(incoming.shape)

    def vjp1(self, g, node):
        incoming, a, targets = node.inputs
        axis, classes = class_axis(a), a.shape[class_axis(a)]
        p = _SOFTMAX.cls(axis).apply(a)
        q = targets * (1 - self.label_smoothing) + self.label_smoothing / classes
        total = expand(self._weighted(q, a).sum(axis), axis, a.shape)
        return self._of_rows(incoming, a) * total * p * (g - expand((g * p).sum(axis), axis, a.shape))

    def vjp2(self, g, node):
        incoming, a, _ = node.inputs
        axis = class_axis(a)
        p = _SOFTMAX.cls(axis).apply(a)
        apart = expand((g * p).sum(axis), axis, a.shape) - g
        return self._weighted(self._of_rows(incoming, a) * apart, a) * (1 - self.label_smoothing)
