"""Interpolation: signals and images at another size.

Each place of the result looks at a few places of the input. Along one axis, place j lies over the input at

    x = (j + 1/2) s - 1/2,  s = n / m for n elements made m      (elements are small intervals, and their ends agree)
    x = j (n - 1) / (m - 1)                                      (`align_corners`: the first and last centres agree)

and the result is a weighted mean of the elements around x: of one (nearest), two (linear) or four (cubic). So it is
linear in the input, axis by axis, and the vjp brings each adjoint back to the elements it came from with the same
weights, which stand in interpolation_tables.py.
"""

from math import floor, inf

import numpy as np

from needle_edu.autograd.arrays import DTypeError, ShapeError, taps, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.autograd.tensor import as_tensor
from needle_edu.backend.arguments import integer, switch
from needle_edu.ndarray.layout import as_shape

from . import sampling
from .adaptive import adaptive_avg_pool1d, adaptive_avg_pool2d
from .constants import plain_number
from .interpolation_tables import tables
from .pooling import floating

_RESIZE, _RESIZE_BACKWARD = slot("resize"), slot("resize_backward")

MODES = ("nearest", "nearest-exact", "linear", "cubic", "area")


class _Resize(UnaryOp):
    """What resize and its vjp share: new extents for the last axes, and where their elements come from."""

    size: tuple[int, ...]
    vjp_reads = ("",)

    def _set(self, mode, align_corners, steps, antialias) -> None:
        if mode not in MODES:
            raise ValueError(f"{self.name}: mode is one of {', '.join(MODES)}, got {mode!r}")
        self.mode, self.align_corners = mode, bool(align_corners)
        if self.align_corners and mode not in ("linear", "cubic"):
            raise ValueError(f"{self.name}: align_corners is for linear and cubic, got mode {mode!r}")
        self.antialias = bool(antialias)
        if self.antialias and mode not in ("linear", "cubic"):
            raise ValueError(f"{self.name}: antialias is for linear and cubic, got mode {mode!r}")
        if steps is not None and not isinstance(steps, (tuple, list)):
            raise DTypeError(f"{self.name}: steps are None or numbers in a tuple, got {steps!r}")
        self.steps = None if steps is None else tuple([float(step) for step in steps])
        if self.steps is not None and (len(self.steps) != len(self.size) or min(self.steps, default=1) <= 0):
            raise ShapeError(f"{self.name}: steps are {len(self.size)} numbers above 0, got {steps}")

    def _axes(self, old: tuple[int, ...], new: tuple[int, ...]):
        """Yield (axis, table, the adjoint's table) for each axis that changes."""
        first = len(old) - len(self.size)
        for k in range(len(self.size)):
            n, m, step = old[first + k], new[first + k], self.steps and self.steps[k]
            if n < 1 or m < 1:
                raise ShapeError(f"{self.name}: no axis is empty, got {old} to be made {new}")
            there, back = tables(n, m, self.mode, self.align_corners, step, self.antialias)
            if n == m and len(there.place) == n and (there.place == np.arange(n)).all():
                continue
            yield first + k, there, back


@register
class Resize(_Resize):
    """The last axes made `size` long, by interpolation; `interpolate` is the function with PyTorch's arguments.

    The mode is `nearest`, `nearest-exact`, `linear`, `cubic` or `area`, the means of adaptive pooling's windows. With
    `align_corners` the centres of the first and last elements agree. `steps` says how far apart the places lie, in
    elements of the input, if not n / m. `antialias` looks at all elements, also where the axis gets shorter.

    >>> from needle_edu import Tensor, ops
    >>> ops.resize(Tensor([1.0, 3.0]), 4, "linear")
    Tensor([1. , 1.5, 2.5, 3. ], op=resize)
    """

    name, symbol = "resize", "⤢"
    formula = r"y_j = \sum_k w_{jk}\,a_{i_{jk}}"
    vjp_formulas = (r"\bar{a}_i = \sum_{j,k} w_{jk}\,\bar{y}_j\,[i = i_{jk}]",)
    samples = staticmethod(
        sampling.shaped(
            ({"size": (5,)}, (2, 3)),
            ({"size": (2, 7), "mode": "linear"}, (2, 4, 3)),
            ({"size": (4,), "mode": "nearest-exact"}, (7,)),
            ({"size": (3, 5), "mode": "cubic", "align_corners": True}, (4, 3)),
            ({"size": (7,), "mode": "cubic", "steps": (2 / 3,)}, (5,)),
            ({"size": (3, 4), "mode": "area"}, (2, 7, 5)),
            ({"size": (3, 7), "mode": "linear", "antialias": True}, (7, 4)),
            ({"size": (3,), "mode": "cubic", "antialias": True}, (8,)),
        )
    )

    def __init__(
        self, size, mode: str = "nearest", align_corners: bool = False, steps=None, antialias: bool = False
    ):
        self.size = as_shape(size, self.name)
        self._set(mode, align_corners, steps, antialias)

    def compute(self, a):
        floating(self.name, a)
        if len(self.size) > a.ndim:
            raise ShapeError(f"resize: wanted at least {len(self.size)} axes, got shape {a.shape}")
        shape = (*a.shape[: a.ndim - len(self.size)], *self.size)
        out = a
        for axis, there, _ in self._axes(a.shape, shape):
            out = taps(out, axis, there)
            if self.mode == "area":  # a sum so far
                shares = (
                    (1 / np.diff(there.start))
                    .astype(str(a.dtype))
                    .reshape((-1,) + (1,) * (a.ndim - axis - 1))
                )
                out = out * xp.asarray(shares, device=a.device)
        return out

    def vjp0(self, g, node):
        shape = node.inputs[0].shape
        old = shape[len(shape) - len(self.size) :]
        return _RESIZE_BACKWARD.cls(old, self.mode, self.align_corners, self.steps, self.antialias).apply(g)


@register
class ResizeBackward(_Resize):
    """The vjp of `resize` for last axes that were `size` long: each adjoint goes back with the weights it came with.

    >>> from needle_edu import Tensor, ops
    >>> ops.resize_backward(Tensor([1.0, 10.0, 100.0, 1000.0]), 2, "linear")
    Tensor([  33.5, 1077.5], op=resize_backward)
    """

    name, symbol = "resize_backward", "⤢′"
    formula = r"y_i = \sum_{j,k} w_{jk}\,a_j\,[i = i_{jk}]"
    vjp_formulas = (r"\bar{a}_j = \sum_k w_{jk}\,\bar{y}_{i_{jk}}",)
    samples = staticmethod(
        sampling.shaped(
            ({"size": (3,)}, (2, 5)),
            ({"size": (4, 3), "mode": "linear"}, (2, 2, 7)),
            ({"size": (5,), "mode": "cubic", "steps": (2 / 3,)}, (7,)),
            ({"size": (7, 5), "mode": "area"}, (2, 3, 4)),
            ({"size": (8,), "mode": "cubic", "antialias": True}, (3,)),
        )
    )

    def __init__(
        self, size, mode: str = "nearest", align_corners: bool = False, steps=None, antialias: bool = False
    ):
        self.size = as_shape(size, self.name)
        self._set(mode, align_corners, steps, antialias)

    def compute(self, a):
        floating(self.name, a)
        if len(self.size) > a.ndim:
            raise ShapeError(f"resize_backward: wanted at least {len(self.size)} axes, got shape {a.shape}")
        shape = (*a.shape[: a.ndim - len(self.size)], *self.size)
        out = a
        for axis, _, back in self._axes(shape, a.shape):
            out = taps(out, axis, back)
        return out

    def vjp0(self, g, node):
        shape = node.inputs[0].shape
        new = shape[len(shape) - len(self.size) :]
        return _RESIZE.cls(new, self.mode, self.align_corners, self.steps, self.antialias).apply(g)


def interpolate(
    a,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    """Return signals (N, C, L) or images (N, C, H, W) at another size.

    Either `size` or `scale_factor` is given, one number or one for each axis. The mode is "nearest", "nearest-exact",
    "linear" (signals), "bilinear" or "bicubic" (images), or "area" (`adaptive_avg_pool`). A factor that does not give
    a whole size keeps its steps, 1 / factor, though the result is cut; `recompute_scale_factor` makes them n / m.
    `antialias` is for "bilinear" and "bicubic": an image made smaller is a mean of all its elements.

    >>> from needle_edu import Tensor, ops
    >>> ops.interpolate(Tensor([[[1.0, 3.0]]]), scale_factor=2, mode="linear", align_corners=False).numpy().tolist()
    [[[1.0, 1.5, 2.5, 3.0]]]
    """
    a = as_tensor(a, "interpolate")
    axes = a.ndim - 2
    names = _NAMES.get(axes)
    if names is None:
        raise ShapeError(f"interpolate: wanted a shape (N, C, L) or (N, C, H, W), got {a.shape}")
    if mode not in names:
        raise ValueError(f"interpolate: mode is one of {', '.join(names)} for {axes + 2} axes, got {mode!r}")
    if align_corners is not None and names[mode] not in ("linear", "cubic"):
        raise ValueError(f"interpolate: align_corners is for linear and cubic modes, got mode={mode!r}")
    sizes, factors = sizes_and_factors("interpolate", a.shape[2:], size, scale_factor)
    if recompute_scale_factor is not None:
        switch("interpolate", recompute_scale_factor=recompute_scale_factor)
    switch("interpolate", antialias=antialias)
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(f"interpolate: antialias is for bilinear and bicubic, got mode={mode!r}")
    if recompute_scale_factor and factors is None:
        raise ValueError("interpolate: recompute_scale_factor is for scale_factor, got size")
    if mode == "area":
        return (adaptive_avg_pool1d if axes == 1 else adaptive_avg_pool2d)(a, sizes)
    keeps = factors is not None and not recompute_scale_factor
    steps = [1 / factor for factor in factors] if keeps else None
    return _RESIZE.cls(sizes, names[mode], bool(align_corners), steps, bool(antialias)).apply(a)


_NAMES: dict[int, dict[str, str]] = {
    1: {"nearest": "nearest", "nearest-exact": "nearest-exact", "linear": "linear", "area": "area"},
    2: {
        "nearest": "nearest",
        "nearest-exact": "nearest-exact",
        "bilinear": "linear",
        "bicubic": "cubic",
        "area": "area",
    },
}


def sizes_and_factors(who: str, extents: tuple[int, ...], size, scale_factor):
    """Return the new extents, and the factors (None if a size was given): one of the two arguments is None.

    Examples
    --------
    >>> sizes_and_factors("interpolate", (5, 4), None, (1.5, 2))
    ((7, 8), (1.5, 2.0))
    """
    if (size is None) == (scale_factor is None):
        raise ValueError(f"{who}: wanted size or scale_factor, got {'both' if size is not None else 'none'}")
    given = scale_factor if size is None else size
    several = tuple(given) if isinstance(given, (tuple, list)) else (given,) * len(extents)
    what = "scale_factor" if size is None else "size"
    if len(several) != len(extents):
        raise ShapeError(f"{who}: {what} is one number or {len(extents)}, one for each axis; got {given!r}")
    if size is not None:
        return tuple([integer(who, "size", n, 1) for n in several]), None
    factors = tuple([float(plain_number(who, factor)) for factor in several])
    if not all(0 < factor < inf for factor in factors):
        raise ValueError(f"{who}: scale_factor is above 0, got {given!r}")
    sizes = tuple([floor(n * factor) for n, factor in zip(extents, factors, strict=True)])
    if min(sizes) < 1:
        raise ShapeError(f"{who}: scale_factor={given!r} makes {extents} {sizes}, with nothing left")
    return sizes, factors


FUNCTIONS = (interpolate,)
