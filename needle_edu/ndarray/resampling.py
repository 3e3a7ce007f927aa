"""Weighted sums along an axis, of a few places each: what resizing and windows of several lengths are made of."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

from needle_edu.backend import Device, ShapeError
from needle_edu.backend.dtypes import DTYPES
from needle_edu.backend.taps import Table

from .base import allocate, kernel_failed
from .interchange import array
from .layout import compact_layout

if TYPE_CHECKING:
    from .array import NDArray


def taps(a: NDArray, axis: int, table: Table) -> NDArray:
    """Return the weighted sums along an axis of a float array, whose places and weights a table says.

    Raises
    ------
    ShapeError
        If the axis does not have the table's `n` elements.
    IndexOutOfRange
        If the table looks beside them.

    Examples
    --------
    >>> import numpy as np
    >>> from needle_edu import ndarray as nd
    >>> table = Table(np.array([0, 1, 3]), np.array([0, 0, 1]), np.array([1.0, 0.5, 0.5]), 2)
    >>> taps(nd.array([1, 3]), 0, table)
    NDArray([1., 2.], dtype=float32, device=cpu())
    """
    if a.shape[axis] != table.n:
        raise ShapeError(f"taps: axis {axis} of shape {a.shape} wanted with {table.n} elements")
    a = a.compact()
    code, m = a.layout.code, len(table.start) - 1
    layout = compact_layout((*a.shape[:axis], m, *a.shape[axis + 1 :]), code, a.layout.device)
    out = allocate(layout)
    start, place, weight = _on_device(_Key(table), code, layout.device)
    err = layout.kernels["taps_dense"](
        code, prod(a.shape[:axis]), out.storage.ptr, a.storage.ptr, start.storage.ptr, place.storage.ptr,
        weight.storage.ptr, table.n, m, prod(a.shape[axis + 1 :]),
    )  # fmt: skip
    if err:
        kernel_failed("taps", err, a)
    return out


class _Key:
    """A table as a key, equal to itself alone: those who make tables keep them, and ask for them again and again."""

    __slots__ = ("table",)

    def __init__(self, table: Table):
        self.table = table

    def __hash__(self) -> int:
        return id(self.table)

    def __eq__(self, other: Any) -> bool:
        return self.table is other.table


@lru_cache(64)
def _on_device(key: _Key, code: int, device: Device) -> tuple[NDArray, NDArray, NDArray]:
    """Return start, place and weight of a table where the kernel finds them."""
    start, place, weight, _ = key.table
    return array(start, "int64", device), array(place, "int64", device), array(weight, DTYPES[code], device)
