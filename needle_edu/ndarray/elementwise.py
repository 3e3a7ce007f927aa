"""How an elementwise operation is made: three factories, and the road for everything unusual.

`unary`, `binary` and `comparison` share one pattern. The fast road serves operands that are ready for a kernel:
equal compact layouts of a float type go through the dense kernel, everything else of one type through a plan. All
that needs thought (numbers, mixed types, other array libraries, errors) takes the slow road, `_slow_binary`. Kernels
are looked up at each call, so an override takes effect at once. The operations themselves are listed in functions.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from needle_edu.backend import DeviceError, DTypeError, ShapeError
from needle_edu.backend.dtypes import BOOL, F64
from needle_edu.backend.naming import give_name

from . import interchange, plans
from .array import NDArray, convert, describe, kernel_failed, new_array, run
from .dtypes import promote
from .examples import example
from .numbers import COMPARISONS, NUMBER_FORMS, ON_BOOLS, SWAPPED_FORMS, Number, refuse_negative

_NUMBERS = (int, float, np.bool_, np.integer, np.floating)
UNSUPPORTED = -1  # what `compute` answers for an element type the function is not defined for


def unary(name: str, formula: str, compute: Callable[[int], int]) -> Callable[[NDArray], NDArray]:
    """Make the function of one array that kernel `name` computes, in the type ``compute(code)``."""
    dense = name + "_dense"

    def op(a: NDArray) -> NDArray:
        if type(a) is not NDArray:
            a = interchange.operand(a, name)
        la = a.layout
        if la.dense_float:
            out = new_array(NDArray)
            out.layout = la
            out.storage = storage = la.allocate()
            err = la.kernels[dense](la.code, la.size, storage.ptr, a.storage.ptr)
        else:
            code = compute(la.code)
            if code == UNSUPPORTED:
                raise DTypeError(
                    f"{name}: not defined for {la.dtype}; convert the array with astype('int32')"
                )
            a = convert(a, code)
            lo, plan = plans.map_plan(a.layout, code)
            out = new_array(NDArray)
            out.layout = lo
            out.storage = storage = lo.allocate()
            err = lo.kernels[name](plan, storage.ptr, a.storage.ptr)
        if err:
            kernel_failed(name, err, a)
        return out

    return _named(op, name, f"Return {formula}, element by element.")


def binary(
    name: str,
    formula: str,
    plan_of: Callable,
    result_code: Callable[[int, int], int] = promote,
    slow_plan_of: Callable | None = None,
) -> Callable[[NDArray, NDArray | Number], NDArray]:
    """Make the function of two arrays that kernel `name` computes.

    `plan_of` gives (result layout, plan) for operands of one type; `result_code` gives the code of the type to compute in. Operands
    that only `slow_plan_of` plans for take the slow road.
    """
    slow_plan_of = slow_plan_of or plan_of
    dense = name + "_dense"
    with_number = NUMBER_FORMS.get(name)

    def op(a: NDArray, b: NDArray | Number) -> NDArray:
        if type(b) is not NDArray or type(a) is not NDArray:
            if (type(b) is float or type(b) is int) and type(a) is NDArray and with_number is not None:
                return with_number(a, b)
            return _slow_binary(name, slow_plan_of, result_code, a, b)
        la = a.layout
        lb = b.layout
        if la is lb and la.dense_float:
            out = new_array(NDArray)
            out.layout = la
            out.storage = storage = la.allocate()
            err = la.kernels[dense](la.code, la.size, storage.ptr, a.storage.ptr, b.storage.ptr)
        else:
            lo, plan = plan_of(la, lb)
            if plan is None:
                return _slow_binary(name, slow_plan_of, result_code, a, b)
            out = new_array(NDArray)
            out.layout = lo
            out.storage = storage = lo.allocate()
            err = lo.kernels[name](plan, storage.ptr, a.storage.ptr, b.storage.ptr)
        if err:
            kernel_failed(name, err, a, b)
        return out

    return _named(op, name, f"Return {formula}, element by element, broadcasting the operands.")


def comparison(
    name: str,
    formula: str,
    plan_of: Callable = plans.comparison_plan,
    result_code: Callable[[int, int], int] = promote,
) -> Callable[[NDArray, NDArray | Number], NDArray]:
    """Make a function of two arrays with a bool result."""
    with_number = NUMBER_FORMS.get(name)

    def op(a: NDArray, b: NDArray | Number) -> NDArray:
        if type(b) is not NDArray or type(a) is not NDArray:
            if (type(b) is float or type(b) is int) and type(a) is NDArray and with_number is not None:
                return with_number(a, b)
            return _slow_binary(name, plan_of, result_code, a, b)
        layout, plan = plan_of(a.layout, b.layout)
        return (
            _slow_binary(name, plan_of, result_code, a, b) if plan is None else run(name, layout, plan, a, b)
        )

    return _named(op, name, f"Return {formula}, element by element, as bools.")


def reflected(op: Callable) -> Callable:
    """Make the operator's reflected form: ``b.__radd__(a)`` is ``add(a, b)``."""

    def swapped(b: NDArray, a: Any) -> NDArray:
        return op(a, b)

    return _named(
        swapped, f"r{op.__name__}", f"Return {op.__name__}(a, self): the operator with self on the right."
    )


def _named(op: Callable, name: str, doc: str) -> Callable:
    give_name(op, name)
    op.__doc__ = doc + example(name)
    return op


def _slow_binary(name: str, plan_of: Callable, result_code: Callable, a: Any, b: Any) -> NDArray:
    """Sort out numbers, foreign arrays and mixed types; say clearly what does not fit."""
    if isinstance(a, NDArray) and isinstance(b, _NUMBERS) and name in NUMBER_FORMS:
        return NUMBER_FORMS[name](a, b if isinstance(b, (int, float)) else b.item())
    if isinstance(b, NDArray) and isinstance(a, _NUMBERS) and name in SWAPPED_FORMS:
        return SWAPPED_FORMS[name](b, a if isinstance(a, (int, float)) else a.item())
    a, b = operand(name, a, b), operand(name, b, a)
    if a is NotImplemented or b is NotImplemented:
        return NotImplemented
    check_together(name, a, b)
    code = result_code(a.layout.code, b.layout.code)
    kernel = name
    if code == BOOL and plan_of is plans.arithmetic_plan:
        if name not in ON_BOOLS:
            raise DTypeError(f"{name}: not defined for two bool arrays; convert one with astype('int32')")
        kernel, plan_of = ON_BOOLS[name], plans.logical_plan
    a, b = convert(a, code), convert(b, code)
    if name == "power" and code > F64:
        refuse_negative(b)
    layout, plan = plan_of(a.layout, b.layout)
    if plan is None:
        raise DTypeError(f"{name}: not defined for {describe(a, b)}")
    return run(kernel, layout, plan, a, b)


def operand(name: str, x: Any, other: Any) -> Any:
    """Return an operand as an NDArray; NotImplemented where Python should ask the other operand's class."""
    if isinstance(x, NDArray):
        return x
    if isinstance(x, (np.ndarray, list, tuple, np.generic, int, float)):
        return interchange.asarray(x, device=other.device if isinstance(other, NDArray) else None)
    if name in COMPARISONS or getattr(type(x), "__array_ufunc__", name) is None:
        return NotImplemented
    raise DTypeError(f"{name}: cannot combine an NDArray with {type(x).__name__}")


def check_together(name: str, *operands: NDArray) -> None:
    """Raise unless the operands live on one device and their shapes broadcast."""
    devices = {operand.layout.device for operand in operands}
    if len(devices) > 1:
        places = " and ".join(str(operand.layout.device) for operand in operands)
        raise DeviceError(f"{name}: operands live on {places}; move one with .to(device)")
    shapes = [operand.layout.shape for operand in operands]
    if plans.broadcast_shape(*shapes) is None:
        raise ShapeError(
            f"{name}: shapes {' and '.join(map(str, shapes))} do not broadcast; aligned at the right, "
            "extents must be equal or 1"
        )
