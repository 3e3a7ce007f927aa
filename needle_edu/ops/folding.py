"""Folding: an image as the list of all windows on it, and back; pixels made of channels, and back.

`unfold` lays the windows of windows.py side by side (im2col), so that a convolution is a matrix product; `fold`, its
adjoint, adds every element of every window back to where it was seen. The shuffles move each element to one other
place: reshapes and permutations.
"""

from typing import Any

from needle_edu.autograd.arrays import ShapeError, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.autograd.tensor import as_tensor
from needle_edu.backend.arguments import integer

from . import sampling
from .windows import Windows, fold, inverse, per_axis, unfold

_UNFOLD, _FOLD = slot("unfold"), slot("fold")
_ORDER = (2, 3, 0, 1, 4, 5)  # images, channels, kernel rows and columns, windows down and across


class _Folding(UnaryOp):
    """What unfold and fold share: the windows on an image (N, C, H, W)."""

    vjp_reads = ("",)

    def _set(self, kernel_size, dilation, padding, stride) -> None:
        self.kernel_size = per_axis(self.name, "kernel_size", kernel_size, 2, 1)
        self.dilation = per_axis(self.name, "dilation", dilation, 2, 1)
        self.padding = per_axis(self.name, "padding", padding, 2, 0)
        self.stride = per_axis(self.name, "stride", stride, 2, 1)
        self._windows = Windows(
            self.kernel_size, self.stride, self.dilation, tuple([(p, p) for p in self.padding])
        )

    def _counts(self, extents: tuple[int, ...]) -> tuple[int, ...]:
        counts = self._windows.counts(extents)
        if min(counts) < 1:
            raise ShapeError(
                f"{self.name}: a window reaches over {self._windows.reach} elements, an image of {extents} padded by "
                f"{self.padding} has fewer; use a smaller kernel_size"
            )
        return counts


@register
class Unfold(_Folding):
    """All windows on images: (N, C, H, W) gives (N, C · kernel rows · kernel columns, windows), one window a column.

    `kernel_size`, `dilation`, `padding` (with zeros) and `stride` are numbers or pairs.

    >>> from needle_edu import Tensor, ops
    >>> ops.unfold(Tensor([[[[1.0, 2.0, 3.0]]]]), (1, 2))
    Tensor([[[1., 2.],
             [2., 3.]]], op=unfold)
    """

    name = symbol = "unfold"
    formula = r"y_{(c,k),j} = a_{c,\,j s + k d - p}"
    vjp_formulas = (r"\bar{a} = \operatorname{fold}(\bar{y})",)
    samples = staticmethod(
        sampling.shaped(
            ({"kernel_size": 2}, (2, 2, 3, 4)),
            ({"kernel_size": (3, 2), "dilation": (1, 2), "padding": 1, "stride": (2, 1)}, (1, 2, 4, 3)),
        )
    )

    def __init__(self, kernel_size, dilation=1, padding=0, stride=1):
        self._set(kernel_size, dilation, padding, stride)

    def compute(self, a):
        if a.ndim != 4:
            more = "; add a batch axis: x[None]" if a.ndim == 3 else ""
            raise ShapeError(f"unfold: wanted a shape (N, C, H, W), got {a.shape}{more}")
        counts = self._counts(a.shape[2:])
        rows, columns = self.kernel_size
        out = unfold(a, self._windows, _ORDER)
        return xp.reshape(out, (a.shape[0], a.shape[1] * rows * columns, counts[0] * counts[1]))

    def vjp0(self, g, node):
        extents = node.inputs[0].shape[2:]
        return _FOLD.cls(extents, self.kernel_size, self.dilation, self.padding, self.stride).apply(g)


@register
class Fold(_Folding):
    """The sum of all windows, each put back: (N, C · kernel rows · kernel columns, windows) gives (N, C, H, W).

    `output_size` is (H, W), the rest as for `unfold`, whose vjp this is: overlapping windows add up.

    >>> from needle_edu import Tensor, ops
    >>> ops.fold(Tensor([[[1.0, 2.0], [2.0, 3.0]]]), (1, 3), (1, 2))
    Tensor([[[[1., 4., 3.]]]], op=fold)
    """

    name = symbol = "fold"
    formula = r"y_{c,i} = \sum_{j,k} a_{(c,k),j}\,[i = j s + k d - p]"
    vjp_formulas = (r"\bar{a} = \operatorname{unfold}(\bar{y})",)
    samples = staticmethod(
        sampling.shaped(
            ({"output_size": (3, 4), "kernel_size": 2}, (2, 8, 6)),
            (
                {
                    "output_size": (4, 3), "kernel_size": (3, 2), "dilation": (1, 2), "padding": 1, "stride": (2, 1),
                },
                (1, 12, 6),
            ),
        )
    )  # fmt: skip

    def __init__(self, output_size, kernel_size, dilation=1, padding=0, stride=1):
        self.output_size = per_axis(self.name, "output_size", output_size, 2, 1)
        self._set(kernel_size, dilation, padding, stride)

    def compute(self, a):
        (down, across), (rows, columns) = self._counts(self.output_size), self.kernel_size
        if a.ndim != 3 or a.shape[1] % (rows * columns) or a.shape[2] != down * across:
            raise ShapeError(
                f"fold: wanted a shape (N, C · {rows * columns}, {down * across}) for images of {self.output_size}, "
                f"got {a.shape}"
            )
        images, channels = a.shape[0], a.shape[1] // (rows * columns)
        windows = xp.reshape(a, (images, channels, rows, columns, down, across))
        out = xp.zeros((images, channels, *self.output_size), dtype=a.dtype, device=a.device)
        fold(xp.permute_dims(windows, inverse(_ORDER)), self._windows, out)
        return out

    def vjp0(self, g, node):
        return _UNFOLD.cls(self.kernel_size, self.dilation, self.padding, self.stride).apply(g)


def pixel_shuffle(a, upscale_factor):
    """Return images r times as large of r² times fewer channels: (..., C r², H, W) gives (..., C, H r, W r).

    Each square of r × r pixels is made of the r² channels at one place (Shi and others, "Real-Time Single Image and
    Video Super-Resolution", CVPR 2016).

    >>> from needle_edu import Tensor, ops
    >>> ops.pixel_shuffle(Tensor([1.0, 2.0, 3.0, 4.0]).reshape((1, 4, 1, 1)), 2).numpy().tolist()
    [[[[1.0, 2.0], [3.0, 4.0]]]]
    """
    a, r = _image("pixel_shuffle", a, 3), integer("pixel_shuffle", "upscale_factor", upscale_factor, 1)
    *lead, channels, rows, columns = a.shape
    if channels % (r * r):
        raise ShapeError(f"pixel_shuffle: {channels} channels are no multiple of {r}², got shape {a.shape}")
    n = len(lead)
    blocks = a.reshape((*lead, channels // (r * r), r, r, rows, columns))
    moved = blocks.permute((*range(n + 1), n + 3, n + 1, n + 4, n + 2))
    return moved.reshape((*lead, channels // (r * r), rows * r, columns * r))


def pixel_unshuffle(a, downscale_factor):
    """Return images r times as small of r² times as many channels: the opposite of `pixel_shuffle`.

    >>> from needle_edu import Tensor, ops
    >>> ops.pixel_unshuffle(Tensor([[[1.0, 2.0], [3.0, 4.0]]]), 2).numpy().tolist()
    [[[1.0]], [[2.0]], [[3.0]], [[4.0]]]
    """
    a, r = (
        _image("pixel_unshuffle", a, 3),
        integer("pixel_unshuffle", "downscale_factor", downscale_factor, 1),
    )
    *lead, channels, rows, columns = a.shape
    if rows % r or columns % r:
        raise ShapeError(
            f"pixel_unshuffle: {rows} x {columns} pixels make no squares of {r} x {r}, got {a.shape}"
        )
    n = len(lead)
    blocks = a.reshape((*lead, channels, rows // r, r, columns // r, r))
    moved = blocks.permute((*range(n + 1), n + 2, n + 4, n + 1, n + 3))
    return moved.reshape((*lead, channels * r * r, rows // r, columns // r))


def channel_shuffle(a, groups):
    """Return (N, C, ...) with the channels of the groups by turns: the first of each group, then the second, ...

    >>> from needle_edu import Tensor, ops
    >>> ops.channel_shuffle(Tensor([1.0, 2.0, 3.0, 4.0]).reshape((1, 4, 1)), 2).numpy().reshape(-1).tolist()
    [1.0, 3.0, 2.0, 4.0]
    """
    a, groups = _image("channel_shuffle", a, 3), integer("channel_shuffle", "groups", groups, 1)
    images, channels, *extents = a.shape
    if channels % groups:
        raise ShapeError(
            f"channel_shuffle: groups={groups} does not divide {channels} channels, got {a.shape}"
        )
    dealt = a.reshape((images, groups, channels // groups, *extents)).swapaxes(1, 2)
    return dealt.reshape((images, channels, *extents))


def _image(who: str, a, axes: int) -> Any:
    a = as_tensor(a, who)
    if a.ndim < axes:
        raise ShapeError(f"{who}: wanted at least {axes} axes, got shape {a.shape}")
    return a


FUNCTIONS = (pixel_shuffle, pixel_unshuffle, channel_shuffle)
