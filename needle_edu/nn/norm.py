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
        return self._normalised(x, 0, (self.dim,))

    def _normalised(self, x: Tensor, axes: int | tuple[int, ...], column: tuple[int, ...]) -> Tensor:
        """Normalise over `axes`; a feature's numbers, brought into the shape `column`, broadcast over them."""
        if not self.training:
            return _scale(x - _shaped(self.running_mean, column), self.running_var, self, column)
        if x.size == 0:
            raise ShapeError(
                f"{type(self).__name__}({self.dim}): no examples, so no mean; got input of shape {x.shape}"
            )
        count = x.size // self.dim
        mean = x.sum(axes=axes) / count
        centred = x - _shaped(mean, column)
        var = (centred * centred).sum(axes=axes) / count
        self.running_mean = self._follow(self.running_mean, mean)
        self.running_var = self._follow(self.running_var, var)
        return _scale(centred, var, self, column)

    def _follow(self, average: Tensor, batch: Tensor) -> Tensor:
        """The running average after this batch: a leaf of the same dtype, whatever dtype the batch has."""
        m = self.momentum
        new = (1 - m) * average + m * batch.detach()
        return (new if new.dtype == average.dtype else ops.astype(new, average.dtype)).detach()

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
        return self._normalised(x, (0, 2, 3), (self.dim, 1, 1))


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
        last = len(x.shape) - 1
        column = (*x.shape[:-1], 1)
        centred = x - x.sum(axes=last).reshape(column) / self.dim
        var = (centred * centred).sum(axes=last).reshape(column) / self.dim
        return _scale(centred, var, self)

    def extra_repr(self) -> str:
        """`dim`."""
        return str(self.dim)


def _scale(
    centred: Tensor, var: Tensor, layer: BatchNorm1d | LayerNorm1d, column: tuple[int, ...] = ()
) -> Tensor:
    """Divide by the standard deviation, then apply the layer's weight and bias; `column` is their shape for that."""
    deviation = (var + layer.eps) ** 0.5
    return _shaped(layer.weight, column) * (centred / _shaped(deviation, column)) + _shaped(
        layer.bias, column
    )


def _shaped(feature: Tensor, column: tuple[int, ...]) -> Tensor:
    """Return numbers of features in the shape in which they broadcast; a line of them does so already."""
    return feature.reshape(column) if len(column) > 1 else feature
