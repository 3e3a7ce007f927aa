"""Stochastic gradient descent: walk downhill, a small step against the gradient at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..autograd import Tensor
from ..backend.arguments import real
from .optimizer import Optimizer
from .steps import sgd_step


class SGD(Optimizer):
    r"""Gradient descent, with momentum and weight decay.

    With the gradient g of a parameter p, in each step

    .. math:: u \leftarrow m\,u + (1 - m)\,(g + \lambda p), \qquad p \leftarrow p - \eta\,u

    where u starts at zero. Momentum here is a running average (the course's form; PyTorch leaves out the
    factor 1 - m).

    Parameters
    ----------
    params : iterable of Tensor
    lr : float
        The step size :math:`\eta`.
    momentum : float
        m, between 0 (none) and 1.
    weight_decay : float
        :math:`\lambda`, pulls parameters towards zero.

    Examples
    --------
    >>> w = Tensor([1.0])
    >>> (w * w).sum().backward()                   # the gradient is 2
    >>> SGD([w], lr=0.1).step()
    >>> w.numpy()
    array([0.8], dtype=float32)
    """

    hyperparameters = ("lr", "momentum", "weight_decay")
    memories = ("u",)

    def __init__(
        self, params: Iterable[Tensor], lr: float = 0.01, momentum: float = 0.0, weight_decay: float = 0.0
    ):
        super().__init__(params)
        self.lr = lr
        self.momentum = momentum
        self.weight_decay = weight_decay
        for name in self.hyperparameters:
            self.check_hyperparameter(name, getattr(self, name))
        self.u: dict[int, Any] = {}  # running averages of the gradients, filled at the first step

    def check_hyperparameter(self, name: str, value: Any) -> None:
        """Raise ValueError unless a setting makes sense: momentum is less than 1, all are finite and at least 0."""
        real("SGD", 0, below=1 if name == "momentum" else math.inf, **{name: value})

    def step(self) -> None:
        """One step for every parameter that has a gradient."""
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            data, grad = self._arrays(p)
            if self.momentum and i not in self.u:
                self.u[i] = data.__array_namespace__().zeros_like(data)
            new = sgd_step(data, grad, self.u.get(i), self.lr, self.momentum, self.weight_decay)
            p.replace_data(new)
