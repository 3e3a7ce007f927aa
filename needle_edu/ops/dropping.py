"""Dropping: while training, forget a random part of the numbers, so that no unit can rely on another one.

What is forgotten is drawn anew at each call, and is a constant of the graph: the gradient passes where the number
passed, and is divided likewise. `dropout` draws one number, a key, from NumPy's global generator
(`needle_edu.backend.random`), and keyed_dropout.py makes all others of it; under the name `needle`, and where whole
channels are dropped, each is drawn from the generator.

References: N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.
J. Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015 (whole channels).
G. Klambauer et al., "Self-normalizing neural networks", 2017 (alpha dropout).
"""

import numpy as np

from needle_edu.autograd.arrays import DTypeError, ShapeError, device_of, enter
from needle_edu.autograd.registry import slot
from needle_edu.autograd.state import tracing
from needle_edu.autograd.tensor import as_tensor
from needle_edu.backend import compatibility
from needle_edu.backend.arguments import real, switch
from needle_edu.backend.random import generator

from .constants import constant

_KEYED = slot("keyed_dropout")


def dropout(a, p=0.5, training=True):
    """Return the tensor with each element 0 with probability `p`, else divided by 1 - p; as it is if not `training`.

    Draws one number from the global generator, a key; under the name `needle` one `np.random.rand(*a.shape)`, where an
    element stays if its number is at most 1 - p. With p = 1 nothing is drawn, and everything is multiplied by 0: an
    infinity becomes nan.

    >>> from needle_edu import Tensor, init, ops
    >>> init.seed(1)
    >>> ops.dropout(Tensor([1.0, 2.0, 3.0, 4.0])).numpy().tolist()
    [0.0, 4.0, 0.0, 0.0]
    >>> ops.dropout(Tensor([1.0, 2.0]), training=False).numpy().tolist()
    [1.0, 2.0]
    """
    a = _checked("dropout", a, p, training)
    if not training or not 0 < p < 1 or compatibility.dropout_draws_each:
        return _dropped(a, p, a.shape) if training else a
    if (tracer := tracing()) is not None:
        return tracer.dropout(a, p)
    return _KEYED.cls(p, draw_key()).apply(a)


def draw_key() -> int:
    """Return a key for `keyed_dropout`: one number from the global generator."""
    return int(generator().randint(0, 2**63 - 1, dtype=np.int64))


def dropout1d(a, p=0.5, training=True):
    """Return (batch, channels, length) with whole channels dropped: `dropout` with one draw for each of them.

    >>> from needle_edu import init, ops
    >>> init.seed(1)
    >>> ops.dropout1d(init.ones(1, 4, 2)).numpy().tolist()
    [[[2.0, 2.0], [0.0, 0.0], [2.0, 2.0], [2.0, 2.0]]]
    """
    return _channels("dropout1d", a, p, training, "(batch, channels, length)")


def dropout2d(a, p=0.5, training=True):
    """Return (batch, channels, height, width) with whole channels dropped: `dropout`, one draw for each of them.

    >>> from needle_edu import init, ops
    >>> init.seed(1)
    >>> ops.dropout2d(init.ones(1, 2, 1, 2)).numpy().tolist()
    [[[[2.0, 2.0]], [[0.0, 0.0]]]]
    """
    return _channels("dropout2d", a, p, training, "(batch, channels, height, width)")


def alpha_dropout(a, p=0.5, training=True):
    """Return the tensor with elements replaced, with probability `p`, by what SELU gives far on the left.

    A linear map afterwards keeps mean 0 and variance 1, which SELU needs. Draws as `dropout` does.

    >>> from needle_edu import init, ops
    >>> init.seed(1)
    >>> ops.alpha_dropout(init.ones(4)).numpy().round(4)
    array([ 1.6656, -0.7792,  1.6656,  1.6656], dtype=float32)
    """
    a = _checked("alpha_dropout", a, p, training)
    if not training or p == 0:
        return a
    if p == 1:
        return a * 0.0
    keep = _mask(a, p, a.shape)
    scale = ((1 - p) * (1 + p * _LEFT_END**2)) ** -0.5
    return (a * keep + (1 - keep) * _LEFT_END) * scale - scale * p * _LEFT_END


_LEFT_END = -1.0507009873554805 * 1.6732632423543772  # the limit of SELU at minus infinity


def _channels(name, a, p, training, wanted):
    a = _checked(name, a, p, training)
    if a.ndim != wanted.count(",") + 1:
        raise ShapeError(
            f"{name}: got shape {a.shape}, wanted {wanted}; a batch of one is x[None], and `dropout` takes any shape"
        )
    return _dropped(a, p, (*a.shape[:2], *[1] * (a.ndim - 2))) if training else a


def _dropped(a, p, shape):
    if p == 0:
        return a
    return a * 0.0 if p == 1 else a * _mask(a, p, shape) / (1 - p)


def _mask(a, p, shape):
    """Return a constant of 1 where something stays and 0 where it goes."""
    device = device_of(a.realize_cached_data())
    return constant(enter(generator().rand(*shape) <= np.float64(1 - p), device, a.dtype))


def _checked(name, a, p, training):
    real(name, 0, 1, p=p)
    switch(name, training=training)
    a = as_tensor(a, name)
    if a.dtype.kind != "f":
        raise DTypeError(
            f"{name}: wanted floating-point numbers, got {a.dtype}; convert with astype('float32')"
        )
    return a


FUNCTIONS = (dropout, dropout1d, dropout2d, alpha_dropout)
