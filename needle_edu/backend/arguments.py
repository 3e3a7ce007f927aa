"""Looking at arguments that should be numbers: one clear error each, from whoever takes sizes, rates and shares.

A size of 2.5 or a rate of "0.1" is a slip of the pen. Found where it was made, it costs a second; found three calls
later, as an error of something else or as a model that does not learn, an afternoon.
"""

import math
import numbers
import operator
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .errors import DTypeError, ShapeError

LARGEST = 2**63 - 1  # sizes and offsets travel to the kernels in 64 bits


def integer(
    who: str, what: str, value: Any, low: float = -math.inf, error: type[Exception] = ShapeError
) -> int:
    """Return a size, axis, offset or count as a Python integer, or raise an error that says which one is none.

    Raises
    ------
    ShapeError, or the given `error`
        If it is not a whole number of at least `low`, or takes more than 64 bits.

    Examples
    --------
    >>> integer("split", "axis", -1)
    -1
    >>> integer("as_strided", "offset", 0.5)
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.ShapeError: as_strided: offset is a whole number, got 0.5
    """
    try:
        number = math.nan if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = math.nan
    if not number >= low:
        least = f" of at least {low}" if low > -math.inf else ""
        raise error(f"{who}: {what} is a whole number{least}, got {value!r}")
    if abs(number) > LARGEST:
        raise error(
            f"{who}: {what} is at most {LARGEST:,}, got an integer of {int(number).bit_length()} bits"
        )
    return int(number)


def whole(who: str, low: int = 1, /, *, error: type[Exception] = ValueError, **sizes: Any) -> list[int]:
    """Return several sizes, each as `integer` does.

    Examples
    --------
    >>> whole("Linear", in_features=4)
    [4]
    >>> whole("Linear", in_features=0)
    Traceback (most recent call last):
    ValueError: Linear: in_features is a whole number of at least 1, got 0
    """
    return [integer(who, name, size, low, error) for name, size in sizes.items()]


def real(
    who: str,
    low: float = -math.inf,
    high: float = math.inf,
    /,
    *,
    below: float = math.inf,
    error: type[Exception] = ValueError,
    **values: Any,
) -> None:
    """Check that values are finite numbers from `low` to `high`, and less than `below`.

    Raises
    ------
    ValueError, or the given `error`
        If one is not.

    Examples
    --------
    >>> real("Dropout", 0, below=1, p=0.5)
    >>> real("Dropout", 0, below=1, p="half")
    Traceback (most recent call last):
    ValueError: Dropout: p is a number with 0 <= p < 1, got 'half'
    """
    for name, value in values.items():
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not (is_number and abs(value) <= sys.float_info.max and low <= value <= high and value < below):
            left = f"{low} <= " if low > -math.inf else ""
            right = f" < {below}" if below < math.inf else f" <= {high}" if high < math.inf else ""
            wanted = f"a number with {left}{name}{right}" if left or right else "a finite number"
            raise error(f"{who}: {name} is {wanted}, got {value!r}")


def several(who: str, what: str, values: Any) -> list:
    """Return what can be gone through, but is neither text nor a mapping, as a list.

    Raises
    ------
    TypeError
        If it cannot.

    Examples
    --------
    >>> several("MultiStepLR", "milestones", (30, 60))
    [30, 60]
    >>> several("MultiStepLR", "milestones", 30)
    Traceback (most recent call last):
    TypeError: MultiStepLR: milestones are several, in a list; got 30
    """
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise TypeError(f"{who}: {what} are several, in a list; got {values!r}")
    return list(values)


def switch(who: str, /, **values: Any) -> None:
    """Check that values are True or False: "no" would count as true.

    Raises
    ------
    ValueError
        If one is not.

    Examples
    --------
    >>> switch("DataLoader", shuffle="no")
    Traceback (most recent call last):
    ValueError: DataLoader: shuffle is True or False, got 'no'
    """
    for name, value in values.items():
        if not isinstance(value, (int, np.bool_)) or value not in (0, 1):
            raise ValueError(f"{who}: {name} is True or False, got {value!r}")


def floating(who: str, what: str, dtype: Any) -> None:
    """Check that numbers of this dtype can take small steps: integers would cut every weight to a whole number.

    Raises
    ------
    DTypeError
        If it is no floating-point type.

    Examples
    --------
    >>> floating("BatchNorm1d", "parameters", "int32")
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.DTypeError: BatchNorm1d: parameters are floating-point numbers, got dtype int32; ...
    """
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise DTypeError(f"{who}: there is no dtype {dtype!r}; use float32") from None
    if dtype.kind != "f":
        raise DTypeError(f"{who}: {what} are floating-point numbers, got dtype {dtype}; use float32")


def text(who: str, /, **values: Any) -> None:
    """Check that values are texts.

    Raises
    ------
    TypeError
        If one is not.

    Examples
    --------
    >>> text("cuda_cell", name=3)
    Traceback (most recent call last):
    TypeError: cuda_cell: name is a text, got 3
    """
    for name, value in values.items():
        if not isinstance(value, str):
            raise TypeError(f"{who}: {name} is a text, got {value!r}")
