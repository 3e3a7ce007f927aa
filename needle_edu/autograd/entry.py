"""Data of any kind as numbers: the first look at what becomes a tensor."""

import numpy as np

from needle_edu.backend import DTypeError, ShapeError
from needle_edu.backend.dtypes import python_ints_as_int64
from needle_edu.ndarray.host import as_host


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


def as_numbers(data, operation) -> np.ndarray:
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
