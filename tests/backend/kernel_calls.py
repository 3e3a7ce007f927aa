"""Calling a kernel on a case of kernel_cases.py, and comparing what it left in memory with what the reference did."""

import math

import numpy as np
from kernel_cases import (
    ATTENTION,
    CONVOLUTIONS,
    DECODING,
    LOSSES,
    NORMS,
    POOLINGS,
    RECURRENCE,
    ROUNDED,
    SEVERAL_OUTPUTS,
    Case,
)

from needle_edu.backend.dtypes import DTYPES, F32


def run(runtime, name: str, case: Case, pointers: list) -> int:
    """Call a kernel of a runtime on memories that the runtime has; return its code."""
    kernel = getattr(runtime.kernels, name)
    if name == "optimizer_steps":
        left, rows = list(pointers), []
        for kind, n, remembered, s in case.extra:
            own, left = left[: 3 + remembered], left[3 + remembered :]
            rows.append((kind, n, *own[:3], own[3:], s))
        return kernel(case.operands[0].code, len(rows), rows)
    if case.count is not None:
        code = case.operands[min(1, len(pointers) - 1)].code  # the type of the input
        return kernel(code, case.count, *pointers, *case.extra)
    assert case.shape is not None
    plan = runtime.lower(
        len(case.shape),
        [operand.code for operand in case.operands],
        case.shape,
        [operand.offset for operand in case.operands],
        [operand.strides for operand in case.operands],
    )
    return kernel(plan, *pointers, *case.extra)


def agree(
    name: str, dtype: int, case: Case, memories: list[np.ndarray], wanted: list[np.ndarray], said: str,
    reordered: bool = False,
) -> None:  # fmt: skip
    """Assert that a kernel left in memory what the reference did: to the last bit, or as near as rounding allows.

    `reordered` says that a kernel that goes along a line adds up in another order.
    """
    exact = name.removesuffix("_dense").removesuffix("_scalar") not in ROUNDED and name not in SEVERAL_OUTPUTS
    for k, (got, right) in enumerate(zip(memories, wanted, strict=True)):
        what = f"{said}: memory of operand {k}"
        if exact or got.dtype.kind != "f" or (k and name not in SEVERAL_OUTPUTS):
            np.testing.assert_array_equal(got, right, err_msg=what)
        else:
            tolerance = 2e-6 if got.dtype == DTYPES[F32] else 1e-14
            if name == "prod":  # each factor may round once
                tolerance += memories[1].size * np.finfo(got.dtype).eps
            if name == "cross_entropy":  # doubles, one for each row, are added up
                tolerance += math.prod(case.shape[:-1]) * np.finfo("float64").eps
            scale = 1 + np.abs(right[np.isfinite(right)]).max(initial=0)  # sums may cancel
            if name in NORMS:  # statistics are doubles, those of floats are sums of floats
                tolerance = 4e-6 if DTYPES[dtype] == DTYPES[F32] else 1e-13
            if name in ATTENTION:  # products of weights that are exponentials of sums
                tolerance *= 10
            if name == "softmax_backward":  # the sum along a line, of which the result is a difference
                scale += np.abs(memories[1]).max(initial=0) * case.shape[-1] ** 0.5
            if name == "soft_cross_entropy_backward":  # the same, sums of targets that may be anything
                scale += (
                    np.abs(memories[1]).max(initial=0)
                    * np.abs(memories[4]).max(initial=1)
                    * (np.abs(memories[3]).max(initial=1) * case.shape[-1])
                )
            if name == "soft_cross_entropy":
                scale += (
                    np.abs(memories[3]).max(initial=1)
                    * np.abs(memories[2]).max(initial=1)
                    * ((1 + np.abs(memories[1]).max(initial=1)) * case.shape[-1])
                )
            if name == "cross_entropy_backward":  # a difference of two products, p sum(q) - q, times g
                scale += np.abs(memories[1]).max(initial=0) * np.abs(memories[4]).max(initial=1)
            if name in RECURRENCE:  # seven moments build upon each other
                tolerance *= 8
            if name in DECODING:  # four sums upon each other, and divisions by small deviations
                tolerance *= 40
            families = {*ATTENTION, *POOLINGS, *CONVOLUTIONS, *NORMS, *RECURRENCE, *DECODING}
            differences = (
                "softmax_backward",
                *[name for name in LOSSES if "cross" in name and name != "cross_entropy"],
            )
            differences = (*differences, "linear_scan", "cumsum") if reordered else differences
            by_sum = name in families or name in ("sum", "matmul", "scatter", *differences)
            np.testing.assert_allclose(
                got, right, tolerance, tolerance * (scale if by_sum else 1), err_msg=what
            )
