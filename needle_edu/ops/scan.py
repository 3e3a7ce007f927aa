"""Scans: running sums and products along an axis.

Element k of the result is made of the elements 0 … k. So an element has a part in all results from its own place
on, and the vjp is a scan in the other direction.
"""

from needle_edu.autograd.arrays import GradientError, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.autograd.state import grad_enabled
from needle_edu.backend.arguments import integer

from . import sampling
from .constants import constant, nonzero, normalize_axes

_WHERE = slot("where")


class Scan(UnaryOp):
    """Base of cumsum and cumprod."""

    samples = staticmethod(
        sampling.shaped(({"axis": 0}, (2, 3)), ({"axis": -1}, (2, 4)), ({"axis": 1}, (2, 3, 2)))
    )

    def __init__(self, axis: int):
        self.axis = integer(self.name, "axis", axis)

    def axis_of(self, a) -> int:
        return normalize_axes(self.axis, a.ndim, self.name)[0] if a.ndim else 0


def _from_here_on(t, axis: int):
    """Return the sum of each element and all behind it."""
    if not t.ndim:
        return t
    return CumSum(axis).apply(t.flip((axis,))).flip((axis,))


@register
class CumSum(Scan):
    """The running sum along an axis.

    >>> from needle_edu import Tensor, ops
    >>> ops.cumsum(Tensor([1.0, 2.0, 3.0]), 0)
    Tensor([1., 3., 6.], op=cumsum)
    """

    name, symbol = "cumsum", "Σ≤"
    method = True
    formula = r"y_k = \sum_{i \le k} a_i"
    vjp_formulas = (r"\bar{a}_i = \sum_{k \ge i} \bar{y}_k",)
    vjp_reads = ("",)

    def compute(self, a):
        return xp.reshape(xp.cumsum(a, axis=self.axis_of(a)), a.shape)

    def vjp0(self, g, node):
        return _from_here_on(g, self.axis_of(g))


@register
class CumProd(Scan):
    """The running product along an axis. A line with several zeros has no second derivative here: an error.

    >>> from needle_edu import Tensor, ops
    >>> ops.cumprod(Tensor([1.0, 2.0, 3.0]), 0)
    Tensor([1., 2., 6.], op=cumprod)
    """

    name, symbol = "cumprod", "Π≤"
    method = True
    formula = r"y_k = \prod_{i \le k} a_i"
    vjp_formulas = (r"\bar{a}_i = \sum_{k \ge i} \bar{y}_k \prod_{j \le k, j \ne i} a_j",)
    vjp_reads = ("ya",)

    @staticmethod
    def samples(rng):
        with_zeros = rng.uniform(0.5, 2.0, (3, 4))
        with_zeros[0, 1] = with_zeros[1, 0] = with_zeros[2, 3] = 0
        return [*Scan.samples(rng), ({"axis": 1}, (with_zeros,))]

    def compute(self, a):
        return xp.reshape(xp.cumprod(a, axis=self.axis_of(a)), a.shape)

    def vjp0(self, g, node):
        """The product without a_i is y_k / a_i, but for the first zero of a line: there it is taken out before."""
        a = node.inputs[0]
        axis = self.axis_of(a)
        data = a.realize_cached_data()
        zeros = data == 0
        divided = _from_here_on(g * node, axis) / nonzero(a)
        if not bool(xp.any(zeros)):
            return divided
        count = xp.reshape(xp.cumsum(zeros, axis=axis), zeros.shape)
        if grad_enabled() and bool(xp.any(count > 1)):
            raise GradientError(
                "cumprod: a line with several zeros has no second derivative here; backward() without create_graph "
                "gives the first"
            )
        first = constant(xp.logical_and(zeros, count == 1))
        one = constant(xp.ones((), dtype=a.dtype, device=data.device))
        without = CumProd(self.axis).apply(_WHERE.instance.apply(first, one, a))
        return _WHERE.instance.apply(first, _from_here_on(g * without, axis), divided)
