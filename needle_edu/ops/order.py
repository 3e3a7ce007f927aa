"""Order: where the largest and the smallest elements are, and sorting.

Positions are integers: they jump, so they have no gradient. Sorting is a permutation, and its vjp the way back.
"""

from needle_edu.autograd.arrays import ShapeError, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.backend.arguments import integer

from . import sampling
from .constants import chosen_axes, normalize_axes

_GETITEM_BACKWARD = slot("getitem_backward")


class _Position(UnaryOp):
    """Base of the ops that say where along an axis an element is; positions have no gradient."""

    method = True
    differentiable = False
    samples = staticmethod(
        sampling.shaped(
            ({}, (2, 3)),
            ({"axis": 0}, (2, 3)),
            ({"axis": -1}, (2, 3)),
            ({"axis": 1, "keepdims": True}, (2, 3)),
        )
    )

    def __init__(self, axis=None, keepdims=False, axes=None):
        self.axis = chosen_axes(self.name, axes, axis)
        if isinstance(self.axis, tuple):
            raise ShapeError(f"{self.name}: axis is None or one int, got {self.axis}")
        self.keepdims = keepdims


@register
class ArgMax(_Position):
    """The position of the largest element along one axis (None: in the flattened tensor); no gradient.

    The result is int64; the axis disappears from the shape, or keeps extent 1 with ``keepdims=True``.

    >>> from needle_edu import Tensor, ops
    >>> ops.argmax(Tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1)
    Tensor([1, 0], requires_grad=False)
    """

    name = symbol = "argmax"
    formula = r"y = \arg\max a"

    def compute(self, a):
        return xp.argmax(a, axis=self.axis, keepdims=self.keepdims)


@register
class ArgMin(_Position):
    """The position of the smallest element along one axis (None: in the flattened tensor); no gradient.

    The result is int64; the axis disappears from the shape, or keeps extent 1 with ``keepdims=True``.

    >>> from needle_edu import Tensor, ops
    >>> ops.argmin(Tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1)
    Tensor([0, 1], requires_grad=False)
    """

    name = symbol = "argmin"
    formula = r"y = \arg\min a"

    def compute(self, a):
        return xp.argmin(a, axis=self.axis, keepdims=self.keepdims)


@register
class ArgSort(UnaryOp):
    """The positions (int64) that put the elements in order along an axis; no gradient.

    Equal elements keep their order; nan is the largest number. With `most`, only the first so many.

    >>> from needle_edu import Tensor, ops
    >>> ops.argsort(Tensor([3.0, 1.0, 2.0]))
    Tensor([1, 2, 0], requires_grad=False)
    """

    name = symbol = "argsort"
    method = True
    differentiable = False
    formula = r"y = \text{the permutation that sorts } a"
    samples = staticmethod(
        sampling.shaped(
            ({}, (2, 3)), ({"axis": 0, "descending": True}, (3, 2)), ({}, ()), ({"most": 2}, (2, 3))
        )
    )

    def __init__(self, axis: int = -1, descending: bool = False, most: int | None = None):
        self.axis, self.descending = integer(self.name, "axis", axis), bool(descending)
        self.most = None if most is None else integer(self.name, "most", most)

    def compute(self, a):
        line = xp.reshape(a, a.shape or (1,))  # a single number is a line of one
        order = xp.argsort(line, axis=_axis(self, a), descending=self.descending, most=self.most)
        return order if self.most is not None else xp.reshape(order, a.shape)


@register
class Sort(UnaryOp):
    """The elements in order along an axis; the adjoints go back to where the elements came from.

    Equal elements keep their order; nan is the largest number.

    >>> from needle_edu import Tensor, ops
    >>> ops.sort(Tensor([3.0, 1.0, 2.0]), descending=True)
    Tensor([3., 2., 1.], op=sort)
    """

    name = symbol = "sort"
    method = True
    formula = r"y_i = a_{\pi_i},\ \pi = \operatorname{argsort} a"
    vjp_formulas = (r"\bar{a}_{\pi_i} = \bar{y}_i",)
    vjp_reads = ("a",)
    samples = staticmethod(
        sampling.shaped(
            ({}, (2, 3)), ({"axis": 0}, (3, 2)), ({"axis": 1, "descending": True}, (2, 3, 2)), ({}, ())
        )
    )

    def __init__(self, axis: int = -1, descending: bool = False):
        self.axis, self.descending = integer(self.name, "axis", axis), bool(descending)

    def compute(self, a):
        line = xp.reshape(a, a.shape or (1,))  # a single number is a line of one
        return xp.reshape(xp.sort(line, axis=_axis(self, a), descending=self.descending), a.shape)

    def vjp0(self, g, node):
        data = node.inputs[0].realize_cached_data()
        if not data.ndim:
            return g
        axis = _axis(self, data)
        places = xp.argsort(data, axis=axis, descending=self.descending)
        return _GETITEM_BACKWARD.cls(along(places, axis, data.shape), data.shape).apply(g)


def _axis(op, a) -> int:
    return normalize_axes(op.axis, max(a.ndim, 1), op.name)[0]


def along(where, axis: int, shape) -> tuple:
    """Return the index that names, for each place of `where`, the element ``where`` steps along `axis`."""
    key = []
    for k, n in enumerate(shape):
        if k == axis:
            key.append(where)
        else:
            steps = xp.arange(n, device=where.device)
            key.append(xp.reshape(steps, tuple([n if j == k else 1 for j in range(len(shape))])))
    return tuple(key)
