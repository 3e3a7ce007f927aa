"""Adam's kin: NAdam, which looks ahead as Nesterov does, and Adamax, which divides by the largest gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..autograd import Tensor
from .optimizer import Optimizer
from .steps import decayed


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

    def update(self, p: Any, g: Any, state: dict[str, Any], s: dict[str, Any]) -> Any:
        """One step of one parameter."""
        xp, lr, beta1, beta2 = p.__array_namespace__(), s["lr"], s["beta1"], s["beta2"]
        p, d = decayed(p, g, s)
        state["t"] = t = state.get("t", 0) + 1
        state["m"] = m = beta1 * state.get("m", 0.0) + (1 - beta1) * d
        state["v"] = v = beta2 * state.get("v", 0.0) + (1 - beta2) * d * d
        now, then = (beta1 * (1 - 0.5 * 0.96 ** (at * s["momentum_decay"])) for at in (t, t + 1))
        state["product"] = product = state.get("product", 1.0) * now
        ahead = then / (1 - product * then) * m + (1 - now) / (1 - product) * d
        return p - lr * ahead / (xp.sqrt(v / (1 - beta2**t)) + s["eps"])


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

    def update(self, p: Any, g: Any, state: dict[str, Any], s: dict[str, Any]) -> Any:
        """One step of one parameter."""
        xp, beta1 = p.__array_namespace__(), s["beta1"]
        d = g + s["weight_decay"] * p
        state["t"] = t = state.get("t", 0) + 1
        state["m"] = m = beta1 * state.get("m", 0.0) + (1 - beta1) * d
        state["u"] = u = xp.maximum(s["beta2"] * state.get("u", xp.zeros_like(p)), xp.abs(d) + s["eps"])
        return p - s["lr"] / (1 - beta1**t) * m / u
