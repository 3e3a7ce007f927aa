"""Power-average pooling: the p-norm of every window, but without absolute values, as PyTorch has it:

    y = (Σ_k a_k^p)^(1/p)

With p = 1 that is the sum of the window, with p = 2 its length; an odd p and a negative sum give nan.
"""

from math import prod
from sys import float_info
from typing import Any

from needle_edu.autograd.arrays import ShapeError, xp
from needle_edu.autograd.registry import slot
from needle_edu.autograd.tensor import as_tensor
from needle_edu.backend.arguments import switch

from .constants import constant, plain_number
from .pooling import floating

_AVERAGE = {1: slot("avg_pool1d"), 2: slot("avg_pool2d")}
_RELU, _ABS = slot("relu"), slot("abs")


def lp_pool1d(a, norm_type, kernel_size, stride=None, ceil_mode=False):
    """Return (Σ a^p)^(1/p) of each window along the last axis of (N, C, L), p being `norm_type`.

    >>> from needle_edu import Tensor, ops
    >>> ops.lp_pool1d(Tensor([[[3.0, -4.0, 6.0, 8.0]]]), 2, 2).numpy().tolist()
    [[[5.0, 10.0]]]
    """
    return _pooled("lp_pool1d", a, norm_type, kernel_size, stride, ceil_mode, 1)


def lp_pool2d(a, norm_type, kernel_size, stride=None, ceil_mode=False):
    """Return (Σ a^p)^(1/p) of each window of an image (N, C, H, W), p being `norm_type`, a number above 0.

    `kernel_size` and `stride` (by default the kernel size) are numbers or pairs. With p = 1 it is the sum. A window of
    zeros gets the gradient 0, but for p = 1. With `ceil_mode` a last window may reach beyond the end; its sum then
    counts as if it were whole.

    >>> from needle_edu import Tensor, ops
    >>> ops.lp_pool2d(Tensor([[[[1.0, -1.0], [1.0, 1.0]]]]), 1, 2).numpy().tolist()
    [[[[2.0]]]]
    """
    return _pooled("lp_pool2d", a, norm_type, kernel_size, stride, ceil_mode, 2)


def exponent(who: str, norm_type: Any) -> float:
    """Return the p of a norm, a finite number above 0.

    >>> exponent("lp_pool1d", 2)
    2.0
    """
    p = plain_number(who, norm_type)
    if not 0 < p <= float_info.max:
        raise ShapeError(
            f"{who}: norm_type is a finite number above 0, got {norm_type!r}; for inf take max_pool"
        )
    return float(p)


def _pooled(who: str, a, norm_type, kernel_size, stride, ceil_mode, axes: int):
    p, a = exponent(who, norm_type), as_tensor(a, who)
    floating(who, a)
    switch(who, ceil_mode=ceil_mode)
    pool: Any = _AVERAGE[axes].cls(kernel_size, stride, 0, ceil_mode)
    total = pool.apply(a if p == 1 else a**p) * prod(pool.kernel_size)
    if p == 1:
        return total
    # The root has no slope at 0; relu lets nothing back there. Its sign is given back afterwards.
    sign = constant(xp.sign(total.realize_cached_data()))
    return (sign * _RELU.cls().apply(_ABS.cls().apply(total))) ** (1 / p)


FUNCTIONS = (lp_pool1d, lp_pool2d)
