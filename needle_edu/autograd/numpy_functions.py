"""The namespace that ops compute with on NumPy's arrays (`NEEDLE_BACKEND=np`).

What is not written here is NumPy's own. Written here are the functions that needle_edu's arrays bring as one kernel
each, one pass over memory instead of three, and NumPy has not: composed from ordinary ones, they are also the
kernels' definitions.
"""

from typing import Any

import numpy as np


def __getattr__(name: str) -> Any:
    return getattr(np, name)


def array(a, dtype=None, device=None):
    """Return a copy; there is one device only."""
    return np.array(a, dtype=dtype)


def relu(a):
    """max(a, 0)"""
    return np.maximum(a, np.zeros_like(a))


def sigmoid(a):
    """1 / (1 + exp(-a)) without overflow: exp only ever sees numbers that are not positive."""
    e = np.exp(-np.abs(a))
    return np.where(a >= 0, 1 / (1 + e), e / (1 + e))


def logsumexp(a, axis=None, keepdims=False):
    """Log of the sum of exponentials; the largest element is taken out first, so that nothing overflows."""
    largest = np.max(a, axis=axis, keepdims=True, initial=-np.inf)
    largest = np.where(np.isfinite(largest), largest, np.zeros_like(largest))
    result = np.log(np.sum(np.exp(a - largest), axis=axis, keepdims=True)) + largest
    return result if keepdims else np.squeeze(result, axis=axis)


def relu_backward(g, x):
    """The vjp of relu at x."""
    return g * (x > 0)


def tanh_backward(g, y):
    """The vjp of tanh, from its result y."""
    return g * (1 - y * y)


def sigmoid_backward(g, y):
    """The vjp of sigmoid, from its result y."""
    return g * (y * (1 - y))


def index_add(a, index, value):
    """A copy of `a` with `value` added at ``a[index]``; a place named twice gets both."""
    out = a.copy()
    np.add.at(out, index, value)
    return out


def argsort(a, axis=-1, descending=False):
    """The positions that sort `a`; equal elements keep their order in both directions."""
    if not descending:
        return np.argsort(a, axis=axis, kind="stable")
    backwards = np.argsort(np.flip(a, axis), axis=axis, kind="stable")
    return np.flip(a.shape[axis] - 1 - backwards, axis)


def sort(a, axis=-1, descending=False):
    """The elements of `a` in order."""
    return np.take_along_axis(a, argsort(a, axis, descending), axis)
