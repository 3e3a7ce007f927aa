"""Adam: gradient descent in which every number has a step size of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..autograd import Tensor
from ..backend.arguments import real
from .optimizer import Optimizer
from .steps import adam_step


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

    References
    ----------
    D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    Examples
    --------
    >>> w = Tensor([1.0])
    >>> (w * w).sum().backward()
    >>> Adam([w], lr=0.1).step()
    >>> w.numpy().round(4).tolist()
    [0.8999999761581421]
    """

    hyperparameters = ("lr", "beta1", "beta2", "eps", "weight_decay")
    memories = ("m", "v")
    counters = ("t",)

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(params)
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.weight_decay = weight_decay
        for name in self.hyperparameters:
            self.check_hyperparameter(name, getattr(self, name))
        self.t: dict[int, int] = {}  # steps made, by the position of the parameter
        self.m: dict[int, Any] = {}  # running averages of the gradients, filled at the first step
        self.v: dict[int, Any] = {}  # running averages of their squares

    def check_hyperparameter(self, name: str, value: Any) -> None:
        """Raise ValueError unless a setting makes sense: betas are less than 1, all are finite and at least 0."""
        real("Adam", 0, below=1 if name.startswith("beta") else math.inf, **{name: value})

    def step(self) -> None:
        """One step for every parameter that has a gradient."""
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            data, grad = self._arrays(p)
            if i not in self.m:
                xp = data.__array_namespace__()
                m, v = xp.zeros_like(data), xp.zeros_like(data)
                self.t[i], self.m[i], self.v[i] = 0, m, v
            t = self.t[i] + 1
            new = adam_step(
                data, grad, self.m[i], self.v[i],
                self.lr, self.beta1, self.beta2, self.eps, self.weight_decay, t,
            )  # fmt: skip
            self.t[i] = t
            p.replace_data(new)
