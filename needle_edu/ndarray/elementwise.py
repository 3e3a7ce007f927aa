"""How an elementwise operation is made: three factories, and the slow path of every operation.

`unary`, `binary` and `comparison` put the fast path of base.py before a slow one, which sorts out numbers, mixed
types, other array libraries and errors. The operations themselves are listed in functions.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from needle_edu.backend import DTypeError
from needle_edu.backend.dtypes import BOOL, F64

from . import base, plans
from .base import Binary, Unary, convert, describe, named, run, run_unary
from .dtypes import counted, promote
from .examples import example
from .interchange import operand
from .numbers import NUMBER_FORMS, ON_BOOLS, SWAPPED_FORMS, refuse_negative
from .operands import beside, check_together, pair

if TYPE_CHECKING:
    from .array import NDArray

_NUMBERS = (int, float, np.bool_, np.integer, np.floating)
UNSUPPORTED = -1  # what `compute` answers for an element type the function is not defined for


def unary(name: str, formula: str, compute: Callable[[int], int]) -> Unary:
    """Make the function of one array that kernel `name` computes, in the type ``compute(code)``."""

    def slow(a: NDArray) -> NDArray:
        a = operand(name, a)
        code = compute(counted(a.layout.code))
        if code == UNSUPPORTED:
            raise DTypeError(f"{name}: not defined for {a.dtype}; convert the array with astype('int32')")
        a = convert(a, code)
        layout, plan = plans.map_plan(a.layout, code)
        return run_unary(name, layout, plan, a)

    slow.__doc__ = f"Return {formula}, element by element.{example(name)}"
    return base.unary(name, slow)


def binary(
    name: str,
    formula: str,
    plan_of: Callable,
    result_code: Callable[[int, int], int] = promote,
    slow_plan_of: Callable | None = None,
) -> Binary:
    """Make the function of two arrays that kernel `name` computes.

    `plan_of` gives (result layout, plan) for operands of one type, `result_code` the type to compute in. Operands
    that only `slow_plan_of` plans for take the slow path.
    """
    slow = _slow(name, slow_plan_of or plan_of, result_code)
    slow.__doc__ = f"Return {formula}, element by element, broadcasting the operands.{example(name)}"
    return base.binary(name, plan_of, slow, NUMBER_FORMS.get(name))


def comparison(
    name: str,
    formula: str,
    plan_of: Callable = plans.comparison_plan,
    result_code: Callable[[int, int], int] = promote,
) -> Binary:
    """Make a function of two arrays with a bool result."""
    slow = _slow(name, plan_of, result_code)
    slow.__doc__ = f"Return {formula}, element by element, as bools.{example(name)}"
    return base.planned(name, plan_of, slow, NUMBER_FORMS.get(name))


def reflected(op: Binary) -> Binary:
    """Make the operator's reflected form: ``b.__radd__(a)`` is ``add(a, b)``."""
    name = op.__name__

    def swapped(b: Any, a: Any) -> NDArray:
        return op(a, b)

    return named(swapped, f"r{name}", f"Return {name}(a, self): the operator with self on the right.")


def _slow(name: str, plan_of: Callable, result_code: Callable[[int, int], int]) -> Binary:
    return partial(_slow_binary, name, plan_of, result_code)


def _slow_binary(name: str, plan_of: Callable, result_code: Callable, a: Any, b: Any) -> Any:
    """Sort out numbers, foreign arrays and mixed types; say clearly what does not fit."""
    if isinstance(a, base.NDArray) and isinstance(b, _NUMBERS) and name in NUMBER_FORMS:
        return NUMBER_FORMS[name](a, b if isinstance(b, (int, float)) else b.item())
    if isinstance(b, base.NDArray) and isinstance(a, _NUMBERS) and name in SWAPPED_FORMS:
        return SWAPPED_FORMS[name](b, a if isinstance(a, (int, float)) else a.item())
    if plan_of is plans.logical_plan:  # asks for truth, not for a type that both have
        pass
    elif isinstance(a, base.NDArray) and isinstance(b, _NUMBERS):  # a number is weak
        b = beside(name, b if isinstance(b, (int, float)) else b.item(), a, None)
    elif isinstance(b, base.NDArray) and isinstance(a, _NUMBERS):
        a = beside(name, a if isinstance(a, (int, float)) else a.item(), b, None)
    operands = pair(name, a, b)
    if operands is None:
        if not isinstance(a, base.NDArray) and not isinstance(b, base.NDArray):  # no operator's call, then
            kind = type(a if hasattr(a, "__array_ufunc__") else b).__name__
            raise DTypeError(f"{name}: wanted an NDArray, got {kind}; for a Tensor use ops.{name}")
        return NotImplemented
    check_together(name, *operands)
    code = result_code(*[operand.layout.code for operand in operands])
    kernel = name
    if plan_of is plans.arithmetic_plan:
        code = counted(code)
    if code == BOOL and plan_of is plans.arithmetic_plan:
        if name not in ON_BOOLS:
            raise DTypeError(f"{name}: not defined for two bool arrays; convert one with astype('int32')")
        kernel, plan_of = ON_BOOLS[name], plans.logical_plan
    a, b = [convert(operand, code) for operand in operands]
    if name == "power" and code > F64:
        refuse_negative(b)
    layout, plan = plan_of(a.layout, b.layout)
    if plan is None:
        raise DTypeError(f"{name}: not defined for {describe(a, b)}")
    return run(kernel, layout, plan, a, b)
