r"""What all schedulers share: a learning rate as a function of time.

A scheduler is the formula :math:`\eta(\eta_0, t)`: from the learning rate that a group was given, and the number of
steps so far, the learning rate now. Since it depends on nothing else, it can be drawn before training, put behind
another one, and continued from a checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.arguments import real
from ..backend.errors import DataError
from .optimizer import Optimizer


class LRScheduler:
    """The base of all schedulers: define `rate`.

    Making one sets the learning rates for t = 0; each `step()`, after the optimiser's, those for the next t.

    Parameters
    ----------
    optimizer : Optimizer

    Attributes
    ----------
    last_epoch : int
        t, the steps made.
    base_lrs : list of float
        Each group's learning rate before there was a scheduler.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> class Halving(LRScheduler):
    ...     def rate(self, base, t):
    ...         return base / 2**t
    >>> optimizer = optim.SGD([Tensor([1.0])], lr=1.0)
    >>> scheduler = Halving(optimizer)
    >>> for epoch in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> optimizer.lr, scheduler.rate(1.0, 5)
    (0.125, 0.03125)
    """

    def __init__(self, optimizer: Optimizer):
        who = type(self).__name__
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{who}: optimizer is an optimiser, got one {type(optimizer).__name__}")
        for group in optimizer.param_groups:
            if "lr" not in group:
                raise TypeError(f"{who}: {type(optimizer).__name__} has no lr to schedule")
            group.setdefault("initial_lr", group["lr"])
        self.optimizer = optimizer
        self.last_epoch = 0
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.apply()

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps of a group whose own learning rate is `base`."""
        raise NotImplementedError(f"{type(self).__name__} must define rate(self, base, t)")

    def step(self) -> None:
        """One step further in time; after the optimiser's step."""
        self.last_epoch += 1
        self.apply()

    def apply(self) -> None:
        """Give every group its learning rate for now."""
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=False):
            group["lr"] = self.rate(base, self.last_epoch)

    def get_last_lr(self) -> list[float]:
        """The learning rate of every group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name → array: the time, and what each group began with. The formula itself is not saved."""
        return {"last_epoch": np.asarray(self.last_epoch), "base_lrs": np.asarray(self.base_lrs, float)}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave, and set the learning rates. All of it, or, after an error, nothing.

        Raises
        ------
        DataError
            If the state is of another kind of scheduler, or of other groups.
        """
        who = f"{type(self).__name__}.load_state_dict"
        if set(saved) != {"last_epoch", "base_lrs"}:
            raise DataError(f"{who}: wanted last_epoch and base_lrs, got {sorted(saved)}")
        t, bases = readable(saved["last_epoch"]), readable(saved["base_lrs"])
        if t.ndim or t.dtype.kind not in "iu" or t < 0:
            raise DataError(
                f"{who}: last_epoch is a whole number of at least 0, got {saved['last_epoch']!r:.60}"
            )
        if bases.shape != (len(self.base_lrs),) or bases.dtype.kind not in "iuf":
            raise DataError(
                f"{who}: base_lrs are {len(self.base_lrs)} numbers, got {saved['base_lrs']!r:.60}"
            )
        for base in bases.tolist():
            real(who, 0, error=DataError, base_lrs=base)
        vars(self).update(last_epoch=int(t), base_lrs=bases.tolist())  # one call: both or neither
        self.apply()
