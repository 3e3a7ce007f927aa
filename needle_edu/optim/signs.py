"""Optimisers that look at the sign of the gradient only: Rprop, and Lion a quarter of a century later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..autograd import Tensor
from ..backend.arguments import real
from .optimizer import Optimizer


class Rprop(Optimizer):
    r"""Resilient backpropagation: step longer while the sign stays, shorter when it turns.

    Each number has a step length :math:`\delta`, at first `lr`. In each step, g' being the gradient before,

    .. math::
        \delta \leftarrow \begin{cases}
            \min(\eta_+ \delta, \delta_{max}) & g\,g' > 0 \\
            \max(\eta_- \delta, \delta_{min}) & g\,g' < 0 \\
            \delta & \text{else} \end{cases}
        \qquad p \leftarrow p - \delta\,\mathrm{sign}(g)

    and where the sign has turned, g counts as zero: no step, and none too short next time. It wants gradients of all
    the data: with those of mini-batches signs turn by chance. The defaults are PyTorch's.

    Parameters
    ----------
    params : iterable of Tensor, or of dict (groups)
    lr : float
        The first step length.
    etas : (float, float)
        :math:`\eta_-` below 1 and :math:`\eta_+` above.
    step_sizes : (float, float)
        The shortest and the longest step.
    maximize : bool
        Climb instead: every gradient counts with the other sign.

    References
    ----------
    M. Riedmiller, H. Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm",
    ICNN 1993.

    Examples
    --------
    >>> w = Tensor([1.0, -5.0])
    >>> (w * w).sum().backward()
    >>> Rprop([w], lr=0.25).step()
    >>> w.numpy().tolist()
    [0.75, -4.75]
    """

    hyperparameters = ("lr", "eta_minus", "eta_plus", "step_min", "step_max")
    memories = ("previous", "length")
    pairs = {"etas": ("eta_minus", "eta_plus"), "step_sizes": ("step_min", "step_max")}

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.01,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
        *,
        maximize: bool = False,
    ):
        super().__init__(params, lr=lr, etas=etas, step_sizes=step_sizes, maximize=maximize)

    def check_hyperparameter(self, name: str, value: Any) -> None:
        """Raise ValueError unless a setting makes sense: eta_minus is less than 1, eta_plus at least 1."""
        if name == "eta_plus":
            real("Rprop", 1, eta_plus=value)
        elif name == "eta_minus":
            real("Rprop", 0, below=1, eta_minus=value)
        else:
            super().check_hyperparameter(name, value)

    def check_group(self, group: dict[str, Any]) -> None:
        """Raise ValueError if the shortest step is longer than the longest."""
        shortest, longest = group["step_min"], group["step_max"]
        if shortest > longest:
            raise ValueError(f"Rprop: step_sizes are (shortest, longest), got {(shortest, longest)}")

    def formula(
        self, state: dict[str, Any], s: dict[str, Any]
    ) -> tuple[str, dict[str, float], dict[str, float]]:
        """The step of one parameter in numbers."""
        return "rprop", {"previous": 0.0, "length": s["lr"]}, {
            "keep1": s["eta_minus"], "keep2": s["eta_plus"], "fresh1": s["step_min"], "fresh2": s["step_max"],
        }  # fmt: skip


class Lion(Optimizer):
    r"""Evolved sign momentum: every number moves by `lr`, up or down.

    With the gradient g of a parameter p, in each step

    .. math::
        p &\leftarrow (1 - \eta\lambda)\,p - \eta\,\mathrm{sign}(\beta_1 m + (1 - \beta_1)\,g) \\
        m &\leftarrow \beta_2 m + (1 - \beta_2)\,g

    where m starts at zero. One memory instead of Adam's two; it wants a step size three to ten times smaller than
    Adam's, and as much more weight decay. Found by a program that searched among programs.

    Parameters
    ----------
    params : iterable of Tensor, or of dict (groups)
    lr : float
        The step size :math:`\eta`.
    betas : (float, float)
        :math:`\beta_1` mixes the gradient into the step, :math:`\beta_2` into the memory.
    weight_decay : float
        :math:`\lambda`, pulls parameters towards zero.
    maximize : bool
        Climb instead: every gradient counts with the other sign.

    References
    ----------
    X. Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, algorithm 2.

    Examples
    --------
    >>> w = Tensor([1.0, -5.0])
    >>> (w * w).sum().backward()
    >>> Lion([w], lr=0.25).step()
    >>> w.numpy().tolist()
    [0.75, -4.75]
    """

    hyperparameters = ("lr", "beta1", "beta2", "weight_decay")
    memories = ("m",)

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.0001,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ):
        super().__init__(params, lr=lr, betas=betas, weight_decay=weight_decay, maximize=maximize)

    def formula(
        self, state: dict[str, Any], s: dict[str, Any]
    ) -> tuple[str, dict[str, float], dict[str, float]]:
        """The step of one parameter in numbers."""
        beta1, beta2 = s["beta1"], s["beta2"]
        return "lion", {"m": 0.0}, {
            "shrink": 1 - s["lr"] * s["weight_decay"], "rate": s["lr"],
            "keep1": beta1, "fresh1": 1 - beta1, "keep2": beta2, "fresh2": 1 - beta2,
        }  # fmt: skip
