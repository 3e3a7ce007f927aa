"""Names that Needle's `array_api` has and the array API has not, or means otherwise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..backend.arguments import whole
from ..backend.errors import ShapeError
from . import creation, functions as elementwise, manipulation, reductions
from .interchange import operand
from .layout import as_shape, normalize_axis
from .strided import Shape

if TYPE_CHECKING:
    from .array import NDArray


_sum = reductions.reduction("sum", "the sum", reductions.wide, 0, called="summation")
_max = reductions.reduction("max", "the largest element", reductions.same, called="amax")
_min = reductions.reduction("min", "the smallest element", reductions.same, called="amin")


def summation(a: NDArray, axis: Any = None, keepdims: bool = False) -> NDArray:
    """Return the sum along the axes: `sum` under Needle's name.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.summation(nd.array([[1, 2], [3, 4]]), axis=0)
    NDArray([4., 6.], dtype=float32, device=cpu())
    """
    return _sum(a, axis, keepdims)


def amax(a: NDArray, axis: Any = None, keepdims: bool = False) -> NDArray:
    """Return the largest element along the axes: `max` under NumPy's other name, which Needle's first homeworks use.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.amax(nd.array([[1, 2], [3, 4]]), axis=1)
    NDArray([2., 4.], dtype=float32, device=cpu())
    """
    return _max(a, axis, keepdims)


def amin(a: NDArray, axis: Any = None, keepdims: bool = False) -> NDArray:
    """Return the smallest element along the axes: `min` under NumPy's other name.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.amin(nd.array([[1, 2], [3, 4]]), axis=1)
    NDArray([1., 3.], dtype=float32, device=cpu())
    """
    return _min(a, axis, keepdims)


def copy(a: NDArray) -> NDArray:
    """Return a compact copy, as the method `copy`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> a = nd.zeros(2)
    >>> b = nd.copy(a)
    >>> b[0] = 1
    >>> a, b
    (NDArray([0., 0.], dtype=float32, device=cpu()), NDArray([1., 0.], dtype=float32, device=cpu()))
    """
    return operand("copy", a).copy()


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


def concatenate(arrays: Any, axis: int = 0) -> NDArray:
    """Return the arrays joined along an axis that they have: `concat` under NumPy's name.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.concatenate([nd.zeros((2, 3)), nd.ones((1, 3))]).shape
    (3, 3)
    """
    return manipulation.joined("concatenate", arrays, axis)


def split(a: NDArray, sections: Any = None, axis: Any = None) -> tuple[NDArray, ...]:
    """Return the slices along an axis, without it: views, the inverse of `stack`, as `ops.split`.

    With a number of `sections` beside the axis it is NumPy's function: views of so many equal parts, which keep the
    axis; or of the parts that begin at several numbers.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> [part.shape for part in nd.split(nd.zeros((2, 3)), 1)]
    [(2,), (2,), (2,)]
    >>> [part.shape for part in nd.split(nd.zeros((2, 3)), 3, axis=1)]
    [(2, 1), (2, 1), (2, 1)]
    """
    a = operand("split", a)
    several = isinstance(sections, (tuple, list))
    if not several and (sections is None or axis is None):
        chosen = sections if axis is None else axis
        chosen = normalize_axis(0 if chosen is None else chosen, a.ndim, "split")
        return tuple(manipulation.moveaxis(a, chosen, 0))
    axis = normalize_axis(0 if axis is None else axis, a.ndim, "split")
    n = a.shape[axis]
    if several:
        begins = [0, *as_shape(sections, "split")]
    else:
        (count,) = whole("split", sections=sections)
        if n % count:
            raise ShapeError(f"split: axis {axis} of shape {a.shape} has no {count} equal parts")
        begins = [k * (n // count) for k in range(count)]
    before = (slice(None),) * axis
    return tuple([a[(*before, slice(b, e))] for b, e in zip(begins, [*begins[1:], n], strict=True)])


def dilate(a: NDArray, axes: Any, dilation: int) -> NDArray:
    """Return the array with `dilation` zeros after every element along `axes`, as `ops.dilate`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.dilate(nd.ones((2,)), (0,), 1)
    NDArray([1., 0., 1., 0.], dtype=float32, device=cpu())
    """
    operand("dilate", a)
    (dilation,) = whole("dilate", 0, dilation=dilation)
    axes = as_shape(axes, "dilate")
    steps = [dilation + 1 if axis in axes else 1 for axis in range(a.ndim)]
    shape = tuple([n * step for n, step in zip(a.shape, steps, strict=True)])
    wide = creation.zeros(shape, dtype=a.dtype, device=a.device)
    wide[tuple([slice(None, None, step) for step in steps])] = a
    return wide


class NeedleMethods:
    """Methods and attributes of Needle's arrays that the array API does not have."""

    __slots__ = ()

    @property
    def _offset(self: Any) -> int:
        return self.offset

    @property
    def _device(self: Any) -> Any:
        return self.device

    @property
    def _shape(self: Any) -> Any:
        return self.shape

    @property
    def _strides(self: Any) -> Any:
        return self.strides

    def dilate(self: Any, axes: Any, dilation: int) -> NDArray:
        """Return the array with `dilation` zeros after every element along `axes`.

        Examples
        --------
        >>> from needle_edu import ndarray as nd
        >>> nd.ones((2, 2)).dilate((0, 1), 1).shape
        (4, 4)
        """
        return dilate(self, axes, dilation)

    def swapaxes(self: Any, axis1: int, axis2: int) -> NDArray:
        """Return the view in which two axes have changed places.

        Examples
        --------
        >>> from needle_edu import ndarray as nd
        >>> nd.zeros((2, 3, 4)).swapaxes(0, 2).shape
        (4, 3, 2)
        """
        return manipulation.swapaxes(self, axis1, axis2)

    def sin(self: Any) -> NDArray:
        """Return the sine of every element.

        Examples
        --------
        >>> from needle_edu import ndarray as nd
        >>> nd.zeros((1,)).sin()
        NDArray([0.], dtype=float32, device=cpu())
        """
        return elementwise.sin(self)

    def cos(self: Any) -> NDArray:
        """Return the cosine of every element.

        Examples
        --------
        >>> from needle_edu import ndarray as nd
        >>> nd.zeros((1,)).cos()
        NDArray([1.], dtype=float32, device=cpu())
        """
        return elementwise.cos(self)
