"""Looking at arguments that should be numbers: one clear error each, from whoever takes sizes, rates and shares.

A size of 2.5 or a rate of "0.1" is a slip of the pen. Found where it was made, it costs a second; found three calls
later, as an error of something else or as a model that does not learn, an afternoon.
"""

import math
import numbers
import operator
from typing import Any


def whole(who: str, low: int = 1, /, **sizes: Any) -> list[int]:
    """Return sizes as Python integers, or raise an error that says whose size is none.

    Raises
    ------
    ValueError
        If a size is not a whole number of at least `low`.

    Examples
    --------
    >>> whole("Linear", in_features=4)
    [4]
    >>> whole("Linear", in_features=0)
    Traceback (most recent call last):
    ValueError: Linear: in_features is a whole number of at least 1, got 0
    """
    found = []
    for name, size in sizes.items():
        try:
            number = operator.index(size)
        except TypeError:
            number = low - 1
        if number < low or isinstance(size, bool):
            raise ValueError(f"{who}: {name} is a whole number of at least {low}, got {size!r}")
        found.append(number)
    return found


def real(
    who: str, low: float = -math.inf, high: float = math.inf, /, *, below: float = math.inf, **values: Any
) -> None:
    """Check that values are finite numbers from `low` to `high`, and less than `below`.

    Raises
    ------
    ValueError
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
        if not (is_number and math.isfinite(value) and low <= value <= high and value < below):
            left = f"{low} <= " if low > -math.inf else ""
            right = f" < {below}" if below < math.inf else f" <= {high}" if high < math.inf else ""
            wanted = f"a number with {left}{name}{right}" if left or right else "a finite number"
            raise ValueError(f"{who}: {name} is {wanted}, got {value!r}")


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
        if value not in (True, False) or isinstance(value, float):
            raise ValueError(f"{who}: {name} is True or False, got {value!r}")
