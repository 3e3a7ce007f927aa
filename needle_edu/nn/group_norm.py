"""Normalisation within one example, as in PyTorch: over the last axes, or over groups of channels.

Both take mean and (biased) variance of some of an example's numbers, so that, unlike batch normalisation, an
example does not depend on those beside it. `LayerNorm` with one extent is `LayerNorm1d` of norm.py.

References: J. L. Ba, J. R. Kiros, G. Hinton, "Layer normalization", 2016. Y. Wu, K. He, "Group normalization", ECCV
2018.
"""

from __future__ import annotations

import math
from typing import Any

from .. import init
from ..autograd import Tensor
from ..autograd.registry import slot
from ..backend.arguments import floating, real, switch, whole
from ..backend.errors import ShapeError
from .inputs import as_tensor
from .module import Module
from .norm import with_constants
from .parameter import Parameter

_LAYER_NORM, _GROUP_NORM = slot("layer_norm"), slot("group_norm")


class LayerNorm(Module):
    r"""Normalise over the last axes: :math:`y = w \odot (x - \mu) / \sqrt{\sigma^2 + \epsilon} + b`.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The extents of the last axes, over which mean and variance are taken.
    eps : float
        Keeps the division finite.
    elementwise_affine, bias : bool
        Whether there are w and b; b only beside w.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight, bias : Parameter of shape normalized_shape, starting at 1 and 0, or None

    Examples
    --------
    >>> LayerNorm(2)(Tensor([[1.0, 3.0], [10.0, 50.0]])).numpy().round(2).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = "float32",
    ):
        super().__init__(device=device, dtype=dtype)
        extents = normalized_shape if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
        if not extents:
            raise ValueError("LayerNorm: normalized_shape has at least one extent, got ()")
        self.normalized_shape = tuple(whole("LayerNorm", normalized_shape=n)[0] for n in extents)
        real("LayerNorm", 0, eps=eps)
        switch("LayerNorm", elementwise_affine=elementwise_affine, bias=bias)
        floating("LayerNorm", "parameters", dtype)
        self.eps = eps
        place = {"device": device, "dtype": dtype}
        self.weight = Parameter(init.ones(*self.normalized_shape, **place)) if elementwise_affine else None
        self.bias = (
            Parameter(init.zeros(*self.normalized_shape, **place)) if elementwise_affine and bias else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (..., *normalized_shape)."""
        x, wanted = as_tensor(x), self.normalized_shape
        if x.shape[-len(wanted) :] != wanted:
            extents = ", ".join(map(str, wanted))
            raise ShapeError(f"LayerNorm({wanted}): got input of shape {x.shape}, wanted (..., {extents})")
        return _LAYER_NORM.cls(self.eps).apply(x, *with_constants(x, self.weight, self.bias, wanted))

    def extra_repr(self) -> str:
        """`normalized_shape`."""
        return str(self.normalized_shape)


class GroupNorm(Module):
    r"""Split the channels into groups, and normalise each example's group over its channels and positions.

    Parameters
    ----------
    num_groups, num_channels : int
        The groups have num_channels / num_groups channels each, a whole number.
    eps : float
        Keeps the division finite.
    affine, bias : bool
        Whether each channel has a weight and a bias; the bias only beside the weight.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight, bias : Parameter of shape (num_channels,), starting at 1 and 0, or None

    Examples
    --------
    >>> layer = GroupNorm(2, 4)
    >>> layer(Tensor([[1.0, 3.0, 10.0, 50.0]])).numpy().round(2).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = "float32",
        bias: bool = True,
    ):
        super().__init__(device=device, dtype=dtype)
        sizes = whole("GroupNorm", num_groups=num_groups, num_channels=num_channels)
        self.num_groups, self.num_channels = sizes
        if self.num_channels % self.num_groups:
            raise ValueError(f"GroupNorm: {num_channels} channels do not make {num_groups} equal groups")
        real("GroupNorm", 0, eps=eps)
        switch("GroupNorm", affine=affine, bias=bias)
        floating("GroupNorm", "parameters", dtype)
        self.eps = eps
        place = {"device": device, "dtype": dtype}
        self.weight = Parameter(init.ones(num_channels, **place)) if affine else None
        self.bias = Parameter(init.zeros(num_channels, **place)) if affine and bias else None

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (batch, num_channels, ...), with more than one value to take a mean of."""
        x = as_tensor(x)
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ShapeError(
                f"GroupNorm({self.extra_repr()}): got input of shape {x.shape}, wanted "
                f"(batch, {self.num_channels}, ...)"
            )
        batch, *rest = x.shape
        inside = math.prod(rest) // self.num_groups
        if batch * inside == 1:
            raise ShapeError(
                f"GroupNorm({self.extra_repr()}): one value per group has no variance; got input of shape {x.shape}"
            )
        pair = with_constants(x, self.weight, self.bias, (self.num_channels,))
        return _GROUP_NORM.cls(self.num_groups, self.eps).apply(x, *pair)

    def extra_repr(self) -> str:
        """`num_groups, num_channels`."""
        return f"{self.num_groups}, {self.num_channels}"
