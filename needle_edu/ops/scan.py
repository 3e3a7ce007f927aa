"""Scans: running sums, products and extremes along an axis.

Element k of the result is made of the elements 0 … k. So an element has a part in all results from its own place
on, and the vjp is a scan in the other direction. Of a product it is a linear recurrence, whose vjps are linear
recurrences again: no element is divided by, zeros need no care, and there are derivatives of every order.
"""

from needle_edu.autograd.arrays import DTypeError, ShapeError, xp
from needle_edu.autograd.op import BinaryOp, UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.backend.arguments import integer

from . import sampling
from .constants import normalize_axes

_LINEAR_SCAN, _PAD, _ROLL = slot("linear_scan"), slot("pad"), slot("roll")


class Scan(UnaryOp):
    """Base of the scans of one tensor."""

    samples = staticmethod(
        sampling.shaped(({"axis": 0}, (2, 3)), ({"axis": -1}, (2, 4)), ({"axis": 1}, (2, 3, 2)))
    )

    def __init__(self, axis: int):
        self.axis = integer(self.name, "axis", axis)

    def axis_of(self, a) -> int:
        return normalize_axes(self.axis, max(a.ndim, 1), self.name)[0]


def _along(axis: int, *bounds) -> tuple:
    """Return the index of a slice along an axis."""
    return (*(slice(None),) * axis, slice(*bounds))


def _one_later(t, axis: int, first: float = 0.0):
    """Return the tensor moved on by one place: `first`, then all elements but the last."""
    frame = [(1, 0) if k == axis else (0, 0) for k in range(t.ndim)]
    return _PAD.cls(frame, first).apply(t[_along(axis, 0, t.shape[axis] - 1)])


def _recurrence_from_behind(factors, g, axis: int):
    """Return y with y_k = g_k + factors_{k+1} y_{k+1}: a linear scan from the other end."""
    backwards = _ROLL.cls(1, axis).apply(factors.flip((axis,)))
    return _LINEAR_SCAN.cls(axis).apply(backwards, g.flip((axis,))).flip((axis,))


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
        axis = self.axis_of(g)
        return CumSum(axis).apply(g.flip((axis,))).flip((axis,)) if g.ndim else g


@register
class CumProd(Scan):
    """The running product along an axis.

    >>> from needle_edu import Tensor, ops
    >>> ops.cumprod(Tensor([1.0, 2.0, 3.0]), 0)
    Tensor([1., 2., 6.], op=cumprod)
    """

    name, symbol = "cumprod", "Π≤"
    method = True
    formula = r"y_k = \prod_{i \le k} a_i"
    vjp_formulas = (r"\bar{a}_i = y_{i-1}\,r_i,\ r_i = \bar{y}_i + a_{i+1}\,r_{i+1}",)
    vjp_reads = ("ya",)

    @staticmethod
    def samples(rng):
        with_zeros = rng.uniform(0.5, 2.0, (3, 5))
        with_zeros[0, 1] = with_zeros[1, 0] = with_zeros[1, 3] = 0
        with_zeros[2, 2:] = 0
        return [*Scan.samples(rng), ({"axis": 1}, (with_zeros,))]

    def compute(self, a):
        return xp.reshape(xp.cumprod(a, axis=self.axis_of(a)), a.shape)

    def vjp0(self, g, node):
        """The product without a_i is what stands before it, times what stands behind."""
        a = node.inputs[0]
        if not a.size or not a.ndim:
            return g
        axis = self.axis_of(a)
        return _one_later(node, axis, 1.0) * _recurrence_from_behind(a, g, axis)


@register
class LinearScan(BinaryOp):
    """The linear recurrence y_k = a_k y_{k-1} + b_k along an axis of two tensors of one shape; y_0 is b_0.

    Running sums and products, moving averages and compound interest are of this form; so is the state of a linear
    recurrent network. The first factor has nothing to multiply and is not read.

    >>> from needle_edu import Tensor, ops
    >>> ops.linear_scan(Tensor([0.5, 0.5, 0.5]), Tensor([8.0, 0.0, 1.0]))
    Tensor([8., 4., 3.], op=linear_scan)
    """

    name, symbol = "linear_scan", "⟳"
    formula = r"y_k = a_k\,y_{k-1} + b_k"
    vjp_formulas = (
        r"\bar{a}_k = r_k\,y_{k-1},\ r_k = \bar{y}_k + a_{k+1}\,r_{k+1}",
        r"\bar{b}_k = \bar{y}_k + a_{k+1}\,\bar{b}_{k+1}",
    )
    vjp_reads = ("ya", "a")
    samples = staticmethod(
        sampling.shaped(
            ({"axis": 0}, (3, 2), (3, 2)), ({}, (2, 4), (2, 4)), ({"axis": 1}, (2, 3, 2), (2, 3, 2))
        )
    )

    def __init__(self, axis: int = -1):
        self.axis = integer(self.name, "axis", axis)

    def compute(self, a, b):
        if a.shape != b.shape or not a.ndim:
            raise ShapeError(
                f"linear_scan: wanted one shape with at least one axis, got {a.shape} and {b.shape}"
            )
        if a.dtype != b.dtype or a.dtype.kind != "f":
            raise DTypeError(
                f"linear_scan: wanted two tensors of one float type, got {a.dtype} and {b.dtype}"
            )
        return xp.linear_scan(a, b, axis=self._axis(a))

    def _axis(self, a) -> int:
        return normalize_axes(self.axis, a.ndim, self.name)[0]

    def vjp0(self, g, node):
        if not node.size:
            return g
        axis = self._axis(node)
        return self.vjp1(g, node) * _one_later(node, axis)

    def vjp1(self, g, node):
        a = node.inputs[0]
        return _recurrence_from_behind(a, g, self._axis(a)) if a.size else g


class _RunningPlace(Scan):
    """Base of the ops that say where the extreme so far is; positions have no gradient."""

    differentiable = False

    def compute(self, a):
        line = xp.reshape(a, a.shape or (1,))  # a single number is a line of one
        return xp.reshape(self.places(line, self.axis_of(a)), a.shape)

    def places(self, a, axis: int):
        """Return the positions along an axis of an array with at least one."""
        raise NotImplementedError


@register
class CumArgMax(_RunningPlace):
    """The position of the largest element so far (int64), the latest of equals and the latest nan; no gradient.

    >>> from needle_edu import Tensor, ops
    >>> ops.cumargmax(Tensor([1.0, 3.0, 2.0, 3.0]), 0)
    Tensor([0, 1, 1, 3], requires_grad=False)
    """

    name = symbol = "cumargmax"
    formula = r"y_k = \max\,\arg\max_{i \le k} a_i"

    def places(self, a, axis):
        return xp.cumargmax(a, axis=axis)


@register
class CumArgMin(_RunningPlace):
    """The position of the smallest element so far (int64), the latest of equals and the latest nan; no gradient.

    >>> from needle_edu import Tensor, ops
    >>> ops.cumargmin(Tensor([2.0, 3.0, 2.0, 1.0]), 0)
    Tensor([0, 0, 2, 3], requires_grad=False)
    """

    name = symbol = "cumargmin"
    formula = r"y_k = \max\,\arg\min_{i \le k} a_i"

    def places(self, a, axis):
        return xp.cumargmin(a, axis=axis)
