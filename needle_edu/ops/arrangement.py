"""Arrangement: rolling, and the triangles of a matrix.

Elements move to other places, and zeros fill the places that nobody takes. The vjp brings the adjoints back
to where the elements came from; what became of the zeros, nobody asks.
"""

from needle_edu.autograd.arrays import ShapeError, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register
from needle_edu.backend.arguments import integer
from needle_edu.ndarray.layout import as_shape

from . import sampling
from .constants import normalize_axes


@register
class Roll(UnaryOp):
    """The elements moved along axes; those that fall off one end come in at the other.

    Without axes the tensor is rolled as if it were flat. Several axes have as many shifts.

    >>> from needle_edu import Tensor, ops
    >>> ops.roll(Tensor([1.0, 2.0, 3.0]), 1)
    Tensor([3., 1., 2.], op=roll)
    """

    name = symbol = "roll"
    method = True
    formula = r"y = \operatorname{roll}(a)"
    vjp_formulas = (r"\bar{a} = \operatorname{roll}^{-1}(\bar{y})",)
    vjp_reads = ("",)
    samples = staticmethod(
        sampling.shaped(
            ({"shifts": 1}, (2, 3)),
            ({"shifts": -7, "axes": 1}, (2, 3)),
            ({"shifts": (1, 2), "axes": (0, -1)}, (2, 3)),
            ({"shifts": 2}, ()),
        )
    )

    def __init__(self, shifts, axes=None):
        self.shifts = as_shape(shifts, self.name)
        self.axes = None if axes is None else as_shape(axes, self.name)
        wanted = 1 if self.axes is None else len(self.axes)
        if len(self.shifts) != wanted:
            raise ShapeError(f"roll: wanted {wanted} shift(s), one for each axis, got {shifts}; axes {axes}")

    def compute(self, a):
        if self.axes is None:
            return xp.reshape(_rolled(xp.reshape(a, (-1,)), self.shifts[0], 0), a.shape)
        for shift, axis in zip(self.shifts, normalize_axes(self.axes, a.ndim, self.name), strict=True):
            a = _rolled(a, shift, axis)
        return a

    def vjp0(self, g, node):
        return Roll([-shift for shift in self.shifts], self.axes).apply(g)


def _rolled(a, shift: int, axis: int):
    """Return an array rolled along one axis: its end, then its beginning."""
    n = a.shape[axis]
    cut = -shift % n if n else 0
    if not cut:
        return a
    before = (slice(None),) * axis
    return xp.concat([a[(*before, slice(cut, None))], a[(*before, slice(0, cut))]], axis=axis)


class Triangle(UnaryOp):
    """Base of tril and triu."""

    vjp_reads = ("",)
    samples = staticmethod(
        sampling.shaped(({}, (3, 3)), ({"diagonal": 1}, (2, 3)), ({"diagonal": -1}, (2, 3, 2)))
    )

    def __init__(self, diagonal: int = 0):
        self.diagonal = integer(self.name, "diagonal", diagonal)

    def compute(self, a):
        if a.ndim < 2:
            raise ShapeError(f"{self.name}: wanted matrices, at least 2 axes, got shape {a.shape}")
        rows = xp.arange(a.shape[-2], device=a.device)
        columns = xp.arange(a.shape[-1], device=a.device)
        kept = self.keeps(xp.reshape(columns, (1, -1)) - xp.reshape(rows, (-1, 1)))
        return xp.where(kept, a, xp.zeros((), dtype=a.dtype, device=a.device))

    def keeps(self, distance):
        """Return where the distance from the main diagonal (column - row) is one that stays."""
        raise NotImplementedError

    def vjp0(self, g, node):
        return self.apply(g)


@register
class Tril(Triangle):
    """The lower triangle of each matrix, zeros above the diagonal; `diagonal` 1 is the one above the main one.

    >>> from needle_edu import Tensor, ops
    >>> ops.tril(Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[1., 0.],
            [3., 4.]], op=tril)
    """

    name, symbol = "tril", "◣"
    method = True
    formula = r"y_{ij} = a_{ij}\,[j - i \le d]"
    vjp_formulas = (r"\bar{a}_{ij} = \bar{y}_{ij}\,[j - i \le d]",)

    def keeps(self, distance):
        return distance <= self.diagonal


@register
class Triu(Triangle):
    """The upper triangle of each matrix, zeros below the diagonal; `diagonal` 1 is the one above the main one.

    >>> from needle_edu import Tensor, ops
    >>> ops.triu(Tensor([[1.0, 2.0], [3.0, 4.0]]), diagonal=1)
    Tensor([[0., 2.],
            [0., 0.]], op=triu)
    """

    name, symbol = "triu", "◥"
    method = True
    formula = r"y_{ij} = a_{ij}\,[j - i \ge d]"
    vjp_formulas = (r"\bar{a}_{ij} = \bar{y}_{ij}\,[j - i \ge d]",)

    def keeps(self, distance):
        return distance >= self.diagonal
