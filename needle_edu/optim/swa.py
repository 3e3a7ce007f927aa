"""Averaging weights in training at a constant rate: that rate, and BatchNorm's averages for the new weights."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..autograd import no_grad
from ..backend.arguments import real, whole
from ..nn.inputs import as_tensor
from ..nn.module import Module
from .optimizer import Optimizer
from .scheduler import LRScheduler


class SWALR(LRScheduler):
    r"""From each group's own rate to `swa_lr` within `anneal_epochs` steps, and from then on constant.

    With the share :math:`a = \min(1, t / anneal\_epochs)` of the way, or for "cos" :math:`a = (1 - \cos \pi a) / 2`,
    the rate is :math:`a\,\eta_{swa} + (1 - a)\,\eta_0`. A rate that stays up makes the weights circle the minimum, and
    `AveragedModel` averages the circle.

    Parameters
    ----------
    optimizer : Optimizer
    swa_lr : float
    anneal_epochs : int
        0 for `swa_lr` at once.
    anneal_strategy : "cos" or "linear"

    References
    ----------
    P. Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> optimizer = optim.SGD([Tensor([1.0])], lr=1.0)
    >>> scheduler = SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> [scheduler.rate(1.0, t) for t in range(4)]
    [1.0, 0.75, 0.5, 0.5]
    """

    def __init__(
        self, optimizer: Optimizer, swa_lr: float, anneal_epochs: int = 10, anneal_strategy: str = "cos"
    ):
        real("SWALR", 0, swa_lr=swa_lr)
        whole("SWALR", 0, anneal_epochs=anneal_epochs)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"SWALR: anneal_strategy is 'cos' or 'linear', got {anneal_strategy!r:.60}")
        self.swa_lr, self.anneal_epochs, self.anneal_strategy = swa_lr, anneal_epochs, anneal_strategy
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        """Between the group's rate and `swa_lr`."""
        share = min(1.0, t / self.anneal_epochs) if self.anneal_epochs else 1.0
        if self.anneal_strategy == "cos":
            share = (1 - math.cos(math.pi * share)) / 2
        return share * self.swa_lr + (1 - share) * base


def update_bn(loader: Iterable[Any], model: Module) -> None:
    """Compute BatchNorm's running averages anew, as plain means over the batches of `loader`.

    Averaged weights (`AveragedModel`) have never seen data: their running means are those of other weights.

    Parameters
    ----------
    loader : iterable
        Of inputs, or of tuples and lists whose first part is the input.
    model : Module
        With BatchNorm layers; without any nothing happens.

    Examples
    --------
    >>> from needle_edu import Tensor, nn
    >>> model = nn.BatchNorm1d(1)
    >>> update_bn([Tensor([[1.0], [3.0]]), Tensor([[4.0], [8.0]])], model)
    >>> model.running_mean.item()                                       # the mean of 2 and 6
    4.0
    """
    if not isinstance(model, Module):
        raise TypeError(
            f"update_bn: wanted a loader and a model, got as model one {type(model).__name__}; "
            "the loader comes first: update_bn(loader, model)"
        )
    layers: list[Any] = [part for _, part in model.named_modules() if hasattr(part, "running_mean")]
    layers = [part for part in layers if part.running_mean is not None]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    modes = [(part, part.training) for _, part in model.named_modules()]
    try:
        model.train()
        with no_grad():
            for count, batch in enumerate(loader, 1):
                for layer in layers:  # the first batch replaces what was there, the k-th counts for 1 / k
                    layer.momentum = 1.0 / count
                model(as_tensor(batch[0] if isinstance(batch, (tuple, list)) else batch))
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        for part, mode in modes:
            part.training = mode
