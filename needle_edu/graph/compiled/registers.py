"""Chains of elementwise kernels as one loop, in which what lies between two functions is a register.

A loop over blocks (fusion.py) still writes every intermediate result to the first cache and reads it again. Where all
functions of a chain can be vectorised, the compiler gets one loop with all of them: csrc/cpu/isa/functions.h has the
expressions of the library's own kernels, so the numbers are the same to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from needle_edu.backend.dtypes import F32, F64

from .fusion import Fused
from .lowering import Buffer, Call, buffers

TYPES = ("float", "double", "int32_t", "int64_t", "uint8_t")  # of enum nd_dtype
SUFFIXES = ("f32", "f64", "i32", "i64", "b8")

# Functions without branches and calls, for whatever types their kernels take; and those for floats of one width only.
VECTORISED = frozenset([
    "negative", "abs", "sign", "square", "sqrt", "reciprocal", "relu", "floor", "ceil", "trunc", "round", "logical_not",
    "exp", "log", "sigmoid", "add", "subtract", "multiply", "divide", "maximum", "minimum", "logical_and", "logical_or",
    "logical_xor", "relu_backward", "tanh_backward", "sigmoid_backward", "prelu", "add_scalar", "multiply_scalar",
    "rsubtract_scalar", "divide_scalar", "rdivide_scalar", "maximum_scalar", "minimum_scalar", "equal", "not_equal",
    "less", "less_equal", "greater", "greater_equal", "equal_scalar", "not_equal_scalar", "less_scalar",
    "less_equal_scalar", "greater_scalar", "greater_equal_scalar", "fill",
])  # fmt: skip
OF_FLOAT32 = frozenset(["tanh", "erf", "gelu", "softplus", "silu", "gelu_backward", "silu_backward"])
# Functions whose last step multiplies floats: the product is rounded before anybody adds to it.
PRODUCTS = frozenset(
    ["multiply", "multiply_scalar", "square", "power_square", "exp", "prelu", "sigmoid_backward"]
)
# Functions of several steps, where the compiler makes one instruction of a product and a sum. It does so only if nobody
# else needs the product, so what they are given is hidden from the functions around, if others could need that.
COMPOSITE = OF_FLOAT32 | {"exp", "log", "sigmoid", "tanh_backward"}
END_IN_NO_PRODUCT = frozenset(["tanh", "sigmoid"])
POWERS = {2.0: "square", -1.0: "reciprocal", 0.5: "sqrt"}  # as power_scalar computes them


def function(call: Call) -> str | None:
    """Return the name of a call's function without its type; None if it is not one that can be vectorised.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.graph.compiled.lowering import lower
    >>> calls = lower(ndl.graph.capture(lambda x: (x ** 2).tanh().sin(), ndl.Tensor([0.0]))).calls
    >>> [function(call) for call in calls]
    ['square', 'tanh', None]
    """
    name, code = call.kernel.removesuffix("_dense"), call.arguments[0]
    if name == "power_scalar" and code <= F64:
        return POWERS.get(float(call.arguments[-1]))
    if name in OF_FLOAT32:
        return name if code == F32 else None
    return name if name in VECTORISED else None


def in_registers(step: Fused) -> bool:
    """Whether one loop may compute all of a step."""
    return all(function(call) is not None for call in step.calls)


def expressions(step: Fused) -> Callable[[Call, list[str], int], str]:
    """Return what writes each call of a chain as C: a function of the call, its operands, and its place."""
    alone = sum(str(function(call)) in COMPOSITE for call in step.calls) == 1
    readers: dict[
        Any, list[Call]
    ] = {}  # of each value: a buffer from outside, or the place of the call that made it
    given: list[Any] = []  # the value of each call's last operand
    made: dict[Buffer, int] = {}  # which value a buffer holds now
    for place, call in enumerate(step.calls):
        values: list[Any] = [made.get(one, one) for one in buffers(call.arguments[3:])]
        for value in values:
            readers.setdefault(value, []).append(call)
        given.append(values[-1] if values else None)
        made[call.arguments[2]] = place

    def text(call: Call, operands: list[str], place: int) -> str:
        shared = not alone or len(readers.get(given[place], ())) > 1
        rounds = place in readers and not (_is_exact(call) and all(map(_adds_little, readers[place])))
        return expression(call, operands, f"z{place}", shared, rounds)

    return text


def _is_exact(call: Call) -> bool:
    """Whether a product is exact, as long as it does not overflow: that by 1, 2, 4, ..."""
    return call.kernel == "multiply_scalar_dense" and _is_power_of_two(abs(call.arguments[-1]))


def _is_power_of_two(number: float) -> bool:
    return number >= 1 and math.frexp(number)[0] == 0.5


def _adds_little(call: Call) -> bool:
    """Whether a call adds a number by which what has overflowed cannot come back."""
    return function(call) in ("add_scalar", "rsubtract_scalar") and abs(call.arguments[-1]) < 1e30


def expression(call: Call, operands: list[str], zero: str, shared: bool = True, rounds: bool = True) -> str:
    """Return a function of csrc/cpu/isa/functions.h of these operands; filling with a number is a conversion.

    Parameters
    ----------
    zero : str
        A variable of this call alone that holds a 0 of which the compiler does not know.
    shared : bool
        Whether other functions of the loop may need what this one computes of its operands.
    rounds : bool
        Whether a function of the loop is given the result, and could tell if a product was not rounded.
    """
    if call.kernel == "fill_dense":
        return f"({TYPES[call.arguments[2].dtype]})({operands[0]})"
    name, type_ = str(function(call)), SUFFIXES[call.arguments[0]]
    if call.kernel == "power_scalar_dense":
        name = f"power_{name}"
    if name in COMPOSITE and shared:
        # Of the last operand: the first of a slope is the adjoint, which only multiplies.
        operands = [*operands[:-1], f"rounded_{type_}({operands[-1]}, {zero})"]
    given = f"{name}_{type_}({', '.join(operands)})"
    ends_in_product = name in PRODUCTS or name in COMPOSITE - END_IN_NO_PRODUCT
    return (
        f"rounded_{type_}({given}, {zero})"
        if ends_in_product and rounds and call.arguments[0] <= F64
        else given
    )
