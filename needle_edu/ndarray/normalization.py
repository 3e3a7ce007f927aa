"""Batch and group normalisation by the compiled kernels: one pass measures, one writes, and nothing in between is kept.

Layer normalisation is group normalisation with one group, instance normalisation with a group for each channel. What
is computed says `needle_edu.ops`, whose arithmetic in arrays is the readable form of these; shapes have been checked
there. Statistics are float64 of shape (3, number of means): means, biased variances, 1/sqrt(variance + eps).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from needle_edu.backend.dtypes import F64

from .base import allocate, cast, kernel_failed
from .layout import Layout, compact_layout
from .plans import remember

if TYPE_CHECKING:
    from .array import NDArray


def compiled(a: NDArray, *others: NDArray) -> bool:
    """Return whether there is a kernel: floats of one type on a device with compiled kernels, not empty."""
    layout = a.layout
    code, device = layout.code, layout.device
    for other in others:
        if other.layout.code != code or other.layout.device is not device:
            return False
    return code <= F64 and layout.size > 0 and device.runtime.native


def batch_norm(a: NDArray, weight: NDArray, bias: NDArray, eps: float) -> tuple[NDArray, NDArray]:
    """Return the result and the statistics of channels, for `a` of shape (N, C, *extents).

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> y, statistics = batch_norm(nd.array([[1.0], [3.0]]), nd.ones(1), nd.zeros(1), 0.0)
    >>> y.numpy().tolist(), statistics.numpy().tolist()
    ([[-1.0], [1.0]], [[2.0], [1.0], [1.0]])
    """
    layout, inner, means = _channels(a.layout)
    a, weight, bias = _laid_out(a, layout), weight.compact(), bias.compact()
    out, stats = allocate(layout), allocate(means)
    err = layout.kernels["batch_norm_dense"](
        layout.code, layout.size, out.storage.ptr, a.storage.ptr, weight.storage.ptr, bias.storage.ptr,
        stats.storage.ptr, layout.shape[1], inner, eps,
    )  # fmt: skip
    if err:
        kernel_failed("batch_norm", err, a, weight, bias)
    return out, stats


def batch_norm_backward(
    g: NDArray, a: NDArray, weight: NDArray, stats: NDArray
) -> tuple[NDArray, NDArray, NDArray]:
    """Return the adjoints of a, weight and bias for the adjoint g of the result."""
    layout, inner, _ = _channels(a.layout)
    g, a, weight = _laid_out(g, layout), _laid_out(a, layout), weight.compact()
    out, to_weight, to_bias = allocate(layout), allocate(weight.layout), allocate(weight.layout)
    err = layout.kernels["batch_norm_backward_dense"](
        layout.code, layout.size, out.storage.ptr, g.storage.ptr, a.storage.ptr, weight.storage.ptr,
        stats.storage.ptr, to_weight.storage.ptr, to_bias.storage.ptr, layout.shape[1], inner,
    )  # fmt: skip
    if err:
        kernel_failed("batch_norm_backward", err, g, a, weight)
    return out, to_weight, to_bias


def running_averages(
    mean: NDArray, variance: NDArray, stats: NDArray, momentum: float, factor: float
) -> tuple[NDArray, NDArray]:
    """Return running averages of channels after a batch with these statistics; its variances count `factor` times.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> _, statistics = batch_norm(nd.array([[1.0], [3.0]]), nd.ones(1), nd.zeros(1), 0.0)
    >>> [a.numpy().tolist() for a in running_averages(nd.zeros(1), nd.ones(1), statistics, 0.5, 2.0)]
    [[1.0], [1.5]]
    """
    mean, variance = mean.compact(), variance.compact()
    layout = mean.layout
    new_mean, new_variance = allocate(layout), allocate(layout)
    err = layout.kernels["running_averages_dense"](
        layout.code, layout.size, new_mean.storage.ptr, new_variance.storage.ptr, mean.storage.ptr,
        variance.storage.ptr, stats.storage.ptr, momentum, factor,
    )  # fmt: skip
    if err:
        kernel_failed("running_averages", err, mean, variance)
    return new_mean, new_variance


def group_norm(
    a: NDArray, weight: NDArray, bias: NDArray, groups: int, inner: int, eps: float
) -> tuple[NDArray, NDArray]:
    """Return the result and the statistics of groups, for `a` of shape (batch, channels, inner), its axes in any form.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> y, _ = group_norm(nd.array([[1.0, 3.0, 5.0, 5.0]]), nd.ones(4), nd.zeros(4), 2, 1, 1e-5)
    >>> y.numpy().round(3).tolist()
    [[-1.0, 1.0, 0.0, 0.0]]
    """
    a, weight, bias = a.compact(), weight.compact(), bias.compact()
    layout, channels = a.layout, weight.layout.size
    stats = allocate(compact_layout((3, layout.size // (channels * inner) * groups), F64, layout.device))
    out = allocate(layout)
    err = layout.kernels["group_norm_dense"](
        layout.code, layout.size, out.storage.ptr, a.storage.ptr, weight.storage.ptr, bias.storage.ptr,
        stats.storage.ptr, channels, inner, groups, eps,
    )  # fmt: skip
    if err:
        kernel_failed("group_norm", err, a, weight, bias)
    return out, stats


def group_norm_backward(
    g: NDArray, a: NDArray, weight: NDArray, stats: NDArray, groups: int, inner: int
) -> tuple[NDArray, NDArray, NDArray]:
    """Return the adjoints of a, weight and bias for the adjoint g of the result."""
    g, a, weight = g.compact(), a.compact(), weight.compact()
    layout = a.layout
    out, to_weight, to_bias = allocate(layout), allocate(weight.layout), allocate(weight.layout)
    err = layout.kernels["group_norm_backward_dense"](
        layout.code, layout.size, out.storage.ptr, g.storage.ptr, a.storage.ptr, weight.storage.ptr,
        stats.storage.ptr, to_weight.storage.ptr, to_bias.storage.ptr, weight.layout.size, inner, groups,
    )  # fmt: skip
    if err:
        kernel_failed("group_norm_backward", err, g, a, weight)
    return out, to_weight, to_bias


@remember
def _channels(a: Layout) -> tuple[Layout, int, Layout]:
    """Return in which dense layout to compute, how many elements of a channel lie side by side, and the statistics'.

    Where the channels are last in memory (a view of images with channels last), they stay there.
    """
    shape, channels = a.shape, a.shape[1]
    last = a.dense and not a.compact and a.strides[1] == 1 and channels > 1
    layout = a if last else compact_layout(shape, a.code, a.device)
    return layout, 1 if last else prod(shape[2:]), compact_layout((3, channels), F64, a.device)


def _laid_out(a: NDArray, layout: Layout) -> NDArray:
    """Return `a`, copied unless it has this layout."""
    own = a.layout
    return a if own is layout or own.compact and layout.compact else cast(a, layout)
