"""Running sums and products, and sorting, in the NumPy reference: kernels along the last dimension of a plan."""

from collections.abc import Callable

import numpy as np

from ..dtypes import BOOL, F32, F64, I32, I64
from ..errors import EDTYPE, EPLAN, OK
from .plan import FLOATS, Plan, kernel, named, operand

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


def running_place(name: str, better: Callable[..., Array]) -> None:
    """Define where the extreme so far is: the latest of equals; nan is one."""

    def run(plan: Plan, out: Array, a: Array) -> int:
        if plan.dtypes[0] != I64:
            return EDTYPE
        if plan.ndim < 1:
            return EPLAN
        lines, to = operand(plan, 1, a), operand(plan, 0, out)
        best, at = lines[..., :1].copy(), np.zeros((*lines.shape[:-1], 1), np.int64)
        for k in range(lines.shape[-1]):
            here = lines[..., k : k + 1]
            taken = better(here, best) | (here != here)
            best, at = np.where(taken, here, best), np.where(taken, k, at)
            to[..., k : k + 1] = at
        return OK

    named(name, run)


running_place("cumargmax", np.greater_equal)
running_place("cumargmin", np.less_equal)


@kernel
def linear_scan(plan: Plan, out: Array, a: Array, b: Array) -> int:
    """out[k] = a[k] out[k-1] + b[k]; floats are multiplied and added in float64."""
    if plan.dtypes[0] not in FLOATS or len(set(plan.dtypes[:3])) != 1:
        return EDTYPE
    if plan.ndim < 1:
        return EPLAN
    to, factors, terms = operand(plan, 0, out), operand(plan, 1, a), operand(plan, 2, b)
    total = np.zeros(to.shape[:-1], np.float64)
    for k in range(to.shape[-1]):
        total = terms[..., k] + (
            factors[..., k] * total if k else np.float64(0)
        )  # a plain 0.0 would stay float32
        to[..., k] = total
    return OK


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
def argsort(plan: Plan, out: Array, a: Array, descending: int, most: int) -> int:
    """out = where the first `most` elements of each line in order come from"""
    if plan.dtypes[0] != I64:
        return EDTYPE
    if plan.ndim < 1 or not 0 <= most <= plan.shape[-1]:
        return EPLAN
    shorter = Plan(plan.ndim, plan.dtypes, (*plan.shape[:-1], most), plan.offsets, plan.strides)
    operand(shorter, 0, out)[...] = order(operand(plan, 1, a), descending)[..., :most]
    return OK
