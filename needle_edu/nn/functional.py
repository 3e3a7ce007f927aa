"""PyTorch's `torch.nn.functional`, for programs that begin with ``import needle_edu.nn.functional as F``.

Nothing is computed here. Functions are the ops of `needle_edu.ops` that have PyTorch's meaning and order of arguments,
some with PyTorch's keywords (`dim` for `axis`); losses are the layers of `needle_edu.nn`, made and called in one go.
What differs in its arguments, such as `linear` with its transposed weight, is not here, and says what to write instead.

>>> from needle_edu import Tensor
>>> from needle_edu.nn import functional as F
>>> F.mse_loss(F.relu(Tensor([-1.0, 2.0])), Tensor([0.0, 1.0]), reduction="sum").item()
1.0
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from ..backend.naming import not_here
from ..ops import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    alpha_dropout,
    celu,
    channel_shuffle,
    dropout,
    dropout1d,
    dropout2d,
    elu,
    embedding,
    fold,
    gelu,
    hardshrink,
    hardsigmoid,
    hardswish,
    interpolate,
    logsigmoid,
    lp_pool1d,
    lp_pool2d,
    max_pool1d,
    max_pool2d,
    max_unpool1d,
    max_unpool2d,
    mish,
    one_hot,
    pixel_shuffle,
    pixel_unshuffle,
    prelu,
    relu,
    relu6,
    rrelu,
    scaled_dot_product_attention,
    selu,
    sigmoid,
    silu,
    softshrink,
    softsign,
    tanh,
    tanhshrink,
    threshold,
    unfold,
)
from .likelihoods import GaussianNLLLoss, PoissonNLLLoss
from .loss import CrossEntropyLoss, NLLLoss
from .losses import BCELoss, BCEWithLogitsLoss, HuberLoss, KLDivLoss, L1Loss, MSELoss, SmoothL1Loss
from .ranking_losses import CosineEmbeddingLoss, HingeEmbeddingLoss, MarginRankingLoss, TripletMarginLoss


def _renamed(function: Callable[..., Any], **names: str) -> Callable[..., Any]:
    """The function, which also takes these keywords: theirs=ours."""

    def with_their_names(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **{names.get(name, name): value for name, value in kwargs.items()})

    with_their_names.__name__ = function.__name__
    with_their_names.__doc__ = function.__doc__
    return with_their_names


softmax = _renamed(ops.softmax, dim="axis")
softmin = _renamed(ops.softmin, dim="axis")
log_softmax = _renamed(ops.logsoftmax, dim="axis")
normalize = _renamed(ops.normalize, dim="axis")
glu = _renamed(ops.glu, dim="axis")
cosine_similarity = _renamed(ops.cosine_similarity, dim="axis")
pairwise_distance = _renamed(ops.pairwise_distance, keepdim="keepdims")
leaky_relu = _renamed(ops.leaky_relu, negative_slope="slope")
hardtanh = _renamed(ops.hardtanh, min_val="low", max_val="high")
avg_pool1d, avg_pool2d = ops.avg_pool1d, ops.avg_pool2d


def _of(loss: type, inputs: int = 2) -> Callable[..., Any]:
    """The function ``(*inputs, **options)`` that makes a loss of this class and calls it."""

    def function(*args: Any, **options: Any) -> Any:
        if len(args) != inputs:
            raise TypeError(
                f"{loss.__name__} as a function: got {len(args)} positional arguments, wanted {inputs}; "
                f"name the options: reduction='sum'"
            )
        return loss(**options)(*args)

    function.__doc__ = f"`nn.{loss.__name__}(**options)` of {inputs} inputs."
    return function


cross_entropy = _of(CrossEntropyLoss)
nll_loss = _of(NLLLoss)
mse_loss = _of(MSELoss)
l1_loss = _of(L1Loss)
smooth_l1_loss = _of(SmoothL1Loss)
huber_loss = _of(HuberLoss)
kl_div = _of(KLDivLoss)
binary_cross_entropy = _of(BCELoss)
binary_cross_entropy_with_logits = _of(BCEWithLogitsLoss)
poisson_nll_loss = _of(PoissonNLLLoss)
gaussian_nll_loss = _of(GaussianNLLLoss, 3)
cosine_embedding_loss = _of(CosineEmbeddingLoss, 3)
hinge_embedding_loss = _of(HingeEmbeddingLoss)
margin_ranking_loss = _of(MarginRankingLoss, 3)
triplet_margin_loss = _of(TripletMarginLoss, 3)

ELSEWHERE = {
    "linear": "x @ weight + bias: weights are (in, out) here, the transpose of PyTorch's",
    "bilinear": "the layer nn.Bilinear",
    "conv1d": "ops.conv1d(x, weight, stride, …) + bias, or the layer nn.Conv1d",
    "conv2d": "ops.conv2d(x, weight, stride, …) + bias, or the layer nn.Conv2d",
    "pad": "ops.pad(x, ((before, after), …)) with one pair for each axis, the first axis first, as in NumPy",
    "layer_norm": "ops.layer_norm(x, weight, bias), or the layer nn.LayerNorm",
    "batch_norm": "ops.batch_norm(x, weight, bias), or the layer nn.BatchNorm1d",
    "group_norm": "ops.group_norm(x, weight, bias, num_groups), or the layer nn.GroupNorm",
}
__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "channel_shuffle",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "elu",
    "embedding",
    "fold",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hinge_embedding_loss",
    "huber_loss",
    "interpolate",
    "kl_div",
    "l1_loss",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool2d",
    "max_unpool1d",
    "max_unpool2d",
    "mish",
    "mse_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pairwise_distance",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "scaled_dot_product_attention",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softmin",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "triplet_margin_loss",
    "unfold",
]


def __getattr__(name: str) -> Any:
    raise not_here(__name__, name, __all__, ELSEWHERE)


def __dir__() -> list[str]:
    return sorted(__all__)
