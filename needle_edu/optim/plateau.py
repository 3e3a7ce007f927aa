"""ReduceLROnPlateau: shorter steps when training no longer gets better."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.arguments import real, whole
from ..backend.errors import DataError
from .optimizer import Optimizer


class ReduceLROnPlateau:
    r"""Times `factor` when a measure has not improved for more than `patience` steps.

    The only schedule that looks at the training instead of the clock. "Improved" means, in mode "min", less than
    :math:`best\,(1 - threshold)` ("rel") or than :math:`best - threshold` ("abs"); in "max" the same upwards. As in
    PyTorch, "rel" is meant for measures above zero: after -1, the worse -0.99995 counts as an improvement.

    Parameters
    ----------
    optimizer : Optimizer
    mode : "min" or "max"
    factor : float below 1
    patience : int
    threshold : float
    threshold_mode : "rel" or "abs"
    cooldown : int
        Steps after a cut in which nothing counts as bad.
    min_lr : float
    eps : float
        Smaller changes of the learning rate are not made.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> optimizer = optim.SGD([Tensor([1.0])], lr=1.0)
    >>> scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (1.0, 0.5, 0.5, 0.5):
    ...     scheduler.step(loss)
    >>> optimizer.lr
    0.5
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ):
        who = "ReduceLROnPlateau"
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{who}: optimizer is an optimiser, got one {type(optimizer).__name__}")
        if mode not in ("min", "max"):
            raise ValueError(f"{who}: mode is 'min' or 'max', got {mode!r:.60}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"{who}: threshold_mode is 'rel' or 'abs', got {threshold_mode!r:.60}")
        real(who, 0, below=1, factor=factor)
        real(who, 0, threshold=threshold, min_lr=min_lr, eps=eps)
        whole(who, 0, patience=patience, cooldown=cooldown)
        self.optimizer, self.mode, self.factor, self.patience = optimizer, mode, factor, patience
        self.threshold, self.threshold_mode, self.cooldown = threshold, threshold_mode, cooldown
        self.min_lr, self.eps = min_lr, eps
        self.best = math.inf if mode == "min" else -math.inf
        self.last_epoch = self.num_bad_epochs = self.cooldown_counter = 0

    def step(self, metrics: Any) -> None:
        """Look at the newest measure: a number, or a tensor of one number."""
        try:
            current = float(metrics.item() if hasattr(metrics, "item") else metrics)
        except (TypeError, ValueError) as error:
            raise TypeError(f"ReduceLROnPlateau: metrics is one number, got {metrics!r:.60}") from error
        self.last_epoch += 1
        if self.is_better(current):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group in self.optimizer.param_groups:
                new = max(group["lr"] * self.factor, self.min_lr)
                if group["lr"] - new > self.eps:
                    group["lr"] = new
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def is_better(self, current: float) -> bool:
        """Whether `current` improves on the best so far."""
        sign = 1 if self.mode == "max" else -1
        relative = self.threshold_mode == "rel"
        bar = self.best * (1 + sign * self.threshold) if relative else self.best + sign * self.threshold
        return current > bar if self.mode == "max" else current < bar

    def get_last_lr(self) -> list[float]:
        """The learning rate of every group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name → array: the best measure and the counts. The learning rates are in the optimiser's state."""
        names = ("best", "last_epoch", "num_bad_epochs", "cooldown_counter")
        return {name: np.asarray(getattr(self, name)) for name in names}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave. All of it, or, after an error, nothing.

        Raises
        ------
        DataError
            If the state is of another kind of scheduler.
        """
        who, wanted = "ReduceLROnPlateau.load_state_dict", self.state_dict()
        if set(saved) != set(wanted):
            raise DataError(f"{who}: wanted {sorted(wanted)}, got {sorted(saved)}")
        new: dict[str, Any] = {}
        for name, value in saved.items():
            array = readable(value)
            if name == "best":
                if array.ndim or array.dtype.kind not in "iuf":
                    raise DataError(f"{who}: best is one number, got {value!r:.60}")
                new[name] = float(array)
            elif array.ndim or array.dtype.kind not in "iu" or array < 0:
                raise DataError(f"{who}: {name} is a whole number of at least 0, got {value!r:.60}")
            else:
                new[name] = int(array)
        vars(self).update(new)  # one call: all or nothing
