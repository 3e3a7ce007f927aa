"""Adam's kin: NAdam, which looks ahead as Nesterov does, and Adamax, which divides by the largest gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..autograd import Tensor
from .adam import averages
from .optimizer import Optimizer


class NAdam(Optimizer):
    r"""Adam with Nesterov's momentum: the step takes a part of the next momentum already.

    m and v are Adam's averages. With :math:`\mu_t = \beta_1 (1 - 0.96^{t \psi} / 2)`, which grows to :math:`\beta_1`,
    and :math:`\Pi_t = \mu_1 \mu_2 \cdots \mu_t`, in step t = 1, 2, ...

    .. math::
        \hat m = \frac{\mu_{t+1}\,m}{1 - \Pi_{t+1}} + \frac{(1 - \mu_t)\,d}{1 - \Pi_t}, \qquad
        p \leftarrow p - \eta\,\frac{\hat m}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    The defaults are PyTorch's.

    Parameters
    ----------
    params : iterable of Tensor, or of dict (groups)
    lr : float
        The step size :math:`\eta`.
    betas : (float, float)
        :math:`\beta_1, \beta_2`, how long the averages of the gradient and of its square remember.
    eps : float
        Keeps the division finite.
    weight_decay : float
        :math:`\lambda`, pulls parameters towards zero.
    momentum_decay : float
        :math:`\psi`, how fast the momentum grows.
    decoupled_weight_decay : bool
        Decay the parameter instead of the gradient, as `AdamW` does.
    maximize : bool
        Climb instead: every gradient counts with the other sign.

    References
    ----------
    T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.

    Examples
    --------
    >>> w = Tensor([1.0])
    >>> (w * w).sum().backward()
    >>> NAdam([w], lr=0.1).step()
    >>> w.numpy().round(4).tolist()
    [0.8944000005722046]
    """

    hyperparameters = ("lr", "beta1", "beta2", "eps", "weight_decay", "momentum_decay")
    options = {"decoupled_weight_decay": False}
    memories = ("m", "v")
    counters = ("t",)
    numbers = ("product",)

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.002,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 0.004,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ):
        super().__init__(
            params,
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay, maximize=maximize,
        )  # fmt: skip

    def formula(
        self, state: dict[str, Any], s: dict[str, Any]
    ) -> tuple[str, dict[str, float], dict[str, float]]:
        """The step of one parameter in numbers."""
        lr, beta1 = s["lr"], s["beta1"]
        state["t"] = t = state.get("t", 0) + 1
        now, then = (beta1 * (1 - 0.5 * 0.96 ** (at * s["momentum_decay"])) for at in (t, t + 1))
        state["product"] = product = state.get("product", 1.0) * now
        return "nadam", {"m": 0.0, "v": 0.0}, {
            **averages(s), "rate": lr * then / (1 - product * then), "bonus": lr * (1 - now) / (1 - product),
            "scale": 1 / (1 - s["beta2"] ** t), "eps": s["eps"],
        }  # fmt: skip


class Adamax(Optimizer):
    r"""Adam with the largest recent gradient in place of the root of the mean square.

    With the gradient g of a parameter p, in its step t = 1, 2, ...

    .. math::
        d &= g + \lambda p, \qquad m \leftarrow \beta_1 m + (1 - \beta_1)\,d \\
        u &\leftarrow \max(\beta_2 u, |d| + \epsilon), \qquad p \leftarrow p - \frac{\eta}{1 - \beta_1^t}\,\frac{m}{u}

    where m and u start at zero. No number moves by more than about lr. The defaults are PyTorch's.

    Parameters
    ----------
    params : iterable of Tensor, or of dict (groups)
    lr : float
        The step size :math:`\eta`.
    betas : (float, float)
        :math:`\beta_1`, how long the average of the gradient remembers; :math:`\beta_2`, how slowly the largest fades.
    eps : float
        Keeps the division finite.
    weight_decay : float
        :math:`\lambda`, pulls parameters towards zero.
    maximize : bool
        Climb instead: every gradient counts with the other sign.

    References
    ----------
    D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, section 7.1.

    Examples
    --------
    >>> w = Tensor([1.0])
    >>> (w * w).sum().backward()
    >>> Adamax([w], lr=0.1).step()
    >>> w.numpy().round(4).tolist()
    [0.8999999761581421]
    """

    hyperparameters = ("lr", "beta1", "beta2", "eps", "weight_decay")
    memories = ("m", "u")
    counters = ("t",)

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.002,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ):
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def formula(
        self, state: dict[str, Any], s: dict[str, Any]
    ) -> tuple[str, dict[str, float], dict[str, float]]:
        """The step of one parameter in numbers."""
        state["t"] = t = state.get("t", 0) + 1
        return "adamax", {"m": 0.0, "u": 0.0}, {
            "decay": s["weight_decay"], "keep1": s["beta1"], "fresh1": 1 - s["beta1"], "keep2": s["beta2"],
            "rate": s["lr"] / (1 - s["beta1"] ** t), "eps": s["eps"],
        }  # fmt: skip
