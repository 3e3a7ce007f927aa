"""Running sums and products, and sorting, in the NumPy reference: kernels along the last dimension of a plan."""

from collections.abc import Callable

import numpy as np

from ..dtypes import BOOL, F32, F64, I32, I64
from ..errors import EDTYPE, EPLAN, OK
from .plan import Plan, kernel, named, operand

Array = np.ndarray

_WIDE = {F32: F32, F64: F64, I32: I64, I64: I64, BOOL: I64}


def scan(name: str, function: Callable[..., Array]) -> None:
    """Define a running sum or product; floats are added up in float64."""

    def run(plan: Plan, out: Array, a: Array) -> int:
        if _WIDE.get(plan.dtypes[1]) != plan.dtypes[0]:
            return EDTYPE
        if plan.ndim < 1:
            return EPLAN
        wide = np.float64 if plan.dtypes[1] <= F64 else np.int64
        operand(plan, 0, out)[...] = function(operand(plan, 1, a), axis=-1, dtype=wide)
        return OK

    named(name, run)


scan("cumsum", np.cumsum)
scan("cumprod", np.cumprod)


def order(a: Array, descending: int) -> Array:
    """The stable order of the last axis, nan as the largest number."""
    if not descending:
        return np.argsort(a, axis=-1, kind="stable")
    backwards = np.argsort(a[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    return a.shape[-1] - 1 - backwards


@kernel
def sort(plan: Plan, out: Array, a: Array, descending: int) -> int:
    """out = a, each line in order"""
    if plan.dtypes[0] != plan.dtypes[1]:
        return EDTYPE
    if plan.ndim < 1:
        return EPLAN
    values = operand(plan, 1, a)
    operand(plan, 0, out)[...] = np.take_along_axis(values, order(values, descending), -1)
    return OK


@kernel
def argsort(plan: Plan, out: Array, a: Array, descending: int) -> int:
    """out = where the elements of each line in order come from"""
    if plan.dtypes[0] != I64:
        return EDTYPE
    if plan.ndim < 1:
        return EPLAN
    operand(plan, 0, out)[...] = order(operand(plan, 1, a), descending)
    return OK
