"""Softmax and its logarithm along the last axis by the compiled kernels, and the adjoints of both.

Elsewhere, and along other axes, `needle_edu.ops` composes them of ordinary operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from needle_edu.backend.dtypes import F64

from .base import allocate, convert, kernel_failed

if TYPE_CHECKING:
    from .array import NDArray


def compiled(a: NDArray, axis: int) -> bool:
    """Return whether there is a kernel: floats on a device with compiled kernels, and the axis is the last."""
    layout = a.layout
    return (
        layout.code <= F64
        and axis in (-1, layout.ndim - 1)
        and layout.size > 0
        and layout.device.runtime.native
    )


def softmax(a: NDArray, log: bool = False) -> NDArray:
    """Return the softmax along the last axis, or its logarithm.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> softmax(nd.array([[0.0, 0.0], [1e4, 0.0]])).numpy().tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    a = a.compact()
    layout = a.layout
    out = allocate(layout)
    err = layout.kernels["softmax_dense"](
        layout.code, layout.size, out.storage.ptr, a.storage.ptr, layout.shape[-1], int(log)
    )
    if err:
        kernel_failed("softmax", err, a)
    return out


def softmax_backward(g: NDArray, y: NDArray, log: bool = False) -> NDArray:
    """Return the adjoint of the input from the adjoint `g` of the result `y`.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> softmax_backward(nd.array([[1.0, 0.0]]), nd.array([[0.5, 0.5]])).numpy().tolist()
    [[0.25, -0.25]]
    """
    y = y.compact()
    layout = y.layout
    g = convert(g, layout.code).compact()
    out = allocate(layout)
    err = layout.kernels["softmax_backward_dense"](
        layout.code, layout.size, out.storage.ptr, g.storage.ptr, y.storage.ptr, layout.shape[-1], int(log)
    )
    if err:
        kernel_failed("softmax_backward", err, g, y)
    return out
