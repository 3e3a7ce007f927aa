"""Adaptive pooling: the windows follow from the wanted output size. Window j of m over n elements runs from
floor(j n / m) to ceil((j + 1) n / m), the second not included: together they cover the axis, and may overlap.

Windows of one length, side by side, are an ordinary pooling. Means of others are `resize` in mode "area", maxima of
others an op of their own. Where it has no kernel, its windows are laid side by side by indexing, all of the longest
one's length; a shorter one sees its last element again.
"""

from math import prod

import numpy as np

from needle_edu.autograd import arrays
from needle_edu.autograd.arrays import ShapeError, xp
from needle_edu.autograd.registry import register, slot
from needle_edu.autograd.tensor import as_tensor
from needle_edu.backend.arguments import integer

from . import sampling
from .max_pooling import _MaxPool
from .pooling import floating

_AVERAGE = {1: slot("avg_pool1d"), 2: slot("avg_pool2d")}
_MAXIMUM = {1: slot("max_pool1d"), 2: slot("max_pool2d")}
_RESIZE, _COVERING, _BACKWARD = slot("resize"), slot("adaptive_max_pool"), slot("max_pool_backward")


@register
class AdaptiveMaxPool(_MaxPool):
    """The maxima of windows that cover (N, C, L) or an image (N, C, H, W), of whatever lengths that takes.

    Window j of m over n elements runs from floor(j n / m) to ceil((j + 1) n / m), the second not included. Equal
    elements: the first gets the gradient. nan is a maximum.

    >>> from needle_edu import Tensor, ops
    >>> ops.adaptive_max_pool(Tensor([[[1.0, 3.0, 5.0]]]), (2,))
    Tensor([[[3., 5.]]], op=adaptive_max_pool)
    """

    name = "adaptive_max_pool"
    formula = r"y_j = \max_k a_k,\ \lfloor j n / m \rfloor \le k < \lceil (j + 1) n / m \rceil"
    samples = staticmethod(
        sampling.shaped(({"output_size": (2,)}, (2, 2, 5)), ({"output_size": (3, 2)}, (1, 2, 4, 5)))
    )

    def __init__(self, output_size):
        axes = len(output_size) if isinstance(output_size, (tuple, list)) else 1
        if axes not in (1, 2):
            raise ShapeError(f"{self.name}: output_size has one number or two, got {output_size!r}")
        self.output_size = output_sizes(self.name, output_size, axes)

    def windows(self, shape):
        """Return where windows begin and end along each axis, and their numbers."""
        axes = len(self.output_size)
        if len(shape) != axes + 2 or min(shape[2:]) < 1:
            wanted = "(N, C, L)" if axes == 1 else "(N, C, H, W)"
            raise ShapeError(f"{self.name}: wanted a shape {wanted} with elements to pool, got {shape}")
        counts = [n if m is None else m for n, m in zip(shape[2:], self.output_size, strict=True)]
        return [bounds(n, m) for n, m in zip(shape[2:], counts, strict=True)], tuple(counts)

    def kernel(self, a, places):
        return arrays.pooling.adaptive_maximum(self.windows(a.shape)[1], a, places)

    def largest(self, a):
        pool, rows = self._side_by_side(a.shape)
        return pool.compute(_gathered(a, rows))

    def found(self, a):
        pool, rows = self._side_by_side(a.shape)
        places = pool.places(_gathered(a, rows))
        numbers = xp.arange(prod(a.shape[2:]), dtype="int64", device=a.device).reshape((1, 1, *a.shape[2:]))
        return xp.take(_gathered(numbers, rows).reshape((-1,)), places.reshape((-1,))).reshape(places.shape)

    def backward(self, places, shape):
        backward = _BACKWARD.cls(places, shape)
        backward.in_planes = True
        return backward

    def _side_by_side(self, shape):
        """Return the pooling of windows that lie side by side, and which elements of each axis those are."""
        windows, counts = self.windows(shape)
        lengths = [int((last - first).max()) for first, last in windows]
        places = [
            np.minimum(first[:, None] + np.arange(length), last[:, None] - 1).reshape(-1)
            for (first, last), length in zip(windows, lengths, strict=True)
        ]
        return _MAXIMUM[len(counts)].original(tuple(lengths)), places


def _gathered(a, places: list[np.ndarray]):
    for axis, chosen in enumerate(places, start=2):
        a = xp.take(a, arrays.enter(chosen, a.device), axis=axis)
    return a


def adaptive_avg_pool1d(a, output_size):
    """Return the means of `output_size` windows that cover the last axis of (N, C, L).

    >>> from needle_edu import Tensor, ops
    >>> ops.adaptive_avg_pool1d(Tensor([[[1.0, 3.0, 5.0]]]), 2).numpy().tolist()
    [[[2.0, 4.0]]]
    """
    return _average("adaptive_avg_pool1d", a, output_size, 1)


def adaptive_avg_pool2d(a, output_size):
    """Return the means of windows that cover an image (N, C, H, W): (N, C, H', W').

    `output_size` is a number or a pair; None keeps an extent. Size 1 is the global mean.

    >>> from needle_edu import Tensor, ops
    >>> ops.adaptive_avg_pool2d(Tensor([[[[1.0, 2.0], [4.0, 5.0]]]]), 1).numpy().tolist()
    [[[[3.0]]]]
    """
    return _average("adaptive_avg_pool2d", a, output_size, 2)


def adaptive_max_pool1d(a, output_size):
    """Return the maxima of `output_size` windows that cover the last axis of (N, C, L).

    >>> from needle_edu import Tensor, ops
    >>> ops.adaptive_max_pool1d(Tensor([[[1.0, 3.0, 5.0]]]), 2).numpy().tolist()
    [[[3.0, 5.0]]]
    """
    return _maximum("adaptive_max_pool1d", a, output_size, 1)


def adaptive_max_pool2d(a, output_size):
    """Return the maxima of windows that cover an image (N, C, H, W): (N, C, H', W'); sizes as for the mean.

    >>> from needle_edu import Tensor, ops
    >>> ops.adaptive_max_pool2d(Tensor([[[[1.0, 2.0], [4.0, 5.0]]]]), (1, None)).numpy().tolist()
    [[[[4.0, 5.0]]]]
    """
    return _maximum("adaptive_max_pool2d", a, output_size, 2)


def _average(who: str, a, output_size, axes: int):
    a, sizes = _checked(who, a, output_size, axes)
    kernel = regular(a.shape[2:], sizes)
    if kernel is None:
        return _RESIZE.cls(tuple(sizes), "area").apply(a)
    return _AVERAGE[axes].cls(kernel).apply(a)


def _maximum(who: str, a, output_size, axes: int):
    op, a = covering(who, a, output_size, axes)
    return op.apply(a)


def covering(who: str, a, output_size, axes: int):
    """Return the op that takes maxima of windows that cover a checked tensor, and this tensor."""
    a, sizes = _checked(who, a, output_size, axes)
    kernel = regular(a.shape[2:], sizes)
    return (_COVERING.cls(tuple(sizes)) if kernel is None else _MAXIMUM[axes].cls(kernel)), a


def regular(extents, sizes) -> tuple[int, ...] | None:
    """Return the lengths of windows that lie side by side, all of one length along each axis; None if they don't.

    >>> regular((6, 4), (3, 4)), regular((5,), (2,))
    ((2, 1), None)
    """
    if any(extent % size for extent, size in zip(extents, sizes, strict=True)):
        return None
    return tuple([extent // size for extent, size in zip(extents, sizes, strict=True)])


def bounds(extent: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where each window begins, and ends."""
    j = np.arange(size)
    return j * extent // size, -(-(j + 1) * extent // size)


def _checked(who: str, a, output_size, axes: int):
    a = as_tensor(a, who)
    if len(a.shape) != axes + 2:
        more = "; add a batch axis: x[None]" if len(a.shape) == axes + 1 else ""
        letters = "L" if axes == 1 else "H, W"
        raise ShapeError(f"{who}: wanted a shape (N, C, {letters}), got {a.shape}{more}")
    if min(a.shape[2:]) < 1:
        raise ShapeError(f"{who}: there is nothing to pool in shape {a.shape}; wanted at least one element")
    floating(who, a)
    sizes = output_sizes(who, output_size, axes)
    return a, [n if size is None else size for n, size in zip(a.shape[2:], sizes, strict=True)]


def output_sizes(who: str, output_size, axes: int) -> tuple[int | None, ...]:
    """Return the wanted size for each axis; None keeps an extent.

    >>> output_sizes("adaptive_avg_pool2d", (3, None), 2)
    (3, None)
    """
    given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * axes
    if len(given) != axes:
        raise ShapeError(
            f"{who}: output_size is one number or {axes}, one for each axis; got {output_size!r}"
        )
    return tuple([None if size is None else integer(who, "output_size", size, 1) for size in given])


FUNCTIONS = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_max_pool1d, adaptive_max_pool2d)
