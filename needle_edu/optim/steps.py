"""The arithmetic of one optimiser step on one parameter.

On our own arrays a step is one fused kernel, one pass over memory instead of ten. On NumPy arrays
(`NEEDLE_BACKEND=np`) it is the formula written out. Both return a new array for the parameter and update the
running averages in place: nobody but the optimiser holds those.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ndarray import fused


def decayed(p: Any, g: Any, s: dict[str, Any]) -> tuple[Any, Any]:
    """A parameter and its gradient with weight decay: decoupled, as AdamW's, it shrinks p, else it is added to g.

    Examples
    --------
    >>> p, g = np.array([10.0]), np.array([1.0])
    >>> decayed(p, g, {"lr": 0.5, "weight_decay": 0.1, "decoupled_weight_decay": True})
    (array([9.5]), array([1.]))
    >>> decayed(p, g, {"lr": 0.5, "weight_decay": 0.1, "decoupled_weight_decay": False})
    (array([10.]), array([2.]))
    """
    if s["decoupled_weight_decay"]:
        return (1 - s["lr"] * s["weight_decay"]) * p, g
    return p, g + s["weight_decay"] * p


def sgd_step(
    p: Any, g: Any, u: Any, lr: float, momentum: float, weight_decay: float,
    fresh: float | None = None, nesterov: bool = False,
) -> Any:  # fmt: skip
    """The new p. `u`, of p's shape, is updated in place; None means that there is no momentum.

    Examples
    --------
    >>> u = np.zeros(1)
    >>> sgd_step(np.array([1.0]), np.array([4.0]), u, lr=0.1, momentum=0.5, weight_decay=0.0), u
    (array([0.8]), array([2.]))
    """
    if not isinstance(p, np.ndarray):  # our own arrays
        return fused.sgd_step(p, g, u, lr, momentum, weight_decay, fresh, nesterov)
    d = g + weight_decay * p
    if u is not None:
        u[...] = momentum * u + (1 - momentum if fresh is None else fresh) * d
        d = d + momentum * u if nesterov else u
    return (p - lr * d).astype(p.dtype)


def adam_step(
    p: Any, g: Any, m: Any, v: Any,
    lr: float, beta1: float, beta2: float, eps: float, weight_decay: float, t: int, decoupled: bool = False,
    top: Any = None,
) -> Any:  # fmt: skip
    """The new p after step number `t`, counted from 1. `m` and `v`, of p's shape, are updated in place.

    So is `top`, the largest v so far, if there is one: AMSGrad divides by it.
    """
    if not isinstance(p, np.ndarray):
        return fused.adam_step(p, g, m, v, lr, beta1, beta2, eps, weight_decay, t, decoupled, top)
    if decoupled:
        p, d = (1 - lr * weight_decay) * p, g
    else:
        d = g + weight_decay * p
    m[...] = beta1 * m + (1 - beta1) * d
    v[...] = beta2 * v + (1 - beta2) * d * d
    if top is not None:
        np.maximum(top, v, out=top)
    unbiased_m, unbiased_v = m / (1 - beta1**t), (v if top is None else top) / (1 - beta2**t)
    return (p - lr * unbiased_m / (np.sqrt(unbiased_v) + eps)).astype(p.dtype)
