"""The losses of classifiers: how surprised they are by the right answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor
from ..autograd.arrays import readable
from ..autograd.registry import slot
from ..backend.arguments import integer
from ..backend.errors import IndexOutOfRange, NeedleError, ShapeError
from ..init.basic import class_numbers
from .inputs import as_tensor
from .losses import Loss
from .module import Module, not_the_input

_CROSS_ENTROPY, _LIKELIHOOD = slot("cross_entropy"), slot("nll_loss")


class SoftmaxLoss(Module):
    r"""The mean of :math:`\log \sum_j e^{z_j} - z_y` over a batch of logits z with labels y.

    It is the cross-entropy between the labels and the softmax of the logits: minus the logarithm of the
    probability given to the right class. It is one op, `ops.cross_entropy`, which subtracts the largest
    logit first: large logits neither overflow nor lose digits, and a class may be ruled out by a logit of -inf.

    Examples
    --------
    >>> import numpy as np
    >>> loss = SoftmaxLoss()(Tensor([[0.0, 0.0], [0.0, 0.0]]), Tensor(np.array([0, 1])))
    >>> round(loss.item(), 4)                                                # log 2
    0.6931
    """

    def forward(self, logits: Tensor, y: Tensor) -> Tensor:
        """The loss, one number.

        Parameters
        ----------
        logits : Tensor of shape (batch, classes)
        y : Tensor of shape (batch,)
            The right class of each example, 0 to classes - 1, integer or float.

        Raises
        ------
        ShapeError
            If the shapes do not belong together, or there are no examples.
        IndexOutOfRange
            If a label is not a class.
        """
        logits = as_tensor(logits)
        y = as_tensor(y, logits.device)
        shape = logits.shape
        if len(shape) != 2 or y.shape != shape[:1] or not y.shape[0]:
            raise ShapeError(
                f"SoftmaxLoss: got logits of shape {shape} and labels of shape {y.shape}, "
                "wanted (batch, classes) and (batch,), batch at least 1"
            )
        try:
            return _CROSS_ENTROPY.cls(None, 0.0, None).apply(logits, y)
        except IndexOutOfRange:
            class_numbers("SoftmaxLoss, labels", y, shape[1])
            raise


class CrossEntropyLoss(Loss):
    r"""The cross-entropy between targets and the softmax of logits, with PyTorch's options.

    Parameters
    ----------
    weight : Tensor of shape (classes,), optional
        How much each class counts.
    ignore_index : int
        Labels that count for nothing.
    reduction : str
        "mean" divides by the sum of the labels' weights (with probabilities as targets: by their number), "sum" does
        not, "none" gives the loss of each example.
    label_smoothing : float
        So much of the target, 0 to 1, is spread evenly over all classes.
    temperature : float
        The logits are divided by it: above 1 makes probabilities more alike, below 1 less.

    Examples
    --------
    >>> loss = CrossEntropyLoss(label_smoothing=0.1)
    >>> loss(Tensor([[0.0, 0.0]]), Tensor([1])).numpy().round(4)                     # a class number
    array([0.6931], dtype=float32)
    >>> loss(Tensor([[0.0, 0.0]]), Tensor([[0.3, 0.7]])).numpy().round(4)            # probabilities
    array([0.6931], dtype=float32)
    """

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0,
        temperature: float = 1.0,
    ):  # fmt: skip
        super().__init__(reduction)
        not_the_input(self, ignore_index)
        if not isinstance(temperature, (int, float)) or not temperature > 0:
            raise NeedleError(f"CrossEntropyLoss: temperature is a number above 0, got {temperature!r}")
        if not isinstance(label_smoothing, (int, float)) or not 0 <= label_smoothing <= 1:
            raise NeedleError(
                f"CrossEntropyLoss: label_smoothing lies between 0 and 1, got {label_smoothing!r}"
            )
        self.weight = None if weight is None else as_tensor(weight).detach()
        self.ignore_index = integer("CrossEntropyLoss", "ignore_index", ignore_index)
        self.label_smoothing = label_smoothing
        self.temperature = temperature

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss.

        Parameters
        ----------
        x : Tensor of shape (classes,), (N, classes) or (N, classes, d1, ...)
            The logits.
        target : Tensor
            Class numbers, of the shape of `x` without the classes; or probabilities, of the shape of `x`.
        """
        x = as_tensor(x)
        target = as_tensor(target, x.device)
        if self.temperature != 1:
            x = x / self.temperature
        if target.shape == x.shape:
            return ops.soft_cross_entropy(x, target, self.weight, self.label_smoothing, self.reduction)
        return ops.cross_entropy(
            x, target, self.weight, self.label_smoothing, self.ignore_index, self.reduction
        )


class NLLLoss(Loss):
    """Minus the logarithm of the right class's probability, from logarithms: `CrossEntropyLoss` after logsoftmax.

    Parameters
    ----------
    weight, ignore_index, reduction
        As for `CrossEntropyLoss`.

    Examples
    --------
    >>> NLLLoss()(ops.logsoftmax(Tensor([[0.0, 0.0]])), Tensor([1])).numpy().round(4)
    array([0.6931], dtype=float32)
    """

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"):
        super().__init__(reduction)
        not_the_input(self, ignore_index)
        self.weight = None if weight is None else as_tensor(weight).detach()
        self.ignore_index = integer("NLLLoss", "ignore_index", ignore_index)

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """The loss of logarithms `x` of shape (N, classes) or (N, classes, d1, ...) with class numbers."""
        x = as_tensor(x)
        target = as_tensor(target, x.device)
        shape = x.shape
        axis = 0 if len(shape) == 1 else 1
        if not shape or target.shape != shape[:axis] + shape[axis + 1 :] or not shape[axis]:
            raise ShapeError(
                f"NLLLoss: got logarithms of shape {shape} and labels of shape {target.shape}; wanted "
                "(N, classes) and (N,), or (N, classes, d1, …) and (N, d1, …), with at least one class"
            )
        try:
            return _LIKELIHOOD.cls(self.weight, self.ignore_index, self.reduction).apply(x, target)
        except IndexOutOfRange:
            labels = readable(target)
            class_numbers("NLLLoss, labels", np.where(labels == self.ignore_index, 0, labels), shape[axis])
            raise


class DistillationLoss(Loss):
    r"""What a small network learns from a large one: to be as unsure as its teacher, and right.

    It is :math:`\alpha\,T^2\,KL(\text{teacher} \| \text{student}) + (1 - \alpha)\,\text{cross-entropy}`, with the
    probabilities of both at temperature T in the first term; T² keeps its gradients as large as the second's.

    Examples
    --------
    >>> logits = Tensor([[1.0, 2.0]])
    >>> DistillationLoss(alpha=1.0)(logits, logits, Tensor([1])).item()              # the same: nothing to learn
    0.0

    References
    ----------
    G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network", 2015.
    """

    def __init__(self, temperature: float = 2.0, alpha: float = 0.5):
        super().__init__()
        numbers = isinstance(temperature, (int, float)) and isinstance(alpha, (int, float))
        if not numbers or not temperature > 0 or not 0 <= alpha <= 1:
            raise NeedleError(
                "DistillationLoss: temperature is a number above 0, alpha lies between 0 and 1, "
                f"got temperature={temperature!r}, alpha={alpha!r}"
            )
        self.temperature = temperature
        self.alpha = alpha

    def forward(self, x: Tensor, teacher: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]
        """The loss of a student's logits `x` and its `teacher`'s, (N, classes) both, with class numbers (N,)."""
        x = as_tensor(x)
        teacher = as_tensor(teacher, x.device).detach()
        if x.shape != teacher.shape:
            raise ShapeError(
                f"DistillationLoss: the student's logits have shape {x.shape}, the teacher's {teacher.shape}"
            )
        theirs = ops.logsoftmax(teacher / self.temperature)
        ours = ops.logsoftmax(x / self.temperature)
        divergence = (theirs.exp() * (theirs - ours)).sum() / x.shape[0] * self.temperature**2
        return divergence * self.alpha + ops.cross_entropy(x, as_tensor(target, x.device)) * (1 - self.alpha)
