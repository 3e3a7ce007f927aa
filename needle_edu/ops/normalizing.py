r"""Which numbers a normalisation takes together, and what is computed of them on arrays and on tensors.

    z = (a − mean) · r,   r = 1/√(variance + eps),   P(v) = v − M(v) − z·M(v·z)

M is the mean over the numbers that are normalised together; normalization.py derives P.
"""

from functools import lru_cache
from math import prod
from typing import NamedTuple

from needle_edu.autograd.arrays import Array, ShapeError, xp


class Split(NamedTuple):
    """Which numbers are normalised together.

    Attributes
    ----------
    shape : tuple of int
        The tensor's shape, perhaps with its channels cut into (groups, channels of a group).
    axes : tuple of int
        The axes of `shape` over which mean and variance are taken.
    column : tuple of int
        The shape in which weight and bias broadcast to `shape`.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    column: tuple[int, ...]

    def spread(self) -> tuple[int, ...]:
        """The axes over which weight and bias are repeated."""
        return tuple([axis for axis, extent in enumerate(self.column) if extent == 1])


def measured(a, split: Split, eps: float):
    """Return z and r for an array or a tensor of the split's shape."""
    count = max(prod([split.shape[axis] for axis in split.axes]), 1)
    centred = a - total(a, split.axes) / count
    r = (total(centred * centred, split.axes) / count + eps) ** -0.5
    return centred * r, r


def projected(v, z, axes: tuple[int, ...]):
    """Return P(v)."""
    return v - mean_over(v, axes) - z * mean_over(v * z, axes)


def total(a, axes):
    """Return the sum over `axes`, which are kept."""
    return xp.sum(a, axis=axes, keepdims=True) if isinstance(a, Array) else a.sum(axes, keepdims=True)


def mean_over(a, axes):
    """Return the mean over `axes`, which are kept."""
    return total(a, axes) / max(prod([a.shape[axis] for axis in axes]), 1)


@lru_cache(4096)
def split_of_batch(who: str, a: tuple, weight: tuple) -> Split:
    """Channels over the batch."""
    if len(a) < 2 or weight != (a[1],):
        raise ShapeError(f"{who}: wanted shapes (N, C, *extents) and (C,), got {a} and {weight}")
    axes = (0, *range(2, len(a)))
    return Split(a, axes, (1, a[1], *[1] * (len(a) - 2)))


@lru_cache(4096)
def split_of_groups(who: str, a: tuple, weight: tuple, groups: int) -> Split:
    """An example's groups of channels."""
    if len(a) < 2 or weight != (a[1],):
        raise ShapeError(f"{who}: wanted shapes (N, C, *extents) and (C,), got {a} and {weight}")
    if a[1] % groups:
        raise ShapeError(f"{who}: {a[1]} channels do not make {groups} equal groups; got shape {a}")
    shape = (a[0], groups, a[1] // groups, prod(a[2:]))
    return Split(shape, (2, 3), (1, groups, a[1] // groups, 1))


@lru_cache(4096)
def split_of_layer(who: str, a: tuple, weight: tuple) -> Split:
    """An example's last axes."""
    if not weight or a[-len(weight) :] != weight:
        raise ShapeError(
            f"{who}: the last axes have the weight's shape; got {a} and {weight}, wanted "
            f"(..., {', '.join(map(str, weight)) or 'D'}) and {weight or '(D,)'}"
        )
    first = len(a) - len(weight)
    return Split(a, tuple(range(first, len(a))), (*[1] * first, *weight))
