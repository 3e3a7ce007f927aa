"""Averages of parameters over the course of training: they generalise better than where training happens to stop.

Gradient descent with a step size that is not small circles around the minimum; the mean of the way is nearer to it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..backend.arguments import real, switch
from ..backend.errors import ShapeError
from ..nn.module import Module
from ..nn.module_state import named_state
from .optimizer import Optimizer


class ASGD(Optimizer):
    r"""Averaged gradient descent: SGD whose step size falls, and the mean of all that it passed.

    With the gradient g of a parameter p, in its step t = 1, 2, ...

    .. math::
        p &\leftarrow (1 - \lambda_d \eta_t)\,p - \eta_t\,(g + \lambda p), \qquad
        \eta_{t+1} = \frac{\eta}{(1 + \lambda_d\,\eta\,t)^\alpha} \\
        a &\leftarrow a + \frac{p - a}{\max(1, t - 1 - t_0)}

    where :math:`\eta_1 = \eta`. The average a is `optimizer.ax[k]` of parameter k; the parameter itself goes on without
    it. The defaults are PyTorch's: with `t0` a million the average is p itself for a long time.

    Parameters
    ----------
    params : iterable of Tensor, or of dict (groups)
    lr : float
        The step size :math:`\eta`.
    lambd : float
        :math:`\lambda_d`, makes the step size fall, and p with it.
    alpha : float
        :math:`\alpha`, how fast it falls.
    t0 : float
        After how many steps averaging begins.
    weight_decay : float
        :math:`\lambda`, pulls parameters towards zero.
    maximize : bool
        Climb instead: every gradient counts with the other sign.

    References
    ----------
    B. Polyak, A. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 30 (1992).

    Examples
    --------
    >>> w = Tensor([1.0])
    >>> optimizer = ASGD([w], lr=0.5, t0=0)
    >>> for _ in range(2):
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    >>> w.numpy().round(3).tolist(), optimizer.ax[0].numpy().round(3).tolist()
    ([0.0], [0.0])
    """

    hyperparameters = ("lr", "lambd", "alpha", "t0", "weight_decay")
    memories = ("ax",)
    counters = ("t",)
    numbers = ("eta",)

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.01,
        lambd: float = 0.0001,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ):
        super().__init__(
            params, lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay, maximize=maximize
        )

    def formula(
        self, state: dict[str, Any], s: dict[str, Any]
    ) -> tuple[str, dict[str, float], dict[str, float]]:
        """The step of one parameter in numbers."""
        eta, lr, lambd = state.get("eta", s["lr"]), s["lr"], s["lambd"]
        state["t"] = t = state.get("t", 0) + 1
        state["eta"] = lr / (1 + lambd * lr * t) ** s["alpha"]
        return "asgd", {"ax": 0.0}, {
            "shrink": 1 - lambd * eta, "rate": eta, "decay": s["weight_decay"], "scale": 1 / max(1, t - 1 - s["t0"]),
        }  # fmt: skip


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, int], Any]:
    """The exponential moving average, for `AveragedModel`: `decay` of the average so far, the rest of what is new.

    Examples
    --------
    >>> get_ema_avg_fn(0.75)(4.0, 8.0, 3)
    5.0
    """
    real("get_ema_avg_fn", 0, 1, decay=decay)

    def ema(average: Any, new: Any, count: int) -> Any:
        return decay * average + (1 - decay) * new

    return ema


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's, taken whenever `update_parameters` is called.

    Parameters
    ----------
    model : Module
        It is copied, and stays as it is.
    avg_fn : function, optional
        ``avg_fn(average, new, count)`` gives the next average from the one so far, of `count` models, and a parameter
        now: arrays all. If not given the mean of all; `get_ema_avg_fn(decay)` makes one that forgets.
    use_buffers : bool
        Average the floating-point buffers too (running means of BatchNorm). Otherwise they are taken over from the
        model.

    References
    ----------
    P. Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018.

    Examples
    --------
    >>> from needle_edu import nn
    >>> model = nn.Linear(1, 1, bias=False)
    >>> ema = AveragedModel(model, get_ema_avg_fn(0.5))
    >>> for value in (1.0, 2.0, 4.0):
    ...     model.weight.data = Tensor([[value]])
    ...     ema.update_parameters(model)               # the first is taken over
    >>> ema.module.weight.item(), ema(Tensor([[2.0]])).item()
    (2.75, 5.5)
    """

    buffer_names = ("n_averaged",)

    def __init__(
        self, model: Module, avg_fn: Callable[[Any, Any, int], Any] | None = None, use_buffers: bool = False
    ):
        super().__init__()
        if not isinstance(model, Module):
            raise TypeError(f"AveragedModel: model is a module, got one {type(model).__name__}")
        if avg_fn is not None and not callable(avg_fn):
            raise TypeError(
                f"AveragedModel: avg_fn is a function of (average, new, count), got {avg_fn!r:.60}"
            )
        switch("AveragedModel", use_buffers=use_buffers)
        self.module = copy.deepcopy(model)
        self.avg_fn = avg_fn
        self.use_buffers = use_buffers
        self.n_averaged = Tensor(np.asarray(0), requires_grad=False)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the model computes, with the averaged parameters."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the parameters of `model`, as they are now, into the averages. All of them, or, after an error, none.

        Raises
        ------
        ShapeError
            If `model` has other parameters than the one that was copied.
        """
        ours, theirs = named_state(self.module), named_state(model)
        shapes = [{name: tensor.shape for name, tensor in state.items()} for state in (ours, theirs)]
        if shapes[0] != shapes[1]:
            odd = sorted(name for name in {**ours, **theirs} if shapes[0].get(name) != shapes[1].get(name))
            raise ShapeError(f"AveragedModel.update_parameters: the model has other parameters: {odd}")
        count = int(self.n_averaged.item())
        averaged = {name for name, _ in self.module.named_parameters()}
        if self.use_buffers:
            averaged |= {name for name, buffer in self.module.named_buffers() if buffer.dtype.kind == "f"}
        new = {name: self._average(count, ours[name], theirs[name], name in averaged) for name in ours}
        for name, array in new.items():
            ours[name].replace_data(array)
        self.n_averaged.replace_data(Tensor(np.asarray(count + 1)).cached_data)

    def _average(self, count: int, average: Tensor, new: Tensor, averaged: bool) -> Any:
        """The next average of one tensor; an array."""
        now = Tensor(new, device=average.device, dtype=average.dtype).cached_data
        if not averaged or not count:
            return now
        before = average.realize_cached_data()
        if self.avg_fn is None:
            return before + (now - before) / (count + 1)
        return self.avg_fn(before, now, count)
