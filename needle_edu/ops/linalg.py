"""Matrix multiplication, for single matrices, stacks of them, and vectors.

Axes before the last two are a stack: they are broadcast as in elementwise operations, and the gradient of a
matrix that was used for the whole stack is summed over it.
"""

from needle_edu.autograd.op import BinaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.autograd.unbroadcast import sum_to

from . import sampling

_TRANSPOSE = slot("transpose")


@register
class MatMul(BinaryOp):
    """The matrix product.

    Shapes (..., m, k) and (..., k, n) give (..., m, n); a tensor of one axis is a row on the left, a column on the
    right. Other shapes raise a ShapeError.

    >>> from needle_edu import Tensor, ops
    >>> ops.matmul(Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([[1.0], [10.0]]))
    Tensor([[21.],
            [43.]], op=matmul)
    """

    name, symbol = "matmul", "@"
    formula = r"y = a\,b"
    vjp_formulas = (r"\bar{a} = \bar{y}\,b^\top", r"\bar{b} = a^\top\,\bar{y}")
    vjp_reads = ("b", "a")
    vjps_on_arrays = True
    samples = staticmethod(
        sampling.shaped(
            ({}, (2, 3), (3, 4)),
            ({}, (2, 2, 3), (2, 3, 4)),
            ({}, (2, 2, 3), (3, 4)),
            ({}, (2, 3), (2, 1, 3, 2)),
            ({}, (2, 1, 2, 3), (3, 3, 1)),
            ({}, (3,), (3,)),
            ({}, (2, 3), (3,)),
            ({}, (3,), (2, 3, 4)),
        )
    )

    def compute(self, a, b):
        return a @ b

    def vjp0(self, g, node):
        a, b = node.inputs
        if _are_matrices(a, b):
            return g @ b.T
        rows, g, columns = _as_matrices(a, g, b)
        return sum_to(g @ _TRANSPOSE.instance.of(columns), rows.shape).reshape(a.shape)

    def vjp1(self, g, node):
        a, b = node.inputs
        if _are_matrices(a, b):
            return a.T @ g
        rows, g, columns = _as_matrices(a, g, b)
        return sum_to(_TRANSPOSE.instance.of(rows) @ g, columns.shape).reshape(b.shape)


def _are_matrices(a, b) -> bool:
    """Whether neither is a vector or a stack of matrices: the usual case, in a hurry."""
    return a.ndim == 2 == b.ndim


def _as_matrices(a, g, b):
    """Return a, the adjoint and b as matrices: a vector is a row on the left, a column on the right."""
    rows = a.reshape((1, *a.shape)) if a.ndim == 1 else a
    columns = b.reshape((*b.shape, 1)) if b.ndim == 1 else b
    stack = g.shape[: g.ndim - (a.ndim > 1) - (b.ndim > 1)] if a.ndim + b.ndim > 2 else ()
    return rows, g.reshape((*stack, rows.shape[-2], columns.shape[-1])), columns
