"""Taking elements at places that only the run knows: an index that was computed from the arguments."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np

from needle_edu import ops
from needle_edu.autograd import Tensor
from needle_edu.ndarray import NDArray
from needle_edu.ndarray.host import host_values

from .own_ops import Lookup, LookupBackward
from .unknown import CaptureError, has_unknown, where


def captured_lookup(op: Any, x: Any, known: Container[int]) -> Any:
    """Return what an index with unknown numbers names, or adds up there, by an op that takes its arrays as operands.

    Parameters
    ----------
    op : GetItem or GetItemBackward
        It has the index.
    x : Tensor
        What elements are taken of.
    known : container of int
        The `id` of each array that stands for a value of the program.

    Raises
    ------
    CaptureError
        If the index has a list of tensors, which would be put together while nobody watches.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> print(ndl.graph.capture(lambda x, i: x[:, i], ndl.Tensor([[1.0, 2.0]]), ndl.Tensor([1])))
    program lambda(%x: float32[1,2], %i: int64[1]) on cpu() {
      %0 = lookup(%x, %i) {index: (slice(None, None, None), '%1')} : float32[1,1]
      return %0
    }
    """
    named: list[Tensor] = []

    def with_places(part: Any) -> Any:
        if isinstance(part, tuple):
            return tuple(map(with_places, part))
        if not has_unknown(part):
            return host_values(part).copy() if isinstance(part, NDArray) else part
        if id(part) not in known:
            raise CaptureError(
                f"getitem: a list of tensors as an index is not captured; stack them first{where()}"
            )
        named.append(Tensor.make_const(part))
        return f"%{len(named)}"

    index = with_places(op.index)
    lookup = Lookup(index) if op.name == "getitem" else LookupBackward(op.shape, index)
    return lookup.apply(x, *named)


def captured_embedding(index: Tensor, table: Tensor, padding: int | None) -> Tensor:
    """Return the rows of a table that `index` names; the one called `padding` learns nothing."""
    rows = Lookup().apply(table, counted_from_0(index, table.shape[0]))
    if padding is None:
        return rows
    chosen = ops.equal(index.reshape((*index.shape, 1)), padding % table.shape[0])
    return ops.where(chosen, rows.detach(), rows)


def counted_from_0(index: Tensor, n: int) -> Tensor:
    """Return an index in which -1, which would be the last of n, is n: the kernel says that it is out of range."""
    return ops.masked_fill(index, index < 0, n)


def captured_one_hot(index: Tensor, n: int) -> Tensor:
    """Return int64 rows that are 1 at the place `index` names: rows of the unit matrix."""
    return Lookup().apply(Tensor(np.eye(n, dtype=np.int64)), counted_from_0(index, n))
