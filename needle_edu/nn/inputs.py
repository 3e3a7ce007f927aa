"""What layers share in looking at what they are given: inputs that may be arrays, sizes that must be sizes."""

from __future__ import annotations

import operator
from typing import Any

from ..autograd import Tensor


def as_tensor(x: Any) -> Tensor:
    """`x` if it is a tensor; an array or a list of numbers becomes one that requires no gradient.

    Examples
    --------
    >>> as_tensor([1.0, 2.0])
    Tensor([1., 2.], requires_grad=False)
    """
    return x if isinstance(x, Tensor) else Tensor(x, requires_grad=False)


def positive(who: str, **sizes: Any) -> list[int]:
    """The sizes as Python integers, or an error that says whose size is none.

    Raises
    ------
    ValueError
        If a size is not a whole number of at least 1.

    Examples
    --------
    >>> positive("Linear", in_features=4)
    [4]
    >>> positive("Linear", in_features=0)
    Traceback (most recent call last):
    ValueError: Linear: in_features is a whole number of at least 1, got 0
    """
    numbers = []
    for name, size in sizes.items():
        try:
            number = operator.index(size)
        except TypeError:
            number = 0
        if number < 1:
            raise ValueError(f"{who}: {name} is a whole number of at least 1, got {size!r}")
        numbers.append(number)
    return numbers
