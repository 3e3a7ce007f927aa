"""Padding layers: a frame around signals and images, by `ops.pad`. They have no parameters.

The padding is one number for all sides, or one for each side in PyTorch's order: (left, right) along the last axis,
for images (left, right, top, bottom). All axes in front of the padded ones stay as they are.
"""

from __future__ import annotations

from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import integer
from ..backend.errors import ShapeError
from ..ops.constants import plain_number
from .inputs import as_tensor
from .module import Module


class _Pad(Module):
    """A frame around the last `axes` axes."""

    axes = 0
    mode = "constant"
    value: Any = 0.0

    def __init__(self, padding: Any):
        super().__init__()
        who, sides = type(self).__name__, 2 * self.axes
        several = isinstance(padding, (tuple, list))
        if several and len(padding) != sides:
            raise ShapeError(f"{who}: padding is one number or {sides}, one for each side; got {padding!r}")
        given = padding if several else (padding,) * sides
        self.padding = tuple([integer(who, "padding", p, 0) for p in given])

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (..., L) gives (..., left + L + right); images (..., H, W) are padded above and below too."""
        x = as_tensor(x)
        if len(x.shape) < self.axes:
            raise ShapeError(
                f"{type(self).__name__}({self.extra_repr()}): wanted at least {self.axes} axes, got shape {x.shape}"
            )
        sides = tuple(zip(self.padding[::2], self.padding[1::2], strict=True))[::-1]
        frame = (*((0, 0),) * (len(x.shape) - self.axes), *sides)
        return ops.pad(x, frame, constant_value=self.value, mode=self.mode)

    def extra_repr(self) -> str:
        """The padding of each side."""
        return str(self.padding)


class ConstantPad1d(_Pad):
    """Frames a signal (..., L) with a number: `ConstantPad1d(padding, value)`.

    Examples
    --------
    >>> ConstantPad1d((2, 1), 7.0)([[1.0, 2.0]]).numpy().tolist()
    [[7.0, 7.0, 1.0, 2.0, 7.0]]
    """

    axes = 1

    def __init__(self, padding: Any, value: float):
        super().__init__(padding)
        self.value = plain_number(type(self).__name__, value)

    def extra_repr(self) -> str:
        """The padding of each side, and the number."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad2d(ConstantPad1d):
    """Frames an image (..., H, W) with a number: `ConstantPad2d(padding, value)`.

    Examples
    --------
    >>> ConstantPad2d((1, 0, 0, 1), 7.0)([[[1.0, 2.0]]]).numpy().tolist()
    [[[7.0, 1.0, 2.0], [7.0, 7.0, 7.0]]]
    """

    axes = 2


class ZeroPad1d(_Pad):
    """Frames a signal (..., L) with zeros.

    Examples
    --------
    >>> ZeroPad1d(1)([[1.0, 2.0]]).numpy().tolist()
    [[0.0, 1.0, 2.0, 0.0]]
    """

    axes = 1


class ZeroPad2d(_Pad):
    """Frames an image (..., H, W) with zeros.

    Examples
    --------
    >>> ZeroPad2d((1, 0, 0, 1))([[[1.0, 2.0]]]).numpy().tolist()
    [[[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]]]
    """

    axes = 2


class ReflectionPad1d(_Pad):
    """Frames a signal (..., L) with its mirror images: at most L - 1 elements on each side.

    Examples
    --------
    >>> ReflectionPad1d((2, 1))([[1.0, 2.0, 3.0]]).numpy().tolist()
    [[3.0, 2.0, 1.0, 2.0, 3.0, 2.0]]
    """

    axes, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Frames an image (..., H, W) with its mirror images, which do not repeat the first and last row and column.

    Examples
    --------
    >>> ReflectionPad2d((1, 0, 0, 1))([[[1.0, 2.0], [3.0, 4.0]]]).numpy().tolist()
    [[[2.0, 1.0, 2.0], [4.0, 3.0, 4.0], [2.0, 1.0, 2.0]]]
    """

    axes, mode = 2, "reflect"


class ReplicationPad1d(_Pad):
    """Frames a signal (..., L) with its first and last element.

    Examples
    --------
    >>> ReplicationPad1d((2, 1))([[1.0, 2.0]]).numpy().tolist()
    [[1.0, 1.0, 1.0, 2.0, 2.0]]
    """

    axes, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Frames an image (..., H, W) with its first and last rows and columns.

    Examples
    --------
    >>> ReplicationPad2d((1, 0, 0, 1))([[[1.0, 2.0]]]).numpy().tolist()
    [[[1.0, 1.0, 2.0], [1.0, 1.0, 2.0]]]
    """

    axes, mode = 2, "replicate"


class CircularPad1d(_Pad):
    """Frames a signal (..., L) with its other end, as if it went round: at most L elements on each side.

    Examples
    --------
    >>> CircularPad1d((2, 1))([[1.0, 2.0, 3.0]]).numpy().tolist()
    [[2.0, 3.0, 1.0, 2.0, 3.0, 1.0]]
    """

    axes, mode = 1, "circular"


class CircularPad2d(_Pad):
    """Frames an image (..., H, W) with its other sides, as if it were wrapped round a ring.

    Examples
    --------
    >>> CircularPad2d((1, 0, 0, 1))([[[1.0, 2.0], [3.0, 4.0]]]).numpy().tolist()
    [[[2.0, 1.0, 2.0], [4.0, 3.0, 4.0], [2.0, 1.0, 2.0]]]
    """

    axes, mode = 2, "circular"
