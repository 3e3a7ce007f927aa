"""Upsampling layers: signals and images made larger (or smaller), by `ops.interpolate`. They have no parameters."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import real, switch, whole
from .inputs import as_tensor
from .module import Module


class Upsample(Module):
    """`ops.interpolate` as a layer.

    Parameters
    ----------
    size : int or pair of int, optional
        Of the result; or else
    scale_factor : float or pair of float, optional
        How many times as long each axis becomes.
    mode : str
        "nearest", "nearest-exact", "linear" (N, C, L), "bilinear", "bicubic" (N, C, H, W) or "area".
    align_corners : bool, optional
        Whether the first and last elements' centres agree; for "linear", "bilinear" and "bicubic".
    recompute_scale_factor : bool, optional
        As for `ops.interpolate`. (Its `antialias` is an argument of the function alone, as in PyTorch.)

    Examples
    --------
    >>> Upsample(scale_factor=2)([[[1.0, 3.0]]]).numpy().tolist()
    [[[1.0, 1.0, 3.0, 3.0]]]
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ):
        super().__init__()
        if (size is None) == (scale_factor is None):
            given = "both" if size is not None else "none"
            raise ValueError(f"{type(self).__name__}: wanted size or scale_factor, got {given}")
        modes = ("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "area")
        if mode not in modes:
            raise ValueError(f"{type(self).__name__}: mode is one of {', '.join(modes)}, got {mode!r}")
        for entry in size if isinstance(size, (tuple, list)) else (size,):
            if entry is not None:
                whole(type(self).__name__, size=entry)
        for entry in scale_factor if isinstance(scale_factor, (tuple, list)) else (scale_factor,):
            if entry is not None:
                real(type(self).__name__, 0, scale_factor=entry)
        if align_corners is not None:
            switch(type(self).__name__, align_corners=align_corners)
        if recompute_scale_factor is not None:
            switch(type(self).__name__, recompute_scale_factor=recompute_scale_factor)
        self.size, self.scale_factor, self.mode = size, scale_factor, mode
        self.align_corners, self.recompute_scale_factor = align_corners, recompute_scale_factor

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (N, C, *extents) gives (N, C, *extents')."""
        return ops.interpolate(
            as_tensor(x),
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        """The size or the factor, and the mode."""
        what = "size" if self.scale_factor is None else "scale_factor"
        return f"{what}={getattr(self, what)!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """`Upsample` of images (N, C, H, W) by the nearest element.

    Examples
    --------
    >>> UpsamplingNearest2d(scale_factor=2)([[[[1.0, 3.0]]]]).numpy().tolist()
    [[[[1.0, 1.0, 3.0, 3.0], [1.0, 1.0, 3.0, 3.0]]]]
    """

    def __init__(self, size: Any = None, scale_factor: Any = None):
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """`Upsample` of images (N, C, H, W) by straight lines between elements; the corners agree.

    Examples
    --------
    >>> UpsamplingBilinear2d(size=(1, 3))([[[[1.0, 3.0]]]]).numpy().tolist()
    [[[[1.0, 2.0, 3.0]]]]
    """

    def __init__(self, size: Any = None, scale_factor: Any = None):
        super().__init__(size, scale_factor, "bilinear", align_corners=True)
