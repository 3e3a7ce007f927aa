"""Activations that take numbers: their names, and what they and their slopes are, in NumPy.

The names stand in the order of `enum nd_activation` in csrc/include/needle_kernels.h, which says the same in C. The
NumPy reference computes with these formulas, and so does `NEEDLE_BACKEND=np`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any  # of floats


def activation(kind: str, x: Array, s: float = 0.0, t: float = 0.0, u: float = 0.0) -> Array:
    """Return f(x) for the activation of this name and its numbers.

    Examples
    --------
    >>> activation("leaky_relu", np.array([-1.0, 2.0]), 0.5)
    array([-0.5,  2. ])
    """
    return _wide(FORMULAS[kind][0], _floats(x), s, t, u)


def activation_backward(
    kind: str, g: Array, x: Array, s: float = 0.0, t: float = 0.0, u: float = 0.0
) -> Array:
    """Return g f'(x) for the activation of this name and its numbers.

    Examples
    --------
    >>> activation_backward("leaky_relu", np.array([10.0, 10.0]), np.array([-1.0, 2.0]), 0.5)
    array([ 5., 10.])
    """
    x = _floats(x)
    with np.errstate(all="ignore"):
        return np.where(_passes_nothing(kind, x, s, t), 0, g * _wide(FORMULAS[kind][1], x, s, t, u)).astype(
            x.dtype
        )


def _floats(x: Array) -> Array:
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float32)


def _wide(formula: Callable, x: Array, *numbers: float) -> Array:
    """Compute in float64, with numbers as exact as the elements; NumPy's warnings are not the kernels' habit."""
    with np.errstate(all="ignore"):
        return formula(
            x.astype(np.float64), *[np.float64(x.dtype.type(number)) for number in numbers]
        ).astype(x.dtype)


def _passes_nothing(kind: str, x: Array, s: float, t: float) -> Array:
    """Where an adjoint of infinity or nan becomes 0, since the slope is no factor but a choice."""
    s, t = x.dtype.type(s), x.dtype.type(t)
    if kind == "hardtanh":
        return (x <= s) | (x >= t)
    if kind == "hardsigmoid":
        return ~((x > -3) & (x < 3))
    if kind == "hardswish":
        return x <= -3
    if kind in ("hardshrink", "softshrink"):
        return (x >= -s) & (x <= s)
    return x <= s if kind == "threshold" else np.zeros_like(x, bool)


def _sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _mish_slope(x: Array) -> Array:
    x = np.clip(x, -800, 800)
    w = np.tanh(_softplus(x))
    e = np.exp(-np.abs(x))
    q = np.where(x < 0, e * (e + 2) + 2, 1 + 2 * e + 2 * e * e)
    return w + x * 4 * e * (1 + e) * np.where(x < 0, 1, e) / (q * q)


_CUBIC, _STEEPNESS = 0.044715, 2 * np.sqrt(2 / np.pi)  # gelu's tanh form, with tanh(v) = 2 sigmoid(2v) - 1


def _gelu_tanh(x: Array) -> Array:
    x = np.maximum(x, -40)
    return x * _sigmoid(_STEEPNESS * (x + _CUBIC * x**3))


def _gelu_tanh_slope(x: Array) -> Array:
    x = np.clip(x, -40, 40)
    v = _STEEPNESS * (x + _CUBIC * x**3)
    return _sigmoid(v) + x * _sigmoid(v) * _sigmoid(-v) * _STEEPNESS * (1 + 3 * _CUBIC * x * x)


def _mish(x: Array) -> Array:
    x = np.maximum(x, -800)
    return x * np.tanh(_softplus(x))


# Of each its value and its slope; s, t, u are its numbers.
FORMULAS: dict[str, tuple[Callable, Callable]] = {
    "leaky_relu": (
        lambda x, s, t, u: np.where(x > 0, x, s * x),
        lambda x, s, t, u: np.where(x > 0, 1, s),
    ),
    "elu": (
        lambda x, s, t, u: np.where(x > 0, u * x, s * np.expm1(t * np.minimum(x, 0))),
        lambda x, s, t, u: np.where(x > 0, u, s * t * np.exp(t * np.minimum(x, 0))),
    ),
    "hardtanh": (lambda x, s, t, u: np.minimum(np.maximum(x, s), t), lambda x, s, t, u: np.ones_like(x)),
    "hardsigmoid": (lambda x, s, t, u: np.clip(x + 3, 0, 6) / 6, lambda x, s, t, u: np.full_like(x, 1 / 6)),
    "hardswish": (
        lambda x, s, t, u: x * np.clip(x + 3, 0, 6) / 6,
        lambda x, s, t, u: np.where(x >= 3, 1, x / 3 + 0.5),
    ),
    "hardshrink": (lambda x, s, t, u: np.where(np.abs(x) <= s, 0, x), lambda x, s, t, u: np.ones_like(x)),
    "softshrink": (
        lambda x, s, t, u: np.where(x > s, x - s, np.where(x < -s, x + s, x * 0)),
        lambda x, s, t, u: np.ones_like(x),
    ),
    "threshold": (lambda x, s, t, u: np.where(x <= s, t, x), lambda x, s, t, u: np.ones_like(x)),
    "softsign": (lambda x, s, t, u: x / (1 + np.abs(x)), lambda x, s, t, u: 1 / (1 + np.abs(x)) ** 2),
    "tanhshrink": (lambda x, s, t, u: x - np.tanh(x), lambda x, s, t, u: np.tanh(x) ** 2),
    "softplus": (lambda x, s, t, u: _softplus(s * x) / s, lambda x, s, t, u: _sigmoid(s * x)),
    "logsigmoid": (lambda x, s, t, u: -_softplus(-x), lambda x, s, t, u: _sigmoid(-x)),
    "mish": (lambda x, s, t, u: _mish(x), lambda x, s, t, u: _mish_slope(x)),
    "gelu_tanh": (lambda x, s, t, u: _gelu_tanh(x), lambda x, s, t, u: _gelu_tanh_slope(x)),
    "huber": (
        lambda x, s, t, u: t * np.where(np.abs(x) <= s, x * x / 2, s * (np.abs(x) - s / 2)),
        lambda x, s, t, u: t * np.clip(x, -s, s),
    ),
}
KINDS = tuple(FORMULAS)
