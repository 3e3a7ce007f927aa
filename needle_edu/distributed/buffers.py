"""Arrays as they travel: contiguous NumPy arrays, whatever they were."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.errors import DTypeError


def contiguous(who: str, array: Any) -> np.ndarray:
    """A tensor, an NDArray, a NumPy array or a list as a contiguous NumPy array; without a copy where possible.

    Raises
    ------
    DTypeError
        If it holds anything but numbers and bools.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> contiguous("send", Tensor([1.0, 2.0])[::-1])
    array([2., 1.], dtype=float32)
    """
    try:
        found = np.asarray(readable(array))
    except (TypeError, ValueError):
        raise DTypeError(f"{who}: wanted an array of numbers, got {array!r:.60}") from None
    if found.dtype.kind not in "biuf":
        raise DTypeError(f"{who}: wanted an array of numbers, got dtype {found.dtype}")
    return found if found.flags.c_contiguous else found.copy()
