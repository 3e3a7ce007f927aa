"""Indexing: ``a[index]`` gathers elements, and its vjp scatters the adjoint back to where they came from.

Everything NumPy understands as an index works: integers, slices, ``...``, None, integer arrays and boolean
masks. An integer array may name the same element twice; its adjoints are then added up.
"""

import copy
import operator

import numpy as np

from needle_edu.autograd.arrays import Array, add_at, getitem, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.autograd.state import tracing
from needle_edu.autograd.value import Value
from needle_edu.ndarray.layout import as_shape

_GETITEM, _GETITEM_BACKWARD = slot("getitem"), slot("getitem_backward")


_BASIC = (int, slice, type(None), type(...))


def own_index(index):
    """Return an index that is the op's own: tensors stand for their arrays, and arrays and lists are copied.

    The vjp indexes again, perhaps long after the caller has changed the array.
    """
    if index.__class__ is int:  # x[0] in a loop: in a hurry
        return index
    if isinstance(index, slice):
        return slice(_bound(index.start), _bound(index.stop), _bound(index.step))
    if isinstance(index, (tuple, list)):
        own = [own_index(part) for part in index]
        return tuple(own) if isinstance(index, tuple) else own
    if isinstance(index, _BASIC):
        return index
    if isinstance(index, Value):
        index = index.realize_cached_data()
        if tracing() is not None:  # it stands for numbers that only a run of the program knows
            return index
    elif isinstance(index, memoryview):
        index = np.asarray(index)
    elif (tracer := tracing()) is not None and not tracer.knows_numbers(index):
        return index
    return index.copy() if isinstance(index, (np.ndarray, Array)) else copy.deepcopy(index)


def _bound(bound):
    """Return an end of a slice, which may be an array of one integer, as an integer."""
    try:
        return operator.index(bound)
    except TypeError:
        return bound  # None, or something that the array refuses with a reason


def _may_repeat(index) -> bool:
    """Whether the index may name an element twice: only integer arrays can."""
    arrays = [p for p in (index if isinstance(index, tuple) else (index,)) if not isinstance(p, _BASIC)]
    dtypes = [p.dtype if isinstance(p, Array) else np.asarray(p).dtype for p in arrays]
    return any(dtype.kind in "iu" for dtype in dtypes)


_INDICES = (
    ((3, 4), 1),
    ((3, 4), (slice(None), slice(None, None, -2))),
    ((3, 4), (..., None, 2)),
    ((3, 4), (np.array([0, 2, 0]),)),
    ((3, 4), (np.array([0, 2, 0]), np.array([1, 1, 1]))),
    ((3,), np.array([True, False, True])),
)


@register
class GetItem(UnaryOp):
    """The elements at an index, as in NumPy; one out of range raises an IndexOutOfRange.

    >>> from needle_edu import Tensor, ops
    >>> ops.getitem(Tensor([1.0, 2.0, 3.0]), slice(None, None, -1))
    Tensor([3., 2., 1.], op=getitem)
    """

    name, symbol = "getitem", "[ ]"
    formula = r"y = a[i]"
    vjp_formulas = (r"\bar{a}[i] = \bar{y},\ \text{0 elsewhere}",)
    vjp_reads = ("",)

    def __init__(self, index):
        self.index = own_index(index)

    @staticmethod
    def samples(rng):
        return [({"index": index}, (rng.normal(size=shape),)) for shape, index in _INDICES]

    def compute(self, a):
        return getitem(a, self.index)

    def vjp0(self, g, node):
        return _GETITEM_BACKWARD.cls(self.index, node.inputs[0].shape).apply(g)


@register
class GetItemBackward(UnaryOp):
    """The vjp of getitem: zeros of a shape, with the elements added at an index.

    >>> from needle_edu import Tensor, ops
    >>> ops.getitem_backward(Tensor([5.0, 6.0]), [0, 0], shape=(3,))
    Tensor([11.,  0.,  0.], op=getitem_backward)
    """

    name, symbol = "getitem_backward", "[ ]′"
    formula = r"y[i] = a,\ \text{0 elsewhere}"
    vjp_formulas = (r"\bar{a} = \bar{y}[i]",)
    vjp_reads = ("",)

    def __init__(self, index, shape):
        self.index = own_index(index)
        self.shape = as_shape(shape, self.name)

    @staticmethod
    def samples(rng):
        gathered = [(index, shape, np.zeros(shape)[index].shape) for shape, index in _INDICES]
        return [
            ({"index": index, "shape": shape}, (rng.normal(size=size),)) for index, shape, size in gathered
        ]

    def compute(self, a):
        out = xp.zeros(self.shape, dtype=a.dtype, device=a.device)
        if _may_repeat(self.index):
            return add_at(out, self.index, a)
        out[self.index] = a
        return out

    def vjp0(self, g, node):
        return _GETITEM.cls(self.index).apply(g)
