"""Spread and size: variance, standard deviation, and the norms of a vector.

As in reductions, `axes` is None (all), an int, or a tuple, and the reduced axes disappear unless
``keepdims=True``. `var` and `std` divide by n - correction; the default of 1 (Bessel's correction, as in PyTorch)
makes the variance of a sample an unbiased estimate, 0 is the variance of the numbers themselves (as in NumPy).
"""

import math
import warnings

import numpy as np

from needle_edu.autograd.arrays import DTypeError, xp
from needle_edu.autograd.registry import register, slot

from . import sampling
from .constants import constant, expand, nonzero, normalize_axes, plain_number
from .reduction import Reduction

_MEAN = slot("mean")
_CASES = sampling.shaped(
    ({}, (2, 3)), ({"axes": 0}, (3, 2)), ({"axes": -1, "correction": 0}, (2, 3)), ({"axes": (0, 2)}, (2, 3, 2)),
    ({"axes": 1, "keepdims": True}, (2, 3)),
)  # fmt: skip


class Spread(Reduction):
    """Base of var and std."""

    samples = staticmethod(_CASES)

    def __init__(self, axes=None, correction=1, keepdims=False, axis=None):
        super().__init__(axes, keepdims, axis)
        self.correction = plain_number(self.name, correction)

    def degrees_of_freedom(self, shape):
        """Return n - correction, at least 0, for n reduced elements."""
        n = math.prod([shape[axis] for axis in normalize_axes(self.axes, len(shape), self.name)])
        return max(n - self.correction, 0)

    def variance(self, a):
        if a.dtype.kind != "f":
            raise DTypeError(f"{self.name}: wanted floats, got {a.dtype}; convert with astype('float32')")
        free = self.degrees_of_freedom(a.shape)
        if not free:
            warnings.warn(
                f"{self.name}: shape {a.shape} over axes {self.axes} leaves no degree of freedom with correction "
                f"{self.correction}: the result is inf or nan; correction=0 divides by n",
                stacklevel=2,
            )
        if not a.size:  # no elements have no mean: nan, as the quotient 0 / 0
            centred = a
        else:
            centred = a - xp.mean(a, axis=self.axes, keepdims=True)
        total = xp.sum(centred * centred, axis=self.axes, keepdims=self.keepdims)
        with np.errstate(divide="ignore", invalid="ignore"):
            return total / free

    def centred(self, a):
        """Return a - mean(a) as a tensor with a history, so that the vjp can be differentiated."""
        return a - expand(_MEAN.cls(self.axes).apply(a), self.axes, a.shape)


@register
class Var(Spread):
    """The variance over axes: the sum of squared distances from the mean, divided by n - correction.

    Without a degree of freedom (n <= correction) it is inf or nan, with a warning.

    >>> from needle_edu import Tensor, ops
    >>> ops.var(Tensor([[1.0, 3.0], [2.0, 2.0]]), axes=1)
    Tensor([2., 0.], op=var)
    """

    name = symbol = "var"
    method = True
    formula = r"y = \frac{1}{n - c} \sum (a - \operatorname{mean} a)^2"
    vjp_formulas = (
        r"\bar{a} = \frac{2}{n - c} \operatorname{expand}(\bar{y}) \odot (a - \operatorname{mean} a)",
    )
    vjp_reads = ("a",)

    def compute(self, a):
        return self.variance(a)

    def vjp0(self, g, node):
        a = node.inputs[0]
        return expand(g, self.axes, a.shape) * self.centred(a) * 2 / self.degrees_of_freedom(a.shape)


@register
class Std(Spread):
    """The standard deviation over axes: the root of the variance. For equal elements the gradient is 0.

    >>> from needle_edu import Tensor, ops
    >>> ops.std(Tensor([[1.0, 3.0], [2.0, 2.0]]), axes=1, correction=0)
    Tensor([1., 0.], op=std)
    """

    name = symbol = "std"
    method = True
    formula = r"y = \sqrt{\operatorname{var} a}"
    vjp_formulas = (
        r"\bar{a} = \operatorname{expand}(\bar{y} / y) \odot (a - \operatorname{mean} a) / (n - c)",
    )
    vjp_reads = ("ya",)

    def compute(self, a):
        return xp.sqrt(self.variance(a))

    def vjp0(self, g, node):
        a = node.inputs[0]
        slope = expand(g / nonzero(node), self.axes, a.shape)
        return slope * self.centred(a) / self.degrees_of_freedom(a.shape)


@register
class Norm(Reduction):
    r"""The p-norm over axes; p = 2 is the length of a vector, inf its largest magnitude, 0 counts what is not 0.

    The gradient at 0 is 0; elements of equal, largest magnitude share that of the inf norm.

    >>> from needle_edu import Tensor, ops
    >>> ops.norm(Tensor([[3.0, 4.0], [0.0, -2.0]]), axes=1)
    Tensor([5., 2.], op=norm)
    >>> ops.norm(Tensor([3.0, -4.0]), float("inf"))
    Tensor([4.], op=norm)
    """

    name, symbol = "norm", "‖·‖"
    method = True
    formula = r"y = \left(\sum \lvert a \rvert^p\right)^{1/p}"
    vjp_formulas = (
        r"\bar{a} = \operatorname{expand}(\bar{y} / y^{p-1}) \odot \operatorname{sign} a \odot \lvert a \rvert^{p-1}",
    )
    vjp_reads = ("ya",)

    @staticmethod
    def samples(rng):
        x = sampling.away_from_zero(rng, (2, 3), -2.0, 2.0)
        orders = (2, 1, 3, 1.5, 0.5, float("inf"), -float("inf"))
        return [
            ({}, (x,)),
            *[({"p": p, "axes": 1}, (x,)) for p in orders],
            ({"axes": (0, 1), "keepdims": True}, (x,)),
        ]

    def __init__(self, p=2, axes=None, keepdims=False, axis=None):
        super().__init__(axes, keepdims, axis)
        self.p = plain_number(self.name, p)

    def compute(self, a):
        if a.dtype.kind != "f":
            raise DTypeError(f"{self.name}: wanted floats, got {a.dtype}; convert with astype('float32')")
        where = {"axis": self.axes, "keepdims": self.keepdims}
        if self.p == 2:
            return xp.sqrt(xp.sum_squares(a, **where))
        size = xp.abs(a)
        if math.isinf(self.p):
            return xp.max(size, **where) if self.p > 0 else xp.min(size, **where)
        if self.p == 0:
            return xp.sum(xp.astype(a != 0, a.dtype), **where)
        if self.p == 1:
            return xp.sum(size, **where)
        return xp.sum(size**self.p, **where) ** (1 / self.p)

    def vjp0(self, g, node):
        a = node.inputs[0]
        g = expand(g, self.axes, a.shape)
        if self.p == 0:
            return g * 0
        if self.p == 1:
            return g * a.sign()
        if math.isinf(self.p):
            return g * constant(self._winners(a, node))
        ratio = a / expand(nonzero(node), self.axes, a.shape)
        if self.p == 2:
            return g * ratio
        return g * ratio.sign() * (nonzero(ratio.abs()) if self.p < 1 else ratio.abs()) ** (self.p - 1)

    def _winners(self, a, node):
        """Return the sign of the elements whose magnitude is the result, divided by how many they are."""
        data = a.realize_cached_data()
        largest = expand(node.detach(), self.axes, a.shape).realize_cached_data()
        winners = xp.astype(xp.abs(data) == largest, a.dtype)
        count = xp.sum(winners, axis=normalize_axes(self.axes, a.ndim, self.name), keepdims=True)
        return winners * xp.sign(data) / count
