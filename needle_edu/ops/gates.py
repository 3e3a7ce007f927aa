"""Activation functions that are made of other ops: gates, random slopes, and softmax under other names.

They are PyTorch's by name, arguments and edges; their derivatives come from the ops they are made of.
"""

import numpy as np

from needle_edu.autograd.arrays import DTypeError, ShapeError, device_of, enter
from needle_edu.autograd.registry import slot
from needle_edu.autograd.tensor import as_tensor
from needle_edu.backend.arguments import integer, real, switch
from needle_edu.backend.random import generator

from .constants import constant, normalize_axes

_TENSOR_SPLIT, _LEAKY_RELU = slot("tensor_split"), slot("leaky_relu")
_SOFTMAX, _LOGSOFTMAX = slot("softmax"), slot("logsoftmax")


def glu(a, axis=-1):
    """Return the first half along an axis times the sigmoid of the second: how much of it passes the gate.

    Reference: Y. Dauphin et al., "Language modeling with gated convolutional networks", ICML 2017.

    >>> from needle_edu import Tensor, ops
    >>> ops.glu(Tensor([[1.0, 2.0, 0.0, 100.0]])).numpy().tolist()
    [[0.5, 2.0]]
    """
    a = _floats("glu", a)
    if not a.ndim:
        raise ShapeError("glu: wanted an axis to halve, got a single number of shape ()")
    (axis,) = normalize_axes(integer("glu", "axis", axis), a.ndim, "glu")
    if a.shape[axis] % 2:
        raise ShapeError(f"glu: axis {axis} of shape {a.shape} has no two halves; its extent must be even")
    first, second = _TENSOR_SPLIT.cls(2, axis).apply(a)
    return first * second.sigmoid()


def rrelu(a, lower=1 / 8, upper=1 / 3, training=False):
    """Return a where it is positive, else a slope times a, which is drawn evenly from [lower, upper) while `training`.

    Draws one `np.random.rand(*a.shape)` then; otherwise the slope is (lower + upper) / 2.

    Reference: B. Xu et al., "Empirical evaluation of rectified activations in convolutional network", 2015.

    >>> from needle_edu import Tensor, init, ops
    >>> ops.rrelu(Tensor([-1.0, 2.0]), 0.25, 0.75).numpy().tolist()
    [-0.5, 2.0]
    >>> init.seed(0)
    >>> ops.rrelu(Tensor([-1.0, 2.0]), 0.25, 0.75, training=True).numpy().round(4).tolist()
    [-0.524399995803833, 2.0]
    """
    a = _floats("rrelu", a)
    real("rrelu", lower=lower, upper=upper)
    switch("rrelu", training=training)
    if lower > upper:
        raise ValueError(f"rrelu: lower is not above upper, got lower={lower}, upper={upper}")
    if not training:
        return _LEAKY_RELU.cls((lower + upper) / 2).apply(a)
    slopes = lower + (upper - lower) * generator().rand(*a.shape)
    positive = a.numpy() > 0
    return a * constant(enter(np.where(positive, 1.0, slopes), device_of(a.realize_cached_data()), a.dtype))


def softmin(a, axis=-1):
    """Return the softmax of -a: the smallest gets the most.

    >>> from needle_edu import Tensor, ops
    >>> ops.softmin(Tensor([[0.0, 1e4]])).numpy().tolist()
    [[1.0, 0.0]]
    """
    return _SOFTMAX.function(-as_tensor(a, "softmin"), axis)


def log_softmax(a, axis=-1):
    """Return the logarithm of softmax: `logsoftmax` under PyTorch's name.

    >>> from needle_edu import Tensor, ops
    >>> ops.log_softmax(Tensor([[0.0, 0.0]])).numpy().round(3)
    array([[-0.693, -0.693]], dtype=float32)
    """
    return _LOGSOFTMAX.function(a, axis)


def _floats(name, a):
    a = as_tensor(a, name)
    if a.dtype.kind != "f":
        raise DTypeError(
            f"{name}: wanted floating-point numbers, got {a.dtype}; convert with astype('float32')"
        )
    return a


FUNCTIONS = (glu, rrelu, softmin, log_softmax)
