"""Stochastic gradient descent: walk downhill, a small step against the gradient at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..autograd import Tensor
from ..backend.arguments import real
from .optimizer import Optimizer


class SGD(Optimizer):
    r"""Gradient descent, with momentum and weight decay.

    With the gradient g of a parameter p, in each step

    .. math:: u \leftarrow m\,u + (1 - m)\,(g + \lambda p), \qquad p \leftarrow p - \eta\,u

    where u starts at zero. Momentum here is a running average (the course's form). PyTorch's momentum, a sum that
    forgets, is had with a number as `dampening` :math:`\tau`, usually 0:

    .. math:: u \leftarrow m\,u + (1 - \tau)\,(g + \lambda p), \qquad \text{beginning with } u = g + \lambda p

    and with it Nesterov's, which steps along :math:`g + \lambda p + m\,u`: as if the momentum had been followed first
    and the gradient measured there.

    Parameters
    ----------
    params : iterable of Tensor
    lr : float
        The step size :math:`\eta`.
    momentum : float
        m, between 0 (none) and 1.
    weight_decay : float
        :math:`\lambda`, pulls parameters towards zero.
    dampening : float or None
        None: the course's momentum. A number from 0 to 1: PyTorch's, with this :math:`\tau`.
    nesterov : bool
        Nesterov's momentum, for `dampening=0` only.
    maximize : bool
        Climb instead: every gradient counts with the other sign.

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum in deep learning",
    ICML 2013.

    Examples
    --------
    >>> w = Tensor([1.0])
    >>> (w * w).sum().backward()                   # the gradient is 2
    >>> SGD([w], lr=0.1).step()
    >>> w.numpy()
    array([0.8], dtype=float32)
    """

    hyperparameters = ("lr", "momentum", "weight_decay")
    options = {"dampening": None, "nesterov": False}
    extras = ("u",)
    momentum: float
    weight_decay: float

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.01,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        dampening: float | None = None,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ):
        super().__init__(
            params,
            lr=lr, momentum=momentum, weight_decay=weight_decay, dampening=dampening, nesterov=nesterov,
            maximize=maximize,
        )  # fmt: skip

    def check_hyperparameter(self, name: str, value: Any) -> None:
        """Raise ValueError unless a setting makes sense: `dampening` is None, or a number up to 1."""
        if name == "dampening" and value is not None:
            real("SGD", 0, 1, dampening=value)
        elif name != "dampening":
            super().check_hyperparameter(name, value)

    def check_group(self, group: dict[str, Any]) -> None:
        """Raise ValueError unless looking ahead (`nesterov`) comes with `momentum` and `dampening=0`."""
        momentum, dampening = group["momentum"], group["dampening"]
        if group["nesterov"] and not (momentum and dampening == 0):
            raise ValueError(
                f"SGD: nesterov wants momentum > 0 and dampening=0, got momentum={momentum} and dampening={dampening}"
            )

    def formula(
        self, state: dict[str, Any], s: dict[str, Any]
    ) -> tuple[str, dict[str, float], dict[str, float]]:
        """The step of one parameter in numbers."""
        momentum, dampening = s["momentum"], s["dampening"]
        numbers = {"rate": s["lr"], "decay": s["weight_decay"]}
        if not momentum:
            return "sgd", {}, numbers
        fresh = 1 - momentum if dampening is None else 1 - dampening
        if "u" not in state and dampening is not None:  # PyTorch begins with u = g + λp itself
            fresh = 1.0
        return (
            "nesterov" if s["nesterov"] else "momentum",
            {"u": 0.0},
            {**numbers, "keep1": momentum, "fresh1": fresh},
        )
