"""The other losses: between numbers (MSE and its kin), probabilities (BCE, KL divergence), and scores of classes.

They are PyTorch's by name, arguments and edges. Each takes a batch of any shape and makes one number of it: the mean
(the default) or the sum over all elements; ``reduction="none"`` leaves the elements as they are.
"""

from __future__ import annotations

from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import switch
from ..backend.errors import NeedleError, ShapeError
from .inputs import as_tensor
from .module import Module, not_the_input

REDUCTIONS = ("mean", "sum", "none")


class Loss(Module):
    """Base of the losses: two inputs, and how their elements become one number.

    Examples
    --------
    >>> class Cubed(Loss):
    ...     def elements(self, x, target):
    ...         return abs(x - target) ** 3
    >>> Cubed("sum")(Tensor([1.0, 2.0]), Tensor([0.0, 0.0])).item()
    9.0
    """

    def __init__(self, reduction: str = "mean"):
        super().__init__()
        not_the_input(self, reduction)
        if reduction not in REDUCTIONS:
            raise NeedleError(
                f"{type(self).__name__}: reduction is 'mean', 'sum' or 'none', got {reduction!r}"
            )
        self.reduction = reduction

    def elements(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of each element."""
        raise NotImplementedError(f"{type(self).__name__} defines no elements(self, x, target)")

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of `x` against a `target` of the same shape."""
        x = as_tensor(x)
        target = as_tensor(target, x.device)
        if x.shape != target.shape:
            raise ShapeError(
                f"{type(self).__name__}: got an input of shape {x.shape} and a target of shape {target.shape}, "
                "wanted the same; reshape one of them"
            )
        return self.reduced(self.elements(x, target))

    def reduced(self, elements: Tensor) -> Tensor:
        """The mean or sum of the elements, or themselves."""
        if self.reduction == "none":
            return elements
        return elements.mean() if self.reduction == "mean" else elements.sum()


class MSELoss(Loss):
    """The squared error, (x - target)².

    Examples
    --------
    >>> MSELoss()(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])).item()
    2.0
    """

    def elements(self, x: Tensor, target: Tensor) -> Tensor:
        """(x - target)²"""
        return (x - target).square()


class L1Loss(Loss):
    """The absolute error, \\|x - target\\|; where both are equal its derivative is 0.

    Examples
    --------
    >>> L1Loss()(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])).item()
    1.0
    """

    def elements(self, x: Tensor, target: Tensor) -> Tensor:
        """The absolute difference."""
        return (x - target).abs()


MAELoss = L1Loss


class HuberLoss(Loss):
    """Half the square of small errors; beyond `delta` straight, so that an outlier pulls no harder than delta.

    With d = \\|x - target\\| it is d² / 2 up to delta, then delta (d - delta / 2).

    Examples
    --------
    >>> HuberLoss(delta=1.0, reduction="none")(Tensor([1.0, 4.0]), Tensor([0.5, 1.0])).numpy()
    array([0.125, 2.5  ], dtype=float32)

    References
    ----------
    P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35 (1964).
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0):
        super().__init__(reduction)
        if not isinstance(delta, (int, float)) or not delta > 0:
            raise NeedleError(f"{type(self).__name__}: delta is a number above 0, got {delta!r}")
        self.delta = delta

    def elements(self, x: Tensor, target: Tensor) -> Tensor:
        """Square where small, straight where large."""
        return ops.huber(x - target, self.delta)


class SmoothL1Loss(Loss):
    """`HuberLoss` divided by its delta, here called `beta`: far out the slope is 1. With beta 0 it is `L1Loss`.

    Examples
    --------
    >>> SmoothL1Loss(reduction="none", beta=2.0)(Tensor([1.0, 4.0]), Tensor([0.0, 0.0])).numpy()
    array([0.25, 3.  ], dtype=float32)
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0):
        super().__init__(reduction)
        if not isinstance(beta, (int, float)) or not beta >= 0:
            raise NeedleError(f"SmoothL1Loss: beta is a number of at least 0, got {beta!r}")
        self.beta = beta

    def elements(self, x: Tensor, target: Tensor) -> Tensor:
        """Square where small, straight where large."""
        d = x - target
        return ops.huber(d, self.beta, 1 / self.beta) if self.beta else d.abs()


class BCELoss(Loss):
    """The binary cross-entropy of probabilities x: -t ln x - (1 - t) ln(1 - x).

    A logarithm counts at least as -100, so the loss of a wrong certainty is 100, and its gradient 1e12: use
    `BCEWithLogitsLoss`, which needs no such bounds, where you have the choice.

    Parameters
    ----------
    weight : Tensor, optional
        Multiplies the loss of each element; broadcast.

    Examples
    --------
    >>> round(BCELoss()(Tensor([0.5, 0.0]), Tensor([1.0, 1.0])).item(), 4)
    50.3466
    """

    def __init__(self, weight: Any = None, reduction: str = "mean"):
        super().__init__(reduction)
        self.weight = None if weight is None else as_tensor(weight).detach()

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of probabilities `x` against a `target` of the same shape, both between 0 and 1."""
        x = as_tensor(x)
        p = x.numpy()
        if not ((p >= 0) & (p <= 1)).all():
            raise NeedleError(
                "BCELoss: wants probabilities, from 0 to 1; for scores of any size use BCEWithLogitsLoss"
            )
        return super().forward(x, target)

    def elements(self, x: Tensor, target: Tensor) -> Tensor:
        """The bounded logarithms, weighted by the target."""
        loss = ops.binary_cross_entropy(x, target)
        return loss if self.weight is None else loss * self.weight


class BCEWithLogitsLoss(Loss):
    """The binary cross-entropy of scores x, whose sigmoid is the probability: no bound is needed, nothing overflows.

    Parameters
    ----------
    weight : Tensor, optional
        Multiplies the loss of each element; broadcast.
    pos_weight : Tensor, optional
        Multiplies what positive examples (t = 1) lose; broadcast. Above 1 it favours recall.

    Examples
    --------
    >>> BCEWithLogitsLoss()(Tensor([0.0, 100.0]), Tensor([1.0, 1.0])).numpy().round(4)       # log(2) / 2
    array([0.3466], dtype=float32)
    """

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None):
        super().__init__(reduction)
        self.weight = None if weight is None else as_tensor(weight).detach()
        self.pos_weight = None if pos_weight is None else as_tensor(pos_weight).detach()

    def elements(self, x: Tensor, target: Tensor) -> Tensor:
        """(1 - t) x - ln σ(x), the logarithm times 1 + (pos_weight - 1) t."""
        confidence = ops.logsigmoid(x)
        if self.pos_weight is not None:
            confidence = confidence * (target * (self.pos_weight - 1) + 1)
        loss = (1 - target) * x - confidence
        return loss if self.weight is None else loss * self.weight


class KLDivLoss(Loss):
    """The Kullback-Leibler divergence t (ln t - x) of probabilities t from those whose LOGARITHMS x are.

    ``reduction="batchmean"`` divides the sum by the extent of the first axis: the divergence as it is defined.
    ``log_target`` says that the target holds logarithms, too.

    Examples
    --------
    >>> x, target = ops.log(Tensor([[0.5, 0.5]])), Tensor([[1.0, 0.0]])
    >>> KLDivLoss("batchmean")(x, target).numpy().round(4)                                   # log 2
    array([0.6931], dtype=float32)
    """

    def __init__(self, reduction: str = "mean", log_target: bool = False):
        super().__init__("sum" if reduction == "batchmean" else reduction)
        switch("KLDivLoss", log_target=log_target)
        self.batchmean = reduction == "batchmean"
        self.log_target = log_target

    def elements(self, x: Tensor, target: Tensor) -> Tensor:
        """t (ln t - x), which is 0 where t is."""
        if self.log_target:
            return target.exp() * (target - x)
        positive = ops.greater(target.detach(), 0.0)
        return target * (ops.log(ops.where(positive, target, 1.0)) - x)

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The divergence of probabilities `target` from logarithms `x` of the same shape."""
        total = super().forward(x, target)
        if self.batchmean and not x.size:
            raise ShapeError(
                f"KLDivLoss: no elements in an input of shape {x.shape}, so there is no mean; leave out empty batches"
            )
        return total / x.shape[0] if self.batchmean else total


class HingeLoss(Loss):
    """The max-margin loss of scores x against targets -1 and 1: max(0, 1 - t x). Who is right by 1 loses nothing.

    Examples
    --------
    >>> HingeLoss("none")(Tensor([2.0, 0.5, 1.0]), Tensor([1.0, 1.0, -1.0])).numpy()
    array([0. , 0.5, 2. ], dtype=float32)
    """

    def elements(self, x: Tensor, target: Tensor) -> Tensor:
        """max(0, 1 - t x)"""
        return ops.relu(1 - x * target)
