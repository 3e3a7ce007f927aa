"""The plan of the NumPy reference, and how an operand is seen through it.

A kernel does not get arrays. It gets the bare memory of each operand and one plan that says which element
each point of an iteration space touches (see csrc/include/needle_kernels.h). In C that is a struct and a
loop; here `operand` builds the strided NumPy array that touches the same elements. NumPy checks that the
array stays inside the memory it is given, so a wrong plan is an error here where in C it would be a stray
read.
"""

import math
import threading
from collections.abc import Callable, Sequence

import numpy as np

from ..dtypes import DTYPES

FLOATS = (0, 1)
NUMBERS = (0, 1, 2, 3)
ANY = (0, 1, 2, 3, 4)

KERNELS: dict[str, Callable[..., int]] = {}
"""Every kernel of the reference by the name the header gives it, without ``nd_``."""

last_error = threading.local()


class Plan:
    """What `nd_plan` is in C: an iteration space, and each operand's type, offset and strides in elements."""

    __slots__ = ("ndim", "dtypes", "size", "shape", "offsets", "strides")

    def __init__(
        self,
        ndim: int,
        dtypes: Sequence[int],
        shape: Sequence[int],
        offsets: Sequence[int],
        strides: Sequence[Sequence[int]],
    ):
        self.ndim = ndim
        self.dtypes = tuple(dtypes)
        self.size = math.prod(shape)
        self.shape = tuple(shape)
        self.offsets = tuple(offsets)
        self.strides = tuple(tuple(row) for row in strides)


def operand(plan: Plan, k: int, memory: np.ndarray, keep: Sequence[int] | None = None) -> np.ndarray:
    """Return operand `k` of a plan as a strided array over `memory`; `keep` selects dimensions."""
    dtype = DTYPES[plan.dtypes[k]]
    dims = range(plan.ndim) if keep is None else keep
    shape = tuple(plan.shape[d] for d in dims)
    if 0 in shape:
        return np.empty(shape, dtype)
    strides = tuple(plan.strides[k][d] * dtype.itemsize for d in dims)
    return np.ndarray(shape, dtype, memory, plan.offsets[k] * dtype.itemsize, strides)


def kernel(function: Callable[..., int]) -> Callable[..., int]:
    """Register a kernel under the function's name; floating-point warnings are NumPy's habit, not C's."""

    def quiet(*args: object) -> int:
        with np.errstate(all="ignore"):
            return function(*args)

    quiet.__name__ = name = function.__name__.rstrip("_")
    quiet.__doc__ = function.__doc__
    KERNELS[name] = quiet
    return quiet


def named(name: str, function: Callable[..., int]) -> None:
    """Register a kernel that was made by another function, under `name`."""
    function.__name__ = name
    kernel(function)
