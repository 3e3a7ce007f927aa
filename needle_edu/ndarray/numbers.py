"""An array and a Python number: ``a + 2``, ``1 / a``, ``a > 0``.

A number is weak: it takes the array's element type (an int array and a float give float32). It goes to the kernel as a
C double, so nothing is allocated for it. Two cases need care with integer arrays. A double holds integers exactly only
up to 2**53; larger ones travel as an array of one element. And comparing integers with 0.5 must not cut it off to 0.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from needle_edu.backend import DTypeError
from needle_edu.backend.dtypes import BOOL, F64, I32, I64

from . import base, plans
from .base import Binary, convert, run, run_scalar, scalar_form
from .creation import scalar
from .dtypes import counted, floating, promote_scalar, shown
from .operands import COMPARISONS
from .reductions import min
from .writing import EXACT, number

if TYPE_CHECKING:
    from .array import NDArray

Number = bool | int | float


def arithmetic_form(kernel: str, operation: str, swapped: bool = False, sign: int = 1) -> Binary:
    """Make ``operation(a, s)`` out of kernel `kernel`; `swapped` means ``operation(s, a)``; `sign` goes on s."""
    largest = {I32: 2**31 - 1, I64: EXACT}  # so that -s fits, too, and a double holds it
    strided = kernel + "_scalar"

    def slow(a: NDArray, s: Number) -> NDArray:
        code = promote_scalar(counted(a.layout.code), s)
        if operation == "divide":
            code = floating(code)
        elif operation == "power" and code == BOOL:
            code = I32
        a = convert(a, code)
        s = number(s, code, operation)
        if code == BOOL or code > F64 and not -largest[code] <= s <= largest[code]:
            return _as_array(operation, a, s, swapped)
        if operation == "power" and code > F64:
            refuse_negative(a if swapped else s)
        layout, plan = plans.map_plan(a.layout, code)
        return run_scalar(strided, layout, plan, a, sign * s, operation)

    return scalar_form(strided, operation, sign, slow)


def comparison_form(operation: str) -> Binary:
    """Make ``operation(a, s)`` with a bool result."""
    kernel = operation + "_scalar"

    def form(a: NDArray, s: Number) -> NDArray:
        code = a.layout.code
        if code > F64:
            if isinstance(s, float):
                if s.is_integer() and abs(s) <= EXACT:
                    s = int(s)
                else:
                    code = F64
            if not isinstance(s, float):
                code = promote_scalar(code, s)
                if code == I32 and not -(2**31) <= s < 2**31:
                    code = I64
                if abs(s) > EXACT:
                    if -(2**63) <= s < 2**63:
                        return _as_array(operation, convert(a, I64), int(s), False)
                    code, s = F64, inf if s > 0 else -inf  # beyond every integer: only the side counts
            a = convert(a, code)
        layout, plan = plans.map_plan(a.layout, BOOL)
        return run_scalar(kernel, layout, plan, a, s, operation)

    return form


def refuse_negative(exponent: NDArray | Number) -> None:
    """Raise if an exponent for integers, or one of several, is negative: then the power is no integer."""
    if isinstance(exponent, base.NDArray):
        exponent = min(exponent).item() if exponent.size else 0
    if exponent < 0:
        raise DTypeError(
            f"power: integers to the power {shown(exponent)} are not integers; convert to a float type"
        )


def _as_array(operation: str, a: NDArray, s: Number, swapped: bool) -> NDArray:
    """Compute with the number as an array of one element."""
    b = scalar(operation, s, a.layout.code, a.device)
    if a.layout.code == BOOL:
        if operation not in ON_BOOLS:
            raise DTypeError(
                f"{operation}: not defined for two bools; convert the array with astype('int32')"
            )
        operation, plan_of = ON_BOOLS[operation], plans.logical_plan
    else:
        plan_of = COMPARISON_PLANS.get(operation, plans.arithmetic_plan)
    if swapped:
        a, b = b, a
    return run(operation, *plan_of(a.layout, b.layout), a, b)


# Arithmetic on two bools that stays bool: the kernel that computes it.
ON_BOOLS = {"add": "logical_or", "multiply": "logical_and", "maximum": "maximum", "minimum": "minimum"}
COMPARISON_PLANS = dict.fromkeys(COMPARISONS, plans.comparison_plan)
_MIRRORED = {
    "less": "greater",
    "less_equal": "greater_equal",
    "greater": "less",
    "greater_equal": "less_equal",
}

# operation(a, s) ...
NUMBER_FORMS: dict[str, Binary] = {
    "add": arithmetic_form("add", "add"),
    "subtract": arithmetic_form("add", "subtract", sign=-1),
    "multiply": arithmetic_form("multiply", "multiply"),
    "divide": arithmetic_form("divide", "divide"),
    "power": arithmetic_form("power", "power"),
    "maximum": arithmetic_form("maximum", "maximum"),
    "minimum": arithmetic_form("minimum", "minimum"),
} | {name: comparison_form(name) for name in COMPARISONS}

# ... and operation(s, a)
SWAPPED_FORMS: dict[str, Binary] = NUMBER_FORMS | {
    "subtract": arithmetic_form("rsubtract", "subtract", swapped=True),
    "divide": arithmetic_form("rdivide", "divide", swapped=True),
    "power": arithmetic_form("rpower", "power", swapped=True),
} | {name: NUMBER_FORMS[mirror] for name, mirror in _MIRRORED.items()}  # fmt: skip
