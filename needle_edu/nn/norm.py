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
from ..autograd import Tensor
from ..autograd.arrays import xp
from ..autograd.registry import slot
from ..backend.arguments import floating, real, whole
from ..backend.errors import ShapeError
from ..ops.normalization import batch_moments
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
    momentum : float
        How fast the running averages follow.
    device, dtype
        Of the parameters and running averages.

    Attributes
    ----------
    weight, bias : Parameter of shape (dim,), starting at 1 and 0
    running_mean, running_var : Tensor of shape (dim,), starting at 0 and 1

    Examples
    --------
    >>> layer = BatchNorm1d(1)
    >>> layer(Tensor([[1.0], [3.0]])).numpy().round(2).tolist()
    [[-1.0], [1.0]]
    >>> layer.running_mean.numpy().round(2).tolist()
    [0.20000000298023224]
    """

    buffer_names = ("running_mean", "running_var")

    def __init__(
        self, dim: int, eps: float = 1e-5, momentum: float = 0.1, device: Any = None, dtype: Any = "float32"
    ):
        super().__init__(device=device, dtype=dtype)
        who = type(self).__name__
        (self.dim,) = whole(who, dim=dim)
        real(who, 0, eps=eps)
        real(who, 0, 1, momentum=momentum)
        floating(who, "parameters", dtype)
        self.eps = eps
        self.momentum = momentum
        place = {"device": device, "dtype": dtype}
        self.weight = Parameter(init.ones(dim, **place))
        self.bias = Parameter(init.zeros(dim, **place))
        self.running_mean = init.zeros(dim, **place)
        self.running_var = init.ones(dim, **place)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (batch, dim), with at least one example in training."""
        x = as_tensor(x)
        if len(x.shape) != 2 or x.shape[1] != self.dim:
            raise ShapeError(
                f"BatchNorm1d({self.dim}): got input of shape {x.shape}, wanted (batch, {self.dim})"
            )
        return self._normalised(x)

    def _normalised(self, x: Tensor) -> Tensor:
        """Normalise x of shape (batch, dim, ...)."""
        if not self.training:
            column = (self.dim, *[1] * (x.ndim - 2))
            scale = self.weight / (self.running_var + self.eps) ** 0.5
            return (x - _shaped(self.running_mean, column)) * _shaped(scale, column) + _shaped(
                self.bias, column
            )
        if x.size == 0:
            raise ShapeError(
                f"{type(self).__name__}({self.dim}): no examples, so no mean; got input of shape {x.shape}"
            )
        op = _BATCH_NORM.cls(self.eps)
        y = op.apply(x, self.weight, self.bias)
        mean, variance = batch_moments(op, x)
        self.running_mean = self._follow(self.running_mean, mean)
        self.running_var = self._follow(self.running_var, variance)
        return y

    def _follow(self, average: Tensor, batch: Any) -> Tensor:
        """The running average after this batch: a leaf of the same dtype, whatever dtype the batch has."""
        m, old = self.momentum, average.realize_cached_data()
        return Tensor.make_const(old * (1 - m) + xp.astype(batch, old.dtype) * m)

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


def _shaped(feature: Tensor, column: tuple[int, ...]) -> Tensor:
    """Return numbers of features in the shape in which they broadcast; a line of them does so already."""
    return feature.reshape(column) if len(column) > 1 else feature
