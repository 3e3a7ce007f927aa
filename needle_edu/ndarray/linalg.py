"""Matrix products.

One kernel, `matmul`, serves every case: its plan carries row and column strides for both operands, so a transposed
matrix is multiplied where it lies, and a batch that shares its right operand becomes one larger product.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from needle_edu.backend import DeviceError, DTypeError, ShapeError
from needle_edu.backend.dtypes import BOOL

from . import plans
from .base import convert, planned, run
from .dtypes import counted, promote
from .elementwise import reflected
from .operands import pair

if TYPE_CHECKING:
    from .array import NDArray


@partial(planned, "matmul", plans.matmul_plan)
def matmul(a: NDArray, b: NDArray) -> NDArray:
    """Return the matrix product.

    Parameters
    ----------
    a : NDArray of shape (..., m, k) or (k,)
    b : NDArray of shape (..., k, n) or (k,)
        Leading axes are a batch and broadcast. An operand of one dimension is a row (a) or a column (b), whose
        axis is absent from the result.

    Returns
    -------
    NDArray of shape (..., m, n)

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> a = nd.array([[1, 2], [3, 4]])
    >>> a @ a.T
    NDArray([[ 5., 11.],
             [11., 25.]], dtype=float32, device=cpu())
    """
    # Two NDArrays for which there is a plan do not come here: foreign arrays, mixed types, and what does not fit.
    operands = pair("matmul", a, b)
    if operands is None:
        return NotImplemented
    a, b = operands
    if not a.ndim or not b.ndim:
        raise ShapeError(
            f"matmul: operands have at least 1 dimension, got {a.shape} and {b.shape}; use * for numbers"
        )
    if a.device is not b.device:
        raise DeviceError(f"matmul: operands live on {a.device} and {b.device}; move one with .to(device)")
    k, depth = a.shape[-1], b.shape[-2] if b.ndim > 1 else b.shape[0]
    if k != depth:
        hint = ""
        if b.ndim > 1 and b.shape[-1] == k:
            hint = "; perhaps the right operand must be transposed"
        elif a.ndim > 1 and a.shape[-2] == depth:
            hint = "; perhaps the left operand must be transposed"
        raise ShapeError(f"matmul: inner extents differ, {k} and {depth}, in {a.shape} @ {b.shape}{hint}")
    if plans.broadcast_shape(a.shape[:-2], b.shape[:-2]) is None:
        raise ShapeError(f"matmul: batch shapes {a.shape[:-2]} and {b.shape[:-2]} do not broadcast")
    code = counted(promote(a.layout.code, b.layout.code))
    if code == BOOL:
        raise DTypeError("matmul: not defined for two bool arrays; convert one with astype('int32')")
    a, b = convert(a, code), convert(b, code)
    return run("matmul", *plans.matmul_plan(a.layout, b.layout), a, b)


rmatmul = reflected(matmul)
