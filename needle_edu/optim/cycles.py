"""Learning rate and momentum in opposite waves: up and down again and again, or once for the whole training."""

from __future__ import annotations

import math

from ..backend.arguments import real, switch, whole
from .optimizer import Optimizer
from .scheduler import LRScheduler


class Wave(LRScheduler):
    """What both share: they set the learning rates themselves, and the momentum too (beta1 of the Adams)."""

    cycle_momentum: bool

    def __init__(self, optimizer: Optimizer, cycle_momentum: bool, base_momentum: float, max_momentum: float):
        who = type(self).__name__
        switch(who, cycle_momentum=cycle_momentum)
        real(who, 0, below=1, base_momentum=base_momentum, max_momentum=max_momentum)
        self.cycle_momentum = cycle_momentum
        self.base_momentum, self.max_momentum = base_momentum, max_momentum
        groups = optimizer.param_groups if isinstance(optimizer, Optimizer) else []
        if cycle_momentum and not all("momentum" in group or "beta1" in group for group in groups):
            raise ValueError(f"{who}: {type(optimizer).__name__} has no momentum; give cycle_momentum=False")
        super().__init__(optimizer)

    def momentum(self, t: int) -> float:
        """The momentum after `t` steps."""
        raise NotImplementedError(f"{type(self).__name__} must define momentum(self, t)")

    def apply(self) -> None:
        """Give every group its learning rate and momentum for now."""
        super().apply()
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                group["momentum" if "momentum" in group else "beta1"] = self.momentum(self.last_epoch)


class OneCycleLR(Wave):
    r"""Up to `max_lr` and down to almost nothing, once: the large steps in the middle act as regularisation.

    From `max_lr / div_factor` up during the share `pct_start` of all steps, then down to that divided by
    `final_div_factor`; with `three_phase`, first back to where it began. Momentum goes the other way.

    Parameters
    ----------
    optimizer : Optimizer
    max_lr : float
    total_steps : int, or epochs and steps_per_epoch : int
        The optimiser's steps. The scheduler may step after the last one too: the rate stays what it was.
    pct_start : float
    anneal_strategy : "cos" or "linear"
    cycle_momentum : bool
    base_momentum, max_momentum : float
        The lowest and the highest.
    div_factor, final_div_factor : float
    three_phase : bool

    References
    ----------
    L. Smith, N. Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2018.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> schedule = OneCycleLR(optim.SGD([Tensor([1.0])]), max_lr=1.0, total_steps=10, anneal_strategy="linear")
    >>> [round(schedule.rate(0.0, t), 3) for t in (0, 1, 2, 9)]
    [0.04, 0.52, 1.0, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ):
        if epochs is not None:
            whole("OneCycleLR", epochs=epochs)
        if steps_per_epoch is not None:
            whole("OneCycleLR", steps_per_epoch=steps_per_epoch)
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR: give total_steps, or epochs and steps_per_epoch")
            whole("OneCycleLR", epochs=epochs, steps_per_epoch=steps_per_epoch)
            total_steps = epochs * steps_per_epoch
        whole("OneCycleLR", total_steps=total_steps)
        real("OneCycleLR", 0, max_lr=max_lr)
        real("OneCycleLR", 0, 1, pct_start=pct_start)
        real("OneCycleLR", 1, div_factor=div_factor, final_div_factor=final_div_factor)
        switch("OneCycleLR", three_phase=three_phase)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy is 'cos' or 'linear', got {anneal_strategy!r:.60}")
        self.total_steps, self.anneal_strategy = total_steps, anneal_strategy
        low = max_lr / div_factor
        peak, last = pct_start * total_steps - 1, total_steps - 1
        self.corners = [0, peak, 2 * peak, last] if three_phase else [0, peak, last]
        self.lrs = [low, max_lr, *([low] if three_phase else []), low / final_div_factor]
        self.momenta = [max_momentum, base_momentum, max_momentum, *([max_momentum] if three_phase else [])]
        super().__init__(optimizer, cycle_momentum, base_momentum, max_momentum)

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps; `base` does not matter."""
        return self._between(t, self.lrs)

    def momentum(self, t: int) -> float:
        """The momentum after `t` steps."""
        return self._between(t, self.momenta)

    def _between(self, t: int, values: list[float]) -> float:
        """The value at `t` on the way through the corners."""
        if t > self.total_steps:
            raise ValueError(f"OneCycleLR: made for {self.total_steps} steps, got t = {t}")
        k = next((k for k, end in enumerate(self.corners[1:-1]) if t <= end), len(self.corners) - 2)
        begin, end = self.corners[k], self.corners[k + 1]
        way = min((t - begin) / (end - begin), 1.0) if end != begin else 1.0
        if self.anneal_strategy == "cos":
            way = (1 - math.cos(math.pi * way)) / 2
        return values[k] + (values[k + 1] - values[k]) * way


class CyclicLR(Wave):
    r"""Up from `base_lr` to `max_lr` and down on straight lines, again and again; momentum the other way.

    Parameters
    ----------
    optimizer : Optimizer
    base_lr, max_lr : float
    step_size_up, step_size_down : int
        Steps up, and down (as many if not given).
    mode : "triangular", "triangular2" or "exp_range"
        All waves alike, each half as high as the one before, or lower by `gamma` in every step.
    gamma : float
    cycle_momentum : bool
    base_momentum, max_momentum : float

    References
    ----------
    L. Smith, "Cyclical learning rates for training neural networks", WACV 2017.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> schedule = CyclicLR(optim.SGD([Tensor([1.0])]), base_lr=0.0, max_lr=1.0, step_size_up=2)
    >>> [schedule.rate(0.0, t) for t in range(5)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float,
        max_lr: float,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
    ):
        down = step_size_up if step_size_down is None else step_size_down
        whole("CyclicLR", step_size_up=step_size_up, step_size_down=down)
        real("CyclicLR", 0, base_lr=base_lr, max_lr=max_lr, gamma=gamma)
        if mode not in ("triangular", "triangular2", "exp_range"):
            raise ValueError(
                f"CyclicLR: mode is 'triangular', 'triangular2' or 'exp_range', got {mode!r:.60}"
            )
        self.base_lr, self.max_lr, self.up, self.down = base_lr, max_lr, step_size_up, down
        self.mode, self.gamma = mode, gamma
        super().__init__(optimizer, cycle_momentum, base_momentum, max_momentum)

    def height(self, t: int) -> float:
        """How far up the wave is after `t` steps: 0 in the valley, 1 on the first top."""
        cycle, into = divmod(t, self.up + self.down)
        height = into / self.up if into <= self.up else (self.up + self.down - into) / self.down
        return height * {"triangular": 1.0, "triangular2": 0.5**cycle, "exp_range": self.gamma**t}[self.mode]

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps; `base` does not matter."""
        return self.base_lr + (self.max_lr - self.base_lr) * self.height(t)

    def momentum(self, t: int) -> float:
        """The momentum after `t` steps."""
        return self.max_momentum - (self.max_momentum - self.base_momentum) * self.height(t)
