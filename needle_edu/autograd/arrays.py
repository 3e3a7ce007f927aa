"""The arrays that tensors hold, in both modes.

`NEEDLE_BACKEND=nd` (the default) computes on needle_edu's own NDArray, `np` on plain NumPy arrays. Both follow the
Python array API, so an op is written once, against the namespace `xp`. Where the two differ, one of two files speaks:
own_arrays.py or numpy_arrays.py. This one chooses, and says how data becomes an operand.
"""

from typing import Any

import numpy as np

from needle_edu.backend import DTypeError, GradientError, IndexOutOfRange, NeedleError, ShapeError
from needle_edu.backend_selection import BACKEND, array_api, default_device

from . import numpy_arrays, numpy_functions, own_arrays
from .entry import as_numbers, readable

mode: Any = numpy_arrays if BACKEND == "np" else own_arrays
xp: Any = numpy_functions if BACKEND == "np" else array_api
Array: Any = mode.Array
same_layout, claim = mode.same_layout, mode.claim
add_into, sum_onto = mode.add_into, mode.sum_onto
optimizer_steps, held_once = mode.optimizer_steps, mode.held_once
device_of, is_compact, to_numpy, enter = mode.device_of, mode.is_compact, mode.to_numpy, mode.enter
attention: Any = mode.attention
convolution: Any = mode.convolution  # compiled kernels; NumPy has none
normalization: Any = mode.normalization
pooling: Any = mode.pooling
recurrence: Any = mode.recurrence
add_at, getitem, subscript, taps = mode.add_at, mode.getitem, mode.subscript, mode.taps
kept, number_dtype, entry_dtype = mode.kept, mode.number_dtype, mode.entry_dtype

_KINDS = "biuf"  # a later kind holds the numbers of the earlier ones
_TO_BOOLS = (
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
    "logical_and", "logical_or", "logical_xor",
)  # fmt: skip


def like(data, array, operation):
    """Return `data` (a number or any array) as an operand for `array` in an operation.

    A number takes the dtype of the array, unless that would cut it: 2.5 beside integers is a float. An array
    of floats takes the dtype of an array of floats. NumPy's arrays are copied: they do not say when somebody
    writes to them, and a gradient may need the old numbers.
    """
    if isinstance(data, Array):
        return kept(data)
    kind = array.dtype.kind
    if kind == "f" and (type(data) is float or (type(data) is int and abs(data) < 2**63)):
        return xp.full((), data, dtype=array.dtype, device=array.device)  # the usual case, in a hurry
    if kind != "f" and operation in _TO_BOOLS and isinstance(data, (int, float)):
        return _exactly(data, array)
    given = as_numbers(data, operation)
    if given.dtype.kind not in _KINDS:
        raise DTypeError(f"{operation}: no tensors of dtype {given.dtype.name}; wanted real numbers")
    if given.ndim:
        return enter(given, array.device, entry_dtype(given.dtype, array.dtype), operation)
    fits = _KINDS.find(given.dtype.kind) <= _KINDS.find(kind)
    if operation == "divide" and kind != "f":
        given, fits = given.astype(float), False  # a quotient of integers is a float: any number fits
    dtype = array.dtype if fits else number_dtype(given.dtype)
    return xp.full((), given.item(), dtype=dtype, device=array.device)


def _exactly(number, array):
    """Return a number to compare integers with, in a dtype that does not change it."""
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        number = np.inf if number > 0 else -np.inf  # beyond every integer: which side is all that matters
    dtype = "bool" if isinstance(number, bool) else "int64" if isinstance(number, int) else "float64"
    return xp.full((), number, dtype=dtype, device=array.device)


__all__ = [
    "Array", "BACKEND", "DTypeError", "GradientError", "IndexOutOfRange", "NeedleError", "ShapeError",
    "add_at", "add_into", "attention", "claim", "convolution", "default_device", "device_of", "enter", "getitem",
    "held_once", "is_compact", "like", "normalization", "optimizer_steps", "pooling", "readable", "recurrence",
    "same_layout", "subscript", "sum_onto", "taps", "to_numpy", "xp",
]  # fmt: skip
