"""Normalisation: give a layer inputs of mean 0 and variance 1, whatever the layers before are doing.

Batch normalisation takes the mean and variance of each feature over the batch, layer normalisation those of
each example over its features. Both then scale and shift with learnable weights, so that the network may undo
it. The batch is known only while training, so batch normalisation keeps running averages for evaluation.

References: S. Ioffe, C. Szegedy, "Batch normalization", ICML 2015. J. L. Ba, J. R. Kiros, G. Hinton, "Layer
normalization", 2016.
"""

from __future__ import annotations

from typing import Any

from .. import init
from ..autograd import Tensor, no_grad
from ..autograd.arrays import xp
from ..autograd.registry import slot
from ..autograd.state import tracing
from ..backend.arguments import floating, real, switch, whole
from ..backend.errors import ShapeError
from ..ops.normalization import followed_in_one, moments
from .inputs import as_tensor
from .module import Module
from .parameter import Parameter

_BATCH_NORM, _LAYER_NORM = slot("batch_norm"), slot("layer_norm")


class BatchNorm1d(Module):
    r"""Normalise each feature over the batch.

    .. math:: y = w \odot (x - \mu) / \sqrt{\sigma^2 + \epsilon} + b

    In training, :math:`\mu` and :math:`\sigma^2` are the batch's mean and (biased) variance, and the running
    averages move towards them: running ← (1 - momentum) · running + momentum · batch. In evaluation the
    running averages take their place.

    Parameters
    ----------
    dim : int
        Number of features.
    eps : float
        Keeps the division finite.
    momentum : float or None
        How fast the running averages follow; None: they are the means of all batches so far.
    device, dtype
        Of the parameters and running averages.
    affine : bool
        Whether there are w and b.
    track_running_stats : bool
        Whether there are running averages; without them evaluation uses the batch, as training does.
    unbiased : bool
        Whether the running variance follows the unbiased variance, as in PyTorch, not the biased one, as in Needle.
    bias : bool
        Whether there is b beside w.
    num_features : int
        PyTorch's name for `dim`: one of them is given.

    Attributes
    ----------
    weight, bias : Parameter of shape (dim,), starting at 1 and 0, or None
    running_mean, running_var : Tensor of shape (dim,), starting at 0 and 1, or None
    num_batches_tracked : Tensor of shape (), where momentum is None

    Examples
    --------
    >>> layer = BatchNorm1d(1)
    >>> layer(Tensor([[1.0], [3.0]])).numpy().round(2).tolist()
    [[-1.0], [1.0]]
    >>> layer.running_mean.numpy().round(2).tolist()
    [0.20000000298023224]
    """

    def __init__(
        self, dim: Any = None, eps: float = 1e-5, momentum: float | None = 0.1, device: Any = None,
        dtype: Any = "float32", *, affine: bool = True, track_running_stats: bool = True, unbiased: bool = False,
        bias: bool = True, num_features: int | None = None,
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        who = type(self).__name__
        if num_features is not None:
            if dim is not None:
                raise TypeError(f"{who}: dim and num_features are two names for one number; give one of them")
            dim = num_features
        (self.dim,) = whole(who, dim=dim)
        real(who, 0, eps=eps)
        if momentum is not None:
            real(who, 0, 1, momentum=momentum)
        switch(who, affine=affine, track_running_stats=track_running_stats, unbiased=unbiased, bias=bias)
        floating(who, "parameters", dtype)
        self.eps = eps
        self.momentum = momentum
        self.unbiased = unbiased
        place = {"device": device, "dtype": dtype}
        self.weight = Parameter(init.ones(dim, **place)) if affine else None
        self.bias = Parameter(init.zeros(dim, **place)) if affine and bias else None
        self.running_mean = init.zeros(dim, **place) if track_running_stats else None
        self.running_var = init.ones(dim, **place) if track_running_stats else None
        self.buffer_names = ("running_mean", "running_var") if track_running_stats else ()
        if track_running_stats and momentum is None:
            self.num_batches_tracked = init.zeros(device=device, dtype="int64")
            self.buffer_names += ("num_batches_tracked",)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (batch, dim) or (batch, dim, length), with at least one example in training."""
        x = as_tensor(x)
        if len(x.shape) not in (2, 3) or x.shape[1] != self.dim:
            raise ShapeError(
                f"BatchNorm1d({self.dim}): got input of shape {x.shape}, wanted (batch, {self.dim}) or "
                f"(batch, {self.dim}, length)"
            )
        return self._normalised(x)

    def _normalised(self, x: Tensor) -> Tensor:
        """Normalise x of shape (batch, dim, ...)."""
        if self.running_mean is not None and not self.training:
            return by_averages(self, x)
        count = x.size // self.dim
        if count < (2 if self.unbiased and self.running_mean is not None else 1):
            few = "one value of a feature has no unbiased variance" if count else "no examples, so no mean"
            raise ShapeError(f"{type(self).__name__}({self.dim}): {few}; got input of shape {x.shape}")
        op = _BATCH_NORM.cls(self.eps)
        y = op.apply(x, *with_constants(x, self.weight, self.bias, (self.dim,)))
        if self.running_mean is not None:
            self._follow(op, x, count / (count - 1) if self.unbiased else 1.0)
        return y

    def _follow(self, op: Any, x: Tensor, factor: float) -> None:
        """Move the running averages towards what `op` has measured of the batch; its variance counts `factor` times."""
        m = self.momentum
        if m is None:
            self.num_batches_tracked = (self.num_batches_tracked + 1).detach()
            m = 1 / self.num_batches_tracked.item()
        new = followed_in_one(op, x, self.running_mean, self.running_var, m, factor)
        if new is not None:
            self.running_mean, self.running_var = Tensor.make_const(new[0]), Tensor.make_const(new[1])
            return
        mean, variance = moments(op, x, (0, *range(2, x.ndim)))
        self.running_mean = followed(self.running_mean, mean, m)
        self.running_var = followed(self.running_var, variance * factor if self.unbiased else variance, m)

    def extra_repr(self) -> str:
        """`dim`."""
        return str(self.dim)


class BatchNorm2d(BatchNorm1d):
    """`BatchNorm1d` for images: each channel is a feature, and every pixel of the batch an example of it.

    Parameters, attributes and averages are those of `BatchNorm1d`. The variance is the biased one, for the running
    average too, as in Needle.

    Examples
    --------
    >>> layer = BatchNorm2d(1)
    >>> layer(Tensor([[[[1.0, 3.0]]], [[[3.0, 1.0]]]])).numpy().round(2).tolist()
    [[[[-1.0, 1.0]]], [[[1.0, -1.0]]]]
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (batch, dim, height, width), with at least one pixel in training."""
        x = as_tensor(x)
        if len(x.shape) != 4 or x.shape[1] != self.dim:
            raise ShapeError(
                f"BatchNorm2d({self.dim}): got input of shape {x.shape}, wanted (batch, {self.dim}, height, width)"
            )
        return self._normalised(x)


class LayerNorm1d(Module):
    r"""Normalise each example over its features.

    .. math:: y = w \odot (x - \mu) / \sqrt{\sigma^2 + \epsilon} + b

    Mean and (biased) variance are taken over the last axis; training and evaluation are the same.

    Parameters
    ----------
    dim : int
        Number of features, the extent of the last axis.
    eps : float
        Keeps the division finite.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight, bias : Parameter of shape (dim,), starting at 1 and 0

    Examples
    --------
    >>> LayerNorm1d(2)(Tensor([[1.0, 3.0], [10.0, 50.0]])).numpy().round(2).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(self, dim: int, eps: float = 1e-5, device: Any = None, dtype: Any = "float32"):
        super().__init__(device=device, dtype=dtype)
        (self.dim,) = whole("LayerNorm1d", dim=dim)
        real("LayerNorm1d", 0, eps=eps)
        floating("LayerNorm1d", "parameters", dtype)
        self.eps = eps
        self.weight = Parameter(init.ones(dim, device=device, dtype=dtype))
        self.bias = Parameter(init.zeros(dim, device=device, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (..., dim)."""
        x = as_tensor(x)
        if not x.shape or x.shape[-1] != self.dim:
            raise ShapeError(
                f"LayerNorm1d({self.dim}): got input of shape {x.shape}, wanted (..., {self.dim})"
            )
        return _LAYER_NORM.cls(self.eps).apply(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """`dim`."""
        return str(self.dim)


def with_constants(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """Return weight and bias, with ones and zeros in the place of what is absent."""
    place = {"device": x.device, "dtype": x.dtype if weight is None else weight.dtype}
    return (
        init.ones(*shape, **place) if weight is None else weight,
        init.zeros(*shape, **place) if bias is None else bias,
    )


def by_averages(layer: Any, x: Tensor) -> Tensor:
    """Normalise x of shape (batch, features, ...) with a layer's running averages: what evaluation does."""
    column = (-1, *[1] * (x.ndim - 2))
    scale = (layer.running_var + layer.eps) ** -0.5
    if layer.weight is None:
        return (x - layer.running_mean.reshape(column)) * scale.reshape(column)
    y = (x - layer.running_mean.reshape(column)) * (layer.weight * scale).reshape(column)
    return y if layer.bias is None else y + layer.bias.reshape(column)


def followed(average: Any, batch: Any, momentum: float) -> Tensor:
    """Return the running average after a batch: a leaf of the same dtype, whatever dtype the batch has."""
    if tracing() is not None:  # the program writes into the tensor that is there
        with no_grad():
            average.data = average * (1 - momentum) + batch.astype(average.dtype) * momentum
        return average
    old = average.realize_cached_data()
    return Tensor.make_const(old * (1 - momentum) + xp.astype(batch, old.dtype) * momentum)
