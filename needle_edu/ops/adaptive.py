"""Adaptive pooling: the windows follow from the wanted output size. Window j of m over n elements runs from
floor(j n / m) to ceil((j + 1) n / m), the second not included: together they cover the axis, and may overlap.

Windows of one length, side by side, are an ordinary pooling. Means of others are `resize` in mode "area". For maxima of
others the windows are laid side by side by indexing, all of the longest one's length; a shorter one sees its last
element again.
"""

from typing import Any

import numpy as np

from needle_edu.autograd.arrays import ShapeError
from needle_edu.autograd.registry import slot
from needle_edu.autograd.tensor import as_tensor
from needle_edu.backend.arguments import integer

from .pooling import floating

_AVERAGE = {1: slot("avg_pool1d"), 2: slot("avg_pool2d")}
_MAXIMUM = {1: slot("max_pool1d"), 2: slot("max_pool2d")}
_RESIZE = slot("resize")


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
    kernel = []
    for extent, size in zip(a.shape[2:], sizes, strict=True):
        first, last = bounds(extent, size)
        lengths, step = set((last - first).tolist()), extent // size
        kernel.append(step if lengths == {step} and size * step == extent else None)
    if None in kernel:
        return _RESIZE.cls(tuple(sizes), "area").apply(a)
    return _AVERAGE[axes].cls(tuple(kernel)).apply(a)


def _maximum(who: str, a, output_size, axes: int):
    a, sizes = _checked(who, a, output_size, axes)
    kernel = []
    for axis, size in enumerate(sizes, start=2):
        first, last = bounds(a.shape[axis], size)
        kernel.append(int((last - first).max()))
        places = np.minimum(first[:, None] + np.arange(kernel[-1]), last[:, None] - 1)
        a = _gathered(a, axis, places.reshape(-1))
    pool: Any = _MAXIMUM[axes].cls
    return pool(tuple(kernel)).apply(a)


def bounds(extent: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where each window begins, and ends."""
    j = np.arange(size)
    return j * extent // size, -(-(j + 1) * extent // size)


def _gathered(a, axis: int, places: np.ndarray):
    """Return the slices at `places` along an axis; the tensor itself if that is all of them, in order."""
    if np.array_equal(places, np.arange(a.shape[axis])):
        return a
    return a[(slice(None),) * axis + (places,)]


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
