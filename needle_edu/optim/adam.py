"""Adam: gradient descent in which every number has a step size of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..autograd import Tensor
from .optimizer import Optimizer


class Adam(Optimizer):
    r"""Adaptive moment estimation, with weight decay added to the gradient.

    With the gradient g of a parameter p, in its step t = 1, 2, ...

    .. math::
        d &= g + \lambda p \\
        m &\leftarrow \beta_1 m + (1 - \beta_1)\,d, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\,d^2 \\
        p &\leftarrow p - \eta\,\frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    where m and v start at zero; the divisions by :math:`1 - \beta^t` make up for that. Steps are counted for each
    parameter by itself: one that gets its first gradient late starts as slowly as the others did.

    Parameters
    ----------
    params : iterable of Tensor
    lr : float
        The step size :math:`\eta`, about how far each number moves at first.
    beta1, beta2 : float
        How long the averages of the gradient and of its square remember.
    eps : float
        Keeps the division finite.
    weight_decay : float
        :math:`\lambda`, pulls parameters towards zero.
    decoupled_weight_decay : bool
        Decay the parameter instead of the gradient, as `AdamW` does.
    betas : (float, float), optional
        `(beta1, beta2)`, PyTorch's way to give both.
    amsgrad : bool
        Divide by the root of the largest v so far, so that no step size grows again.
    maximize : bool
        Climb instead: every gradient counts with the other sign.

    References
    ----------
    D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015. AMSGrad: S. Reddi, S. Kale, S. Kumar,
    "On the convergence of Adam and beyond", ICLR 2018.

    Examples
    --------
    >>> w = Tensor([1.0])
    >>> (w * w).sum().backward()
    >>> Adam([w], lr=0.1).step()
    >>> w.numpy().round(4).tolist()
    [0.8999999761581421]
    """

    hyperparameters = ("lr", "beta1", "beta2", "eps", "weight_decay")
    options = {"decoupled_weight_decay": False, "amsgrad": False}
    memories = ("m", "v")
    extras = ("top",)
    counters = ("t",)
    beta1: float
    beta2: float
    eps: float
    weight_decay: float

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        betas: tuple[float, float] | None = None,
        amsgrad: bool = False,
        maximize: bool = False,
    ):
        super().__init__(
            params,
            lr=lr, eps=eps, weight_decay=weight_decay, decoupled_weight_decay=decoupled_weight_decay,
            amsgrad=amsgrad, maximize=maximize,
            **({"beta1": beta1, "beta2": beta2} if betas is None else {"betas": betas}),
        )  # fmt: skip

    def formula(
        self, state: dict[str, Any], s: dict[str, Any]
    ) -> tuple[str, dict[str, float], dict[str, float]]:
        """The step of one parameter in numbers."""
        state["t"] = t = state.get("t", 0) + 1
        numbers = {
            **averages(s), "rate": s["lr"] / (1 - s["beta1"] ** t), "scale": 1 / (1 - s["beta2"] ** t), "eps": s["eps"],
        }  # fmt: skip
        if s["amsgrad"]:
            return "amsgrad", {"m": 0.0, "v": 0.0, "top": 0.0}, numbers
        return "adam", {"m": 0.0, "v": 0.0}, numbers


class AdamW(Adam):
    r"""Adam whose weight decay does not pass through the averages: `Adam(decoupled_weight_decay=True)`.

    Adam divides by :math:`\sqrt v`, and with it the decay that was added to the gradient: weights with large
    gradients would hardly decay. So AdamW shrinks the parameter by itself, before Adam's step without decay:

    .. math:: p \leftarrow (1 - \eta\lambda)\,p

    The defaults are PyTorch's; for the parameters see `Adam`.

    References
    ----------
    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    >>> w = Tensor([1.0])
    >>> (w * w).sum().backward()
    >>> AdamW([w], lr=0.1, weight_decay=0.5).step()        # 0.95, less 0.1
    >>> w.numpy().round(4).tolist()
    [0.8500000238418579]
    """

    options = {"decoupled_weight_decay": True}

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ):
        super().__init__(
            params, lr=lr, eps=eps, weight_decay=weight_decay, decoupled_weight_decay=True, betas=betas,
            amsgrad=amsgrad, maximize=maximize,
        )  # fmt: skip


def averages(s: dict[str, Any]) -> dict[str, float]:
    """What Adam and its kin say about m, v and weight decay, which either passes through the gradient or does not.

    Examples
    --------
    >>> settings = {"lr": 0.5, "weight_decay": 0.1, "beta1": 0.5, "beta2": 0.75}
    >>> averages({**settings, "decoupled_weight_decay": True})["shrink"]
    0.95
    >>> averages({**settings, "decoupled_weight_decay": False})["decay"]
    0.1
    """
    beta1, beta2, decay = s["beta1"], s["beta2"], s["weight_decay"]
    numbers = {"keep1": beta1, "fresh1": 1 - beta1, "keep2": beta2, "fresh2": 1 - beta2}
    return numbers | ({"shrink": 1 - s["lr"] * decay} if s["decoupled_weight_decay"] else {"decay": decay})
