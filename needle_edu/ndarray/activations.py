"""Activations that take numbers (leaky_relu, elu, hardtanh, …), and their vjps: one kernel for all kinds.

`needle_edu.backend.activations` says what each kind computes. Ops, which know the meaning of the numbers, call these
two functions.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from needle_edu.backend import DTypeError
from needle_edu.backend.activations import KINDS

from . import plans
from .base import allocate, convert, kernel_failed
from .dtypes import floating, promote, shown
from .interchange import operand
from .operands import check_together

if TYPE_CHECKING:
    from .array import NDArray

CODES = {kind: code for code, kind in enumerate(KINDS)}


def activation(kind: str, a: NDArray, s: float = 0.0, t: float = 0.0, u: float = 0.0) -> NDArray:
    """Return f(a), element by element, for the activation of this name with numbers s, t, u.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.activation("leaky_relu", nd.array([-1, 2]), 0.5)
    NDArray([-0.5,  2. ], dtype=float32, device=cpu())
    """
    a = operand("activation", a)
    code = _code(kind)
    _check_numbers("activation", s, t, u)
    a = convert(a, floating(a.layout.code))
    layout, plan = plans.map_plan(a.layout, a.layout.code)
    out = allocate(layout)
    err = layout.kernels["activation"](plan, out.storage.ptr, a.storage.ptr, code, s, t, u)
    if err:
        kernel_failed("activation", err, a)
    return out


def activation_backward(
    kind: str, g: NDArray, a: NDArray, s: float = 0.0, t: float = 0.0, u: float = 0.0
) -> NDArray:
    """Return g times the slope of `activation` at a, element by element.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.activation_backward("leaky_relu", nd.array([10, 10]), nd.array([-1, 2]), 0.5)
    NDArray([ 5., 10.], dtype=float32, device=cpu())
    """
    code = _code(kind)
    _check_numbers("activation_backward", s, t, u)
    g, a = operand("activation_backward", g, a), operand("activation_backward", a, g)
    layout, plan = plans.division_plan(g.layout, a.layout)
    if plan is None:
        check_together("activation_backward", g, a)
        result = floating(promote(g.layout.code, a.layout.code))
        g, a = convert(g, result), convert(a, result)
        layout, plan = plans.division_plan(g.layout, a.layout)
    out = allocate(layout)
    err = layout.kernels["activation_backward"](
        plan, out.storage.ptr, g.storage.ptr, a.storage.ptr, code, s, t, u
    )
    if err:
        kernel_failed("activation_backward", err, g, a)
    return out


def _check_numbers(operation: str, *numbers: Any) -> None:
    for number in numbers:
        if type(number) is not float and (
            not isinstance(number, (int, float)) or abs(number) > sys.float_info.max
        ):
            raise DTypeError(f"{operation}: s, t and u are numbers, got {shown(number)}")


def _code(kind: str) -> int:
    code = CODES.get(kind)
    if code is None:
        raise DTypeError(f"activation: kind is one of {', '.join(KINDS)}, got {kind!r}")
    return code
