"""Losses of comparisons: which of two scores is larger, which vectors are near each other and which are not.

Nothing is said about where a vector should be, only beside whom: so faces, words and pictures are laid out. They are
PyTorch's by name, arguments and edges; where a margin is just kept, the gradient is still that of the slope.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import real, switch
from ..backend.errors import NeedleError, ShapeError
from .inputs import as_tensor
from .losses import Loss


class MarginRankingLoss(Loss):
    """Of two scores the first is to lead by `margin` where the target is 1, the second where it is -1.

    max(0, margin - t (x1 - x2))

    Examples
    --------
    >>> first, second = Tensor([1.0, 1.0]), Tensor([0.0, 0.5])
    >>> MarginRankingLoss(reduction="none")(first, second, Tensor([1.0, -1.0])).numpy()
    array([0. , 0.5], dtype=float32)
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean"):
        super().__init__(reduction)
        real("MarginRankingLoss", margin=margin)
        self.margin = margin

    def forward(self, x1: Tensor, x2: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]
        """The loss of scores `x1` and `x2` with targets 1 and -1, all of shapes that broadcast."""
        x1 = as_tensor(x1)
        x2, target = as_tensor(x2, x1.device), as_tensor(target, x1.device)
        _signs("MarginRankingLoss", target)
        return self.reduced((self.margin - target * (x1 - x2)).clip(0.0))


class HingeEmbeddingLoss(Loss):
    """Distances x are to be small where the target is 1, and at least `margin` where it is -1.

    x, and max(0, margin - x)

    Examples
    --------
    >>> HingeEmbeddingLoss(reduction="none")(Tensor([0.25, 0.25]), Tensor([1.0, -1.0])).numpy()
    array([0.25, 0.75], dtype=float32)
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean"):
        super().__init__(reduction)
        real("HingeEmbeddingLoss", margin=margin)
        self.margin = margin

    def elements(self, x: Tensor, target: Tensor) -> Tensor:
        """The distance, or what it lacks."""
        _signs("HingeEmbeddingLoss", target)
        return ops.where(ops.greater(target.detach(), 0.0), x, (self.margin - x).clip(0.0))


class CosineEmbeddingLoss(Loss):
    """Vectors are to point the same way where the target is 1, and to have a cosine of at most `margin` where it is -1.

    1 - cos, and max(0, cos - margin)

    Examples
    --------
    >>> a, b = Tensor([[1.0, 0.0], [1.0, 0.0]]), Tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> CosineEmbeddingLoss(reduction="none")(a, b, Tensor([1.0, -1.0])).numpy().round(3)
    array([0., 1.], dtype=float32)
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean"):
        super().__init__(reduction)
        real("CosineEmbeddingLoss", -1, 1, margin=margin)
        self.margin = margin

    def forward(self, x1: Tensor, x2: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]
        """The loss of vectors `x1` and `x2`, (N, d) or (d,) both, with targets 1 and -1, (N,) or ()."""
        x1 = as_tensor(x1)
        x2, target = as_tensor(x2, x1.device), as_tensor(target, x1.device)
        if x1.shape != x2.shape or len(x1.shape) not in (1, 2) or target.shape != x1.shape[:-1]:
            raise ShapeError(
                f"CosineEmbeddingLoss: got vectors of shapes {x1.shape} and {x2.shape} and targets of shape "
                f"{target.shape}, wanted (N, d), (N, d) and (N,)"
            )
        _signs("CosineEmbeddingLoss", target)
        # An eps in each square: the cosine of a vector of zeros is 0, and has a gradient.
        squares = ((x1 * x1).sum(-1) + 1e-12) * ((x2 * x2).sum(-1) + 1e-12)
        cos = (x1 * x2).sum(-1) / squares.sqrt()
        alike = ops.greater(target.detach(), 0.0)
        return self.reduced(ops.where(alike, 1 - cos, (cos - self.margin).clip(0.0)))


class TripletMarginWithDistanceLoss(Loss):
    """An anchor is to be nearer to a positive example than to a negative one, by `margin`, in a distance of one's own.

    max(0, d(a, p) - d(a, n) + margin)

    Parameters
    ----------
    distance_function : function of two tensors, optional
        `ops.pairwise_distance` if not given.
    margin : float
    swap : bool
        If the negative example is nearer to the positive one than to the anchor, take that distance.
    reduction : "mean", "sum" or "none"

    Examples
    --------
    >>> loss = TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).abs().sum(-1))
    >>> loss(Tensor([[0.0]]), Tensor([[1.0]]), Tensor([[1.5]])).item()
    0.5
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ):
        super().__init__(reduction)
        who = type(self).__name__
        real(who, 0, margin=margin)
        switch(who, swap=swap)
        if distance_function is not None and not callable(distance_function):
            raise TypeError(
                f"{who}: distance_function is a function of two tensors, got {distance_function!r:.60}"
            )
        self.margin, self.swap = margin, swap
        self.distance = distance_function or ops.pairwise_distance

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:  # type: ignore[override]
        """The loss of vectors, (N, d) or (d,) all three."""
        anchor = as_tensor(anchor)
        positive, negative = as_tensor(positive, anchor.device), as_tensor(negative, anchor.device)
        if not anchor.shape == positive.shape == negative.shape:
            raise ShapeError(
                f"{type(self).__name__}: got shapes {anchor.shape}, {positive.shape} and {negative.shape}, "
                "wanted the same"
            )
        near, far = self.distance(anchor, positive), self.distance(anchor, negative)
        if self.swap:
            far = ops.minimum(far, self.distance(positive, negative))
        return self.reduced((near - far + self.margin).clip(0.0))


class TripletMarginLoss(TripletMarginWithDistanceLoss):
    """`TripletMarginWithDistanceLoss` in a p-norm: an anchor is to be nearer to its like than to another, by `margin`.

    Parameters
    ----------
    margin : float
    p : float
        Which norm.
    eps : float
        Added to each difference, so that the distance of equal vectors has a gradient.
    swap : bool
        If the negative example is nearer to the positive one than to the anchor, take that distance.
    reduction : "mean", "sum" or "none"

    References
    ----------
    F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: a unified embedding for face recognition and clustering",
    CVPR 2015.

    Examples
    --------
    >>> TripletMarginLoss()(Tensor([[0.0]]), Tensor([[1.0]]), Tensor([[1.5]])).numpy().round(4)
    array([0.5], dtype=float32)
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: str = "mean",
    ):
        super().__init__(margin=margin, swap=swap, reduction=reduction)
        real("TripletMarginLoss", 0, eps=eps)
        if p != float("inf"):
            real("TripletMarginLoss", 0, p=p)
        self.distance = lambda a, b: ops.pairwise_distance(a, b, p, eps)


def _signs(who: str, target: Any) -> None:
    """Refuse targets that are neither 1 nor -1; labels 0 and 1 are what one forgets to convert."""
    found = target.numpy()
    strange = found[(found != 1) & (found != -1)]
    if strange.size:
        raise NeedleError(
            f"{who}: targets are 1 and -1, got {strange.flat[0]}; for labels 0 and 1: 2 * y - 1"
        )
