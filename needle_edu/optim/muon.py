"""Muon: momentum whose matrix is made orthogonal, so that no direction is left behind."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..autograd import Tensor
from ..backend.arguments import whole
from .optimizer import Optimizer

# Not Newton and Schulz' own (2, -1.5, 0.5 times the odd powers): these reach the neighbourhood of 1 in five rounds.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalised(g: Any, steps: int = 5, eps: float = 1e-7) -> Any:
    r"""A matrix with the singular vectors of `g`, and all singular values near 1.

    With X = g / ‖g‖, so that no singular value is above 1, each round makes of them

    .. math:: X \leftarrow a X + b\,(X X^T) X + c\,(X X^T)^2 X

    that is :math:`\sigma \leftarrow a \sigma + b \sigma^3 + c \sigma^5`, without ever computing them. After five
    rounds most are between 0.7 and 1.2.

    Parameters
    ----------
    g : array of shape (m, n)
    steps : int
    eps : float
        The least length that g is divided by.

    References
    ----------
    K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.

    Examples
    --------
    >>> import numpy as np
    >>> orthogonalised(np.array([[3.0, 0.0], [0.0, 3.0]])).round(2)
    array([[1.11, 0.  ],
           [0.  , 1.11]])
    """
    xp = g.__array_namespace__()
    tall = g.shape[0] > g.shape[1]
    x = xp.permute_dims(g, (1, 0)) if tall else g  # the products are then as small as can be
    x = x / xp.maximum(xp.sqrt(xp.sum(x * x)), eps)
    a, b, c = COEFFICIENTS
    for _ in range(steps):
        square = xp.matmul(x, xp.permute_dims(x, (1, 0)))
        x = a * x + xp.matmul(b * square + c * xp.matmul(square, square), x)
    return xp.permute_dims(x, (1, 0)) if tall else x


class Muon(Optimizer):
    r"""Momentum, orthogonalised by Newton and Schulz' iteration; for the matrices of hidden layers.

    A gradient matrix usually has a few large singular values and many small ones; stepping along it teaches the layer
    the few. Muon makes all of them about 1. With the gradient g of a matrix p, in each step

    .. math::
        u &\leftarrow \mu\,u + (1 - \mu)\,g, \qquad d = \mu\,u + (1 - \mu)\,g \;\text{ (or } d = u
             \text{ without nesterov)} \\
        p &\leftarrow (1 - \eta\lambda)\,p - \eta\,f\,\mathrm{orthogonalised}(d)

    Biases, gains and embeddings are given to another optimiser, usually AdamW. The defaults are PyTorch's, which
    computes the iteration in 16 bits; here it is in the parameter's dtype.

    Parameters
    ----------
    params : iterable of Tensor of two dimensions, or of dict (groups)
    lr : float
        The step size :math:`\eta`.
    weight_decay : float
        :math:`\lambda`, pulls parameters towards zero.
    momentum : float
        :math:`\mu`.
    nesterov : bool
        Mix the gradient into the momentum once more.
    eps : float
        The least length that a gradient is divided by.
    ns_steps : int
        Rounds of the iteration.
    adjust_lr_fn : None, "original" or "match_rms_adamw"
        The factor f for a matrix of m rows and n columns: :math:`\sqrt{\max(1, m / n)}` (None means this too), or
        :math:`0.2 \sqrt{\max(m, n)}`, with which AdamW's step sizes can be taken over.
    maximize : bool
        Climb instead: every gradient counts with the other sign.

    References
    ----------
    K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024. J. Liu et al., "Muon is scalable
    for LLM training", 2025.

    Examples
    --------
    >>> w = Tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> (w * w).sum().backward()
    >>> Muon([w], lr=0.1, weight_decay=0.0).step()
    >>> w.numpy().round(2).tolist()
    [[0.8899999856948853, 0.0], [0.0, 0.8899999856948853]]
    """

    hyperparameters = ("lr", "weight_decay", "momentum", "eps", "ns_steps")
    options = {"nesterov": True, "adjust_lr_fn": None}
    memories = ("u",)

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.001,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        *,
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
        maximize: bool = False,
    ):
        super().__init__(
            params,
            lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov, eps=eps, ns_steps=ns_steps,
            adjust_lr_fn=adjust_lr_fn, maximize=maximize,
        )  # fmt: skip

    def check_hyperparameter(self, name: str, value: Any) -> None:
        """Raise ValueError unless a setting makes sense: `ns_steps` is whole, `adjust_lr_fn` one of three."""
        if name == "adjust_lr_fn":
            if value not in (None, "original", "match_rms_adamw"):
                raise ValueError(
                    f"Muon: adjust_lr_fn is None, 'original' or 'match_rms_adamw', got {value!r:.60}"
                )
        elif name == "ns_steps":
            whole("Muon", ns_steps=value)
        else:
            super().check_hyperparameter(name, value)

    def check_group(self, group: dict[str, Any]) -> None:
        """Raise ValueError unless every parameter is a matrix."""
        for p in group["params"]:
            if len(p.shape) != 2:
                raise ValueError(
                    f"Muon: trains matrices only, got a parameter of shape {p.shape}; give it to AdamW"
                )

    def update(self, p: Any, g: Any, state: dict[str, Any], s: dict[str, Any]) -> Any:
        """One step of one parameter."""
        return self.stepped(p, g, state, self.told(p, s), s)

    def told(self, p: Any, s: dict[str, Any]) -> dict[str, float]:
        """Return the numbers that the formula is told, which may change from step to step."""
        lr, (rows, columns) = s["lr"], p.shape
        factor = math.sqrt(max(1, rows / columns)) if columns else 1.0
        if s["adjust_lr_fn"] == "match_rms_adamw":
            factor = 0.2 * math.sqrt(max(rows, columns))
        keep = s["momentum"]
        return {"keep": keep, "fresh": 1 - keep, "shrink": 1 - lr * s["weight_decay"], "rate": lr * factor}

    def stepped(self, p: Any, g: Any, state: dict[str, Any], n: dict[str, Any], s: dict[str, Any]) -> Any:
        """Return the new parameter, computed with arrays alone, so that a step can be compiled.

        `n` are the numbers that `told` gives; in a captured step they are arrays of one element.
        """
        state["u"] = u = n["keep"] * state.get("u", 0.0) + n["fresh"] * g
        d = n["keep"] * u + n["fresh"] * g if s["nesterov"] else u
        return n["shrink"] * p - n["rate"] * orthogonalised(d, s["ns_steps"], s["eps"])
