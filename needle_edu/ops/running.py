"""Running extremes and logarithms of sums: functions made of the scans."""

from needle_edu.autograd.arrays import xp
from needle_edu.autograd.registry import slot
from needle_edu.autograd.tensor import as_tensor
from needle_edu.backend.arguments import integer

from .constants import constant, normalize_axes
from .lookup import take_along_axis
from .pooling import floating

_CUMARGMAX, _CUMARGMIN, _LINEAR_SCAN = slot("cumargmax"), slot("cumargmin"), slot("linear_scan")


def cummax(a, axis):
    """Return the largest element so far along an axis, and where it is (int64): the latest of equals.

    The gradient goes to that element. nan is the largest, and stays.

    >>> from needle_edu import Tensor, ops
    >>> values, places = ops.cummax(Tensor([1.0, 3.0, 2.0, 3.0]), 0)
    >>> values.numpy().tolist(), places.numpy().tolist()
    ([1.0, 3.0, 3.0, 3.0], [0, 1, 1, 3])
    """
    return _running("cummax", _CUMARGMAX, a, axis)


def cummin(a, axis):
    """Return the smallest element so far along an axis, and where it is (int64): the latest of equals.

    The gradient goes to that element. nan is the smallest, and stays.

    >>> from needle_edu import Tensor, ops
    >>> values, places = ops.cummin(Tensor([2.0, 3.0, 2.0, 1.0]), 0)
    >>> values.numpy().tolist(), places.numpy().tolist()
    ([2.0, 2.0, 2.0, 1.0], [0, 0, 2, 3])
    """
    return _running("cummin", _CUMARGMIN, a, axis)


def _running(who: str, op, a, axis):
    a = as_tensor(a, who)
    (axis,) = normalize_axes(integer(who, "axis", axis), max(a.ndim, 1), who)
    places = op.cls(axis).apply(a)
    return (take_along_axis(a, places, axis) if a.ndim else a), places


def logcumsumexp(a, axis):
    """Return the logarithm of the running sum of exponentials along an axis, without overflow.

    With the largest element so far m_k, s_k = exp(m_{k-1} - m_k) s_{k-1} + exp(a_k - m_k) is a linear recurrence of
    numbers that are not too large, and the result m_k + log s_k.

    >>> from needle_edu import Tensor, ops
    >>> ops.logcumsumexp(Tensor([1000.0, 1000.0]), 0).numpy().round(2).tolist()
    [1000.0, 1000.6900024414062]
    """
    a = as_tensor(a, "logcumsumexp")
    floating("logcumsumexp", a)
    (axis,) = normalize_axes(integer("logcumsumexp", "axis", axis), max(a.ndim, 1), "logcumsumexp")
    if not a.ndim or not a.size:
        return a * 1
    largest = cummax(a, axis)[0].realize_cached_data()
    largest = xp.where(xp.isfinite(largest), largest, xp.zeros_like(largest))
    lines = (slice(None),) * axis
    earlier = xp.concat([largest[(*lines, slice(0, 1))], largest[(*lines, slice(0, -1))]], axis=axis)
    top, shrink = constant(largest), constant(xp.exp(earlier - largest))
    return _LINEAR_SCAN.cls(axis).apply(shrink, (a - top).exp()).log() + top


FUNCTIONS = (cummax, cummin, logcumsumexp)
