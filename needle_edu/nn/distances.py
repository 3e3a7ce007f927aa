"""How far vectors are from each other, and how alike their directions are, as layers. They have no parameters."""

from __future__ import annotations

import math

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import integer, real, switch
from .inputs import as_tensor
from .module import Module


class CosineSimilarity(Module):
    """`ops.cosine_similarity` as a layer: the cosines of the angles between vectors along the axis `dim`.

    Examples
    --------
    >>> CosineSimilarity()(Tensor([[1.0, 0.0]]), Tensor([[0.0, 2.0]])).numpy()
    array([0.], dtype=float32)
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8):
        super().__init__()
        self.dim = integer("CosineSimilarity", "dim", dim)
        real("CosineSimilarity", 0, eps=eps)
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """`x1` and `x2` of shapes that broadcast give that shape without the axis `dim`."""
        x1 = as_tensor(x1)
        return ops.cosine_similarity(x1, as_tensor(x2, x1.device), self.dim, self.eps)


class PairwiseDistance(Module):
    """`ops.pairwise_distance` as a layer: the p-norms of differences along the last axis.

    Examples
    --------
    >>> PairwiseDistance()(Tensor([[0.0, 0.0]]), Tensor([[3.0, 4.0]])).numpy().round(4)
    array([5.], dtype=float32)
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False):
        super().__init__()
        if p != math.inf:
            real("PairwiseDistance", 0, p=p)
        real("PairwiseDistance", 0, eps=eps)
        switch("PairwiseDistance", keepdim=keepdim)
        self.norm, self.eps, self.keepdim = p, eps, bool(keepdim)

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """`x1` and `x2` of shapes that broadcast give that shape without its last axis, or 1 there if `keepdim`."""
        x1 = as_tensor(x1)
        return ops.pairwise_distance(x1, as_tensor(x2, x1.device), self.norm, self.eps, self.keepdim)
