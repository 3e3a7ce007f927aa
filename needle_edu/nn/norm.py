"""Normalisation: give a layer inputs of mean 0 and variance 1, whatever the layers before are doing.

Batch normalisation takes the mean and variance of each feature over the batch, layer normalisation those of
each example over its features. Both then scale and shift with learnable weights, so that the network may undo
it. The batch is known only while training, so batch normalisation keeps running averages for evaluation.

References: S. Ioffe, C. Szegedy, "Batch normalization", ICML 2015. J. L. Ba, J. R. Kiros, G. Hinton, "Layer
normalization", 2016.
"""

from __future__ import annotations

from typing import Any

from .. import init, ops
from ..autograd import Tensor
from ..backend.arguments import floating, real, whole
from ..backend.errors import ShapeError
from .inputs import as_tensor
from .module import Module
from .parameter import Parameter


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
        super().__init__()
        (self.dim,) = whole("BatchNorm1d", dim=dim)
        real("BatchNorm1d", 0, eps=eps)
        real("BatchNorm1d", 0, 1, momentum=momentum)
        floating("BatchNorm1d", "parameters", dtype)
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
        if not self.training:
            return _scale(x - self.running_mean, self.running_var, self)
        batch = x.shape[0]
        if batch == 0:
            raise ShapeError(
                f"BatchNorm1d({self.dim}): no examples, so no mean; got input of shape {x.shape}"
            )
        mean = x.sum(axes=0) / batch
        centred = x - mean
        var = (centred * centred).sum(axes=0) / batch
        self.running_mean = self._follow(self.running_mean, mean)
        self.running_var = self._follow(self.running_var, var)
        return _scale(centred, var, self)

    def _follow(self, average: Tensor, batch: Tensor) -> Tensor:
        """The running average after this batch: a leaf of the same dtype, whatever dtype the batch has."""
        m = self.momentum
        new = (1 - m) * average + m * batch.detach()
        return (new if new.dtype == average.dtype else ops.astype(new, average.dtype)).detach()

    def extra_repr(self) -> str:
        """`dim`."""
        return str(self.dim)


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
        super().__init__()
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
        last = len(x.shape) - 1
        column = (*x.shape[:-1], 1)
        centred = x - x.sum(axes=last).reshape(column) / self.dim
        var = (centred * centred).sum(axes=last).reshape(column) / self.dim
        return _scale(centred, var, self)

    def extra_repr(self) -> str:
        """`dim`."""
        return str(self.dim)


def _scale(centred: Tensor, var: Tensor, layer: BatchNorm1d | LayerNorm1d) -> Tensor:
    """Divide by the standard deviation, then apply the layer's weight and bias."""
    return layer.weight * (centred / (var + layer.eps) ** 0.5) + layer.bias
