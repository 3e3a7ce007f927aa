"""Names that Needle's `array_api` has and the array API has not, or means otherwise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from . import reductions
from .interchange import operand
from .strided import Shape

if TYPE_CHECKING:
    from .array import NDArray


def summation(a: NDArray, axis: Any = None, keepdims: bool = False) -> NDArray:
    """Return the sum along the axes: `sum` under Needle's name.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.summation(nd.array([[1, 2], [3, 4]]), axis=0)
    NDArray([4., 6.], dtype=float32, device=cpu())
    """
    return reductions.sum(a, axis, keepdims)


def permute(a: NDArray, axes: Shape) -> NDArray:
    """Return the view whose axis k is axis ``axes[k]`` of `a`: `permute_dims` under Needle's name.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.permute(nd.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    return operand("permute", a).permute(axes)


def prod(a: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None, out: Any = None) -> Any:
    """Return the product along the axes, as `NDArray.prod`; of a shape, a tuple of whole numbers, an int.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.prod((2, 3)), nd.prod(nd.array([[1, 2], [3, 4]]), axis=0)
    (6, NDArray([3., 8.], dtype=float32, device=cpu()))
    """
    if type(a) is tuple and axis is None and all(type(extent) is int for extent in a):
        return math.prod(a)
    return reductions.prod(a, axis, keepdims, dtype, out)
