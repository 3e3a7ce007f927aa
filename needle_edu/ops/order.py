"""Order: where the largest and the smallest elements are.

Positions are integers: they jump, so they have no gradient.
"""

from needle_edu.autograd.arrays import ShapeError, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register

from . import sampling
from .constants import chosen_axes


@register
class ArgMax(UnaryOp):
    """The position of the largest element along one axis (None: in the flattened tensor); no gradient.

    The result is int64; the axis disappears from the shape, or keeps extent 1 with ``keepdims=True``.

    >>> from needle_edu import Tensor, ops
    >>> ops.argmax(Tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1)
    Tensor([1, 0], requires_grad=False)
    """

    name = symbol = "argmax"
    method = True
    differentiable = False
    formula = r"y = \arg\max a"
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
            raise ShapeError(f"argmax: axis is None or one int, got {self.axis}")
        self.keepdims = keepdims

    def compute(self, a):
        return xp.argmax(a, axis=self.axis, keepdims=self.keepdims)


@register
class ArgMin(UnaryOp):
    """The position of the smallest element along one axis (None: in the flattened tensor); no gradient.

    The result is int64; the axis disappears from the shape, or keeps extent 1 with ``keepdims=True``.

    >>> from needle_edu import Tensor, ops
    >>> ops.argmin(Tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1)
    Tensor([0, 1], requires_grad=False)
    """

    name = symbol = "argmin"
    method = True
    differentiable = False
    formula = r"y = \arg\min a"
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
            raise ShapeError(f"argmin: axis is None or one int, got {self.axis}")
        self.keepdims = keepdims

    def compute(self, a):
        return xp.argmin(a, axis=self.axis, keepdims=self.keepdims)
