"""Tuples: ops that give or take several tensors at once.

A TensorTuple is one value of the graph, so that `split` is one node with several results. Its adjoint is a
tuple too.
"""

from itertools import pairwise
from typing import Any

from needle_edu.autograd.arrays import IndexOutOfRange, ShapeError, getitem, xp
from needle_edu.autograd.op import TensorTupleOp, UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.autograd.state import grad_enabled
from needle_edu.autograd.tensor_tuple import TensorTuple
from needle_edu.backend.arguments import integer
from needle_edu.ndarray.layout import as_shape

from . import sampling
from .constants import constant, normalize_axes, plain_number

_MAKE_TUPLE = slot("make_tuple")


@register
class MakeTensorTuple(TensorTupleOp):
    """Several tensors as one tuple.

    >>> from needle_edu import Tensor, ops
    >>> ops.make_tuple(Tensor([1.0]), Tensor([2.0, 3.0]))[1]
    Tensor([2., 3.], op=tuple_get_item)
    """

    name, symbol = "make_tuple", "( , )"
    formula = "y = (a, b, …)"
    vjp_formulas = (r"\bar{a}_i = \bar{y}_i",)
    vjp_reads = ()
    samples = staticmethod(sampling.shaped(({}, (2, 3), (2,)), ({}, (3,))))

    def compute(self, *args):
        return tuple(args)

    def gradient(self, out_grad, node):
        return out_grad.tuple()


@register
class TupleGetItem(UnaryOp):
    """One tensor of a tuple.

    >>> from needle_edu import Tensor, ops
    >>> ops.tuple_get_item(ops.make_tuple(Tensor([1.0]), Tensor([2.0, 3.0])), 0)
    Tensor([1.], op=tuple_get_item)
    """

    name, symbol = "tuple_get_item", "( )ᵢ"
    formula = "y = a_i"
    vjp_formulas = (r"\bar{a} = (0, …, \bar{y}, …, 0)",)
    vjp_reads = ("",)
    tuple_input = True
    samples = staticmethod(sampling.shaped(({"index": 0}, (2, 3), (2,)), ({"index": -1}, (2,), (3,))))

    def __init__(self, index: int):
        self.index = integer(self.name, "index", index)

    def compute(self, a):
        if not -len(a) <= self.index < len(a):
            raise IndexOutOfRange(f"tuple_get_item: index {self.index} is out of range for {len(a)} tensors")
        return a[self.index]

    def vjp0(self, g, node):
        arrays = node.inputs[0].realize_cached_data()
        if not grad_enabled():  # the engine puts zeros for parts that nothing contributes to
            absent: list = [None] * len(arrays)
            absent[self.index] = g.realize_cached_data()
            return TensorTuple.partial(absent, frozenset((self.index % len(arrays),)))
        parts = [constant(xp.zeros_like(array)) for array in arrays]
        parts[self.index] = g
        return _MAKE_TUPLE.instance.apply(*parts)


@register
class Split(TensorTupleOp):
    """The slices along an axis, which disappears, as a tuple: the opposite of stack.

    >>> from needle_edu import Tensor, ops
    >>> [part.numpy().tolist() for part in ops.split(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)]
    [[1.0, 3.0], [2.0, 4.0]]
    """

    name, symbol = "split", "split"
    formula = r"y = \operatorname{split}(a)"
    vjp_formulas = (r"\bar{a} = \operatorname{stack}(\bar{y})",)
    vjp_reads = ("",)
    samples = staticmethod(
        sampling.shaped(({"axis": 0}, (2, 3)), ({"axis": 1}, (2, 3)), ({"axis": -1}, (2, 2, 2)))
    )

    def __init__(self, axis: int = 0):
        self.axis = integer(self.name, "axis", axis)

    def compute(self, a):
        (axis,) = normalize_axes(self.axis, a.ndim, self.name)
        before = (slice(None),) * axis
        return tuple([getitem(a, (*before, i)) for i in range(a.shape[axis])])

    def vjp0(self, g, node):
        return slot("stack").cls(self.axis).apply(g)


@register
class TensorSplit(TensorTupleOp):
    """Consecutive parts along an axis, which stays: the opposite of concat. `split` takes the axis away.

    `sections` is a number of parts, the first of them one longer if they can't be equal, or the places where a
    new part begins, as in NumPy's array_split.

    >>> from needle_edu import Tensor, ops
    >>> [part.numpy().tolist() for part in ops.tensor_split(Tensor([1.0, 2.0, 3.0]), 2)]
    [[1.0, 2.0], [3.0]]
    >>> [part.shape for part in ops.tensor_split(Tensor([1.0, 2.0, 3.0]), [1])]
    [(1,), (2,)]
    """

    name, symbol = "tensor_split", "✂"
    formula = r"y = (a_{[0, s_1)}, a_{[s_1, s_2)}, \dots)"
    vjp_formulas = (r"\bar{a} = \operatorname{concat}(\bar{y})",)
    vjp_reads = ("",)
    samples = staticmethod(
        sampling.shaped(
            ({"sections": 2}, (3, 2)),
            ({"sections": [1, 1, 3], "axis": 1}, (2, 4)),
            ({"sections": 3, "axis": -1}, (2, 2)),
        )
    )

    def __init__(self, sections, axis: int = 0):
        self.axis = integer(self.name, "axis", axis)
        self.sections: Any
        if isinstance(sections, (list, tuple)):
            cuts = self.sections = as_shape(sections, self.name)
            if list(cuts) != sorted(abs(cut) for cut in cuts):
                raise ShapeError(f"tensor_split: wanted places from 0 on in ascending order, got {sections}")
        else:
            parts = self.sections = integer(self.name, "sections", sections)
            if parts < 1:
                raise ShapeError(f"tensor_split: wanted a number of parts, at least 1, got {sections}")

    def compute(self, a):
        (axis,) = normalize_axes(self.axis, a.ndim, self.name)
        if isinstance(self.sections, tuple):
            cuts = (0, *[min(cut, a.shape[axis]) for cut in self.sections], a.shape[axis])
        else:
            short, longer = divmod(a.shape[axis], self.sections)
            cuts = tuple([k * short + min(k, longer) for k in range(self.sections + 1)])
        before = (slice(None),) * axis
        return tuple([a[(*before, slice(start, stop))] for start, stop in pairwise(cuts)])

    def vjp0(self, g, node):
        return slot("concat").cls(self.axis).apply(g)


@register
class FusedAddScalars(TensorTupleOp):
    """A tensor plus one number, and the same tensor plus another.

    >>> from needle_edu import Tensor, ops
    >>> [part.item() for part in ops.fused_add_scalars(Tensor([1.0]), 10, 20)]
    [11.0, 21.0]
    """

    name, symbol = "fused_add_scalars", "+,+"
    formula = r"y = (a + c_0, a + c_1)"
    vjp_formulas = (r"\bar{a} = \bar{y}_0 + \bar{y}_1",)
    vjp_reads = ("",)
    samples = staticmethod(sampling.shaped(({"c0": 1.5, "c1": -2.0}, (2, 3))))

    def __init__(self, c0, c1):
        self.c0, self.c1 = plain_number(self.name, c0), plain_number(self.name, c1)

    def compute(self, a):
        return a + self.c0, a + self.c1

    def vjp0(self, g, node):
        return g[0] + g[1]
