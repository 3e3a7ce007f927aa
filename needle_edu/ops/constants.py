"""Small helpers for writing vjps: constants, and stretching a gradient back over reduced axes."""

from functools import lru_cache

from needle_edu.autograd.arrays import ShapeError, xp
from needle_edu.autograd.registry import slot
from needle_edu.autograd.tensor import Tensor

_RESHAPE, _BROADCAST_TO = slot("reshape"), slot("broadcast_to")


def constant(array) -> Tensor:
    """Return an array as a tensor that requires no gradient (shared, not copied)."""
    return Tensor.make_const(array)


def nonzero(a: Tensor) -> Tensor:
    """Return `a` with zeros replaced by ones."""
    zeros = a.realize_cached_data() == 0
    return a + constant(xp.astype(zeros, a.dtype)) if bool(xp.any(zeros)) else a


@lru_cache(1024)
def normal_axes(axes, ndim: int) -> tuple[int, ...]:
    """Return axes (None: all, an int, or a tuple) as a tuple of non-negative integers.

    Examples
    --------
    >>> normal_axes(-1, 3), normal_axes(None, 2)
    ((2,), (0, 1))
    """
    if axes is None:
        return tuple(range(ndim))
    if isinstance(axes, int):
        axes = (axes,)
    for axis in axes:
        if not -ndim <= axis < ndim:
            raise ShapeError(f"axis {axis} is out of range for {ndim} axes")
    return tuple([axis % ndim for axis in axes])


@lru_cache(1024)
def kept_shape(axes, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return `shape` with extent 1 on the reduced axes.

    Examples
    --------
    >>> kept_shape(1, (2, 3, 4))
    (2, 1, 4)
    """
    reduced = normal_axes(axes, len(shape))
    return tuple([1 if axis in reduced else n for axis, n in enumerate(shape)])


def stretch(t: Tensor, axes, shape: tuple[int, ...]) -> Tensor:
    """Return the result `t` of a reduction over `axes`, stretched back to the `shape` that was reduced."""
    if axes is None and shape:  # one number broadcasts to everything
        return _BROADCAST_TO.cls(shape).apply(t)
    return _BROADCAST_TO.cls(shape).apply(_RESHAPE.cls(kept_shape(axes, shape)).apply(t))
