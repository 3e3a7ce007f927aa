"""Advanced indices at work: what one names is gathered, written to, or added to, by one kernel each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from needle_edu.backend import IndexOutOfRange, ShapeError
from needle_edu.backend.storage import new_version

from .base import allocate, kernel_failed
from .creation import full
from .layout import Layout
from .plans import gather_plan, scatter_plan
from .writing import may_overlap

if TYPE_CHECKING:
    from .array import NDArray


class AdvancedIndex(NamedTuple):
    """Which elements of a view an integer array names.

    Element `point` of the result is ``view[rest of point] + part of point * along + where[part of point] * step`` in
    memory.
    """

    view: Layout  # the axes that no array indexes
    where: NDArray  # int64, shape B
    position: int  # the axes of B stand before this axis of the view
    along: tuple[int, ...]  # strides of the view along the axes of B
    step: int
    limit: int  # its entries lie in [-limit, limit)
    axis: int  # the indexed axis, for the error message

    def points(self) -> tuple[Layout, Layout, int, tuple[int, ...]]:
        """Return what plans are made from: where the points lie in the view and in the index."""
        return self.view, self.where.layout, self.position, self.along


def gather(a: NDArray, advanced: AdvancedIndex) -> NDArray:
    """Return the elements that are named."""
    layout, plan = gather_plan(*advanced.points())
    out = allocate(layout)
    err = layout.kernels["gather"](
        plan, out.storage.ptr, a.storage.ptr, advanced.where.storage.ptr, advanced.step, advanced.limit
    )
    if err:
        _failed("indexing", err, a, advanced)
    return out


def scatter(a: NDArray, advanced: AdvancedIndex, value: NDArray, add: bool) -> None:
    """Write `value` into the elements that are named, or add it to them."""
    shape, plan = scatter_plan(*advanced.points(), value.layout)
    if plan is None:
        if value.size != int(np.prod(shape)):
            raise ShapeError(
                f"assignment: a value of shape {value.shape} does not fit the shape {shape} it is written to"
            )
        value = value.reshape(shape)
        _, plan = scatter_plan(*advanced.points(), value.layout)
    if may_overlap(a, value):
        value = value.copy()
        _, plan = scatter_plan(*advanced.points(), value.layout)
    err = a.layout.kernels["scatter"](
        plan, a.storage.ptr, value.storage.ptr, advanced.where.storage.ptr, advanced.step, advanced.limit, add
    )
    if err:
        _failed("assignment", err, a, advanced)
    a.storage.version = new_version()


def _failed(operation: str, err: int, a: NDArray, advanced: AdvancedIndex) -> None:
    detail = a.device.error_detail()
    if not -advanced.limit <= detail < advanced.limit:
        raise IndexOutOfRange(
            f"index {detail} is out of range for axis {advanced.axis} with size {advanced.limit}"
        )
    kernel_failed(operation, err, a)


def check(index: NDArray, extent: int, axis: int) -> None:
    """Raise if an entry is out of range. A gather looks at each; with a step of 0 it stays where it is."""
    one = full((), 0, "bool", index.device)
    gather(one, AdvancedIndex(one.layout, index, 0, (0,) * index.ndim, 0, extent, axis))
