"""What the engine asks of needle_edu's own arrays, the default; numpy_arrays.py answers the same for NumPy's."""

import numpy as np

from needle_edu import ndarray
from needle_edu.backend import DTypeError
from needle_edu.backend.compatibility import subscript as subscript
from needle_edu.ndarray import (
    attention as attention,
    convolution as convolution,
    normalization as normalization,
    pooling as pooling,
    recurrence as recurrence,
)
from needle_edu.ndarray.fused import add_into as add_into, optimizer_steps as optimizer_steps
from needle_edu.ndarray.indexing import add_at as add_at, getitem as getitem
from needle_edu.ndarray.ownership import held_once as held_once
from needle_edu.ndarray.reductions import sum_onto as sum_onto
from needle_edu.ndarray.resampling import taps as taps

from .entry import as_numbers

Array = ndarray.NDArray


def same_layout(g, x) -> bool:
    """Whether two tensors surely have the same shape and dtype; False: look closer.

    Layouts are interned, so one comparison of identities covers shape, strides, dtype and device.
    """
    try:
        return g.cached_data.layout is x.cached_data.layout
    except AttributeError:
        return False


def claim(array, taken) -> bool:
    """Note the memory of an array as taken; returns whether it was free, and can be written to everywhere."""
    memory = id(array.storage)
    if memory in taken:
        return False
    taken.add(memory)
    return array.layout.dense


def device_of(array):
    """The device of an array."""
    return array.device


def is_compact(array) -> bool:
    """Whether the elements lie in memory one after the other, row by row."""
    return array.is_compact()


def to_numpy(array) -> np.ndarray:
    """Return a copy as a NumPy array."""
    return array.numpy()


_ENTRY = {"int8": "int32", "int16": "int32", "uint8": "int32", "uint16": "int32", "uint32": "int64"}
_KEPT = ("int32", "int64", "bool")


def enter(data, device=None, dtype=None, operation="Tensor"):
    """Copy data of any kind into an array: what ``Tensor(data)`` does. Errors begin with the operation's name.

    Without a dtype, integers and booleans keep their kind, arrays that are already ours keep their dtype, and
    everything else becomes float32.
    """
    if isinstance(data, Array):
        return ndarray.array(data, dtype or data.dtype, device or data.device)
    numbers = as_numbers(data, operation)
    if dtype is None:
        name = numbers.dtype.name
        if name in _KEPT:
            dtype = name
        elif name in _ENTRY:
            dtype = _ENTRY[name]
        elif numbers.dtype.kind == "f":
            dtype = "float32"
        else:
            raise DTypeError(
                f"{operation}: no tensors of dtype {name}; convert to float32, int64 or bool first"
            )
    return ndarray.array(numbers, dtype=dtype, device=device)


def kept(array):
    """Return an array that a graph may keep: itself, since it counts the writes to its storage."""
    return array


def number_dtype(dtype):
    """Return the dtype of a number that does not fit the array beside it."""
    return "float32" if dtype.kind == "f" else "int64"


def entry_dtype(dtype, beside):
    """Return the dtype in which an array enters beside another: floats take that of floats; None is `enter`'s."""
    return beside if dtype.kind == beside.kind == "f" else None
