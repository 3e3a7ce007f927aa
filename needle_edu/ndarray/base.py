"""How a kernel is run: memory for the result, a plan or a size, the call, its return code.

An operation on arrays has a fast path and a slow one. The fast one, made by `unary`, `binary`, … below, serves
operands that are ready for a kernel, in as few steps as Python allows: a model of a few layers spends its time here
rather than in kernels. So the steps of `run` are written out there, once for each number of operands. Whatever needs
thought is handed to `slow`, a function of the same operands. Kernels are looked up at each call: an override takes
effect at once.

The class `NDArray` has operators and methods that are such functions, so no file of functions can import it. They all
import this file, where array.py enters its class when it has made it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from needle_edu.backend import DTypeError, Storage, accelerator, raise_kernel_error
from needle_edu.backend.naming import give_name

from .dtypes import shown
from .layout import Layout
from .plans import Plan, copy_plan, map_plan

if TYPE_CHECKING:
    from .array import NDArray as NDArray
else:
    NDArray: Any = None  # others read `base.NDArray` at each call; by then array.py has entered its class

Unary = Callable[["NDArray"], "NDArray"]
Binary = Callable[["NDArray", Any], "NDArray"]

# new_array(NDArray) takes 40 ns less than a constructor written in Python.
new_array: Callable[[type[NDArray]], NDArray] = object.__new__

# The same steps in C (csrc/python/launch.c), which return None where a case is not the usual one.
in_c_unary: Callable = accelerator.nothing
in_c_binary: Callable = accelerator.nothing
in_c_scalar: Callable = accelerator.nothing
in_c_filled: Callable = accelerator.nothing
in_c_run_unary: Callable = accelerator.nothing


def set_array_class(cls: type[NDArray]) -> None:
    """Let everything that is computed from now on be a `cls`."""
    globals()["NDArray"] = cls
    accelerator.connect(_accelerate)


def _accelerate(module: Any) -> None:
    global in_c_unary, in_c_binary, in_c_scalar, in_c_filled, in_c_run_unary
    in_c_unary = in_c_binary = in_c_scalar = in_c_filled = in_c_run_unary = accelerator.nothing
    if module is not None:
        module.arrays(NDArray, Layout, Storage, kernel_failed)
        in_c_unary, in_c_binary, in_c_scalar = module.unary, module.binary, module.scalar
        in_c_filled, in_c_run_unary = module.filled, module.run_unary


def allocate(layout: Layout) -> NDArray:
    """Return an uninitialised array of this layout, which must be dense."""
    out = new_array(NDArray)
    out.layout = layout
    out.storage = layout.allocate()
    return out


def run(name: str, layout: Layout, plan: Plan, *operands: NDArray) -> NDArray:
    """Return what kernel `name` makes of the operands, in a new array of this dense layout."""
    out = allocate(layout)
    err = layout.kernels[name](plan, out.storage.ptr, *[operand.storage.ptr for operand in operands])
    if err:
        kernel_failed(name, err, *operands)
    return out


def run_unary(name: str, layout: Layout, plan: Plan, a: NDArray) -> NDArray:
    """`run` for one operand, which is quicker."""
    if (out := in_c_run_unary(name, layout, plan, a)) is not None:
        return out
    out = new_array(NDArray)
    out.layout = layout
    out.storage = storage = layout.allocate()
    err = layout.kernels[name](plan, storage.ptr, a.storage.ptr)
    if err:
        kernel_failed(name, err, a)
    return out


def run_scalar(name: str, layout: Layout, plan: Plan, a: NDArray, s: float, operation: str) -> NDArray:
    """Return what kernel `name` makes of an array and a number, in a new array of this dense layout."""
    out = new_array(NDArray)
    out.layout = layout
    out.storage = storage = layout.allocate()
    try:
        err = layout.kernels[name](plan, storage.ptr, a.storage.ptr, s)
    except OverflowError:  # an integer that no double holds
        raise DTypeError(f"{operation}: {shown(s)} does not fit {a.layout.dtype}") from None
    if err:
        kernel_failed(operation, err, a)
    return out


def write_into(name: str, operation: str, arrays: Sequence[NDArray], *arguments: Any) -> None:
    """Call kernel `name`, which writes into memory that is there already; `arrays` are what an error describes."""
    err = arrays[0].layout.kernels[name](*arguments)
    if err:
        kernel_failed(operation, err, *arrays)


def convert(a: NDArray, code: int) -> NDArray:
    """Return `a` in the element type with this code: itself if it has it, else a copy with its order of axes."""
    return a if a.layout.code == code else run_unary("copy", *map_plan(a.layout, code), a)


def cast(a: NDArray, layout: Layout) -> NDArray:
    """Return the elements of `a`, converted and broadcast, as a new array of this dense layout."""
    return run_unary("copy", layout, copy_plan(layout, a.layout), a)


def describe(*arrays: NDArray) -> str:
    """Return what an error message says about operands: ``float32 (3, 4) and int64 (4,)``."""
    return " and ".join(f"{a.layout.dtype.name} {a.layout.shape}" for a in arrays)


def kernel_failed(operation: str, err: int, *arrays: NDArray) -> NoReturn:
    """Raise the error that a kernel's return code stands for."""
    raise_kernel_error(err, operation, describe(*arrays), index=arrays[0].layout.device.error_detail())
    raise AssertionError("raise_kernel_error returned")


def named(function: Any, name: str, doc: str | None) -> Any:
    """Give a function that a factory made its name and docstring."""
    give_name(function, name)
    function.__doc__ = doc
    return function


# ---- the fast paths ---------------------------------------------------------------------------------------------


def unary(name: str, slow: Unary) -> Unary:
    """Make the function of one array that kernel `name` computes, for dense arrays of a float type."""
    dense = name + "_dense"

    def op(a: NDArray) -> NDArray:
        if (out := in_c_unary(a, name, dense)) is not None:
            return out
        if type(a) is not NDArray or not a.layout.dense_float:
            return slow(a)
        out = new_array(NDArray)
        out.layout = layout = a.layout
        out.storage = storage = layout.allocate()
        err = layout.kernels[dense](layout.code, layout.size, storage.ptr, a.storage.ptr)
        if err:
            kernel_failed(name, err, a)
        return out

    return named(op, name, slow.__doc__)


def binary(name: str, plan_of: Callable, slow: Binary, with_number: Binary | None = None) -> Binary:
    """Make the function of two arrays that kernel `name` computes.

    Operands of one dense layout and a float type need no plan. `plan_of` gives (result layout, plan) for other
    operands of one type and device. Where there is a form `with_number`, numbers go there at once.
    """
    dense = name + "_dense"

    def op(a: NDArray, b: Any) -> NDArray:
        if (out := in_c_binary(a, b, name, dense, plan_of)) is not None:
            return out
        if type(b) is not NDArray or type(a) is not NDArray:
            if (type(b) is float or type(b) is int) and type(a) is NDArray and with_number is not None:
                return with_number(a, b)
            return slow(a, b)
        layout = a.layout
        if layout is b.layout and layout.dense_float:
            out = new_array(NDArray)
            out.layout = layout
            out.storage = storage = layout.allocate()
            err = layout.kernels[dense](layout.code, layout.size, storage.ptr, a.storage.ptr, b.storage.ptr)
        else:
            layout, plan = plan_of(layout, b.layout)
            if plan is None:
                return slow(a, b)
            out = new_array(NDArray)
            out.layout = layout
            out.storage = storage = layout.allocate()
            err = layout.kernels[name](plan, storage.ptr, a.storage.ptr, b.storage.ptr)
        if err:
            kernel_failed(name, err, a, b)
        return out

    return named(op, name, slow.__doc__)


def planned(name: str, plan_of: Callable, slow: Binary, with_number: Binary | None = None) -> Binary:
    """`binary` for a kernel that always takes a plan: comparisons, the matrix product."""

    def op(a: NDArray, b: Any) -> NDArray:
        if (out := in_c_binary(a, b, name, None, plan_of)) is not None:
            return out
        if type(b) is not NDArray or type(a) is not NDArray:
            if (type(b) is float or type(b) is int) and type(a) is NDArray and with_number is not None:
                return with_number(a, b)
            return slow(a, b)
        layout, plan = plan_of(a.layout, b.layout)
        if plan is None:
            return slow(a, b)
        out = new_array(NDArray)
        out.layout = layout
        out.storage = storage = layout.allocate()
        err = layout.kernels[name](plan, storage.ptr, a.storage.ptr, b.storage.ptr)
        if err:
            kernel_failed(name, err, a, b)
        return out

    return named(op, name, slow.__doc__)


def scalar_form(name: str, operation: str, sign: int, slow: Binary) -> Binary:
    """Make ``operation(a, sign * s)`` for a number s out of kernel `name`, for dense arrays of a float type."""
    dense = name + "_dense"

    def op(a: NDArray, s: Any) -> NDArray:
        if (out := in_c_scalar(a, sign * s, operation, dense)) is not None:
            return out
        layout = a.layout
        if not layout.dense_float:
            return slow(a, s)
        out = new_array(NDArray)
        out.layout = layout
        out.storage = storage = layout.allocate()
        try:
            err = layout.kernels[dense](layout.code, layout.size, storage.ptr, a.storage.ptr, sign * s)
        except OverflowError:  # an integer that no double holds
            raise DTypeError(f"{operation}: {shown(s)} does not fit {layout.dtype}") from None
        if err:
            kernel_failed(operation, err, a)
        return out

    return op
