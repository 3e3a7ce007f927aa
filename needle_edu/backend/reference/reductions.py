"""Reductions and the matrix product of the NumPy reference.

In the plan of a reduction the iteration space is the input's, and the output stands still (stride 0) along
every dimension that is summed over. That is all a kernel needs to know about "axes".
"""

from collections.abc import Callable

import numpy as np

from ..dtypes import BOOL, DTYPES, F32, F64, I32, I64
from ..errors import EDTYPE, EPLAN, OK
from .plan import ANY, FLOATS, NUMBERS, Plan, kernel, named, operand

Array = np.ndarray

SAME = {code: code for code in ANY}
WIDE = {F32: F32, F64: F64, I32: I64, I64: I64, BOOL: I64}
POSITION = dict.fromkeys(ANY, I64)


def reduction(
    name: str, function: Callable[[Array], Array], types: dict[int, int], empty: bool = False
) -> None:
    """Define a reduction: `function` reduces the last axis; `types` maps the input's type to the output's.

    `empty` says that reducing no elements at all is allowed.
    """

    def reduce(plan: Plan, out: Array, a: Array) -> int:
        if types.get(plan.dtypes[1]) != plan.dtypes[0]:
            return EDTYPE
        standing = [d for d in range(plan.ndim) if plan.strides[0][d] == 0 and plan.shape[d] != 1]
        moving = [d for d in range(plan.ndim) if d not in standing]
        values = operand(plan, 1, a).transpose(moving + standing)
        kept = tuple(plan.shape[d] for d in moving)
        length = int(np.prod([plan.shape[d] for d in standing], dtype=np.int64))
        if length == 0 and not empty:
            return EPLAN
        operand(plan, 0, out, moving)[...] = function(values.reshape(kept + (length,)))
        return OK

    named(name, reduce)


def logsumexp(a: Array) -> Array:
    """``log(sum(exp(a)))`` over the last axis, with the largest element taken out first."""
    largest = a.max(-1, keepdims=True)
    shift = np.where(np.isfinite(largest), largest, 0)
    return np.log(np.exp(a - shift).sum(-1, dtype=np.float64)) + shift[..., 0]


def wide(a: Array) -> np.dtype:
    """The type in which elements of `a` are added up: integers and bool as int64."""
    return DTYPES[WIDE[DTYPES.index(a.dtype)]]


reduction("sum", lambda a: a.sum(-1, dtype=wide(a)), WIDE, empty=True)
reduction("prod", lambda a: a.prod(-1, dtype=wide(a)), WIDE, empty=True)
reduction(
    "sum_squares",
    lambda a: np.square(a, dtype=np.float64).sum(-1),
    {code: code for code in FLOATS},
    empty=True,
)
reduction("max", lambda a: a.max(-1), SAME)
reduction("min", lambda a: a.min(-1), SAME)
reduction("argmax", lambda a: a.argmax(-1), POSITION)
reduction("argmin", lambda a: a.argmin(-1), POSITION)
reduction("logsumexp", logsumexp, {code: code for code in FLOATS})


@kernel
def matmul(plan: Plan, out: Array, a: Array, b: Array) -> int:
    """out[..., i, j] = sum over k of a[..., i, k] * b[..., k, j] over the space (batch..., m, n, k)"""
    if plan.ndim < 3:
        return EPLAN
    if plan.dtypes[0] not in NUMBERS or len(set(plan.dtypes[:3])) != 1:
        return EDTYPE
    *batch, m, n, k = range(plan.ndim)
    left = operand(plan, 1, a, (*batch, m, k))
    right = operand(plan, 2, b, (*batch, k, n))
    operand(plan, 0, out, (*batch, m, n))[...] = np.matmul(left, right)
    return OK
