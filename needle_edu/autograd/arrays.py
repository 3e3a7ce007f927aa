"""What autograd needs to know about arrays, in both modes.

`NEEDLE_BACKEND=nd` (the default) computes on needle_edu's own NDArray, `np` on plain NumPy arrays. Both
follow the Python array API, so an op is written once, against the namespace `xp`. The few places where the
two differ are gathered here: which class an array has, how foreign data enters, and how two arrays are
compared quickly.
"""

import numpy as np

from needle_edu.backend import DTypeError, GradientError, IndexOutOfRange, NeedleError, ShapeError
from needle_edu.backend.dtypes import python_ints_as_int64
from needle_edu.backend_selection import BACKEND, NDArray as Array, array_api as xp, default_device
from needle_edu.ndarray.host import as_host

if BACKEND == "np":

    def same_layout(g, x) -> bool:
        """Whether two tensors surely have the same shape and dtype; False: look closer."""
        try:
            a, b = g.cached_data, x.cached_data
            return a.shape == b.shape and a.dtype == b.dtype
        except AttributeError:
            return False

    def claim(array, taken) -> bool:
        """Note the memory of an array as taken; returns whether it was free, and can be written to everywhere."""
        memory = array
        while isinstance(memory.base, np.ndarray):
            memory = memory.base
        free = id(memory) not in taken
        taken.add(id(memory))
        return free and array.flags.writeable and array.flags.forc

    def add_into(total, a) -> bool:
        """Add one array to another in place, if they same_layout; returns whether they do."""
        if total.shape != a.shape or total.dtype != a.dtype:
            return False
        np.add(total, a, out=total)
        return True

else:
    from needle_edu.ndarray.fused import add_into

    def claim(array, taken) -> bool:
        """Note the memory of an array as taken; returns whether it was free, and can be written to everywhere."""
        memory = id(array.storage)
        if memory in taken:
            return False
        taken.add(memory)
        return array.layout.dense

    def same_layout(g, x) -> bool:
        """Whether two tensors surely have the same shape and dtype; False: look closer.

        Layouts are interned, so one comparison of identities covers shape, strides, dtype and device.
        """
        try:
            return g.cached_data.layout is x.cached_data.layout
        except AttributeError:
            return False


_ENTRY = {"int8": "int32", "int16": "int32", "uint8": "int32", "uint16": "int32", "uint32": "int64"}
_KEPT = ("int32", "int64", "bool")


def enter(array, device=None, dtype=None, operation="Tensor"):
    """Copy data of any kind into an array: what ``Tensor(array)`` does. Errors begin with the operation's name.

    Without a dtype, integers and booleans keep their kind, arrays that are already ours keep their dtype, and
    everything else becomes float32. In np mode NumPy's dtype is kept as it is.
    """
    if BACKEND == "np":
        return np.array(_numbers(array, operation), dtype=dtype)
    if isinstance(array, Array):
        return xp.array(array, dtype=dtype or array.dtype, device=device or array.device)
    array = _numbers(array, operation)
    if dtype is None:
        name = array.dtype.name
        if name in _KEPT:
            dtype = name
        elif name in _ENTRY:
            dtype = _ENTRY[name]
        elif array.dtype.kind == "f":
            dtype = "float32"
        else:
            raise DTypeError(
                f"{operation}: no tensors of dtype {name}; convert to float32, int64 or bool first"
            )
    return xp.array(array, dtype=dtype, device=device)


def readable(data) -> np.ndarray:
    """Return a tensor, or data of any kind, as a NumPy array to READ, whatever device it lives on.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> readable(ndl.Tensor([1.0, 2.0])), readable([3, 4])
    (array([1., 2.], dtype=float32), array([3, 4]))
    """
    realize = getattr(data, "realize_cached_data", None)
    return as_host(data if realize is None else realize())


def _numbers(data, operation) -> np.ndarray:
    """Return data of any kind as a NumPy array of numbers, or say why it is none."""
    try:
        array = python_ints_as_int64(readable(data), data)
    except ValueError as error:
        raise ShapeError(
            f"{operation}: rows of different lengths make no array; pad them or cut them"
        ) from error
    if array.dtype.kind in "OSUV":
        if array.dtype == object and all(isinstance(item, int) for item in array.flat):
            bits = max(item.bit_length() for item in array.flat)
            raise DTypeError(f"{operation}: an integer of {bits} bits is too large for int64")
        raise DTypeError(
            f"{operation}: wanted a tensor, a number or an array of numbers; "
            f"got {type(data).__name__} (dtype {array.dtype.name})"
        )
    return array


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
        return data.copy() if BACKEND == "np" else data
    kind = array.dtype.kind
    if BACKEND != "np" and kind == "f" and (type(data) is float or (type(data) is int and abs(data) < 2**63)):
        return xp.full((), data, dtype=array.dtype, device=array.device)  # the usual case, in a hurry
    if kind != "f" and operation in _TO_BOOLS and isinstance(data, (int, float)):
        return _exactly(data, array)
    given = _numbers(data, operation)
    if given.dtype.kind not in _KINDS:
        raise DTypeError(f"{operation}: no tensors of dtype {given.dtype.name}; wanted real numbers")
    if given.ndim == 0:
        fits = _KINDS.find(given.dtype.kind) <= _KINDS.find(array.dtype.kind)
        if operation == "divide" and array.dtype.kind != "f":
            given, fits = given.astype(float), False  # a quotient of integers is a float: any number fits
        if BACKEND == "np":
            return np.asarray(data, dtype=array.dtype if fits else None)
        dtype = array.dtype if fits else "float32" if given.dtype.kind == "f" else "int64"
        return xp.full((), given.item(), dtype=dtype, device=array.device)
    if BACKEND == "np":
        return given.copy()
    floats = given.dtype.kind == array.dtype.kind == "f"
    return enter(given, device=array.device, dtype=array.dtype if floats else None, operation=operation)


def _exactly(number, array):
    """Return a number to compare integers with, in a dtype that does not change it."""
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        number = np.inf if number > 0 else -np.inf  # beyond every integer: which side is all that matters
    dtype = "bool" if isinstance(number, bool) else "int64" if isinstance(number, int) else "float64"
    if BACKEND == "np":
        return np.asarray(number, dtype=dtype)
    return xp.full((), number, dtype=dtype, device=array.device)


__all__ = [
    "Array", "BACKEND", "DTypeError", "GradientError", "IndexOutOfRange", "NeedleError", "ShapeError",
    "default_device", "add_into", "same_layout", "claim", "enter", "like", "readable", "xp",
]  # fmt: skip
