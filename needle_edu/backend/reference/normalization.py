"""Normalisation of the NumPy reference, written as its definition in the header."""

from typing import Any

import numpy as np

from ..dtypes import DTYPES
from ..errors import EDTYPE, EPLAN, OK
from .plan import FLOATS, kernel

Array = np.ndarray
OF_CHANNELS = (0, 2)  # the axes of (batch, channels, inner) over which batch normalisation takes its means
OF_GROUPS = (2, 3)  # the same of (batch, groups, channels of a group, inner)


@kernel
def batch_norm_dense(
    dtype: int, n: int, out: Array, a: Array, weight: Array, bias: Array, stats: Array,
    channels: int, inner: int, eps: float,
) -> int:  # fmt: skip
    """weight z + bias, z = (a - mean) / sqrt(variance + eps), over batch and inner"""
    if error := _error(dtype, n, channels, inner, 1) or (EPLAN if n < 1 else OK):
        return error
    return _forward(
        dtype, n, out, a, weight, bias, stats, (-1, channels, inner), (1, channels, 1), OF_CHANNELS, eps
    )


@kernel
def batch_norm_backward_dense(
    dtype: int, n: int, out: Array, g: Array, a: Array, weight: Array, stats: Array, to_weight: Array, to_bias: Array,
    channels: int, inner: int,
) -> int:  # fmt: skip
    """The adjoints of a, weight and bias of batch_norm, for the adjoint g"""
    if error := _error(dtype, n, channels, inner, 1) or (EPLAN if n < 1 else OK):
        return error
    shape, column = (-1, channels, inner), (1, channels, 1)
    return _backward(dtype, n, out, g, a, weight, stats, to_weight, to_bias, shape, column, OF_CHANNELS)


@kernel
def running_averages_dense(
    dtype: int, n: int, mean: Array, variance: Array, old_mean: Array, old_variance: Array, stats: Array,
    momentum: float, factor: float,
) -> int:  # fmt: skip
    """old (1 - momentum) + batch momentum, of means and of variances times a factor"""
    if dtype not in FLOATS:
        return EDTYPE
    type_ = DTYPES[dtype].type
    batch = np.frombuffer(stats, np.float64, 2 * n).reshape(2, n) * [[1], [factor]]
    for out, old, new in ((mean, old_mean, batch[0]), (variance, old_variance, batch[1])):
        kept = old.view(type_)[:n] * type_(1 - momentum)
        out.view(type_)[:n] = kept + new.astype(type_) * type_(momentum)
    return OK


@kernel
def group_norm_dense(
    dtype: int, n: int, out: Array, a: Array, weight: Array, bias: Array, stats: Array,
    channels: int, inner: int, groups: int, eps: float,
) -> int:  # fmt: skip
    """The same over the channels of one group and inner, for each example"""
    if error := _error(dtype, n, channels, inner, groups):
        return error
    shape, column = _grouped(n, channels, inner, groups)
    return _forward(dtype, n, out, a, weight, bias, stats, shape, column, OF_GROUPS, eps)


@kernel
def group_norm_backward_dense(
    dtype: int, n: int, out: Array, g: Array, a: Array, weight: Array, stats: Array, to_weight: Array, to_bias: Array,
    channels: int, inner: int, groups: int,
) -> int:  # fmt: skip
    """The adjoints of a, weight and bias of group_norm, for the adjoint g"""
    if error := _error(dtype, n, channels, inner, groups):
        return error
    shape, column = _grouped(n, channels, inner, groups)
    return _backward(dtype, n, out, g, a, weight, stats, to_weight, to_bias, shape, column, OF_GROUPS)


def _error(dtype: int, n: int, channels: int, inner: int, groups: int) -> int:
    if dtype not in FLOATS:
        return EDTYPE
    fits = (
        channels > 0 and inner > 0 and groups > 0 and channels % groups == 0 and n % (channels * inner) == 0
    )
    return OK if fits else EPLAN


def _grouped(n: int, channels: int, inner: int, groups: int) -> tuple[tuple, tuple]:
    each = channels // groups
    return (n // (channels * inner), groups, each, inner), (1, groups, each, 1)


def _wide(dtype: int, memory: Array, shape: tuple) -> Array:
    """Return the first elements of an operand as doubles of this shape, in which one extent may be -1."""
    return memory.view(DTYPES[dtype]).astype(np.float64).reshape(shape)


def _forward(
    dtype: int, n: int, out: Array, a: Array, weight: Array, bias: Array, stats: Array,
    shape: tuple, column: tuple, axes: tuple, eps: float,
) -> int:  # fmt: skip
    x = _wide(dtype, a[:n], shape)
    size = int(np.prod(column))
    w, b = _wide(dtype, weight[:size], column), _wide(dtype, bias[:size], column)
    mean = x.mean(axes, keepdims=True)
    variance = ((x - mean) ** 2).mean(axes, keepdims=True)
    inverse = 1 / np.sqrt(variance + eps)
    out.view(DTYPES[dtype])[:n] = (w * ((x - mean) * inverse) + b).reshape(-1)
    values = np.concatenate([mean.reshape(-1), variance.reshape(-1), inverse.reshape(-1)])
    stats[: values.size] = values
    return OK


def _backward(
    dtype: int, n: int, out: Array, g: Array, a: Array, weight: Array, stats: Array, to_weight: Array, to_bias: Array,
    shape: tuple, column: tuple, axes: tuple,
) -> int:  # fmt: skip
    x, adjoint = _wide(dtype, a[:n], shape), _wide(dtype, g[:n], shape)
    size = int(np.prod(column))
    u = adjoint * _wide(dtype, weight[:size], column)
    means = tuple([1 if axis in axes else extent for axis, extent in enumerate(x.shape)])
    count = int(np.prod(means))
    mean, inverse = stats[:count].reshape(means), stats[2 * count : 3 * count].reshape(means)
    z: Any = (x - mean) * inverse
    slope = u - u.mean(axes, keepdims=True) - z * (u * z).mean(axes, keepdims=True)
    out.view(DTYPES[dtype])[:n] = (slope * inverse).reshape(-1)
    others = tuple(
        [axis for axis, extent in enumerate(column) if extent == 1 and axis in (0, len(column) - 1)]
    )
    to_weight.view(DTYPES[dtype])[:size] = (adjoint * z).sum(others).reshape(-1)
    to_bias.view(DTYPES[dtype])[:size] = adjoint.sum(others).reshape(-1)
    return OK
