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

if BACKEND == "np":

    def agree(g, x) -> bool:
        """Whether two tensors surely have the same shape and dtype; False: look closer."""
        try:
            a, b = g.cached_data, x.cached_data
            return a.shape == b.shape and a.dtype == b.dtype
        except AttributeError:
            return False

    def add_into(total, a) -> bool:
        """Add one array to another in place, if they agree; returns whether they do."""
        if total.shape != a.shape or total.dtype != a.dtype:
            return False
        np.add(total, a, out=total)
        return True

else:
    from needle_edu.ndarray.fused import add_into

    def agree(g, x) -> bool:
        """Whether two tensors surely have the same shape and dtype; False: look closer.

        Layouts are interned, so one comparison of identities covers shape, strides, dtype and device.
        """
        try:
            return g.cached_data.layout is x.cached_data.layout
        except AttributeError:
            return False


_ENTRY = {"int8": "int32", "int16": "int32", "uint8": "int32", "uint16": "int32", "uint32": "int64"}
_KEPT = ("int32", "int64", "bool")


def enter(array, device=None, dtype=None):
    """Copy data of any kind into an array: what ``Tensor(array)`` does.

    Without a dtype, integers and booleans keep their kind, arrays that are already ours keep their dtype, and
    everything else becomes float32. In np mode NumPy's dtype is kept as it is.
    """
    if BACKEND == "np":
        return np.array(array, dtype=dtype)
    if isinstance(array, Array):
        return xp.array(array, dtype=dtype or array.dtype, device=device or array.device)
    if dtype is None:
        array = _numbers(array)
        name = array.dtype.name
        if name in _KEPT:
            dtype = name
        elif name in _ENTRY:
            dtype = _ENTRY[name]
        elif array.dtype.kind == "f":
            dtype = "float32"
        else:
            raise DTypeError(f"Tensor: no tensors of dtype {name}; convert to float32, int64 or bool first")
    return xp.array(array, dtype=dtype, device=device)


def _numbers(data) -> np.ndarray:
    """Return data of any kind as a NumPy array of numbers, or say why it is none."""
    try:
        array = python_ints_as_int64(np.asarray(data), data)
    except ValueError as error:
        raise ShapeError("Tensor: rows of different lengths make no array; pad them or cut them") from error
    if array.dtype.kind in "OSUV":
        raise DTypeError(
            "wanted a tensor, a number or an array of numbers; "
            f"got {type(data).__name__} (dtype {array.dtype.name})"
        )
    return array


_KINDS = "biuf"  # a later kind holds the numbers of the earlier ones


def like(data, array):
    """Return `data` (a number or any array) as an operand for `array`.

    A number takes the dtype of the array, unless that would cut it: 2.5 meets integers as a float. An array
    of floats takes the dtype of an array of floats.
    """
    if isinstance(data, Array):
        return data
    given = _numbers(data)
    if given.ndim == 0:
        fits = _KINDS.find(given.dtype.kind) <= _KINDS.find(array.dtype.kind)
        if BACKEND == "np":
            return np.asarray(data, dtype=array.dtype if fits else None)
        dtype = array.dtype if fits else "float32" if given.dtype.kind == "f" else "int64"
        return xp.full((), given.item(), dtype=dtype, device=array.device)
    if BACKEND == "np":
        return given
    floats = given.dtype.kind == array.dtype.kind == "f"
    return enter(given, device=array.device, dtype=array.dtype if floats else None)


__all__ = [
    "Array", "BACKEND", "DTypeError", "GradientError", "IndexOutOfRange", "NeedleError", "ShapeError",
    "default_device", "add_into", "agree", "enter", "like", "xp",
]  # fmt: skip
