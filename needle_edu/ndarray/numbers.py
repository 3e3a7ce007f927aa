"""An array and a Python number: ``a + 2``, ``1 / a``, ``a > 0``.

A number is weak: it takes the array's element type (an int array and a float give float32). It goes to the kernel as a
C double, so nothing is allocated for it. Two cases need care with integer arrays. A double holds integers exactly only
up to 2**53; larger ones travel as an array of one element. And comparing integers with 0.5 must not cut it off to 0.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from needle_edu.backend import DTypeError
from needle_edu.backend.dtypes import BOOL, F64, I32, I64

from . import plans
from .array import NDArray, convert, kernel_failed, new_array, run
from .creation import EXACT, full, number
from .dtypes import floating, promote_scalar, shown
from .reductions import min

Number = bool | int | float
NumberForm = Callable[[NDArray, Number], NDArray]


def arithmetic_form(kernel: str, operation: str, swapped: bool = False, sign: int = 1) -> NumberForm:
    """Make ``operation(a, s)`` out of kernel `kernel`; `swapped` means ``operation(s, a)``; `sign` goes on s."""
    largest = {I32: 2**31 - 1, I64: EXACT}  # so that -s fits, too, and a double holds it
    strided, dense = kernel + "_scalar", kernel + "_scalar_dense"

    def form(a: NDArray, s: Number) -> NDArray:
        la = a.layout
        if la.dense_float:
            out = new_array(NDArray)
            out.layout = la
            out.storage = storage = la.allocate()
            try:
                err = la.kernels[dense](la.code, la.size, storage.ptr, a.storage.ptr, sign * s)
            except OverflowError:  # an integer that no double holds
                raise DTypeError(f"{operation}: {shown(s)} does not fit {la.dtype}") from None
        else:
            code = promote_scalar(la.code, s)
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
            lo, plan = plans.map_plan(a.layout, code)
            out = new_array(NDArray)
            out.layout = lo
            out.storage = storage = lo.allocate()
            err = lo.kernels[strided](plan, storage.ptr, a.storage.ptr, sign * s)
        if err:
            kernel_failed(operation, err, a)
        return out

    return form


def comparison_form(operation: str) -> NumberForm:
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
        lo, plan = plans.map_plan(a.layout, BOOL)
        out = new_array(NDArray)
        out.layout = lo
        out.storage = storage = lo.allocate()
        try:
            err = lo.kernels[kernel](plan, storage.ptr, a.storage.ptr, s)
        except OverflowError:  # an integer that no double holds
            raise DTypeError(f"{operation}: {shown(s)} does not fit {a.dtype}") from None
        if err:
            kernel_failed(operation, err, a)
        return out

    return form


def refuse_negative(exponent: NDArray | Number) -> None:
    """Raise if an exponent for integers, or one of several, is negative: then the power is no integer."""
    if isinstance(exponent, NDArray):
        exponent = min(exponent).item() if exponent.size else 0
    if exponent < 0:
        raise DTypeError(
            f"power: integers to the power {shown(exponent)} are not integers; convert to a float type"
        )


def _as_array(operation: str, a: NDArray, s: Number, swapped: bool) -> NDArray:
    """Compute with the number as an array of one element."""
    b = full((), s, a.dtype, a.device)
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
COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
COMPARISON_PLANS = dict.fromkeys(COMPARISONS, plans.comparison_plan)
_MIRRORED = {
    "less": "greater",
    "less_equal": "greater_equal",
    "greater": "less",
    "greater_equal": "less_equal",
}

# operation(a, s) ...
NUMBER_FORMS: dict[str, NumberForm] = {
    "add": arithmetic_form("add", "add"),
    "subtract": arithmetic_form("add", "subtract", sign=-1),
    "multiply": arithmetic_form("multiply", "multiply"),
    "divide": arithmetic_form("divide", "divide"),
    "power": arithmetic_form("power", "power"),
    "maximum": arithmetic_form("maximum", "maximum"),
    "minimum": arithmetic_form("minimum", "minimum"),
} | {name: comparison_form(name) for name in COMPARISONS}

# ... and operation(s, a)
SWAPPED_FORMS: dict[str, NumberForm] = NUMBER_FORMS | {
    "subtract": arithmetic_form("rsubtract", "subtract", swapped=True),
    "divide": arithmetic_form("rdivide", "divide", swapped=True),
    "power": arithmetic_form("rpower", "power", swapped=True),
} | {name: NUMBER_FORMS[mirror] for name, mirror in _MIRRORED.items()}  # fmt: skip
