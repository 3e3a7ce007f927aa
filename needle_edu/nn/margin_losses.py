"""Losses of classifiers that ask for a margin: the right class's score is to lead by so much, more is not rewarded.

Cross-entropy never stops pushing; these stop when the lead is large enough. They are PyTorch's by name and arguments.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import real
from ..backend.errors import NeedleError, ShapeError
from ..init.basic import class_numbers
from .inputs import as_tensor
from .losses import Loss


class SoftMarginLoss(Loss):
    """The smooth form of `HingeLoss`, ln(1 + exp(-t x)), of scores x against targets -1 and 1.

    Examples
    --------
    >>> SoftMarginLoss("none")(Tensor([0.0, 5.0]), Tensor([1.0, 1.0])).numpy().round(3)
    array([0.693, 0.007], dtype=float32)
    """

    def elements(self, x: Tensor, target: Tensor) -> Tensor:
        """ln(1 + exp(-t x))"""
        return ops.softplus(-(target * x))


class MultiLabelSoftMarginLoss(Loss):
    """Several classes may be right at once: the mean over the classes of each one's `BCEWithLogitsLoss`.

    Parameters
    ----------
    weight : Tensor of shape (classes,), optional
        How much each class counts.

    Examples
    --------
    >>> MultiLabelSoftMarginLoss()(Tensor([[0.0, 9.0]]), Tensor([[1.0, 1.0]])).numpy().round(3)
    array([0.347], dtype=float32)
    """

    def __init__(self, weight: Any = None, reduction: str = "mean"):
        super().__init__(reduction)
        self.weight = None if weight is None else as_tensor(weight).detach()

    def elements(self, x: Tensor, target: Tensor) -> Tensor:
        """t ln(1 + exp(-x)) + (1 - t) ln(1 + exp(x)), the mean over the last axis."""
        _rows("MultiLabelSoftMarginLoss", x)
        loss = target * ops.softplus(-x) + (1 - target) * ops.softplus(x)
        return (loss if self.weight is None else loss * self.weight).mean(-1)


class MultiMarginLoss(Loss):
    r"""The right class y is to lead by `margin`: :math:`\sum_{j \ne y} \max(0, margin - x_y + x_j)^p / classes`.

    Parameters
    ----------
    p : 1 or 2
    margin : float
    weight : Tensor of shape (classes,), optional
        How much examples of each class count.
    reduction : "mean", "sum" or "none"

    References
    ----------
    J. Weston, C. Watkins, "Support vector machines for multi-class pattern recognition", ESANN 1999.

    Examples
    --------
    >>> MultiMarginLoss()(Tensor([[0.5, 0.0, 4.0]]), Tensor([2])).item()
    0.0
    >>> MultiMarginLoss()(Tensor([[0.5, 0.0, 4.0]]), Tensor([0])).numpy().round(4)      # (0.5 + 4.5) / 3
    array([1.6667], dtype=float32)
    """

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"):
        super().__init__(reduction)
        if p not in (1, 2):
            raise NeedleError(f"MultiMarginLoss: p is 1 or 2, got {p!r}")
        real("MultiMarginLoss", margin=margin)
        self.p, self.margin = p, margin
        self.weight = None if weight is None else as_tensor(weight).detach()

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of scores `x`, (N, classes) or (classes,), with class numbers, (N,) or ()."""
        x = as_tensor(x)
        target = as_tensor(target, x.device)
        _rows("MultiMarginLoss", x)
        if target.shape != x.shape[:-1]:
            raise ShapeError(
                f"MultiMarginLoss: got scores of shape {x.shape} and labels of shape {target.shape}, "
                "wanted (N, classes) and (N,)"
            )
        classes = x.shape[-1]
        labels = class_numbers("MultiMarginLoss, labels", target, classes).astype(np.intp)
        if self.weight is not None and self.weight.shape != (classes,):
            raise ShapeError(
                f"MultiMarginLoss: got a weight of shape {self.weight.shape} for {classes} classes, "
                f"wanted ({classes},)"
            )
        lead = ops.take_along_axis(x, labels[..., None], -1) - x
        others = Tensor(np.arange(classes) != labels[..., None], device=x.device, requires_grad=False)
        missing = ops.where(others, ops.relu(self.margin - lead), 0.0)
        if self.p == 2:
            missing = missing.square()
        if self.weight is not None:
            missing = missing * ops.unsqueeze(self.weight[labels], -1)
        return self.reduced(missing.sum(-1) / classes)


class MultiLabelMarginLoss(Loss):
    r"""Every right class is to lead every wrong one by 1: :math:`\sum \max(0, 1 - x_{right} + x_{wrong}) / classes`.

    Examples
    --------
    >>> x, right = Tensor([[0.1, 0.2, 0.4, 0.8]]), Tensor([[3, 0, -1, 1]])          # 3 and 0; -1 ends the list
    >>> MultiLabelMarginLoss()(x, right).numpy().round(4)
    array([0.85], dtype=float32)
    """

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of scores `x`, (N, classes) or (classes,).

        `target`, of the same shape, lists the numbers of the right classes; the first -1 ends the list.
        """
        x = as_tensor(x)
        target = as_tensor(target, x.device)
        _rows("MultiLabelMarginLoss", x)
        if target.shape != x.shape:
            raise ShapeError(
                f"MultiLabelMarginLoss: got scores of shape {x.shape} and lists of classes of shape "
                f"{target.shape}, wanted the same; fill the lists up with -1"
            )
        given, classes = target.numpy(), x.shape[-1]
        listed = np.cumsum(given == -1, axis=-1) == 0
        numbers = class_numbers("MultiLabelMarginLoss, classes", np.where(listed, given, 0), classes).astype(
            np.intp
        )
        right = (np.eye(classes, dtype=bool)[numbers] & listed[..., None]).any(-2)
        lead = ops.unsqueeze(ops.take_along_axis(x, numbers, -1), -1) - ops.unsqueeze(x, -2)
        pairs = Tensor(listed[..., :, None] & ~right[..., None, :], device=x.device, requires_grad=False)
        return self.reduced(ops.where(pairs, ops.relu(1 - lead), 0.0).sum((-2, -1)) / classes)


def _rows(who: str, x: Tensor) -> None:
    """Refuse scores that are no row of classes, and no batch of such rows."""
    if len(x.shape) not in (1, 2) or not x.shape[-1]:
        raise ShapeError(f"{who}: got scores of shape {x.shape}, wanted (N, classes) or (classes,)")
