"""Schedules made of schedules: one after another (a warm-up, then a cosine), and several at once."""

from __future__ import annotations

import bisect
from collections.abc import Iterable

from ..backend.arguments import several, whole
from .optimizer import Optimizer
from .scheduler import LRScheduler


class SequentialLR(LRScheduler):
    """One schedule after another; each counts its time from its milestone.

    Parameters
    ----------
    optimizer : Optimizer
    schedulers : list of LRScheduler
        All of this optimiser.
    milestones : list of int
        When the second begins, the third, and so on.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> optimizer = optim.SGD([Tensor([1.0])], lr=1.0)
    >>> warmup = optim.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> schedule = SequentialLR(optimizer, [warmup, optim.ExponentialLR(optimizer, 0.5)], milestones=[2])
    >>> [schedule.rate(1.0, t) for t in range(5)]
    [0.5, 0.75, 1.0, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, schedulers: Iterable[LRScheduler], milestones: Iterable[int]):
        self.schedulers = _of_one_optimiser("SequentialLR", schedulers, optimizer)
        self.milestones = [
            whole("SequentialLR", milestones=m)[0] for m in several("SequentialLR", "milestones", milestones)
        ]
        if len(self.milestones) != len(self.schedulers) - 1 or self.milestones != sorted(self.milestones):
            raise ValueError(
                f"SequentialLR: {len(self.schedulers)} schedulers want {len(self.schedulers) - 1} milestones in "
                f"rising order, got {self.milestones}"
            )
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps."""
        k = bisect.bisect_right(self.milestones, t)
        return self.schedulers[k].rate(base, t - ([0, *self.milestones])[k])


class ChainedScheduler(LRScheduler):
    """Several schedules at once: each takes the learning rate that the one before it gives.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> optimizer = optim.SGD([Tensor([1.0])], lr=1.0)
    >>> parts = [optim.ConstantLR(optimizer, factor=0.5, total_iters=1), optim.ExponentialLR(optimizer, 0.5)]
    >>> schedule = ChainedScheduler(parts)
    >>> [schedule.rate(1.0, t) for t in range(3)]
    [0.5, 0.5, 0.25]
    """

    def __init__(self, schedulers: Iterable[LRScheduler], optimizer: Optimizer | None = None):
        schedulers = several("ChainedScheduler", "schedulers", schedulers)
        if optimizer is None and schedulers and isinstance(schedulers[0], LRScheduler):
            optimizer = schedulers[0].optimizer
        self.schedulers = _of_one_optimiser("ChainedScheduler", schedulers, optimizer)
        assert optimizer is not None
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps."""
        for scheduler in self.schedulers:
            base = scheduler.rate(base, t)
        return base


def _of_one_optimiser(
    who: str, schedulers: Iterable[LRScheduler], optimizer: Optimizer | None
) -> list[LRScheduler]:
    """The schedulers, checked to be some, and all of `optimizer`."""
    found = several(who, "schedulers", schedulers)
    if not found:
        raise ValueError(f"{who}: wants at least one scheduler, got none")
    for scheduler in found:
        if not isinstance(scheduler, LRScheduler):
            raise TypeError(f"{who}: combines schedules of time, got one {type(scheduler).__name__}")
        if scheduler.optimizer is not optimizer:
            raise ValueError(f"{who}: the schedulers are of different optimisers")
    return found
