"""Reductions: many elements become one. Sum, mean, largest, smallest, product.

`axes` (or `axis`, as NumPy says) is None (all), an int, or a tuple; the reduced axes disappear from the
shape, or keep extent 1 with ``keepdims=True``. The vjp of a reduction expands the adjoint back over the axes
that were reduced. As in the course, a reduction over all axes of an NDArray has shape (1,); in np mode it has
shape ().
"""

from needle_edu.autograd.arrays import xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register, slot

from . import sampling
from .constants import any_of, chosen_axes, constant, expand, normalize_axes, numbers_are_known

_PLAIN = (int, tuple, type(None))
_CONCAT, _MAKE_TUPLE, _WHERE = slot("concat"), slot("make_tuple"), slot("where")


class Reduction(UnaryOp):
    """Base of the reductions."""

    def __init__(self, axes=None, keepdims=False, axis=None):
        self.axes = axes if axis is None and type(axes) in _PLAIN else chosen_axes(self.name, axes, axis)
        self.keepdims = keepdims


_CASES = sampling.shaped(
    ({}, (2, 3)), ({"axes": 0}, (2, 3)), ({"axes": -1}, (2, 3)), ({"axes": (0, 2)}, (2, 3, 2)), ({}, ()),
    ({"axes": -1, "keepdims": True}, (2, 3)), ({"keepdims": True}, (2, 3)),
)  # fmt: skip


@register
class Summation(Reduction):
    """The sum over axes.

    >>> from needle_edu import Tensor, ops
    >>> ops.summation(Tensor([[1.0, 2.0], [3.0, 4.0]]), axes=0)
    Tensor([4., 6.], op=summation)
    """

    name, symbol = "summation", "Σ"
    formula = r"y = \sum a"
    vjp_formulas = (r"\bar{a} = \operatorname{expand}(\bar{y})",)
    vjp_reads = ("",)
    vjps_on_arrays = True
    samples = staticmethod(_CASES)

    def compute(self, a):
        return xp.sum(a, axis=self.axes, keepdims=self.keepdims)

    def vjp0(self, g, node):
        return expand(g, self.axes, node.inputs[0].shape)


@register
class Mean(Reduction):
    """The mean over axes.

    >>> from needle_edu import Tensor, ops
    >>> ops.mean(Tensor([[1.0, 2.0], [3.0, 4.0]]), axes=0)
    Tensor([2., 3.], op=mean)
    """

    name = symbol = "mean"
    method = True
    formula = r"y = \frac1n \sum a"
    vjp_formulas = (r"\bar{a} = \operatorname{expand}(\bar{y}) / n",)
    vjp_reads = ("",)
    vjps_on_arrays = True
    samples = staticmethod(_CASES)

    def compute(self, a):
        return xp.mean(a, axis=self.axes, keepdims=self.keepdims)

    def vjp0(self, g, node):
        shape = node.inputs[0].shape
        count = 1
        for axis in normalize_axes(self.axes, len(shape), self.name):
            count *= shape[axis]
        return expand(g / count, self.axes, shape)


class Extreme(Reduction):
    """Base of max and min: the gradient goes to the extreme element; equal ones, or all nan, share it equally."""

    vjp_formulas = (
        r"\bar{a} = \operatorname{expand}(\bar{y}) \odot [a = \operatorname{expand}(y)] / \#\{a = y\}",
    )
    vjp_reads = ("ya",)
    samples = staticmethod(_CASES)

    def vjp0(self, g, node):
        a = node.inputs[0]
        data = a.realize_cached_data()
        largest = expand(node.detach(), self.axes, a.shape).realize_cached_data()
        winners = data == largest
        if data.dtype.kind == "f" and any_of(xp.isnan(largest)):  # nan wins, and equals nothing
            winners = xp.logical_or(winners, xp.logical_and(xp.isnan(data), xp.isnan(largest)))
        winners = xp.astype(winners, g.dtype)
        count = xp.sum(winners, axis=normalize_axes(self.axes, len(a.shape), self.name), keepdims=True)
        return expand(g, self.axes, a.shape) * constant(winners / count)


@register
class Max(Extreme):
    """The largest element over axes; equal ones share the gradient equally.

    >>> from needle_edu import Tensor, ops
    >>> ops.max(Tensor([[1.0, 2.0], [3.0, 4.0]]), axes=1)
    Tensor([2., 4.], op=max)
    """

    name = symbol = "max"
    method = True
    formula = r"y = \max a"

    def compute(self, a):
        return xp.max(a, axis=self.axes, keepdims=self.keepdims)


@register
class Min(Extreme):
    """The smallest element over axes; equal ones share the gradient equally.

    >>> from needle_edu import Tensor, ops
    >>> ops.min(Tensor([[1.0, 2.0], [3.0, 4.0]]), axes=1)
    Tensor([1., 3.], op=min)
    """

    name = symbol = "min"
    method = True
    formula = r"y = \min a"

    def compute(self, a):
        return xp.min(a, axis=self.axes, keepdims=self.keepdims)


@register
class Prod(Reduction):
    """The product over axes.

    >>> from needle_edu import Tensor, ops
    >>> ops.prod(Tensor([[1.0, 2.0], [3.0, 4.0]]), axes=1)
    Tensor([ 2., 12.], op=prod)
    """

    name, symbol = "prod", "Π"
    method = True
    formula = r"y = \prod a"
    vjp_formulas = (r"\bar{a}_i = \bar{y} \prod_{j \ne i} a_j",)
    vjp_reads = ("ya",)

    @staticmethod
    def samples(rng):
        some_zeros = rng.uniform(0.5, 2.0, (3, 4))
        some_zeros[0, 1] = some_zeros[1, 0] = some_zeros[1, 3] = 0
        return [
            *_CASES(rng),
            ({"axes": 1}, (some_zeros,)),
            ({"axes": 0}, (some_zeros,)),
            ({}, (some_zeros[0],)),
        ]

    def compute(self, a):
        return xp.prod(a, axis=self.axes, keepdims=self.keepdims)

    def vjp0(self, g, node):
        a = node.inputs[0]
        zeros = a.realize_cached_data() == 0
        if not any_of(zeros):
            return expand(g * node, self.axes, a.shape) / a
        others = expand(g, self.axes, a.shape) * _product_of_others(a, self.axes)
        if not numbers_are_known(zeros):  # of both ways, that which the numbers would have chosen
            some = constant(xp.broadcast_to(xp.any(zeros).reshape(()), a.shape))
            return _WHERE.instance.apply(some, others, expand(g * node, self.axes, a.shape) / a)
        return others


def _product_of_others(a, axes):
    """Return for each element the product of all OTHERS along the reduced axes, without dividing.

    It is the product of those before times the product of those after. Both are running products, which
    doubling steps find in log2(n) multiplications: after the k-th, every entry covers 2^k neighbours.
    """
    reduced = normalize_axes(axes, len(a.shape), "prod")
    kept = tuple([axis for axis in range(len(a.shape)) if axis not in reduced])
    order = kept + reduced
    moved = a.permute(order)
    flat = moved.reshape((*[a.shape[axis] for axis in kept], -1))
    n = flat.shape[-1]
    before, after = _shift(flat, 1), _shift(flat, -1)
    step = 1
    while step < n:
        before, after = before * _shift(before, step), after * _shift(after, -step)
        step *= 2
    inverse = tuple([order.index(axis) for axis in range(len(order))])
    return (before * after).reshape(moved.shape).permute(inverse)


def _shift(t, by: int):
    """Return `t` moved along its last axis by `by` places, with ones coming in."""
    if abs(by) >= t.shape[-1]:
        return t * 0 + 1
    if by > 0:
        return _join(t[..., :by] * 0 + 1, t[..., :-by])
    return _join(t[..., -by:], t[..., by:] * 0 + 1)


def _join(left, right):
    return _CONCAT.cls(-1).apply(_MAKE_TUPLE.instance.apply(left, right))
