"""Adam: gradient descent in which every number has a step size of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..autograd import Tensor
from .optimizer import Optimizer
from .steps import adam_step


class Adam(Optimizer):
    r"""Adaptive moment estimation, with weight decay added to the gradient.

    With the gradient g of a parameter p, in step t = 1, 2, ...

    .. math::
        d &= g + \lambda p \\
        m &\leftarrow \beta_1 m + (1 - \beta_1)\,d, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\,d^2 \\
        p &\leftarrow p - \eta\,\frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    where m and v start at zero; the divisions by :math:`1 - \beta^t` make up for that.

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

    hyperparameters = ("lr", "beta1", "beta2", "eps", "weight_decay", "t")
    memories = ("m", "v")

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
        for name, beta in (("beta1", beta1), ("beta2", beta2)):
            if not 0 <= beta < 1:
                raise ValueError(f"Adam: {name} lies between 0 and 1 (1 excluded), got {beta}")
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.weight_decay = weight_decay
        self.t = 0  # steps made
        self.m: dict[int, Any] = {}  # running averages of the gradients, filled at the first step
        self.v: dict[int, Any] = {}  # running averages of their squares

    def step(self) -> None:
        """One step for every parameter that has a gradient."""
        self.t += 1
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            data, grad = self._arrays(p)
            if i not in self.m:
                xp = data.__array_namespace__()
                self.m[i], self.v[i] = xp.zeros_like(data), xp.zeros_like(data)
            new = adam_step(
                data, grad, self.m[i], self.v[i],
                self.lr, self.beta1, self.beta2, self.eps, self.weight_decay, self.t,
            )  # fmt: skip
            p.replace_data(new)
