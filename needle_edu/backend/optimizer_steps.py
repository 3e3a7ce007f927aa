"""The steps of optimisers: their names, and what each does with one parameter, in NumPy.

The names stand in the order of `enum nd_step_kind` in csrc/include/needle_kernels.h, which says the same in C. The
NumPy reference computes with these formulas, and so does `NEEDLE_BACKEND=np`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

Array = Any  # of floats


class Numbers(NamedTuple):
    """What a formula is told; what a number is for, the formula that reads it says.

    `sign` is that of the gradient (-1 climbs); `decay` weight decay that passes through the gradient, `shrink` what is
    left of the parameter after a decay of its own; `rate` the length of the step. `keep` and `fresh` are the shares of
    the old average and of what is new.
    """

    sign: float = 1.0
    decay: float = 0.0
    shrink: float = 1.0
    rate: float = 0.0
    keep1: float = 0.0
    fresh1: float = 0.0
    keep2: float = 0.0
    fresh2: float = 0.0
    scale: float = 1.0
    eps: float = 0.0
    bonus: float = 0.0


def step(kind: str, p: Array, g: Array, memories: Sequence[Array], s: Numbers) -> Array:
    """Return the new p after one step of this kind; the memories, arrays of p's shape and dtype, are updated in place.

    Examples
    --------
    >>> u = np.zeros(1)
    >>> step("momentum", np.array([1.0]), np.array([4.0]), (u,), Numbers(rate=0.1, keep1=0.5, fresh1=0.5)), u
    (array([0.8]), array([2.]))
    """
    with np.errstate(all="ignore"):
        return np.asarray(FORMULAS[kind](p, s.sign * g + s.decay * p, s, *memories), p.dtype)


# In each: p is the parameter, d its gradient with what weight decay adds, s the numbers; the rest is remembered.


def sgd(p: Array, d: Array, s: Numbers) -> Array:
    """Gradient descent."""
    return p - s.rate * d


def momentum(p: Array, d: Array, s: Numbers, u: Array) -> Array:
    """Gradient descent along an average of the gradients."""
    u[...] = s.keep1 * u + s.fresh1 * d
    return p - s.rate * u


def nesterov(p: Array, d: Array, s: Numbers, u: Array) -> Array:
    """Along the gradient and the average that has it already."""
    u[...] = s.keep1 * u + s.fresh1 * d
    return p - s.rate * (d + s.keep1 * u)


def _averages(d: Array, s: Numbers, m: Array, v: Array) -> None:
    """Adam's averages: of the gradient, and of its square."""
    m[...] = s.keep1 * m + s.fresh1 * d
    v[...] = s.keep2 * v + s.fresh2 * d * d


def adam(p: Array, d: Array, s: Numbers, m: Array, v: Array) -> Array:
    """`rate` is the learning rate over 1 - beta1^t, `scale` is 1 / (1 - beta2^t)."""
    _averages(d, s, m, v)
    return s.shrink * p - s.rate * m / (np.sqrt(s.scale * v) + s.eps)


def amsgrad(p: Array, d: Array, s: Numbers, m: Array, v: Array, top: Array) -> Array:
    """Adam that divides by the largest v so far."""
    _averages(d, s, m, v)
    np.maximum(top, v, out=top)
    return s.shrink * p - s.rate * m / (np.sqrt(s.scale * top) + s.eps)


def nadam(p: Array, d: Array, s: Numbers, m: Array, v: Array) -> Array:
    """Adam that takes a part of the next momentum: `rate` m + `bonus` d."""
    _averages(d, s, m, v)
    return s.shrink * p - (s.rate * m + s.bonus * d) / (np.sqrt(s.scale * v) + s.eps)


def radam_start(p: Array, d: Array, s: Numbers, m: Array, v: Array) -> Array:
    """Rectified Adam before it trusts v; afterwards it is `adam` with a rate of its own."""
    _averages(d, s, m, v)
    return s.shrink * p - s.rate * m


def adamax(p: Array, d: Array, s: Numbers, m: Array, u: Array) -> Array:
    """Adam that divides by the largest recent gradient."""
    m[...] = s.keep1 * m + s.fresh1 * d
    np.maximum(s.keep2 * u, np.abs(d) + s.eps, out=u)
    return p - s.rate * m / u


def adagrad(p: Array, d: Array, s: Numbers, total: Array) -> Array:
    """Divided by the root of the sum of all squares."""
    total += d * d
    return p - s.rate * d / (np.sqrt(total) + s.eps)


def rmsprop(p: Array, d: Array, s: Numbers, v: Array) -> Array:
    """Divided by the root of the mean square."""
    v[...] = s.keep2 * v + s.fresh2 * d * d
    return p - s.rate * (d / (np.sqrt(v) + s.eps))


def rmsprop_momentum(p: Array, d: Array, s: Numbers, v: Array, u: Array) -> Array:
    """The same, and what comes out is gathered."""
    v[...] = s.keep2 * v + s.fresh2 * d * d
    u[...] = s.keep1 * u + d / (np.sqrt(v) + s.eps)
    return p - s.rate * u


def rmsprop_centered(p: Array, d: Array, s: Numbers, v: Array, mean: Array) -> Array:
    """Divided by the standard deviation."""
    v[...] = s.keep2 * v + s.fresh2 * d * d
    mean[...] = s.keep2 * mean + s.fresh2 * d
    return p - s.rate * (d / (np.sqrt(v - mean * mean) + s.eps))


def rmsprop_centered_momentum(p: Array, d: Array, s: Numbers, v: Array, mean: Array, u: Array) -> Array:
    """The same, and what comes out is gathered."""
    v[...] = s.keep2 * v + s.fresh2 * d * d
    mean[...] = s.keep2 * mean + s.fresh2 * d
    u[...] = s.keep1 * u + d / (np.sqrt(v - mean * mean) + s.eps)
    return p - s.rate * u


def adadelta(p: Array, d: Array, s: Numbers, v: Array, a: Array) -> Array:
    """As long as the last steps were: a is the mean of their squares."""
    v[...] = s.keep2 * v + s.fresh2 * d * d
    step = np.sqrt(a + s.eps) / np.sqrt(v + s.eps) * d
    a[...] = s.keep2 * a + s.fresh2 * step * step
    return p - s.rate * step


def asgd(p: Array, d: Array, s: Numbers, average: Array) -> Array:
    """Gradient descent, and the mean of the way: `scale` is the share of the newest place."""
    new = s.shrink * p - s.rate * d
    average[...] = average + s.scale * (new - average) if s.scale < 1 else new
    return new


def rprop(p: Array, d: Array, s: Numbers, previous: Array, length: Array) -> Array:
    """`keep1` shortens a step whose sign has turned, `keep2` lengthens the others, within `fresh1` and `fresh2`."""
    agree = d * previous
    factor = np.where(agree < 0, s.keep1, np.where(agree > 0, s.keep2, 1.0)).astype(p.dtype)
    length[...] = np.clip(length * factor, s.fresh1, s.fresh2)
    previous[...] = np.where(agree < 0, 0, d)
    return p - length * np.sign(previous)


def lion(p: Array, d: Array, s: Numbers, m: Array) -> Array:
    """By the sign of one average, while another remembers."""
    direction = np.sign(s.keep1 * m + s.fresh1 * d)
    m[...] = s.keep2 * m + s.fresh2 * d
    return s.shrink * p - s.rate * direction


FORMULAS: dict[str, Callable[..., Array]] = {
    formula.__name__: formula
    for formula in (
        sgd, momentum, nesterov, adam, amsgrad, nadam, radam_start, adamax, adagrad, rmsprop, rmsprop_momentum,
        rmsprop_centered, rmsprop_centered_momentum, adadelta, asgd, rprop, lion,
    )
}  # fmt: skip
KINDS = {kind: code for code, kind in enumerate(FORMULAS)}
