r"""The loss of sequences whose places are not known: speech without marks where each sound begins (CTC).

A network says at each of T times how likely each class is, and "blank" is one of them. A path is one class for each
time; it reads as what is left when repeats are merged and blanks are taken out: ``_ c c _ a t t`` reads ``c a t``. The
loss is minus the logarithm of the probability of all paths together that read as the target.

There are exponentially many, but they meet. Written with blanks around each label, ``_ c _ a _ t _``, the target has
L = 2 S + 1 places, and a path may at each time stay at its place, go to the next, or skip a blank between different
labels. So with :math:`\alpha_t(l)`, the probability of all ways to be at place l at time t,

.. math:: \alpha_t(l) = p_t(l)\,(\alpha_{t-1}(l) + \alpha_{t-1}(l - 1) + [\text{may skip}]\,\alpha_{t-1}(l - 2))

and a target is read by the paths that end in one of its last two places. All of it is done with logarithms.

Reference: A. Graves et al., "Connectionist temporal classification", ICML 2006.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor
from ..autograd.arrays import readable
from ..backend.arguments import integer, switch
from ..backend.errors import DTypeError, NeedleError, ShapeError
from ..init.basic import class_numbers
from .inputs import as_tensor
from .losses import Loss

_NEVER = -1e30  # the logarithm of a probability of 0, of which differences can be taken


class CTCLoss(Loss):
    """Minus the logarithm of the probability that a sequence of classes reads as the target, wherever its labels lie.

    Each time is a few ops over all sequences and places, so a long input takes longer than one kernel would.

    Parameters
    ----------
    blank : int
        The class that says nothing.
    reduction : "mean", "sum" or "none"
        The mean divides each sequence's loss by the length of its target first, as in PyTorch.
    zero_infinity : bool
        Whether a target that is too long for its input counts 0, not inf. Its gradient is 0 either way.

    Examples
    --------
    >>> from needle_edu import ops
    >>> even = ops.logsoftmax(Tensor([[[0.0, 0.0]], [[0.0, 0.0]]]), -1)      # 2 times, 1 sequence, blank and one label
    >>> CTCLoss()(even, [[1]], [2], [1]).numpy().round(4)                   # 3 of 4 paths read as it: -ln(3 / 4)
    array([0.2877], dtype=float32)
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False):
        super().__init__(reduction)
        self.blank = integer("CTCLoss", "blank", blank, 0, ValueError)
        switch("CTCLoss", zero_infinity=zero_infinity)
        self.zero_infinity = bool(zero_infinity)

    def forward(self, log_probs: Tensor, targets: Any, input_lengths: Any, target_lengths: Any) -> Tensor:  # type: ignore[override]
        """The loss of logarithms of probabilities, as `ops.logsoftmax` gives them.

        Parameters
        ----------
        log_probs : Tensor of shape (T, N, classes), or (T, classes) for one sequence
        targets : array_like of int, shape (N, S) or (S,), or those of all sequences one after the other
            Classes, but not the blank; what is behind a target's length does not count.
        input_lengths, target_lengths : N whole numbers, or one for one sequence

        Raises
        ------
        ShapeError, DTypeError, IndexOutOfRange, NeedleError
            If shapes, lengths or classes do not belong together.
        """
        x = as_tensor(log_probs)
        if x.ndim not in (2, 3) or not x.shape[-1] or x.dtype.kind != "f":
            error = ShapeError if x.dtype.kind == "f" else DTypeError
            raise error(
                f"CTCLoss: wanted floats of shape (T, N, classes) or (T, classes), got {x.dtype} {x.shape}"
            )
        one = x.ndim == 2
        x = ops.unsqueeze(x, 1) if one else x
        times, count, classes = x.shape
        if self.blank >= classes:
            raise NeedleError(f"CTCLoss: blank={self.blank} is no class of {classes}")
        ends = _lengths("input_lengths", input_lengths, count, 1, times)
        sizes = _lengths("target_lengths", target_lengths, count, 0, None)
        labels = self._labels(targets, sizes, classes)
        loss = -self._log_likelihood(x, labels, ends, sizes)
        lost = Tensor(loss.numpy() > -_NEVER / 10, device=x.device, requires_grad=False)
        loss = ops.where(lost, 0.0 if self.zero_infinity else float("inf"), loss)
        if self.reduction == "mean":
            loss = loss / Tensor(np.maximum(sizes, 1), device=x.device, dtype=x.dtype, requires_grad=False)
        return self.reduced(loss.reshape(()) if one and self.reduction == "none" else loss)

    def _labels(self, targets: Any, sizes: np.ndarray, classes: int) -> np.ndarray:
        """The targets as int64 (N, S), blanks behind the end of each."""
        given = class_numbers("CTCLoss, targets", as_tensor(targets), classes).astype("int64")
        longest = int(sizes.max(initial=0))
        inside = np.arange(longest) < sizes[:, None]
        labels = np.full(inside.shape, self.blank)
        if given.ndim == 2 and len(given) == len(sizes) and given.shape[1] >= longest:
            labels[inside] = given[:, :longest][inside]
        elif given.ndim == 1 and len(given) == sizes.sum():
            labels[inside] = given
        else:
            raise ShapeError(
                f"CTCLoss: got targets of shape {given.shape} for {len(sizes)} sequences whose targets have lengths "
                f"{sizes.tolist()}; wanted ({len(sizes)}, {longest}) or ({int(sizes.sum())},)"
            )
        if (labels[inside] == self.blank).any():
            raise NeedleError(f"CTCLoss: a target has the blank, {self.blank}, among its labels")
        return labels

    def _log_likelihood(self, x: Tensor, labels: np.ndarray, ends: np.ndarray, sizes: np.ndarray) -> Tensor:
        """ln p of each sequence's target: the recursion over time, for all sequences at once."""
        times, count, _ = x.shape
        places = np.full((count, 2 * labels.shape[1] + 1), self.blank)
        places[:, 1::2] = labels
        skips = np.zeros(places.shape, bool)
        skips[:, 3::2] = labels[:, 1:] != labels[:, :-1]
        said = ops.take_along_axis(x, np.broadcast_to(places, (times, *places.shape)), -1)
        alpha = ops.where(
            self._mask(np.arange(places.shape[1]) < 2, x), said[0:1].reshape(places.shape), _NEVER
        )
        for t in range(1, times):
            skipped = ops.where(self._mask(skips, x), _moved(alpha, 2), _NEVER)
            arrived = ops.logsumexp(ops.stack([alpha, _moved(alpha, 1), skipped], 0), 0)
            new = arrived + said[t : t + 1].reshape(places.shape)
            alpha = ops.where(self._mask((t < ends)[:, None], x), new, alpha)
        last = ops.take_along_axis(alpha, 2 * sizes[:, None], 1)
        before = ops.take_along_axis(alpha, np.maximum(2 * sizes[:, None] - 1, 0), 1)
        before = ops.where(self._mask(sizes[:, None] > 0, x), before, _NEVER)
        return ops.logaddexp(last, before).reshape((count,))

    @staticmethod
    def _mask(condition: np.ndarray, like: Tensor) -> Tensor:
        return Tensor(condition, device=like.device, requires_grad=False)


def _moved(alpha: Tensor, by: int) -> Tensor:
    """What was `by` places before each place."""
    width = alpha.shape[1]
    return ops.pad(alpha, ((0, 0), (by, 0)), constant_value=_NEVER)[:, :width]


def _lengths(what: str, given: Any, count: int, low: int, high: int | None) -> np.ndarray:
    """Lengths as an array of `count` whole numbers within bounds."""
    try:
        lengths = np.atleast_1d(readable(given))
    except (TypeError, ValueError):
        lengths = np.array(["?"])
    if lengths.dtype.kind not in "iu" or lengths.shape != (count,):
        raise ShapeError(f"CTCLoss: {what} are {count} whole numbers, got {given!r:.60}")
    if (lengths < low).any() or (high is not None and (lengths > high).any()):
        most = "" if high is None else f" to {high}"
        raise ShapeError(f"CTCLoss: {what} are whole numbers from {low}{most}, got {lengths.tolist()!r:.60}")
    return lengths.astype("int64")
