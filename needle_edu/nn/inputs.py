"""What layers share in looking at what they are given: inputs that may be arrays, dtypes that must be fractions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import Tensor
from ..backend.errors import DTypeError


def as_tensor(x: Any) -> Tensor:
    """`x` if it is a tensor; an array or a list of numbers becomes one that requires no gradient.

    Examples
    --------
    >>> as_tensor([1.0, 2.0])
    Tensor([1., 2.], requires_grad=False)
    """
    return x if isinstance(x, Tensor) else Tensor(x, requires_grad=False)


def floating(who: str, dtype: Any) -> None:
    """Check that parameters of this dtype can take small steps.

    Raises
    ------
    DTypeError
        If it is no floating-point type.

    Examples
    --------
    >>> floating("BatchNorm1d", "int32")
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.DTypeError: BatchNorm1d: parameters are floating-point numbers, got dtype int32; ...
    """
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise DTypeError(f"{who}: there is no dtype {dtype!r}; use float32") from None
    if dtype.kind != "f":
        raise DTypeError(f"{who}: parameters are floating-point numbers, got dtype {dtype}; use float32")
