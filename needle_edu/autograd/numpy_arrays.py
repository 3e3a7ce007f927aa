"""What the engine asks of NumPy's arrays (`NEEDLE_BACKEND=np`); own_arrays.py answers the same for needle_edu's."""

import numpy as np

from needle_edu.backend import default_device, optimizer_steps as formulas
from needle_edu.backend.taps import taps as taps

from .entry import as_numbers

Array = np.ndarray
attention = convolution = normalization = pooling = recurrence = (
    None  # no compiled kernels: needle_edu.ops writes them in arrays
)


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
    """Add one array to another in place, if shape and dtype are the same; returns whether they are."""
    if total.shape != a.shape or total.dtype != a.dtype:
        return False
    np.add(total, a, out=total)
    return True


def sum_onto(g, x) -> None:
    """Nothing: sums over what was broadcast are left to unbroadcast.py."""


def optimizer_steps(steps) -> list:
    """Make the steps of several parameters; return each new parameter and its memories (see ndarray/fused.py)."""
    return [
        (formulas.step(kind, p, g, memories, numbers), memories) for kind, p, g, memories, numbers, _ in steps
    ]


def held_once(tensor) -> bool:
    """Whether nobody but this tensor can see its array: NumPy's arrays do not say."""
    return False


def add_at(out, index, value):
    """Add `value` at ``out[index]`` in place; a place named twice gets both. Return `out`."""
    np.add.at(out, index, value)
    return out


def getitem(array, index):
    """Read elements."""
    return array[index]


def subscript(index):
    """Return the index that ``tensor[index]`` means: NumPy's arrays go by NumPy's rules under every name."""
    return index


def device_of(array):
    """The device of an array: there is only one."""
    return default_device()


def is_compact(array) -> bool:
    """Whether the elements lie in memory one after the other, row by row."""
    return array.flags.c_contiguous


def to_numpy(array) -> np.ndarray:
    """Return a copy as a NumPy array."""
    return array.copy()


def enter(data, device=None, dtype=None, operation="Tensor"):
    """Copy data of any kind into an array: what ``Tensor(data)`` does. NumPy's dtype is kept as it is."""
    return np.array(as_numbers(data, operation), dtype=dtype)


def kept(array):
    """Return an array that a graph may keep: a copy, since NumPy does not say when somebody writes to it."""
    return array.copy()


def number_dtype(dtype):
    """Return the dtype of a number that does not fit the array beside it: its own."""
    return dtype


def entry_dtype(dtype, beside):
    """Return the dtype in which an array enters beside another: its own."""
    return dtype
