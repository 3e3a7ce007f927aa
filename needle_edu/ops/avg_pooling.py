"""Average pooling: the mean of every window. `count_include_pad` says whether a mean divides by padding as well."""

from math import prod
from typing import Any

import numpy as np

from needle_edu.autograd import arrays
from needle_edu.autograd.arrays import ShapeError, xp
from needle_edu.autograd.registry import register, slot
from needle_edu.backend.arguments import integer
from needle_edu.ndarray.layout import as_shape

from . import sampling
from .pooling import Pool, compiled, floating
from .windows import ALL

_BACKWARD = slot("avg_pool_backward")


class _Average(Pool):
    """What means and their adjoints share."""

    def _set(
        self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, axes: int
    ) -> None:
        self.ceil_mode, self.count_include_pad = bool(ceil_mode), bool(count_include_pad)
        self.divisor_override = (
            None if divisor_override is None else integer(self.name, "divisor_override", divisor_override, 1)
        )
        self._set_windows(kernel_size, stride, padding, axes)

    @property
    def _divide(self) -> int:
        """What the kernel divides by: a number, 0 for windows with their padding, −1 for the elements they see."""
        return self.divisor_override or (0 if self.count_include_pad else -1)

    def _is_one_window(self, shape: tuple[int, ...]) -> bool:
        """Whether the only window is the whole image: then its mean is a reduction, which reads from front to back."""
        return (
            self.kernel_size == shape[2:] and not any(self.padding)
            and self.divisor_override is None and min(shape) > 0
        )  # fmt: skip

    def _divisors(self, like, counts: tuple, extents: tuple):
        """Return by what each window's sum is divided: a number for all, or an array of shape `counts`."""
        if self.divisor_override is not None:
            return float(self.divisor_override)
        product: Any = np.ones((), dtype="float64")
        for count, extent, kernel, stride, pad in zip(
            counts, extents, self.kernel_size, self.stride, self.padding, strict=True
        ):
            first = np.arange(count) * stride - pad
            last = np.minimum(first + kernel, extent + (pad if self.count_include_pad else 0))
            if not self.count_include_pad:
                first = np.maximum(first, 0)
            product = product[..., None] * (last - first)
        if product.size and (product == product.flat[0]).all():
            return float(product.flat[0])
        return xp.astype(xp.asarray(product, device=like.device), like.dtype)


class _AvgPool(_Average):
    formula = r"y_j = \tfrac1n \sum_k a_{j s + k - p}"
    symbol = "avgpool"
    vjp_formulas = (r"\bar{a}_i = \sum_j \tfrac1n \bar{y}_j [i \in j]",)
    vjp_reads = ("",)

    def __init__(
        self,
        kernel_size,
        stride=None,
        padding=0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ):
        self._set(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, self.axes)

    def compute(self, a):
        w, counts = self.windows(a.shape)
        floating(self.name, a)
        if self._is_one_window(a.shape):
            return xp.mean(a, axis=tuple(range(2, a.ndim)), keepdims=True)
        if compiled(a):
            return arrays.pooling.mean(w, counts, a, self._divide)
        out = xp.zeros((*a.shape[:2], *counts), dtype=a.dtype, device=a.device)
        for _, there, here in w.overlaps(a.shape[2:]):
            place = (ALL, ALL, *there)
            out[place] = out[place] + a[(ALL, ALL, *here)]
        return out / self._divisors(a, counts, a.shape[2:])

    def vjp0(self, g, node):
        backward = _BACKWARD.cls(
            node.inputs[0].shape, self.kernel_size, self.stride, self.padding,
            self.ceil_mode, self.count_include_pad, self.divisor_override,
        )  # fmt: skip
        return backward.apply(g)


@register
class AvgPool1d(_AvgPool):
    """The mean of each window along the last axis of (N, C, L); attributes as for `avg_pool2d`.

    >>> from needle_edu import Tensor, ops
    >>> ops.avg_pool1d(Tensor([[[1.0, 1.0, 1.0, 1.0]]]), 3, 2, 1, ceil_mode=True).numpy().round(3).tolist()
    [[[0.6669999957084656, 1.0, 0.5]]]
    """

    name, axes = "avg_pool1d", 1
    samples = staticmethod(
        sampling.shaped(
            ({"kernel_size": 2}, (2, 2, 5)),
            ({"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, (1, 2, 6)),
        )
    )


@register
class AvgPool2d(_AvgPool):
    """The mean of each window of an image.

    A shape (N, C, H, W) gives (N, C, H', W'). `kernel_size`, `stride` (by default the kernel size) and `padding` (at
    most half a window) are numbers or pairs. A sum is divided by the elements of its window, padding among them unless
    `count_include_pad` is False, or by `divisor_override`.

    >>> from needle_edu import Tensor, ops
    >>> ops.avg_pool2d(Tensor([[[[1.0, 2.0], [4.0, 3.0]]]]), 2)
    Tensor([[[[2.5]]]], op=avg_pool2d)
    """

    name, axes = "avg_pool2d", 2
    samples = staticmethod(
        sampling.shaped(
            ({"kernel_size": 2}, (2, 2, 4, 5)),
            (
                {"kernel_size": (3, 2), "stride": (1, 2), "padding": 1, "count_include_pad": False},
                (1, 2, 4, 4),
            ),
            ({"kernel_size": 2, "divisor_override": 3}, (1, 1, 4, 3)),
        )
    )


@register
class AvgPoolBackward(_Average):
    """The vjp of a mean over windows for an input of the given shape: each window's adjoint in equal shares.

    >>> from needle_edu import Tensor, ops
    >>> ops.avg_pool_backward(Tensor([[[1.0, 4.0]]]), shape=(1, 1, 4), kernel_size=2)
    Tensor([[[0.5, 0.5, 2. , 2. ]]], op=avg_pool_backward)
    """

    name, symbol = "avg_pool_backward", "avgpool′"
    formula = r"y_i = \sum_j \tfrac1n a_j [i \in j]"
    vjp_formulas = (r"\bar{a}_j = \tfrac1n \sum_k \bar{y}_{j s + k - p}",)
    vjp_reads = ("",)
    samples = staticmethod(
        sampling.shaped(
            ({"shape": (1, 2, 5), "kernel_size": 2}, (1, 2, 2)),
            ({"shape": (2, 1, 4, 4), "kernel_size": 3, "stride": 2, "padding": 1}, (2, 1, 2, 2)),
        )
    )

    def __init__(
        self,
        shape,
        kernel_size,
        stride=None,
        padding=0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ):
        self.shape = as_shape(shape, self.name)
        if len(self.shape) not in (3, 4) or min(self.shape) < 0:
            raise ShapeError(f"{self.name}: shape is (N, C, L) or (N, C, H, W), got {self.shape}")
        self._set(
            kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, len(self.shape) - 2
        )

    def compute(self, a):
        w, counts = self.windows(self.shape)
        if a.shape != (*self.shape[:2], *counts):
            raise ShapeError(
                f"{self.name}: wanted an adjoint of shape {(*self.shape[:2], *counts)} for an input of shape "
                f"{self.shape}, got {a.shape}"
            )
        floating(self.name, a)
        if self._is_one_window(self.shape):
            return xp.broadcast_to(a / prod(self.kernel_size), self.shape)
        if compiled(a):
            return arrays.pooling.mean_adjoint(w, a, self.shape, self._divide)
        shares = a / self._divisors(a, counts, self.shape[2:])
        out = xp.zeros(self.shape, dtype=a.dtype, device=a.device)
        for _, there, here in w.overlaps(self.shape[2:]):
            seen = (ALL, ALL, *here)
            out[seen] = out[seen] + shares[(ALL, ALL, *there)]
        return out

    def vjp0(self, g, node):
        forward: Any = slot("avg_pool1d" if len(self.shape) == 3 else "avg_pool2d").cls
        return forward(
            self.kernel_size, self.stride, self.padding,
            self.ceil_mode, self.count_include_pad, self.divisor_override,
        ).apply(g)  # fmt: skip
