"""RAdam: Adam that waits until its average of squares has seen enough to divide by."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..autograd import Tensor
from .adam import averages
from .optimizer import Optimizer


class RAdam(Optimizer):
    r"""Rectified Adam: plain momentum first, Adam's division when its variance is known.

    m and v are Adam's averages, with hats after their division by :math:`1 - \beta^t`. How many squares v has
    effectively seen after t steps:

    .. math::
        \rho_\infty = \frac{2}{1 - \beta_2} - 1, \qquad
        \rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t}

    Up to :math:`\rho_t = 5` the step is :math:`p \leftarrow p - \eta\,\hat m`, as long as the gradient is: with a
    gradient of 100 and lr = 0.1 the first step goes ten down. After that

    .. math::
        p \leftarrow p - \eta\,r_t\,\frac{\hat m}{\sqrt{\hat v}}, \qquad
        r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2)\,\rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2)\,\rho_t}}

    (an :math:`\epsilon` keeps the division finite). The defaults are PyTorch's.

    Parameters
    ----------
    params : iterable of Tensor, or of dict (groups)
    lr : float
        The step size :math:`\eta`.
    betas : (float, float)
        :math:`\beta_1, \beta_2`, how long the averages of the gradient and of its square remember.
    eps : float
    weight_decay : float
        :math:`\lambda`, pulls parameters towards zero.
    decoupled_weight_decay : bool
        Decay the parameter instead of the gradient, as `AdamW` does.
    maximize : bool
        Climb instead: every gradient counts with the other sign.

    References
    ----------
    L. Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020.

    Examples
    --------
    >>> w = Tensor([1.0])
    >>> (100.0 * w).sum().backward()
    >>> RAdam([w], lr=0.1).step()
    >>> w.numpy().round(3).tolist()
    [-9.0]
    """

    hyperparameters = ("lr", "beta1", "beta2", "eps", "weight_decay")
    options = {"decoupled_weight_decay": False}
    memories = ("m", "v")
    counters = ("t",)

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ):
        super().__init__(
            params,
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )  # fmt: skip

    def formula(
        self, state: dict[str, Any], s: dict[str, Any]
    ) -> tuple[str, dict[str, float], dict[str, float]]:
        """The step of one parameter in numbers."""
        lr, beta1, beta2 = s["lr"], s["beta1"], s["beta2"]
        state["t"] = t = state.get("t", 0) + 1
        rate, correct2 = lr / (1 - beta1**t), 1 - beta2**t
        most = 2 / (1 - beta2) - 1
        seen = most - 2 * t * beta2**t / correct2
        if seen <= 5:
            return "radam_start", {"m": 0.0, "v": 0.0}, {**averages(s), "rate": rate}
        rectify = math.sqrt((seen - 4) * (seen - 2) * most / ((most - 4) * (most - 2) * seen))
        numbers = {**averages(s), "rate": rate * rectify * math.sqrt(correct2), "eps": s["eps"]}
        return "adam", {"m": 0.0, "v": 0.0}, numbers
