"""SoftmaxLoss: how surprised a classifier is by the right answer."""

from __future__ import annotations

from ..autograd import Tensor
from ..autograd.registry import slot
from ..backend.errors import IndexOutOfRange, ShapeError
from ..init.basic import class_numbers
from .inputs import as_tensor
from .module import Module

_CROSS_ENTROPY = slot("cross_entropy")


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
