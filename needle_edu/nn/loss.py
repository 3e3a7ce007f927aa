"""SoftmaxLoss: how surprised a classifier is by the right answer."""

from __future__ import annotations

from .. import init, ops
from ..autograd import Tensor
from ..backend.errors import ShapeError
from .module import Module


class SoftmaxLoss(Module):
    r"""The mean of :math:`\log \sum_j e^{z_j} - z_y` over a batch of logits z with labels y.

    It is the cross-entropy between the labels and the softmax of the logits, written so that no exponential
    is ever divided: large logits do not overflow.

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
            If the shapes do not belong together.
        IndexOutOfRange
            If a label is not a class.
        """
        if len(logits.shape) != 2 or tuple(y.shape) != logits.shape[:1]:
            raise ShapeError(
                f"SoftmaxLoss: got logits of shape {logits.shape} and labels of shape {tuple(y.shape)}, "
                "wanted (batch, classes) and (batch,)"
            )
        batch, classes = logits.shape
        right = init.one_hot(classes, y, device=logits.device, dtype=logits.dtype)
        log_sums = ops.logsumexp(logits, axes=(1,))
        return (log_sums.sum() - (logits * right).sum()) / batch
