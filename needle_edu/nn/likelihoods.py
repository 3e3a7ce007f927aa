"""Losses from probability: how unlikely numbers are under a Poisson or a normal distribution that a network names.

Both are minus the logarithm of the likelihood, PyTorch's by name, arguments and edges; terms that do not depend on the
network are left out unless `full` asks for them.
"""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import real, switch
from ..backend.errors import NeedleError, ShapeError
from .inputs import as_tensor
from .losses import Loss


class PoissonNLLLoss(Loss):
    r"""Counts t from a Poisson distribution whose rate is exp(x): :math:`e^x - t\,x + \ln t!`.

    Parameters
    ----------
    log_input : bool
        Whether `x` is the logarithm of the rate. If not, it is the rate: :math:`x - t \ln(x + \epsilon) + \ln t!`
    full : bool
        Whether ln t! counts, by Stirling's formula, :math:`t \ln t - t + \frac{1}{2} \ln(2 \pi t)` where t > 1.
    eps : float
        Keeps the logarithm of a rate of 0 finite.
    reduction : "mean", "sum" or "none"

    Examples
    --------
    >>> PoissonNLLLoss()(Tensor([0.0]), Tensor([3.0])).item()
    1.0
    """

    def __init__(
        self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
    ):
        super().__init__(reduction)
        switch("PoissonNLLLoss", log_input=log_input, full=full)
        real("PoissonNLLLoss", 0, eps=eps)
        self.log_input, self.full, self.eps = log_input, full, eps

    def elements(self, x: Tensor, target: Tensor) -> Tensor:
        """Rate less target times the logarithm of the rate, and Stirling's formula if asked for."""
        loss = x.exp() - target * x if self.log_input else x - target * ops.log(x + self.eps)
        if not self.full:
            return loss
        many = ops.greater(target.detach(), 1.0)
        t = ops.where(many, target, 1.0)
        return loss + ops.where(many, t * t.log() - t + (t * (2 * math.pi)).log() * 0.5, 0.0)


class GaussianNLLLoss(Loss):
    r"""Numbers t from a normal distribution of mean x and variance v: :math:`\frac{1}{2}(\ln v + (x - t)^2 / v)`.

    A network that names a variance too learns how sure it may be.

    Parameters
    ----------
    full : bool
        Whether :math:`\frac{1}{2} \ln 2 \pi` counts.
    eps : float
        The least variance. One below it counts as eps, and its gradient is that at eps.
    reduction : "mean", "sum" or "none"

    References
    ----------
    D. Nix, A. Weigend, "Estimating the mean and variance of the target probability distribution", ICNN 1994.

    Examples
    --------
    >>> GaussianNLLLoss()(Tensor([3.0]), Tensor([1.0]), Tensor([1.0])).item()
    2.0
    """

    def __init__(self, full: bool = False, eps: float = 1e-6, reduction: str = "mean"):
        super().__init__(reduction)
        switch("GaussianNLLLoss", full=full)
        real("GaussianNLLLoss", 0, eps=eps)
        self.full, self.eps = full, eps

    def forward(self, x: Tensor, target: Tensor, var: Any) -> Tensor:  # type: ignore[override]
        """The loss of means `x` against a `target` of the same shape.

        Parameters
        ----------
        x, target : Tensor of one shape
        var : Tensor
            The variances, of that shape; or without its last axis, or with extent 1 there: one for each row. A number
            is the variance of all.

        Raises
        ------
        ShapeError
            If the shapes do not belong together.
        NeedleError
            If a variance is negative.
        """
        x = as_tensor(x)
        target, var = as_tensor(target, x.device), as_tensor(var, x.device)
        if target.shape != x.shape or var.shape not in ((), x.shape, x.shape[:-1], (*x.shape[:-1], 1)):
            raise ShapeError(
                f"GaussianNLLLoss: got means of shape {x.shape}, targets of shape {target.shape} and variances of "
                f"shape {var.shape}; wanted the same, the variances perhaps without the last axis"
            )
        if (var.numpy() < 0).any():
            raise NeedleError(
                "GaussianNLLLoss: a variance is negative; let the network give its logarithm: var.exp()"
            )
        if var.shape and var.shape == x.shape[:-1] != x.shape:
            var = ops.unsqueeze(var, -1)
        short = ops.less(var.detach(), self.eps)
        var = ops.where(
            short, var + (self.eps - var.detach()), var
        )  # a constant is added: the gradient passes
        loss = (var.log() + (x - target).square() / var) * 0.5
        return self.reduced(loss + 0.5 * math.log(2 * math.pi) if self.full else loss)
