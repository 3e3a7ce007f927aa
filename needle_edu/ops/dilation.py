"""Dilation: zeros between the elements, and out again. A convolution with a stride has it in its gradient."""

from needle_edu.autograd.arrays import ShapeError, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.backend.arguments import integer
from needle_edu.ndarray.layout import as_shape

from . import sampling

_UNDILATE, _DILATE = slot("undilate"), slot("dilate")


def _spread(ndim: int, axes, dilation: int) -> tuple[slice, ...]:
    """Return the index of the original elements in a dilated array; axes beyond the last are ignored."""
    return tuple([slice(None, None, dilation + 1 if axis in axes else 1) for axis in range(ndim)])


@register
class Dilate(UnaryOp):
    """`dilation` zeros after every element along some axes: size n becomes n·(dilation + 1).

    >>> from needle_edu import Tensor, ops
    >>> ops.dilate(Tensor([1.0, 2.0]), axes=0, dilation=1)
    Tensor([1., 0., 2., 0.], op=dilate)
    """

    name = symbol = "dilate"
    method = True
    formula = r"y = \operatorname{dilate}(a)"
    vjp_formulas = (r"\bar{a} = \operatorname{undilate}(\bar{y})",)
    vjp_reads = ("",)
    samples = staticmethod(
        sampling.shaped(({"axes": (0,), "dilation": 1}, (2, 3)), ({"axes": (0, 1, 5), "dilation": 2}, (2, 2)))
    )

    def __init__(self, axes, dilation: int):
        self.axes, self.dilation = as_shape(axes, self.name), integer(self.name, "dilation", dilation)
        if self.dilation < 0:
            raise ShapeError(f"{self.name}: dilation is a number of zeros, at least 0, got {dilation}")

    def compute(self, a):
        shape = tuple([n * (self.dilation + 1) if axis in self.axes else n for axis, n in enumerate(a.shape)])
        out = xp.zeros(shape, dtype=a.dtype, device=a.device)
        out[_spread(a.ndim, self.axes, self.dilation)] = a
        return out

    def vjp0(self, g, node):
        return _UNDILATE.cls(self.axes, self.dilation).apply(g)


@register
class UnDilate(UnaryOp):
    """The elements that `dilate` would have put zeros behind; the rest is dropped.

    >>> from needle_edu import Tensor, ops
    >>> ops.undilate(Tensor([1.0, 0.0, 2.0, 0.0]), axes=0, dilation=1)
    Tensor([1., 2.], op=undilate)
    """

    name = symbol = "undilate"
    method = True
    formula = r"y = \operatorname{undilate}(a)"
    vjp_formulas = (r"\bar{a} = \operatorname{dilate}(\bar{y})",)
    vjp_reads = ("",)
    samples = staticmethod(
        sampling.shaped(({"axes": (0,), "dilation": 1}, (4, 3)), ({"axes": (0, 1, 5), "dilation": 2}, (3, 6)))
    )

    def __init__(self, axes, dilation: int):
        self.axes, self.dilation = as_shape(axes, self.name), integer(self.name, "dilation", dilation)
        if self.dilation < 0:
            raise ShapeError(f"{self.name}: dilation is a number of zeros, at least 0, got {dilation}")

    def compute(self, a):
        return a[_spread(a.ndim, self.axes, self.dilation)]

    def vjp0(self, g, node):
        return _DILATE.cls(self.axes, self.dilation).apply(g)
