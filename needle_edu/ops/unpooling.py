"""Max pooling with the places of the maxima, and the way back: an image of zeros with each maximum at its place.

A place is the number of an element among those of its channel of its image, row · columns + column, as PyTorch counts.
"""

from math import prod
from typing import Any

import numpy as np

from needle_edu.autograd import arrays
from needle_edu.autograd.arrays import DTypeError, IndexOutOfRange, ShapeError, xp
from needle_edu.autograd.registry import slot
from needle_edu.autograd.tensor import as_tensor

from .adaptive import covering
from .constants import constant
from .pooling import floating
from .windows import per_axis

_MAXIMUM = {1: slot("max_pool1d"), 2: slot("max_pool2d")}
_TO_PLACES = slot("max_pool_backward")


def max_pool1d_with_indices(a, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """Return the maximum of each window along the last axis of (N, C, L), and where it is (int64).

    >>> from needle_edu import Tensor, ops
    >>> y, places = ops.max_pool1d_with_indices(Tensor([[[1.0, 3.0, 2.0, 5.0]]]), 2)
    >>> y.numpy().tolist(), places.numpy().tolist()
    ([[[3.0, 5.0]]], [[[1, 3]]])
    """
    return _with_places("max_pool1d_with_indices", a, 1, (kernel_size, stride, padding, dilation, ceil_mode))


def max_pool2d_with_indices(a, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """Return the maximum of each window of an image (N, C, H, W), and where it is (int64): row · W + column.

    −1 is the place of a window that sees nothing but padding. Attributes as for `max_pool2d`.

    >>> from needle_edu import Tensor, ops
    >>> y, places = ops.max_pool2d_with_indices(Tensor([[[[1.0, 2.0], [4.0, 3.0]]]]), 2)
    >>> y.numpy().tolist(), places.numpy().tolist()
    ([[[[4.0]]]], [[[[2]]]])
    """
    return _with_places("max_pool2d_with_indices", a, 2, (kernel_size, stride, padding, dilation, ceil_mode))


def adaptive_max_pool1d_with_indices(a, output_size):
    """Return the maxima of `adaptive_max_pool1d`, and where they are (int64).

    >>> from needle_edu import Tensor, ops
    >>> y, places = ops.adaptive_max_pool1d_with_indices(Tensor([[[1.0, 3.0, 5.0]]]), 2)
    >>> y.numpy().tolist(), places.numpy().tolist()
    ([[[3.0, 5.0]]], [[[1, 2]]])
    """
    return _noted(*covering("adaptive_max_pool1d_with_indices", a, output_size, 1))


def adaptive_max_pool2d_with_indices(a, output_size):
    """Return the maxima of `adaptive_max_pool2d`, and where they are (int64): row · W + column.

    >>> from needle_edu import Tensor, ops
    >>> y, places = ops.adaptive_max_pool2d_with_indices(Tensor([[[[1.0, 2.0], [4.0, 3.0]]]]), 1)
    >>> y.numpy().tolist(), places.numpy().tolist()
    ([[[[4.0]]]], [[[[2]]]])
    """
    return _noted(*covering("adaptive_max_pool2d_with_indices", a, output_size, 2))


def max_unpool1d(a, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Return zeros with each element of (N, C, L') at its place; attributes as for `max_unpool2d`.

    >>> from needle_edu import Tensor, ops
    >>> ops.max_unpool1d(Tensor([[[3.0, 5.0]]]), [[[1, 3]]], 2).numpy().tolist()
    [[[0.0, 3.0, 0.0, 5.0]]]
    """
    return _unpooled("max_unpool1d", a, indices, kernel_size, stride, padding, output_size, 1)


def max_unpool2d(a, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Return zeros of a shape (N, C, H, W) with each element of (N, C, H', W') at its place, what max pooling undoes.

    `indices` are places as of `max_pool2d_with_indices`. Where two elements have one place, the last of them stays, and
    it alone has a gradient. `output_size`, (H, W) or a whole shape, is by default the smallest for these windows:
    (H' − 1)·stride − 2·padding + kernel_size; it may differ from that by less than a stride.

    >>> from needle_edu import Tensor, ops
    >>> ops.max_unpool2d(Tensor([[[[4.0]]]]), [[[[2]]]], 2).numpy().tolist()
    [[[[0.0, 0.0], [4.0, 0.0]]]]
    """
    return _unpooled("max_unpool2d", a, indices, kernel_size, stride, padding, output_size, 2)


def _with_places(who: str, a, axes: int, attributes: tuple):
    a = as_tensor(a, who)
    floating(who, a)
    return _noted(_MAXIMUM[axes].cls(*attributes), a)


def _noted(op: Any, a):
    """Return the maxima, and the places that were noted with them or are looked for now."""
    y = op.apply(a)
    places = y.extra.get("places") if y.extra else None
    if places is None:
        places = op.places(a.realize_cached_data())
    return y, constant(xp.astype(places, "int64"))


def _unpooled(who: str, a, indices, kernel_size, stride, padding, output_size, axes: int):
    a = as_tensor(a, who)
    floating(who, a)
    places = as_tensor(indices, who).realize_cached_data()
    if places.dtype.kind != "i":
        raise DTypeError(f"{who}: indices are integers, got {places.dtype}")
    if len(a.shape) != axes + 2 or places.shape != a.shape:
        letters = "L" if axes == 1 else "H, W"
        raise ShapeError(
            f"{who}: wanted a shape (N, C, {letters}) and as many indices, got {a.shape} and {places.shape}"
        )
    extents = _extents(who, a.shape[2:], kernel_size, stride, padding, output_size)
    kept = _last_of_equals(
        who, arrays.to_numpy(places).reshape(prod(a.shape[:2]), prod(a.shape[2:])), prod(extents)
    )
    shape = (*a.shape[:2], *extents)
    places = arrays.enter(kept.reshape(a.shape), arrays.device_of(places))
    return _TO_PLACES.cls(places, shape).apply(a)


def _last_of_equals(who: str, places: np.ndarray, size: int) -> np.ndarray:
    """Return the places with −1 for those that come again later in their row."""
    if places.size and not (places.min() >= 0 and places.max() < size):
        wrong = places.min() if places.min() < 0 else places.max()
        raise IndexOutOfRange(f"{who}: index {wrong} is out of range; got an image of {size} elements")
    rows, order = np.arange(len(places))[:, None], np.arange(places.shape[1])
    last = np.full((len(places), size), -1)
    last[rows, places] = order
    return np.where(last[rows, places] == order, places, -1)


def _extents(who: str, counts: tuple, kernel_size, stride, padding, output_size) -> tuple[int, ...]:
    axes = len(counts)
    kernel = per_axis(who, "kernel_size", kernel_size, axes, 1)
    steps = kernel if stride is None else per_axis(who, "stride", stride, axes, 1)
    pads = per_axis(who, "padding", padding, axes, 0)
    usual = [(n - 1) * s - 2 * p + k for n, s, p, k in zip(counts, steps, pads, kernel, strict=True)]
    if output_size is None:
        return tuple(usual)
    wanted = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,)
    wanted = per_axis(who, "output_size", wanted[-axes:] if len(wanted) == axes + 2 else wanted, axes, 0)
    for n, u, s in zip(wanted, usual, steps, strict=True):
        if not u - s < n < u + s:
            raise ShapeError(
                f"{who}: output_size is {tuple(usual)}, or differs by less than the stride {steps}; got {wanted}"
            )
    return wanted


FUNCTIONS = (
    max_pool1d_with_indices, max_pool2d_with_indices, adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d_with_indices, max_unpool1d, max_unpool2d,
)  # fmt: skip
