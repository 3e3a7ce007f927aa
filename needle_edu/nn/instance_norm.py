"""Instance normalisation: each channel of each example by itself, as for pictures whose contrast should not matter.

It is group normalisation with a group for each channel. Unlike that it may keep running averages, which evaluation
uses in the place of an example's own numbers.

Reference: D. Ulyanov, A. Vedaldi, V. Lempitsky, "Instance normalization: the missing ingredient for fast stylization",
2016.
"""

from __future__ import annotations

import math
from typing import Any

from .. import init
from ..autograd import Tensor
from ..autograd.arrays import xp
from ..autograd.registry import slot
from ..backend.arguments import floating, real, switch, whole
from ..backend.errors import ShapeError
from ..ops.normalization import moments
from .inputs import as_tensor
from .module import Module
from .norm import by_averages, followed, with_constants
from .parameter import Parameter

_GROUP_NORM = slot("group_norm")


class InstanceNorm1d(Module):
    r"""Normalise each channel of each example over its length.

    .. math:: y = w \odot (x - \mu) / \sqrt{\sigma^2 + \epsilon} + b

    Parameters
    ----------
    num_features : int
        Number of channels.
    eps : float
        Keeps the division finite.
    momentum : float
        How fast running averages follow.
    affine, bias : bool
        Whether each channel has w and b; b only beside w.
    track_running_stats : bool
        Whether there are running averages: of the examples' means, and of the examples' unbiased variances. Evaluation
        normalises with them.
    device, dtype
        Of parameters and running averages.

    Attributes
    ----------
    weight, bias : Parameter of shape (num_features,), starting at 1 and 0, or None
    running_mean, running_var : Tensor of shape (num_features,), starting at 0 and 1, or None

    Examples
    --------
    >>> InstanceNorm1d(2)(Tensor([[[1.0, 3.0], [10.0, 50.0]]])).numpy().round(2).tolist()
    [[[-1.0, 1.0], [-1.0, 1.0]]]
    """

    extents: tuple[str, ...] = ("length",)

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False,
        track_running_stats: bool = False, device: Any = None, dtype: Any = "float32", bias: bool = True,
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        who = type(self).__name__
        (self.num_features,) = whole(who, num_features=num_features)
        real(who, 0, eps=eps)
        real(who, 0, 1, momentum=momentum)
        switch(who, affine=affine, track_running_stats=track_running_stats, bias=bias)
        floating(who, "parameters", dtype)
        self.eps = eps
        self.momentum = momentum
        place = {"device": device, "dtype": dtype}
        self.weight = Parameter(init.ones(num_features, **place)) if affine else None
        self.bias = Parameter(init.zeros(num_features, **place)) if affine and bias else None
        self.running_mean = init.zeros(num_features, **place) if track_running_stats else None
        self.running_var = init.ones(num_features, **place) if track_running_stats else None
        self.buffer_names = ("running_mean", "running_var") if track_running_stats else ()

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (batch, num_features, *extents), or one example without the batch's axis."""
        x, axes = as_tensor(x), len(self.extents)
        channels = x.ndim - axes - 1
        if channels not in (0, 1) or x.shape[channels] != self.num_features:
            wanted = ", ".join(map(str, (self.num_features, *self.extents)))
            raise ShapeError(
                f"{type(self).__name__}({self.num_features}): got input of shape {x.shape}, wanted "
                f"(batch, {wanted}) or ({wanted})"
            )
        return (
            self._normalised(x) if channels else self._normalised(x.reshape((1, *x.shape))).reshape(x.shape)
        )

    def _normalised(self, x: Tensor) -> Tensor:
        if self.running_mean is not None and not self.training:
            return by_averages(self, x)
        count = math.prod(x.shape[2:])
        if count < 2:
            raise ShapeError(
                f"{type(self).__name__}({self.num_features}): {count} numbers of a channel have no variance; "
                f"got input of shape {x.shape}"
            )
        op = _GROUP_NORM.cls(self.num_features, self.eps)
        y = op.apply(x, *with_constants(x, self.weight, self.bias, (self.num_features,)))
        if self.running_mean is not None and x.shape[0]:
            of_examples = [
                xp.mean(m.reshape(x.shape[:2]), axis=0) for m in moments(op, x, tuple(range(2, x.ndim)))
            ]
            self.running_mean = followed(self.running_mean, of_examples[0], self.momentum)
            unbiased = of_examples[1] * (count / (count - 1))
            self.running_var = followed(self.running_var, unbiased, self.momentum)
        return y

    def extra_repr(self) -> str:
        """`num_features`."""
        return str(self.num_features)


class InstanceNorm2d(InstanceNorm1d):
    """`InstanceNorm1d` for images: each channel of each image is normalised over its pixels.

    Parameters, attributes and averages are those of `InstanceNorm1d`.

    Examples
    --------
    >>> InstanceNorm2d(1)(Tensor([[[[1.0, 3.0]]], [[[30.0, 10.0]]]])).numpy().round(2).tolist()
    [[[[-1.0, 1.0]]], [[[1.0, -1.0]]]]
    """

    extents = ("height", "width")
