r"""The usual schedules, each one formula: steps, ramps, powers, cosines.

In all of them :math:`\eta_0` is the group's own learning rate and t the number of steps made.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterable

from ..backend.arguments import real, several, whole
from .optimizer import Optimizer
from .scheduler import LRScheduler


class StepLR(LRScheduler):
    r"""Times `gamma` every `step_size` steps: :math:`\eta_0\,\gamma^{\lfloor t / step\_size \rfloor}`.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> schedule = StepLR(optim.SGD([Tensor([1.0])]), step_size=2)
    >>> [round(schedule.rate(1.0, t), 3) for t in range(5)]
    [1.0, 1.0, 0.1, 0.1, 0.01]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1):
        whole("StepLR", step_size=step_size)
        real("StepLR", 0, gamma=gamma)
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps."""
        return base * self.gamma ** (t // self.step_size)


class MultiStepLR(LRScheduler):
    r"""Times `gamma` at each milestone: :math:`\eta_0\,\gamma^{n}` when n of the `milestones` are reached.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> schedule = MultiStepLR(optim.SGD([Tensor([1.0])]), milestones=[1, 3], gamma=0.5)
    >>> [schedule.rate(1.0, t) for t in range(5)]
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1):
        self.milestones = sorted(
            whole("MultiStepLR", 0, milestones=m)[0] for m in several("MultiStepLR", "milestones", milestones)
        )
        real("MultiStepLR", 0, gamma=gamma)
        self.gamma = gamma
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps."""
        return base * self.gamma ** bisect.bisect_right(self.milestones, t)


class ExponentialLR(LRScheduler):
    r"""Times `gamma` in every step: :math:`\eta_0\,\gamma^t`.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> ExponentialLR(optim.SGD([Tensor([1.0])]), gamma=0.5).rate(1.0, 3)
    0.125
    """

    def __init__(self, optimizer: Optimizer, gamma: float):
        real("ExponentialLR", 0, gamma=gamma)
        self.gamma = gamma
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps."""
        return base * self.gamma**t


class LambdaLR(LRScheduler):
    r"""Times a function of one's own: :math:`\eta_0\,f(t)`.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> LambdaLR(optim.SGD([Tensor([1.0])]), lambda t: 1 / (1 + t)).rate(1.0, 3)
    0.25
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]):
        if not callable(lr_lambda):
            raise TypeError(f"LambdaLR: lr_lambda is a function of t, got {lr_lambda!r:.60}")
        self.lr_lambda = lr_lambda
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps."""
        return base * self.lr_lambda(t)


class MultiplicativeLR(LRScheduler):
    r"""Times a factor of one's own in each step: :math:`\eta_0\,f(1)\,f(2) \cdots f(t)`.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> schedule = MultiplicativeLR(optim.SGD([Tensor([1.0])]), lambda t: 1.0 if t < 3 else 0.5)
    >>> [schedule.rate(1.0, t) for t in range(5)]
    [1.0, 1.0, 1.0, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]):
        if not callable(lr_lambda):
            raise TypeError(f"MultiplicativeLR: lr_lambda is a function of t, got {lr_lambda!r:.60}")
        self.lr_lambda = lr_lambda
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps."""
        return base * math.prod(self.lr_lambda(step) for step in range(1, t + 1))


class ConstantLR(LRScheduler):
    r"""Times `factor` in the first `total_iters` steps, then :math:`\eta_0` itself.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> schedule = ConstantLR(optim.SGD([Tensor([1.0])]), factor=0.5, total_iters=2)
    >>> [schedule.rate(1.0, t) for t in range(4)]
    [0.5, 0.5, 1.0, 1.0]
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5):
        real("ConstantLR", 0, 1, factor=factor)
        whole("ConstantLR", 0, total_iters=total_iters)
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps."""
        return base * (self.factor if t < self.total_iters else 1)


class LinearLR(LRScheduler):
    r"""From `start_factor` to `end_factor` on a straight line of `total_iters` steps: the usual warm-up.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> schedule = LinearLR(optim.SGD([Tensor([1.0])]), start_factor=0.5, total_iters=2)
    >>> [schedule.rate(1.0, t) for t in range(4)]
    [0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ):
        real("LinearLR", 0, 1, start_factor=start_factor, end_factor=end_factor)
        whole("LinearLR", total_iters=total_iters)
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps."""
        way = min(t, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * way)


class PolynomialLR(LRScheduler):
    r"""Down to zero in T = `total_iters` steps: :math:`\eta_0\,(1 - \min(t, T) / T)^{power}`.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> PolynomialLR(optim.SGD([Tensor([1.0])]), total_iters=4, power=2.0).rate(1.0, 2)
    0.25
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0):
        whole("PolynomialLR", total_iters=total_iters)
        real("PolynomialLR", 0, power=power)
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps."""
        return base * (1 - min(t, self.total_iters) / self.total_iters) ** self.power


class CosineAnnealingLR(LRScheduler):
    r"""Half a cosine from :math:`\eta_0` down to `eta_min`, in `T_max` steps; then up again.

    .. math:: \eta_{min} + (\eta_0 - \eta_{min})\,\frac{1 + \cos(\pi t / T_{max})}{2}

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> schedule = CosineAnnealingLR(optim.SGD([Tensor([1.0])]), T_max=2)
    >>> [round(schedule.rate(1.0, t), 6) for t in range(3)]
    [1.0, 0.5, 0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0):
        whole("CosineAnnealingLR", T_max=T_max)
        real("CosineAnnealingLR", 0, eta_min=eta_min)
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps."""
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * t / self.T_max)) / 2


class CosineAnnealingWarmRestarts(LRScheduler):
    r"""The half cosine again and again, each `T_mult` times as long as the one before, the first `T_0` steps.

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> schedule = CosineAnnealingWarmRestarts(optim.SGD([Tensor([1.0])]), T_0=2, T_mult=2)
    >>> [round(schedule.rate(1.0, t), 3) for t in range(7)]
    [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0]
    """

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0):
        whole("CosineAnnealingWarmRestarts", T_0=T_0, T_mult=T_mult)
        real("CosineAnnealingWarmRestarts", 0, eta_min=eta_min)
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        """The learning rate after `t` steps."""
        length = self.T_0
        if self.T_mult == 1:
            t %= length
        while t >= length:
            t, length = t - length, length * self.T_mult
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * t / length)) / 2
