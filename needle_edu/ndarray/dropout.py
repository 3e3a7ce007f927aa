"""Dropout by a key: which elements stay is a function of the key and the place, so it is nowhere written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from needle_edu.backend.arguments import integer, real

from .base import allocate, convert, kernel_failed
from .dtypes import floating
from .interchange import operand
from .layout import compact_layout

if TYPE_CHECKING:
    from .array import NDArray


def dropout(a: NDArray, p: float, key: int) -> NDArray:
    """Return the array with a share p of its elements multiplied by 0, the others by 1 / (1 - p).

    Number i of the array's elements, in order of their indices, stays if number i that belongs to the key is at least p
    (`needle_edu.backend.reference.dropout`): the same ones for each array of the same size.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.dropout(nd.ones(8), 0.5, key=1)
    NDArray([2., 2., 0., 2., 0., 0., 0., 0.], dtype=float32, device=cpu())
    """
    real("dropout", 0, 1, p=p)
    return by_key(operand("dropout", a), p, integer("dropout", "key", key, 0))


def by_key(a: NDArray, p: float, key: Any) -> NDArray:
    """Call the kernel; the key is what it takes for one.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> by_key(nd.ones(8), 0.5, 1)
    NDArray([2., 2., 0., 2., 0., 0., 0., 0.], dtype=float32, device=cpu())
    """
    a = convert(a, floating(a.layout.code)).compact()
    layout = compact_layout(a.layout.shape, a.layout.code, a.layout.device)
    out = allocate(layout)
    err = layout.kernels["dropout_dense"](layout.code, layout.size, out.storage.ptr, a.storage.ptr, p, key)
    if err:
        kernel_failed("dropout", err, a)
    return out
