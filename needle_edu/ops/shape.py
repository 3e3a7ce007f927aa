"""Shape: the same elements in another arrangement.

Transposing, permuting, reshaping and broadcasting only change how memory is read; on NDArrays no element is
copied. The vjp of a rearrangement is the opposite rearrangement.
"""

from functools import lru_cache

from needle_edu.autograd.arrays import ShapeError, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.backend.arguments import integer
from needle_edu.ndarray.layout import as_shape

from . import sampling
from .constants import chosen_axes, normalize_axes


@lru_cache(256)
def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the order of axes that undoes this one."""
    order = normalize_axes(axes, len(axes), "permute")
    return tuple([order.index(axis) for axis in range(len(order))])


@lru_cache(256)
def _swapped(axes: tuple[int, int] | None, ndim: int) -> tuple[int, ...]:
    """Return the order of axes in which two are swapped."""
    axes = (-2, -1) if axes is None else axes
    if len(axes) != 2:
        raise ShapeError(f"transpose: wanted two axes to swap, got {axes}; permute() reorders all of them")
    if ndim < 2:
        raise ShapeError(f"transpose: wanted at least two axes, got {ndim}")
    first, second = normalize_axes(axes, ndim, "transpose")
    order = list(range(ndim))
    order[first], order[second] = second, first
    return tuple(order)


@register
class Transpose(UnaryOp):
    """Two axes swapped, by default the last two.

    >>> from needle_edu import Tensor, ops
    >>> ops.transpose(Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[1., 3.],
            [2., 4.]], op=transpose)
    """

    name, symbol = "transpose", "⊤"
    formula = r"y = a^\top"
    vjp_formulas = (r"\bar{a} = \bar{y}^\top",)
    vjp_reads = ("",)
    vjps_on_arrays = True
    samples = staticmethod(sampling.shaped(({}, (2, 3)), ({"axes": (0, 2)}, (2, 3, 4)), ({}, (2, 3, 4))))

    def __init__(self, axes=None):
        self.axes = chosen_axes(self.name, axes)
        if isinstance(self.axes, int):
            raise ShapeError(f"transpose: wanted two axes to swap, got {axes}")

    def compute(self, a):
        if self.axes is None and a.ndim == 2:  # a matrix: the usual case, in a hurry
            return a.T
        return xp.permute_dims(a, _swapped(self.axes, a.ndim))

    def vjp0(self, g, node):
        return self.of(g)


@register
class Permute(UnaryOp):
    """The axes in another order: axis i of the result is axis ``axes[i]`` of the input.

    >>> import needle_edu as ndl
    >>> ndl.ops.permute(ndl.zeros(2, 3, 4), (2, 0, 1)).shape
    (4, 2, 3)
    """

    name = symbol = "permute"
    method = True
    formula = r"y = \operatorname{permute}(a)"
    vjp_formulas = (r"\bar{a} = \operatorname{permute}^{-1}(\bar{y})",)
    vjp_reads = ("",)
    vjps_on_arrays = True
    samples = staticmethod(sampling.shaped(({"axes": (1, 2, 0)}, (2, 3, 4)), ({"axes": (1, 0)}, (2, 3))))

    def __init__(self, axes):
        self.axes = axes if type(axes) is tuple else as_shape(axes, self.name)

    def compute(self, a):
        return xp.permute_dims(a, self.axes)

    def vjp0(self, g, node):
        return Permute(_inverse(self.axes)).of(g)


@register
class Reshape(UnaryOp):
    """The same elements, row by row, in another shape.

    One extent may be -1 and is worked out. A shape with another number of elements raises a ShapeError.

    >>> from needle_edu import Tensor, ops
    >>> ops.reshape(Tensor([1.0, 2.0, 3.0, 4.0]), (2, -1))
    Tensor([[1., 2.],
            [3., 4.]], op=reshape)
    """

    name, symbol = "reshape", "reshape"
    formula = r"y = \operatorname{reshape}(a)"
    vjp_formulas = (r"\bar{a} = \operatorname{reshape}(\bar{y})",)
    vjp_reads = ("",)
    vjps_on_arrays = True
    samples = staticmethod(
        sampling.shaped(
            ({"shape": (3, 2)}, (2, 3)), ({"shape": (6,)}, (2, 3)), ({"shape": (2, -1)}, (2, 3, 2))
        )
    )

    def __init__(self, shape):
        self.shape = shape if type(shape) is tuple else as_shape(shape, self.name)

    def compute(self, a):
        return xp.reshape(a, self.shape)

    def vjp0(self, g, node):
        return g.reshape(node.inputs[0].shape)


@register
class BroadcastTo(UnaryOp):
    """The tensor expanded to a larger shape; its elements are repeated, not copied.

    >>> from needle_edu import Tensor, ops
    >>> ops.broadcast_to(Tensor([1.0, 2.0]), (2, 2))
    Tensor([[1., 2.],
            [1., 2.]], op=broadcast_to)
    """

    name, symbol = "broadcast_to", "broadcast"
    formula = r"y = \operatorname{broadcast}(a)"
    vjp_formulas = (r"\bar{a} = \sum_{\text{expanded axes}} \bar{y}",)
    vjp_reads = ("",)
    vjps_on_arrays = True
    samples = staticmethod(
        sampling.shaped(({"shape": (2, 3)}, (3,)), ({"shape": (4, 2, 3)}, (2, 1)), ({"shape": (2,)}, ()))
    )

    def __init__(self, shape):
        self.shape = shape if type(shape) is tuple else as_shape(shape, self.name)

    def compute(self, a):
        return xp.broadcast_to(a, self.shape)

    def vjp0(self, g, node):
        return g  # the engine sums over broadcast dimensions


@register
class Stack(UnaryOp):
    """A tuple of equally shaped tensors along a new axis.

    >>> from needle_edu import Tensor, ops
    >>> ops.stack((Tensor([1.0, 2.0]), Tensor([3.0, 4.0])), axis=1)
    Tensor([[1., 3.],
            [2., 4.]], op=stack)
    """

    name, symbol = "stack", "stack"
    formula = r"y = \operatorname{stack}(a_1, a_2, \dots)"
    vjp_formulas = (r"\bar{a} = \operatorname{split}(\bar{y})",)
    vjp_reads = ("",)
    tuple_input = True
    samples = staticmethod(
        sampling.shaped(
            ({"axis": 0}, (2, 3), (2, 3)), ({"axis": 1}, (2,), (2,), (2,)), ({"axis": -1}, (2,), (2,))
        )
    )

    def __init__(self, axis: int = 0):
        self.axis = integer(self.name, "axis", axis)

    def compute(self, args):
        return xp.stack(args, axis=self.axis)

    def vjp0(self, g, node):
        return slot("split").cls(self.axis).apply(g)


@register
class Concat(UnaryOp):
    """A tuple of tensors joined along an existing axis.

    >>> from needle_edu import Tensor, ops
    >>> ops.concat((Tensor([1.0, 2.0]), Tensor([3.0])))
    Tensor([1., 2., 3.], op=concat)
    """

    name, symbol = "concat", "concat"
    formula = r"y = \operatorname{concat}(a_1, a_2, \dots)"
    vjp_formulas = (r"\bar{a}_i = \text{the part of } \bar{y} \text{ that came from } a_i",)
    vjp_reads = ("",)
    tuple_input = True
    samples = staticmethod(
        sampling.shaped(({"axis": 0}, (2, 3), (1, 3)), ({"axis": -1}, (2, 3), (2, 2), (2, 1)))
    )

    def __init__(self, axis: int = 0):
        self.axis = integer(self.name, "axis", axis)

    def compute(self, args):
        return xp.concat(args, axis=self.axis)

    def vjp0(self, g, node):
        (axis,) = normalize_axes(self.axis, len(g.shape), self.name)
        parts, start = [], 0
        for array in node.inputs[0].realize_cached_data():
            stop = start + array.shape[axis]
            parts.append(g[(slice(None),) * axis + (slice(start, stop),)])
            start = stop
        return slot("make_tuple").instance.apply(*parts)


@register
class Flip(UnaryOp):
    """The order of the elements reversed along some axes.

    >>> from needle_edu import Tensor, ops
    >>> ops.flip(Tensor([[1.0, 2.0], [3.0, 4.0]]), axes=1)
    Tensor([[2., 1.],
            [4., 3.]], op=flip)
    """

    name = symbol = "flip"
    method = True
    formula = r"y = \operatorname{flip}(a)"
    vjp_formulas = (r"\bar{a} = \operatorname{flip}(\bar{y})",)
    vjp_reads = ("",)
    samples = staticmethod(
        sampling.shaped(({"axes": (0,)}, (2, 3)), ({"axes": (0, 2)}, (2, 3, 2)), ({"axes": (1,)}, (2, 3)))
    )

    def __init__(self, axes):
        self.axes = as_shape(axes, self.name)

    def compute(self, a):
        return xp.flip(a, axis=self.axes)

    def vjp0(self, g, node):
        return self.apply(g)
