"""Step sizes from the size of past gradients: Adagrad, and the two that let it forget, RMSprop and Adadelta.

One step size for all numbers is too large for some and too small for others. All three divide each gradient by
what that number's gradients usually measure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..autograd import Tensor
from .optimizer import Optimizer


class Adagrad(Optimizer):
    r"""Adaptive gradients: divide by the root of the sum of all squares so far.

    With the gradient g of a parameter p, in its step t = 1, 2, ...

    .. math::
        d &= g + \lambda p, \qquad s \leftarrow s + d^2 \\
        p &\leftarrow p - \frac{\eta}{1 + (t - 1)\,\gamma}\,\frac{d}{\sqrt s + \epsilon}

    The sum only grows, so the steps get ever shorter. The defaults are PyTorch's.

    Parameters
    ----------
    params : iterable of Tensor, or of dict (groups)
    lr : float
        The step size :math:`\eta`.
    lr_decay : float
        :math:`\gamma`, lets the step size itself shrink.
    weight_decay : float
        :math:`\lambda`, pulls parameters towards zero.
    initial_accumulator_value : float
        What s starts at.
    eps : float
        Keeps the division finite.
    maximize : bool
        Climb instead: every gradient counts with the other sign.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
    JMLR 12, 2011.

    Examples
    --------
    >>> w = Tensor([1.0, 1.0])
    >>> (Tensor([1.0, 100.0]) * w).sum().backward()
    >>> Adagrad([w], lr=0.1).step()
    >>> w.numpy().round(4).tolist()                # both move alike
    [0.8999999761581421, 0.8999999761581421]
    """

    hyperparameters = ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")
    memories = ("s",)
    counters = ("t",)

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.01,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ):
        super().__init__(
            params,
            lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, eps=eps, maximize=maximize,
        )  # fmt: skip

    def formula(
        self, state: dict[str, Any], s: dict[str, Any]
    ) -> tuple[str, dict[str, float], dict[str, float]]:
        """The step of one parameter in numbers."""
        state["t"] = t = state.get("t", 0) + 1
        rate = s["lr"] / (1 + (t - 1) * s["lr_decay"])
        start = s["initial_accumulator_value"]
        return "adagrad", {"s": start}, {"decay": s["weight_decay"], "rate": rate, "eps": s["eps"]}


class RMSprop(Optimizer):
    r"""Divide by the root of a running mean of squares: Adagrad that forgets.

    With the gradient g of a parameter p, in each step

    .. math::
        d &= g + \lambda p, \qquad v \leftarrow \alpha v + (1 - \alpha)\,d^2 \\
        u &\leftarrow m\,u + d\,/\,(\sqrt v + \epsilon), \qquad p \leftarrow p - \eta\,u

    where v and u start at zero. With `centered`, the square of a running mean of d is taken from v first: what is left
    is the variance. The defaults are PyTorch's.

    Parameters
    ----------
    params : iterable of Tensor, or of dict (groups)
    lr : float
        The step size :math:`\eta`.
    alpha : float
        :math:`\alpha`, how long the mean of squares remembers.
    eps : float
        Keeps the division finite.
    weight_decay : float
        :math:`\lambda`, pulls parameters towards zero.
    momentum : float
        m, between 0 (none) and 1.
    centered : bool
        Divide by the standard deviation instead.
    maximize : bool
        Climb instead: every gradient counts with the other sign.

    References
    ----------
    G. Hinton, "Neural networks for machine learning", lecture 6e, 2012. Centred: A. Graves, "Generating sequences with
    recurrent neural networks", 2013.

    Examples
    --------
    >>> w = Tensor([1.0])
    >>> (w * w).sum().backward()
    >>> RMSprop([w], lr=0.01).step()               # at first v is 1 % of the square: ten times lr
    >>> w.numpy().round(4).tolist()
    [0.8999999761581421]
    """

    hyperparameters = ("lr", "alpha", "eps", "weight_decay", "momentum")
    options = {"centered": False}
    memories = ("v",)
    extras = ("mean", "u")
    shares = ("alpha", "momentum")

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ):
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            maximize=maximize,
        )

    def formula(
        self, state: dict[str, Any], s: dict[str, Any]
    ) -> tuple[str, dict[str, float], dict[str, float]]:
        """The step of one parameter in numbers."""
        kind, starts = "rmsprop", {"v": 0.0}
        if s["centered"]:
            kind, starts = "rmsprop_centered", {**starts, "mean": 0.0}
        if s["momentum"]:
            kind, starts = f"{kind}_momentum", {**starts, "u": 0.0}
        return kind, starts, {
            "decay": s["weight_decay"], "rate": s["lr"], "keep1": s["momentum"], "keep2": s["alpha"],
            "fresh2": 1 - s["alpha"], "eps": s["eps"],
        }  # fmt: skip


class Adadelta(Optimizer):
    r"""Steps in the units of the parameter: as long as the last steps were, not as the gradient is.

    With the gradient g of a parameter p, in each step

    .. math::
        d &= g + \lambda p, \qquad v \leftarrow \rho v + (1 - \rho)\,d^2 \\
        \Delta &= \frac{\sqrt{a + \epsilon}}{\sqrt{v + \epsilon}}\,d, \qquad
        a \leftarrow \rho a + (1 - \rho)\,\Delta^2, \qquad p \leftarrow p - \eta\,\Delta

    where v and a start at zero. The defaults are PyTorch's.

    Parameters
    ----------
    params : iterable of Tensor, or of dict (groups)
    lr : float
        :math:`\eta`, 1 in the paper.
    rho : float
        :math:`\rho`, how long both means remember.
    eps : float
        Keeps the division finite, and makes the first step.
    weight_decay : float
        :math:`\lambda`, pulls parameters towards zero.
    maximize : bool
        Climb instead: every gradient counts with the other sign.

    References
    ----------
    M. Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

    Examples
    --------
    >>> w = Tensor([1.0])
    >>> (w * w).sum().backward()
    >>> Adadelta([w]).step()
    >>> w.numpy().round(4).tolist()
    [0.9968000054359436]
    """

    hyperparameters = ("lr", "rho", "eps", "weight_decay")
    memories = ("v", "a")
    shares = ("rho",)

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ):
        super().__init__(params, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def formula(
        self, state: dict[str, Any], s: dict[str, Any]
    ) -> tuple[str, dict[str, float], dict[str, float]]:
        """The step of one parameter in numbers."""
        return "adadelta", {"v": 0.0, "a": 0.0}, {
            "decay": s["weight_decay"], "rate": s["lr"], "keep2": s["rho"], "fresh2": 1 - s["rho"], "eps": s["eps"],
        }  # fmt: skip
